#include "svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace decant::cli {
namespace {

// Blue and vermilion are Okabe and Ito's (2008), told apart with any colour vision; their lightness
// differs too, so that the picture survives a grey printer.
constexpr std::string_view kStyle = R"(
text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Inter,Arial,sans-serif;
font-variant-numeric:tabular-nums;fill:#1d242d}
.token{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;
white-space:pre}
.title{font-size:20px;font-weight:600}.head{font-size:13px;font-weight:600}
.large{font-size:17px;font-weight:500}.small{font-size:10.5px}.strong{font-weight:600}
.end{text-anchor:end}.middle{text-anchor:middle}
.page{fill:#fff;stroke:#dfe3e8}.muted{fill:#5c6672}.faint{fill:#7d8793}
.raw{fill:#9fc9e4}.gone{fill:#cfd4da}.final{fill:#0072b2}.drawn{fill:#c75300}.row-drawn{fill:#fdf1e7}
.on{fill:#fff}.tag{fill:#eef0f3}.rule{stroke:#e4e7eb}.cut{stroke:#5c6672;stroke-dasharray:3 3}
.needle{stroke:#1d242d;stroke-width:2}.halo{stroke:#fff;stroke-width:4;paint-order:stroke}
.many-raw{fill:url(#many-raw)}.many-gone{fill:url(#many-gone)}.many-final{fill:url(#many-final)}
pattern .raw{stroke:#9fc9e4}pattern .gone{stroke:#cfd4da}pattern .final{stroke:#0072b2}
.dots{fill:none;stroke-linecap:round;stroke-width:4.5}
.dots.raw{stroke:#9fc9e4}.dots.gone{stroke:#cfd4da}.dots.final{stroke:#0072b2}
.dots.drawn{stroke:#c75300;stroke-width:7}
@media (prefers-color-scheme:dark){
text{fill:#e8ebef}.page{fill:#15191e;stroke:#2c333b}.muted{fill:#a5afba}.faint{fill:#8b95a1}
.raw{fill:#2f5f80}.gone{fill:#474f59}.final{fill:#56b4e9}.drawn{fill:#f0883e}.row-drawn{fill:#2e2219}
.on{fill:#0c141b}.tag{fill:#262c33}.rule{stroke:#2c333b}.cut{stroke:#a5afba}
.needle{stroke:#e8ebef}.halo{stroke:#15191e}pattern .raw{stroke:#2f5f80}
pattern .gone{stroke:#474f59}pattern .final{stroke:#56b4e9}
.dots.raw{stroke:#2f5f80}.dots.gone{stroke:#474f59}.dots.final{stroke:#56b4e9}
.dots.drawn{stroke:#f0883e}}
)";

/// The character at the front of `bytes` and its length, or nothing where they are not UTF-8.
struct Character {
  char32_t code = 0;
  std::size_t length = 0;
};

std::optional<Character> front_character(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return Character{lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || bytes.size() < length) return std::nullopt;
  char32_t code = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return std::nullopt;
    code = code << 6 | (byte(i) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < kSmallest[length] || code > 0x10FFFF || surrogate) return std::nullopt;
  return Character{code, length};
}

struct Range {
  char32_t first;
  char32_t last;
};

template <std::size_t N>
bool within(char32_t code, const std::array<Range, N>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](Range range) { return range.first <= code && code <= range.last; });
}

// Controls, and what moves, hides or reverses the text around it.
bool shown_as_escape(char32_t code) {
  constexpr std::array kRanges = {
      Range{0x00, 0x1F},       Range{0x7F, 0xA0},     Range{0xAD, 0xAD},
      Range{0x34F, 0x34F},     Range{0x61C, 0x61C},   Range{0x115F, 0x1160},
      Range{0x17B4, 0x17B5},   Range{0x180B, 0x180F}, Range{0x2000, 0x200F},
      Range{0x2028, 0x202F},   Range{0x205F, 0x206F}, Range{0x3000, 0x3000},
      Range{0x3164, 0x3164},   Range{0xFDD0, 0xFDEF}, Range{0xFE00, 0xFE0F},
      Range{0xFEFF, 0xFEFF},   Range{0xFFA0, 0xFFA0}, Range{0xFFF0, 0xFFFB},
      Range{0xFFFE, 0xFFFF},   Range{0xE000, 0xF8FF}, Range{0x1FFFE, 0x1FFFF},
      Range{0xE0000, 0x10FFFF}};
  return within(code, kRanges);
}

bool wide(char32_t code) {
  constexpr std::array kRanges = {
      Range{0x1100, 0x115F},   Range{0x2E80, 0xA4CF},  Range{0xAC00, 0xD7A3}, Range{0xF900, 0xFAFF},
      Range{0xFE30, 0xFE6F},   Range{0xFF01, 0xFF60},  Range{0xFFE0, 0xFFE6}, Range{0x2600, 0x27BF},
      Range{0x1F000, 0x1FAFF}, Range{0x20000, 0x3FFFD}};
  return within(code, kRanges);
}

/// One character of a token, as it is shown, and the cells that it takes.
struct Glyph {
  std::string shown;
  std::size_t cells = 0;
};

Glyph escape(std::string shown) {
  const std::size_t cells = shown.size();
  return {std::move(shown), cells};
}

Glyph glyph(const Character& character, std::string_view bytes) {
  switch (character.code) {
    case ' ':
      return {"␣", 1};
    case '\n':
      return escape("\\n");
    case '\r':
      return escape("\\r");
    case '\t':
      return escape("\\t");
    case '\\':
      return escape("\\\\");
    default:
      break;
  }
  if (shown_as_escape(character.code)) {
    return escape(fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(character.code)));
  }
  return {std::string(bytes.substr(0, character.length)), wide(character.code) ? 2U : 1U};
}

/// An attribute of a shape, left out where it is 0, which is what absence means.
std::string attribute(std::string_view name, double value) {
  return value == 0 ? "" : fmt::format(" {}=\"{}\"", name, coordinate(value));
}

}  // namespace

std::string coordinate(double value) {
  std::string digits = fmt::format("{:.2f}", value);
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return digits == "-0" ? "0" : digits;
}

std::string xml_text(std::string_view words) {
  std::string out;
  while (!words.empty()) {
    const std::optional<Character> character = front_character(words);
    const char32_t code = character ? character->code : 0;
    const bool control = code < 0x20 && code != '\t' && code != '\n' && code != '\r';
    const std::size_t length = character ? character->length : 1;
    if (control || code == 0xFFFE || code == 0xFFFF) {
      out += "\uFFFD";
    } else if (code == '&') {
      out += "&amp;";
    } else if (code == '<') {
      out += "&lt;";
    } else if (code == '>') {
      out += "&gt;";
    } else if (code == '"') {
      out += "&quot;";
    } else {
      out += words.substr(0, length);
    }
    words.remove_prefix(length);
  }
  return out;
}

std::string visible_token(std::string_view bytes, std::size_t cells) {
  if (bytes.empty()) return "∅";
  std::string out;
  std::size_t used = 0;
  std::string before_last_cell;  // what fits if an ellipsis must follow
  while (!bytes.empty()) {
    const std::optional<Character> character = front_character(bytes);
    const Glyph next =
        character ? glyph(*character, bytes)
                  : escape(fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes.front())));
    if (used + next.cells > cells) return before_last_cell + "…";
    out += next.shown;
    used += next.cells;
    if (used < cells) before_last_cell = out;
    bytes.remove_prefix(character ? character->length : 1);
  }
  return out;
}

std::size_t cells_in(double width, double size) {
  constexpr double kCell = 0.605;  // of the size, in the widest of the fonts
  return static_cast<std::size_t>(std::max(width, 0.0) / (kCell * size));
}

std::string count(std::int64_t value) {
  std::string digits = std::to_string(value);
  for (std::ptrdiff_t i = std::ssize(digits) - 3; i > (value < 0 ? 1 : 0); i -= 3) {
    digits.insert(static_cast<std::size_t>(i), 1, ',');
  }
  return digits;
}

std::string percent(double probability) {
  const double p = 100 * probability;
  if (p <= 0) return "0%";
  if (p < 0.01) return "<0.01%";
  if (p < 9.995) return fmt::format("{:.2f}%", p);
  if (p < 99.95) return fmt::format("{:.1f}%", p);
  return p > 100 - 1e-7 ? "100%" : ">99.9%";
}

std::string fixed(double value, int digits) { return fmt::format("{:.{}f}", value, digits); }

void Svg::rect(double x, double y, double width, double height, std::string_view classes,
               double radius) {
  body_ += fmt::format(R"(<rect class="{}")", classes);
  body_ += attribute("x", x) + attribute("y", y) + attribute("rx", radius);
  body_ += fmt::format(" width=\"{}\" height=\"{}\"/>\n", coordinate(width), coordinate(height));
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view classes) {
  path(fmt::format("M{} {}L{} {}", coordinate(x1), coordinate(y1), coordinate(x2), coordinate(y2)),
       classes);
}

void Svg::path(std::string_view data, std::string_view classes) {
  body_ += fmt::format("<path class=\"{}\" d=\"{}\"/>\n", classes, data);
}

void Svg::text(double x, double y, std::string_view classes, std::string_view words) {
  body_ += "<text";
  if (!classes.empty()) body_ += fmt::format(" class=\"{}\"", classes);
  body_ += attribute("x", x) + attribute("y", y) + ">" + xml_text(words) + "</text>\n";
}

void Svg::token(double x, double y, double width, std::string_view classes, std::string_view bytes,
                double size) {
  const double above = 1.2 * size;
  const std::string shown = visible_token(bytes, cells_in(width, size));
  const std::string all_classes = classes.empty() ? "token" : fmt::format("token {}", classes);
  const auto ascii = [](char byte) { return byte > 0; };
  if (std::all_of(shown.begin(), shown.end(), ascii)) {
    text(x, y, all_classes, shown);  // fits: these characters take one cell in every font
    return;
  }
  body_ += fmt::format("<svg{}{} width=\"{}\" height=\"{}\">\n", attribute("x", x),
                       attribute("y", y - above), coordinate(width), coordinate(1.6 * size));
  text(0, above, all_classes, shown);
  body_ += "</svg>\n";
}

void Svg::begin_group(double x, double y, std::string_view attributes) {
  body_ += fmt::format("<g transform=\"translate({} {})\"", coordinate(x), coordinate(y));
  if (!attributes.empty()) body_ += fmt::format(" {}", attributes);
  body_ += ">\n";
}

void Svg::end_group() { body_ += "</g>\n"; }

void Svg::tooltip(std::string_view words) { body_ += "<title>" + xml_text(words) + "</title>\n"; }

std::string Svg::document(double width, double height, std::string_view title) const {
  const std::string w = coordinate(width);
  const std::string h = coordinate(height);
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
      "viewBox=\"0 0 {0} {1}\" role=\"img\" "
      "font-size=\"12\">\n<title>{2}</title>\n<style>{3}</style>\n",
      w, h, xml_text(title), kStyle);
  for (const std::string_view fill : {"raw", "gone", "final"}) {
    out += fmt::format(
        "<pattern id=\"many-{0}\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" "
        "patternTransform=\"rotate(45)\">"
        "<path class=\"{0}\" stroke-width=\"4\" d=\"M0 0V5\"/></pattern>\n",
        fill);
  }
  out +=
      fmt::format("<rect class=\"page\" x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"10\"/>\n",
                  coordinate(width - 1), coordinate(height - 1));
  return out + body_ + "</svg>\n";
}

}  // namespace decant::cli
