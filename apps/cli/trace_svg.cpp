#include "trace_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "svg.h"
#include "trace_parts.h"

namespace decant::cli {
namespace {

constexpr double kWidth = 960;
constexpr double kMargin = 32;
constexpr double kInner = kWidth - 2 * kMargin;

/// The picture of one trace, from top to bottom: each part draws itself at y_ and moves y_ on.
class TracePicture {
 public:
  TracePicture(const Trace& trace, const SamplingConfig& config, const TokenText& text)
      : trace_(trace), config_(config), text_(text), rows_(choose_rows(trace, kRows)) {}

  std::string draw() {
    heading();
    figures();
    const double top = y_;
    curve(top);
    distribution();
    y_ = std::max(y_, top + kCurveHeight) + 36;
    stages();
    interval();
    return svg_.document(kWidth, y_ + kMargin, kTitle);
  }

 private:
  static constexpr std::size_t kRows = 20;
  static constexpr std::string_view kTitle = "What the stages did to the next token";
  static constexpr double kCurveHeight = 436;

  void section(double x, std::string_view words, std::string_view more = {}) {
    svg_.text(x, y_ + 13, "head", words);
    if (!more.empty()) svg_.text(x + kInner, y_ + 13, "muted end", more);
  }

  void heading() {
    y_ = kMargin;
    svg_.text(kMargin, y_ + 18, "title", kTitle);
    y_ += 26;
    for (const std::string& line : settings(trace_, config_, 120)) {
      y_ += 18;
      svg_.text(kMargin, y_, "muted", line);
    }
    y_ += 26;
  }

  void figures() {
    auto tile = [&, i = 0](std::string_view label, const std::string& value) mutable {
      const double x = kMargin + i++ * kInner / (trace_.draw ? 5 : 4);
      svg_.text(x, y_ + 10, "muted", label);
      svg_.text(x, y_ + 32, "large", value);
      return x;
    };
    tile("tokens kept", fmt::format("{} of {}", count(trace_.survivors), count(trace_.vocab_size)));
    tile("probability kept", percent(trace_.mass_kept));
    tile("entropy, in nats",
         fmt::format("{} → {}", fixed(trace_.entropy, 2), fixed(trace_.final_entropy, 2)));
    tile("perplexity",
         fmt::format("{} → {}", perplexity(trace_.entropy), perplexity(trace_.final_entropy)));
    if (trace_.draw) {
      const double x = tile(fmt::format("drawn at u = {}", fixed(trace_.draw->u, 4)), "");
      svg_.begin_group(x, y_ + 32, "font-size=\"16\"");
      svg_.token(0, 0, kMargin + kInner - x, "drawn strong", name_of(trace_.draw->token, text_),
                 16);
      svg_.end_group();
    }
    y_ += 66;
  }

  static std::string perplexity(double entropy) {
    const double value = std::exp(entropy);
    return value < 999.95 ? fixed(value, 1) : count(std::llround(value));
  }

  // The table of candidates. Both columns of bars have one scale; the others' bar, a sum, is
  // hatched and ends where the column does.
  static constexpr double kRowHeight = 20;
  static constexpr double kRankX = 34;
  static constexpr double kTokenX = 44;
  static constexpr double kTokenWidth = 120;
  static constexpr double kRawX = 224;
  static constexpr double kFinalX = 428;
  static constexpr double kBar = 144;

  void distribution() {
    double scale = 0;
    for (const CandidateTrace* row : rows_) {
      scale = std::max({scale, raw_probability(*row), row->probability});
    }
    section(kMargin, "Probability, by rank");
    y_ += 20;
    svg_.text(kMargin + kRankX, y_ + 12, "muted small end", "rank");
    svg_.text(kMargin + kTokenX, y_ + 12, "muted", "token");
    svg_.text(kMargin + kRawX, y_ + 12, "muted", "before");
    svg_.text(kMargin + kFinalX, y_ + 12, "muted", "after");
    y_ += 20;
    for (const CandidateTrace* row : rows_) candidate_row(*row, scale);
    others_row(scale);
  }

