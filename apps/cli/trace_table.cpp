#include "trace_table.h"

#include <fmt/format.h>
#include <locale.h>
#include <wchar.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "svg.h"
#include "trace_parts.h"

namespace decant::cli {
namespace {

using Row = const CandidateTrace*;

constexpr std::size_t kWidth = 78;

// The C library's table of widths, which is the one that terminals follow; it is asked in UTF-8
// whatever the locale of the user.
std::size_t display_width(const std::string& text) {
  static const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", locale_t{});
  const locale_t before = ::uselocale(utf8);
  std::vector<wchar_t> wide(text.size() + 1);
  const std::size_t length = std::mbstowcs(wide.data(), text.c_str(), wide.size());
  const int width = length == static_cast<std::size_t>(-1) ? -1 : ::wcswidth(wide.data(), length);
  ::uselocale(before);
  return width < 0 ? text.size() : static_cast<std::size_t>(width);
}

std::string repeat(std::string_view piece, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += piece;
  return out;
}

std::string left(const std::string& text, std::size_t cells) {
  return text + std::string(cells - std::min(cells, display_width(text)), ' ');
}

// A bar in eighths of a cell; what is not nothing shows.
std::string bar(double fraction, std::size_t cells) {
  constexpr std::string_view kParts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto all = static_cast<double>(8 * cells);
  auto eighths = static_cast<std::size_t>(std::lround(std::clamp(fraction, 0.0, 1.0) * all));
  if (eighths == 0 && fraction > 0) eighths = 1;
  return left(repeat("█", eighths / 8) + std::string(kParts[eighths % 8]), cells);
}

std::string without_end_spaces(const std::string& line) {
  return line.substr(0, line.find_last_not_of(' ') + 1);
}

class TraceTable {
 public:
  TraceTable(const Trace& trace, const SamplingConfig& config, const TableStyle& style,
             const TokenText& text)
      : trace_(trace), config_(config), style_(style), text_(text) {}

  std::string print() {
    for (const std::string& words : settings(trace_, config_, 72)) line(" " + words);
    line("");
    stages();
    tokens();
    if (trace_.draw) draw();
    return std::move(out_);
  }

 private:
  enum Weight { kNormal, kDim, kBold };

  void line(const std::string& words, Weight weight = kNormal) {
    const char* code = weight == kDim ? "\x1b[2m" : "\x1b[1m";
    const bool styled = style_.ansi && weight != kNormal;
    out_ += (styled ? code : "") + without_end_spaces(words) + (styled ? "\x1b[0m\n" : "\n");
  }

  void stages() {
    const auto row = [this](std::string_view stage, std::string_view kept, std::string_view removed,
                            std::string_view mass, std::string_view cut, std::string_view entropy,
                            std::string_view perplexity, Weight weight = kNormal) {
      line(fmt::format(" {:<15}{:>9}{:>9}{:>14}{:>11}{:>9}{:>11}", stage, kept, removed, mass, cut,
                       entropy, perplexity),
           weight);
    };
    row("stage", "kept", "removed", "mass removed", "cut below", "entropy", "perplexity", kDim);
    row("raw", count(trace_.possible), count(trace_.vocab_size - trace_.possible), "", "",
        fixed(trace_.entropy, 3), perplexity(trace_.entropy));
    for (const StageTrace& stage : trace_.stages) {
      row(stage.name, count(stage.kept), count(stage.removed), percent(stage.mass_removed),
          stage.threshold ? fmt::format("{:.3g}", *stage.threshold) : "", fixed(stage.entropy, 3),
          perplexity(stage.entropy));
    }
    line("");
  }

  static std::string perplexity(double entropy) {
    const double value = std::exp(entropy);
    return value < 100 ? fixed(value, 1) : count(std::llround(value));
  }

  void tokens() {
    const std::vector<Row> rows = choose_rows(trace_, static_cast<std::size_t>(style_.top));
    double before = trace_.others_probability;
    double after = 0;
    double largest = 0;
    const std::int64_t others = trace_.others + std::ssize(trace_.candidates) - std::ssize(rows);
    auto next = rows.begin();  // both are in the order of the ranks
    for (const CandidateTrace& candidate : trace_.candidates) {
      if (next != rows.end() && *next == &candidate) {
        largest = std::max({largest, raw_probability(candidate), candidate.probability});
        ++next;
      } else {
        before += raw_probability(candidate);
        after += candidate.probability;
      }
    }

    line(fmt::format(" {:>7}{:>8}  {}{:>7} {}{:>7}", "rank", "token", text_ ? left("text", 15) : "",
                     "before", std::string(bar_cells(), ' '), "after"),
         kDim);
    for (const Row row : rows) {
      const double raw = raw_probability(*row);
      const bool hit = drawn(trace_, row->token);
      const std::string head =
          fmt::format("{}{:>7}{:>8}  {}{:>7} {}", hit ? "▸" : " ", count(row->rank + 1), row->token,
                      text_ ? left(visible_token(text_(row->token), 14), 15) : "", percent(raw),
                      bar(raw / largest, bar_cells()));
      if (survives(*row)) {
        line(head + fmt::format("{:>7} {}", percent(row->probability),
                                bar(row->probability / largest, bar_cells())),
             hit ? kBold : kNormal);
      } else {
        line(head + "      – " + removed_by(*row), kDim);
      }
    }
    if (others > 0) {
      // A sum of many is no token: it has no bar.
      line(fmt::format(" {}{:>7} {}{:>7}",
                       left(fmt::format("     + {} others", count(others)), text_ ? 32 : 17),
                       percent(before), std::string(bar_cells(), ' '),
                       after > 0 ? percent(after) : "–"),
           after > 0 ? kNormal : kDim);
    }
  }

