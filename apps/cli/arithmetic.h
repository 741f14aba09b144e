// How fast this machine multiplies and adds: the floor under prompts and batches, which use each
// weight that is read for many tokens.
#pragma once

namespace decant::cli {

/// What a product multiplies: floats, or integers of 8 bits (q8 and q4).
enum class Numbers { kFloats, kBytes };

/// Multiplications and additions a second of as many threads, each of which does nothing else for
/// some milliseconds: fused multiply-adds in the widest vectors, or dot products of four bytes
/// where the processor has them (VNNI) and else of pairs of 16 bits. Throws std::runtime_error
/// where a sum is wrong.
double operations_per_second(Numbers numbers, int threads);

}  // namespace decant::cli