  void candidate_row(const CandidateTrace& row, double scale) {
    const bool kept = survives(row);
    const bool hit = drawn(trace_, row.token);
    const std::string name = name_of(row.token, text_);
    const std::string reason = kept             ? ""
                               : row.removed_by ? trace_.stages[*row.removed_by].name
                                                : "impossible";
    svg_.begin_group(kMargin, y_,
                     fmt::format("class=\"row\" data-token=\"{}\"{}", row.token,
                                 kept ? "" : " data-removed-by=\"" + xml_text(reason) + '"'));
    svg_.tooltip(fmt::format("{} {} · logit {:.4f} · log-probability {:.4f}", row.token,
                             text_ ? visible_token(name, 200) : "", row.logit, row.logprob));
    if (hit) svg_.rect(-8, 0, kFinalX + kBar + 16, kRowHeight, "row-drawn", 4);
    svg_.text(kRankX, 14, "faint end small", count(row.rank + 1));
    svg_.token(kTokenX, 14, kTokenWidth, hit ? "drawn strong" : kept ? "" : "muted", name);
    svg_.text(kRawX - 8, 14, kept ? "end" : "end muted", percent(raw_probability(row)));
    svg_.rect(kRawX, 4, kBar * raw_probability(row) / scale, 12, kept ? "raw" : "gone");
    if (kept) {
      svg_.text(kFinalX - 8, 14, "end", percent(row.probability));
      svg_.rect(kFinalX, 4, kBar * row.probability / scale, 12, hit ? "drawn" : "final");
    } else {
      tag(kFinalX, reason);
    }
    svg_.end_group();
    y_ += kRowHeight;
  }

  void tag(double x, std::string_view words) {
    svg_.rect(x, 2.5, 6.3 * static_cast<double>(words.size()) + 12, 15, "tag", 7.5);
    svg_.text(x + 6, 13.5, "muted small", words);
  }

  void others_row(double scale) {
    const auto listed = std::ssize(rows_);
    const std::int64_t others = std::ssize(trace_.candidates) - listed + trace_.others;
    if (others == 0) return;
    double raw = 1;
    double left = 1;
    std::int64_t kept = trace_.survivors;
    for (const CandidateTrace* row : rows_) {
      raw -= raw_probability(*row);
      left -= row->probability;
      if (survives(*row)) --kept;
    }
    svg_.begin_group(kMargin, y_ + 4, "class=\"others\"");
    const auto sum = [&](double x, double probability, std::string_view classes) {
      svg_.text(x - 8, 14, "end", percent(std::max(probability, 0.0)));
      svg_.rect(x, 4, kBar * std::clamp(probability / scale, 0.0, 1.0), 12, classes);
    };
    svg_.text(kTokenX, 14, "muted", fmt::format("+{} others", count(others)));
    sum(kRawX, raw, kept > 0 ? "many-raw" : "many-gone");
    if (kept > 0) {
      sum(kFinalX, left, "many-final");
    } else {
      tag(kFinalX, "all removed");
    }
    svg_.end_group();
    y_ += kRowHeight + 4;
  }

  // Probability against rank, both on log scales, where a cut is a vertical line.
  static constexpr double kPlotX = kMargin + 652;
  static constexpr double kPlotWidth = kMargin + kInner - kPlotX;
  static constexpr double kPlotTop = 40;
  static constexpr double kPlotHeight = 300;

  void curve(double top) {
    double least = 0;  // in decades
    double last = 10;  // rank, from 1
    for (const CandidateTrace& candidate : trace_.candidates) {
      for (const double probability : {raw_probability(candidate), candidate.probability}) {
        if (probability < 1e-9) continue;
        least = std::min(least, std::floor(std::log10(probability)));
        last = std::max(last, static_cast<double>(candidate.rank + 1));
      }
    }
    const double right = std::log10(last * 1.1);
    const auto x = [&](double rank) { return kPlotX + kPlotWidth * std::log10(rank) / right; };
    const auto y = [&](double decades) {
      return top + kPlotTop + kPlotHeight * decades / std::min(least, -1.0);
    };
    svg_.text(kPlotX - 40, top + 13, "head", "The same, on log scales");
    plot_axes(last, static_cast<int>(std::min(least, -1.0)), x, y);
    plot_dots(least, x, y);
    plot_cuts(top, x);
    plot_legend(top + kPlotTop + kPlotHeight + 56);
  }

  template <typename X, typename Y>
  void plot_axes(double last, int least, const X& x, const Y& y) {
    constexpr std::string_view kPower[] = {"100%", "10%",  "1%",   "0.1%", "0.01%",
                                           "10⁻⁵", "10⁻⁶", "10⁻⁷", "10⁻⁸", "10⁻⁹"};
    for (int decade = 0; decade >= least; --decade) {
      svg_.line(kPlotX, y(decade), kPlotX + kPlotWidth, y(decade), "rule");
      svg_.text(kPlotX - 6, y(decade) + 4, "faint end small", kPower[-decade]);
    }
    const double bottom = y(least);
    for (double power = 1; power <= last; power *= 10) {
      for (const double digit : {1, 2, 5}) {
        const double rank = power * digit;
        if (rank > last || (digit > 1 && last > 100)) continue;
        svg_.line(x(rank), bottom, x(rank), bottom + 4, "rule");
        svg_.text(x(rank), bottom + 16, "faint middle small", count(std::llround(rank)));
      }
    }
    svg_.text(kPlotX + kPlotWidth, bottom + 32, "faint end small", "rank");
  }

