// Memory for weights: large, aligned, and touched by whoever fills it.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace decant {

/// Zeroed memory straight from the operating system, in huge pages where it has them: a pass over
/// weights of gigabytes would else spend a good part of its time looking up pages of 4 KB. Aligned
/// to at least 4 KB. A page takes no memory until it is written, by the thread that writes it.
class PageBuffer {
 public:
  PageBuffer() = default;
  /// Throws std::bad_alloc.
  explicit PageBuffer(std::size_t size);
  PageBuffer(PageBuffer&&) noexcept = default;
  PageBuffer& operator=(PageBuffer&&) noexcept = default;

  std::byte* data() { return data_.get(); }
  const std::byte* data() const { return data_.get(); }
  std::size_t size() const { return data_ ? size_ : 0; }

 private:
  friend class PageArena;
  PageBuffer(std::shared_ptr<std::byte> data, std::size_t size)
      : data_(std::move(data)), size_(size) {}

  std::shared_ptr<std::byte> data_;  // keeps all of its mapping
  std::size_t size_ = 0;
};

/// Where many buffers come from that live and die together, side by side: a huge page then spans
/// from one to the next, where buffers of their own would each begin and end with small ones, a
/// megabyte at either end. The memory is given back with the last of them.
class PageArena {
 public:
  /// Throws std::bad_alloc.
  PageBuffer take(std::size_t size);

 private:
  PageBuffer block_;
  std::size_t used_ = 0;
};

}  // namespace decant
