// What C++20 has and the standard library of older Emscriptens (libc++ before 15; Debian 12 has 13)
// has not yet: std::bit_cast, and the algorithms on ranges that the rooms use. Included before
// every file.
#pragma once

#include <version>

#if defined(_LIBCPP_VERSION) && _LIBCPP_VERSION < 15000

#include <algorithm>
#include <bit>
#include <functional>
#include <iterator>
#include <type_traits>
#include <utility>

namespace std {

#if _LIBCPP_VERSION < 14000
template <typename To, typename From>
constexpr To bit_cast(const From& from) noexcept {
  return __builtin_bit_cast(To, from);
}
#endif

namespace ranges {

// NOLINTBEGIN(cert-dcl58-cpp): a library that has these does not come here.

/// A predicate on elements from one on projections.
template <typename Predicate, typename Projection>
auto on_projection(Predicate predicate, Projection projection) {
  return [=](const auto&... elements) {
    return std::invoke(predicate, std::invoke(projection, elements)...);
  };
}

template <typename Range, typename Value, typename Projection = identity>
auto find(Range&& range, const Value& value, Projection projection = {}) {
  return std::find_if(std::begin(range), std::end(range), [&](const auto& element) {
    return std::invoke(projection, element) == value;
  });
}

template <typename Range, typename Predicate>
auto find_if(Range&& range, Predicate predicate) {
  return std::find_if(std::begin(range), std::end(range), on_projection(predicate, identity{}));
}

template <typename Range, typename Predicate>
auto find_if_not(Range&& range, Predicate predicate) {
  return std::find_if_not(std::begin(range), std::end(range), on_projection(predicate, identity{}));
}

template <typename Range, typename Value, typename Projection = identity>
auto count(Range&& range, const Value& value, Projection projection = {}) {
  return std::count_if(std::begin(range), std::end(range), [&](const auto& element) {
    return std::invoke(projection, element) == value;
  });
}

template <typename Range, typename Predicate>
auto count_if(Range&& range, Predicate predicate) {
  return std::count_if(std::begin(range), std::end(range), on_projection(predicate, identity{}));
}

template <typename Range, typename Predicate>
bool any_of(Range&& range, Predicate predicate) {
  return std::any_of(std::begin(range), std::end(range), on_projection(predicate, identity{}));
}

template <typename Range, typename Predicate>
bool all_of(Range&& range, Predicate predicate) {
  return std::all_of(std::begin(range), std::end(range), on_projection(predicate, identity{}));
}

template <typename Range, typename Predicate>
bool none_of(Range&& range, Predicate predicate) {
  return std::none_of(std::begin(range), std::end(range), on_projection(predicate, identity{}));
}

template <typename One, typename Other>
bool equal(One&& one, Other&& other) {
  return std::equal(std::begin(one), std::end(one), std::begin(other), std::end(other));
}

template <typename One, typename Other>
auto mismatch(One&& one, Other&& other) {
  const auto found =
      std::mismatch(std::begin(one), std::end(one), std::begin(other), std::end(other));
  struct Result {
    decltype(found.first) in1;
    decltype(found.second) in2;
  };
  return Result{found.first, found.second};
}

template <typename One, typename Other>
bool lexicographical_compare(One&& one, Other&& other) {
  return std::lexicographical_compare(std::begin(one), std::end(one), std::begin(other),
                                      std::end(other));
}

template <typename Range, typename Value>
auto lower_bound(Range&& range, const Value& value) {
  return std::lower_bound(std::begin(range), std::end(range), value);
}

template <typename Range, typename Value>
auto upper_bound(Range&& range, const Value& value) {
  return std::upper_bound(std::begin(range), std::end(range), value);
}

template <typename Range, typename Value>
void fill(Range&& range, const Value& value) {
  std::fill(std::begin(range), std::end(range), value);
}

template <typename Range, typename Iterator>
void copy(Range&& range, Iterator out) {
  std::copy(std::begin(range), std::end(range), out);
}

template <typename Range, typename Iterator, typename Function>
void transform(Range&& range, Iterator out, Function function) {
  std::transform(std::begin(range), std::end(range), out, function);
}

template <typename Range>
void reverse(Range&& range) {
  std::reverse(std::begin(range), std::end(range));
}

template <typename Range, typename Compare = less, typename Projection = identity>
void sort(Range&& range, Compare compare = {}, Projection projection = {}) {
  std::sort(std::begin(range), std::end(range), on_projection(compare, projection));
}

template <typename Range, typename Compare = less>
void stable_sort(Range&& range, Compare compare = {}) {
  std::stable_sort(std::begin(range), std::end(range), compare);
}

// NOLINTEND(cert-dcl58-cpp)

}  // namespace ranges
}  // namespace std

#endif
