#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "svg.h"
#include "trace_parts.h"
#include "trace_svg.h"

namespace decant::cli {
namespace {

constexpr std::size_t kRows = 10;
constexpr std::size_t kColumns = 3;
constexpr double kMargin = 32;
constexpr double kCellWidth = 280;
constexpr double kGap = 28;
constexpr double kRowHeight = 16;
constexpr double kRowsTop = 44;  // in a cell: below its name and figures
constexpr double kCellHeight = kRowsTop + (kRows + 1) * kRowHeight + 32;
constexpr double kWidth = 2 * kMargin + kColumns * kCellWidth + (kColumns - 1) * kGap;
constexpr double kTextSize = 10.5;
constexpr double kBarX = 92;
constexpr double kBar = 136;

/// A token that has a row in every cell.
struct Row {
  TokenId token = 0;
  std::int64_t rank = 0;
  double raw = 0;
  double most = 0;  // over the strategies, and raw
};

/// The tokens that are most probable before or after some strategy, by raw rank.
std::vector<Row> choose_rows(std::span<const NamedTrace> strategies) {
  std::map<TokenId, Row> seen;
  for (const NamedTrace& strategy : strategies) {
    for (const CandidateTrace& candidate : strategy.trace.candidates) {
      const double raw = raw_probability(candidate);
      const Row fresh{candidate.token, candidate.rank, raw, raw};
      Row& row = seen.try_emplace(candidate.token, fresh).first->second;
      row.most = std::max(row.most, candidate.probability);
    }
  }
  std::vector<Row> rows;
  rows.reserve(seen.size());
  for (const auto& [token, row] : seen) rows.push_back(row);
  std::sort(rows.begin(), rows.end(), [](const Row& left, const Row& right) {
    return std::pair(-left.most, left.rank) < std::pair(-right.most, right.rank);
  });
  rows.resize(std::min(rows.size(), kRows));
  std::sort(rows.begin(), rows.end(),
            [](const Row& left, const Row& right) { return left.rank < right.rank; });
  return rows;
}

/// What the colours mean.
std::string legend(std::span<const NamedTrace> strategies) {
  std::string words = "Probability: wide before, narrow after, grey where removed.";
  const auto u = [](const NamedTrace& strategy) {
    return strategy.trace.draw ? std::optional(strategy.trace.draw->u) : std::nullopt;
  };
  const bool shared = std::all_of(strategies.begin(), strategies.end(), [&](const auto& strategy) {
    return u(strategy) && u(strategy) == u(strategies.front());
  });
  if (shared && !strategies.empty()) {
    words +=
        fmt::format(" Orange: drawn, with u = {} everywhere.", fixed(*u(strategies.front()), 4));
  }
  return words;
}

/// Draws one strategy at the origin. Behind each bar stands the raw one, so that both what was
/// taken and what was given can be seen.
void draw_cell(Svg& svg, const NamedTrace& strategy, const std::vector<Row>& rows, double scale,
               const TokenText& text) {
  const Trace& trace = strategy.trace;
  std::map<TokenId, const CandidateTrace*> survivors;
  for (const CandidateTrace& candidate : trace.candidates) {
    if (survives(candidate)) survivors.emplace(candidate.token, &candidate);
  }
  svg.text(0, 13, "head", strategy.name);
  svg.text(0, 30, "muted",
           fmt::format("{} kept · {} of probability · {} nats", count(trace.survivors),
                       percent(trace.mass_kept), fixed(trace.final_entropy, 2)));
  double y = kRowsTop;
  double raw_left = 1;
  double left = 1;
  std::int64_t others_kept = trace.survivors;
  for (const Row& row : rows) {
    const auto found = survivors.find(row.token);
    const bool kept = found != survivors.end();
    const bool hit = drawn(trace, row.token);
    raw_left -= row.raw;
    svg.begin_group(0, y, fmt::format("class=\"row\" data-token=\"{}\"", row.token));
    svg.token(0, 12, kBarX - 8,
              hit    ? "drawn strong"
              : kept ? ""
                     : "muted",
              name_of(row.token, text), kTextSize);
    svg.rect(kBarX, 2, kBar * row.raw / scale, 12, kept ? "raw" : "gone");
    if (kept) {
      const double probability = found->second->probability;
      svg.rect(kBarX, 4.5, kBar * probability / scale, 7, hit ? "drawn" : "final");
      svg.text(kCellWidth, 12, "end", percent(probability));
      left -= probability;
      --others_kept;
    }
    svg.end_group();
    y += kRowHeight;
  }
  const std::int64_t others = trace.vocab_size - std::ssize(rows);
  if (others == 0) return;
  svg.begin_group(0, y + 2, "class=\"others\"");
  svg.text(0, 12, "muted", fmt::format("+{}", count(others)));
  const auto bar = [&](double probability, double top, double height, std::string_view classes) {
    svg.rect(kBarX, top, kBar * std::clamp(probability / scale, 0.0, 1.0), height, classes);
  };
  bar(raw_left, 2, 12, others_kept > 0 ? "many-raw" : "many-gone");
  if (others_kept > 0) {
    bar(left, 4.5, 7, "many-final");
    svg.text(kCellWidth, 12, "end", percent(std::max(left, 0.0)));
  }
  svg.end_group();
}

}  // namespace

std::string strategies_svg(std::span<const NamedTrace> strategies, const TokenText& text) {
  constexpr std::string_view kTitle = "Strategies on the same logits";
  const std::vector<Row> rows = choose_rows(strategies);
  double scale = 0;
  for (const Row& row : rows) scale = std::max(scale, row.most);
  Svg svg;
  svg.text(kMargin, kMargin + 18, "title", kTitle);
  svg.text(kMargin, kMargin + 42, "muted", legend(strategies));
  const double top = kMargin + 74;
  for (std::size_t i = 0; i < strategies.size(); ++i) {
    const std::size_t column = i % kColumns;
    const std::size_t line = i / kColumns;
    svg.begin_group(kMargin + static_cast<double>(column) * (kCellWidth + kGap),
                    top + static_cast<double>(line) * kCellHeight,
                    fmt::format("class=\"cell\" font-size=\"{}\"", kTextSize));
    draw_cell(svg, strategies[i], rows, scale, text);
    svg.end_group();
  }
  const std::size_t lines = (strategies.size() + kColumns - 1) / kColumns;
  return svg.document(kWidth, top + static_cast<double>(lines) * kCellHeight, kTitle);
}

}  // namespace decant::cli
