#include "page_buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

namespace decant {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
// Large enough that the small pages at its ends do not count; what of it is not touched takes
// address space only.
constexpr std::size_t kBlock = 64 * kHugePage;

std::size_t round_up(std::size_t size, std::size_t unit) {
  if (size > std::numeric_limits<std::size_t>::max() - unit) throw std::bad_alloc();
  return (size + unit - 1) / unit * unit;
}

}  // namespace

PageBuffer::PageBuffer(std::size_t size) : size_(size) {
  if (size == 0) return;  // mmap refuses an empty range
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  ::madvise(data, size, MADV_HUGEPAGE);  // a wish: without it everything works, more slowly
#endif
  data_ = {static_cast<std::byte*>(data), [size](std::byte* bytes) { ::munmap(bytes, size); }};
}

PageBuffer PageArena::take(std::size_t size) {
  if (size == 0) return {};
  const std::size_t room = round_up(size, kPage);
  if (room > block_.size() - used_) {
    // Whole huge pages, which Linux then aligns to their size.
    block_ = PageBuffer(std::max(kBlock, round_up(room, kHugePage)));
    used_ = 0;
  }
  PageBuffer buffer({block_.data_, block_.data() + used_}, size);
  used_ += room;
  return buffer;
}

}  // namespace decant
