// How fast this machine multiplies and adds: the floor under prompts and batches, which use each
// weight that is read for many tokens.
#pragma once

namespace decant::cli {

/// What a product multiplies: floats, or integers of 8 bits (q8 and q4).
enum class Numbers { kFloats, kBytes };

/// Multiplications and additions a second of as many threads, each of which does nothing else for
/// some milliseconds. Of floats: fused multiply-adds in the widest vectors. Of bytes: dot products
/// of four where the processor has them (VNNI), else of pairs on x86, else what floats give. Throws
/// std::runtime_error where a sum is wrong.
double operations_per_second(Numbers numbers, int threads);

}  // namespace decant::cli