  std::size_t bar_cells() const { return text_ ? 15 : 22; }

  std::string removed_by(const CandidateTrace& row) const {
    return row.removed_by ? trace_.stages[*row.removed_by].name : "impossible";
  }

  void draw() {
    const DrawTrace& draw = *trace_.draw;
    // Enough decimals to tell where a narrow interval begins and ends.
    const int digits =
        std::clamp(static_cast<int>(std::ceil(1 - std::log10(draw.end - draw.begin))), 4, 9);
    line("");
    const std::string shown = text_ ? visible_token(text_(draw.token), 14) : "";
    line(fmt::format(" u = {} → token {}{}{} in [{}, {}), rank {} of {}", fixed(draw.u, digits),
                     draw.token, text_ ? " " : "", shown, fixed(draw.begin, digits),
                     fixed(draw.end, digits), count(draw.rank + 1), count(trace_.survivors)));
    // The survivors laid on [0, 1): the drawn one is solid, its neighbours take turns.
    const std::vector<Row> ranking = ranked_survivors(trace_);
    std::string strip;
    std::size_t i = 0;
    double end = ranking.empty() ? 1 : ranking.front()->probability;
    const auto needle = static_cast<std::size_t>(draw.u * kWidth);
    for (std::size_t cell = 0; cell < kWidth; ++cell) {
      const double middle = (static_cast<double>(cell) + 0.5) / static_cast<double>(kWidth);
      while (end <= middle && i + 1 < ranking.size()) end += ranking[++i]->probability;
      const bool hit = cell == needle || (draw.begin <= middle && middle < draw.end);
      strip += hit ? "█" : i % 2 == 0 ? "▒" : "░";
    }
    line(fmt::format(" {}\n {:{}}▲", strip, "", needle));
  }

  const Trace& trace_;
  const SamplingConfig& config_;
  const TableStyle& style_;
  const TokenText& text_;
  std::string out_;
};

}  // namespace

std::string trace_table(const Trace& trace, const SamplingConfig& config, const TableStyle& style,
                        const TokenText& text) {
  return TraceTable(trace, config, style, text).print();
}

std::string strategies_table(std::span<const NamedTrace> strategies, const TableStyle& style,
                             const TokenText& text) {
  constexpr std::string_view kHeights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const bool draws = strategies.front().trace.draw.has_value();
  const auto cells = std::min<std::size_t>(static_cast<std::size_t>(style.top), draws ? 11 : 24);
  std::string out;
  const auto line = [&out](const std::string& words) { out += without_end_spaces(words) + "\n"; };
  line(fmt::format(" {:<19}{:>8}{:>9}{:>8}{:>8}  {}{}", "strategy", "tokens", "entropy", "mass",
                   "first", left(fmt::format("the first {}", cells), draws ? 13 : 24),
                   draws ? fmt::format("u = {:.4f}", strategies.front().trace.draw->u) : ""));
  for (const auto& [name, trace] : strategies) {
    double largest = 0;
    for (const CandidateTrace& candidate : trace.candidates) {
      largest = std::max(largest, candidate.probability);
    }
    std::string strip;
    for (std::size_t i = 0; i < std::min(cells, trace.candidates.size()); ++i) {
      const double height = 8 * trace.candidates[i].probability / largest;
      strip +=
          height > 0 ? kHeights[std::min<std::size_t>(static_cast<std::size_t>(height), 7)] : "·";
    }
    std::string drawn_token;
    if (draws) {
      const TokenId token = trace.draw->token;
      drawn_token = text ? visible_token(text(token), 12) : std::to_string(token);
    }
    line(fmt::format(" {:<19}{:>8}{:>9.3f}{:>8}{:>8}  {}{}", name, count(trace.survivors),
                     trace.final_entropy, percent(trace.mass_kept), percent(largest),
                     left(strip, draws ? 13 : 24), drawn_token));
  }
  return out;
}

}  // namespace decant::cli