  template <typename X, typename Y>
  void plot_dots(double least, const X& x, const Y& y) {
    std::string raw;
    std::string gone;
    std::string final;
    std::string hit;
    const auto dot = [&](std::string& path, const CandidateTrace& candidate, double probability) {
      const double decades = std::log10(probability);
      if (!(decades >= least)) return;
      path +=
          fmt::format("M{:.1f} {:.1f}h0", x(static_cast<double>(candidate.rank + 1)), y(decades));
    };
    // Far down, neighbours would lie on one another: a step of four percent is enough.
    for (std::size_t i = 0; i < trace_.candidates.size(); i += std::max<std::size_t>(1, i / 24)) {
      const CandidateTrace& candidate = trace_.candidates[i];
      const bool kept = survives(candidate);
      dot(kept ? raw : gone, candidate, raw_probability(candidate));
      if (kept) dot(final, candidate, candidate.probability);
    }
    for (const CandidateTrace& candidate : trace_.candidates) {
      if (drawn(trace_, candidate.token)) dot(hit, candidate, candidate.probability);
    }
    svg_.path(gone, "dots gone");
    svg_.path(raw, "dots raw");
    svg_.path(final, "dots final");
    if (!hit.empty()) svg_.path(hit, "dots drawn");
  }

  /// A line for each stage that cut the ranking in two: all that it kept before all that it
  /// removed.
  template <typename X>
  void plot_cuts(double top, const X& x) {
    double label = top + kPlotTop + 12;
    for (std::size_t stage = 0; stage < trace_.stages.size(); ++stage) {
      std::int64_t last_kept = -1;
      std::int64_t first_removed = trace_.vocab_size;
      for (const CandidateTrace& candidate : trace_.candidates) {
        if (candidate.removed_by == stage) {
          first_removed = std::min(first_removed, candidate.rank);
        } else if (!candidate.removed_by || *candidate.removed_by > stage) {
          last_kept = std::max(last_kept, candidate.rank);
        }
      }
      if (first_removed == trace_.vocab_size || first_removed < last_kept) continue;
      const double at = x(static_cast<double>(first_removed) + 0.5);
      svg_.line(at, top + kPlotTop, at, top + kPlotTop + kPlotHeight, "cut");
      const bool left = at > kPlotX + 0.6 * kPlotWidth;
      svg_.text(left ? at - 5 : at + 5, label, left ? "muted small halo end" : "muted small halo",
                trace_.stages[stage].name);
      label += 14;
    }
  }

  void plot_legend(double y) {
    const auto entry = [&](double x, double down, std::string_view dot, std::string_view words) {
      svg_.path(fmt::format("M{} {}h0", coordinate(x), coordinate(y + down - 4)), dot);
      svg_.text(x + 10, y + down, "muted small", words);
    };
    entry(kPlotX, 0, "dots raw", "before");
    entry(kPlotX, 18, "dots gone", "removed");
    entry(kPlotX + kPlotWidth / 2, 0, "dots final", "after");
    if (trace_.draw) entry(kPlotX + kPlotWidth / 2, 18, "dots drawn", "drawn");
  }

