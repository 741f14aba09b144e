// What the pictures are drawn with: shapes, words that are safe in XML, and numbers as people read
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace decant::cli {

/// A document in the making. Coordinates are pixels; a class is one of the style sheet's in
/// svg.cpp, which has all colours and fonts, for light and for dark.
class Svg {
 public:
  void rect(double x, double y, double width, double height, std::string_view classes,
            double radius = 0);
  void line(double x1, double y1, double x2, double y2, std::string_view classes);
  void path(std::string_view data, std::string_view classes);
  /// `words` may hold anything: see xml_text().
  void text(double x, double y, std::string_view classes, std::string_view words);
  /// A token's bytes as visible_token() shows them, cut to `width` whatever the font makes of them;
  /// `size` is that of the text around it.
  void token(double x, double y, double width, std::string_view classes, std::string_view bytes,
             double size = 12);
  /// A group moved to (x, y), with further attributes as they stand; to be closed with end_group().
  void begin_group(double x, double y, std::string_view attributes = {});
  void end_group();
  /// What a browser shows while the pointer rests on the group.
  void tooltip(std::string_view words);

  /// The whole document, of this size; `title` is read to those who cannot see it.
  std::string document(double width, double height, std::string_view title) const;

 private:
  std::string body_;
};

/// A number for an attribute: at most two decimals, none that say nothing.
std::string coordinate(double value);

/// For XML: &, <, > and quotes as entities; what XML cannot hold as U+FFFD.
std::string xml_text(std::string_view words);

/// A token's bytes on one line of at most `cells` cells, the last one an ellipsis where more was
/// there. A space is an open box; control and format characters, bytes that are not UTF-8 and the
/// backslash itself are escapes, so that different tokens look different. A wide character takes
/// two cells, a combining mark one.
std::string visible_token(std::string_view bytes, std::size_t cells);

/// How many cells of a token's font are sure to fit.
std::size_t cells_in(double width, double size = 12);

std::string count(std::int64_t value);        // 50,257
std::string percent(double probability);      // 31.4%, 2.72%, <0.01%
std::string fixed(double value, int digits);  // 1.84

}  // namespace decant::cli
