// How much memory a reader takes for a file.
#pragma once

#include <cstddef>
#include <functional>

namespace decant::hostile {

/// Expects that `read` never holds more than 4 n + 64 MB, n being the size of the file that it
/// reads, whether it succeeds or throws Error. Counted at operator new, which memory.cpp replaces
/// for the whole test program.
void expect_bounded(std::size_t file_size, const std::function<void()>& read);

}  // namespace decant::hostile