  // One line a stage. The bar is the probability that went in: what is grey went out.
  void stages() {
    constexpr double kMassX = 140;
    constexpr double kMass = 300;
    constexpr double kKept = 520;
    constexpr double kRemoved = 608;
    constexpr double kMassRemoved = 708;
    constexpr double kThreshold = 804;
    section(kMargin, "What each stage did");
    y_ += 22;
    svg_.begin_group(kMargin, y_);
    svg_.text(kMassX, 12, "muted", "probability that went in");
    svg_.text(kKept, 12, "muted end", "kept");
    svg_.text(kRemoved, 12, "muted end", "removed");
    svg_.text(kMassRemoved, 12, "muted end", "mass removed");
    svg_.text(kThreshold, 12, "muted end", "cut below");
    svg_.text(kInner, 12, "muted end", "entropy");
    svg_.end_group();
    y_ += 20;
    const auto line = [&](const StageTrace& stage) {
      svg_.begin_group(kMargin, y_, "class=\"stage\"");
      svg_.line(0, 0, kInner, 0, "rule");
      svg_.text(0, 17, "strong", stage.name);
      const double kept = kMass * (1 - stage.mass_removed);
      svg_.rect(kMassX, 7, kMass, 12, "gone");
      svg_.rect(kMassX, 7, kept, 12, "final");
      svg_.text(kKept, 17, "end", count(stage.kept));
      svg_.text(kRemoved, 17, "end", stage.removed > 0 ? count(stage.removed) : "–");
      svg_.text(kMassRemoved, 17, "end", stage.removed > 0 ? percent(stage.mass_removed) : "–");
      svg_.text(kThreshold, 17, "end",
                stage.threshold ? fmt::format("{:.3g}", *stage.threshold) : "–");
      svg_.text(kInner, 17, "end", fixed(stage.entropy, 2));
      svg_.end_group();
      y_ += 26;
    };
    StageTrace raw;
    raw.name = "raw";
    raw.kept = trace_.possible;
    raw.removed = trace_.vocab_size - trace_.possible;
    raw.entropy = trace_.entropy;
    line(raw);
    for (const StageTrace& stage : trace_.stages) line(stage);
    y_ += 30;
  }

  // The final distribution laid end to end. What is too thin to be seen is one hatched piece.
  static constexpr double kPieceHeight = 34;

  void interval() {
    section(kMargin, "The draw: one number u, laid along the ranking");
    y_ += 24;
    if (trace_.draw) y_ += 26;
    const auto x = [](double u) { return kMargin + kInner * u; };
    double begin = 0;
    double thin = 0;  // where the pieces too thin to be seen begin
    for (const CandidateTrace* candidate : ranked_survivors(trace_)) {
      const double end = begin + candidate->probability;
      if (kInner * candidate->probability >= 2) {
        piece(x(begin), x(end), *candidate);
        thin = end;
      }
      begin = end;
    }
    if (thin < 1 - 1e-6) svg_.rect(x(thin), y_, x(1) - x(thin), kPieceHeight, "many-final");
    if (trace_.draw) needle(x(trace_.draw->u));
    y_ += kPieceHeight;
    for (const double tick : {0.0, 0.25, 0.5, 0.75, 1.0}) {
      svg_.line(x(tick), y_ + 3, x(tick), y_ + 8, "rule");
      svg_.text(x(tick), y_ + 21,
                tick == 0   ? "faint small"
                : tick == 1 ? "faint small end"
                            : "faint small middle",
                fmt::format("{:g}", tick));
    }
    y_ += 20;
  }

  /// One survivor's share of [0, 1). Its text keeps clear of the needle.
  void piece(double begin, double end, const CandidateTrace& candidate) {
    const bool hit = drawn(trace_, candidate.token);
    const double gap = end - begin > 4 ? 1.5 : 0;
    svg_.rect(begin, y_, end - begin - gap, kPieceHeight, hit ? "drawn" : "final");
    if (hit) {
      const double at = kMargin + kInner * trace_.draw->u;
      (at - begin > end - at ? end : begin) = at;
    }
    constexpr double kPadding = 6;
    const double room = end - begin - 2 * kPadding;
    const std::string name = name_of(candidate.token, text_);
    // Of one that is cut off, less than this is not legible.
    if (room < 30 && visible_token(name, cells_in(room)) != visible_token(name, 100)) return;
    svg_.token(begin + kPadding, y_ + 21, room, hit ? "on strong" : "on", name);
  }

  void needle(double at) {
    const DrawTrace& draw = *trace_.draw;
    // Enough decimals to tell where a narrow interval begins and ends.
    const int digits =
        std::clamp(static_cast<int>(std::ceil(1 - std::log10(draw.end - draw.begin))), 4, 9);
    const bool left = draw.u > 0.5;
    svg_.path(
        fmt::format("M{} {}v{}", coordinate(at), coordinate(y_ - 8), coordinate(kPieceHeight + 12)),
        "needle");
    svg_.text(
        left ? at + 1 : at - 1, y_ - 14, left ? "end" : "",
        fmt::format("u = {} falls into [{}, {}), rank {}", fixed(draw.u, digits),
                    fixed(draw.begin, digits), fixed(draw.end, digits), count(draw.rank + 1)));
  }

  const Trace& trace_;
  const SamplingConfig& config_;
  const TokenText& text_;
  std::vector<const CandidateTrace*> rows_;
  Svg svg_;
  double y_ = 0;
};

}  // namespace

std::string trace_svg(const Trace& trace, const SamplingConfig& config, const TokenText& text) {
  return TracePicture(trace, config, text).draw();
}

}  // namespace decant::cli
