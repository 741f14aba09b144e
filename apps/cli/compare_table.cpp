#include "compare_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "svg.h"

namespace decant::cli {
namespace {

constexpr std::size_t kWidth = 100;
constexpr std::size_t kNameWidth = 23;

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80; }

// The bytes of the first character of UTF-8 text.
std::size_t first_length(std::string_view text) {
  std::size_t length = 1;
  while (length < text.size() && continues(text[length])) ++length;
  return length;
}

bool control(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return lead < 0x20 || lead == 0x7F;
  return lead == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

std::size_t characters(std::string_view text) {
  return text.size() - static_cast<std::size_t>(std::ranges::count_if(text, continues));
}

// As many characters as fit, the last one an ellipsis where there are more, and spaces up to there.
std::string cell(std::string_view text, std::size_t width) {
  std::string line = terminal_lines(text, text.size() + 1).front();
  if (characters(line) > width) line = terminal_lines(line, width - 1).front() + "…";
  return line + std::string(width - characters(line), ' ');
}

std::string figure(std::optional<double> value, int digits, std::size_t width) {
  return fmt::format("{:>{}}", value ? fixed(*value, digits) : "-", width);
}

std::string share(std::optional<double> value, std::size_t width) {
  return fmt::format("{:>{}}", value ? fmt::format("{:.1f}%", 100 * *value) : "-", width);
}

std::string row(const ComparedStrategy& strategy) {
  const Figures& figures = strategy.figures;
  std::string line = cell((strategy.interrupted ? "* " : "") + strategy.name, kNameWidth);
  line += fmt::format("{:>6}", strategy.texts.size());
  line += figure(figures.mean_logprob, 3, 8) + figure(figures.perplexity, 2, 9);
  for (const auto& distinct : figures.distinct) line += figure(distinct, 3, 6);
  line += figure(figures.repetition[3], 3, 7) + figure(figures.length, 0, 7);
  line += share(figures.tail_share, 7) + figure(figures.self_bleu, 3, 7);
  return line + fmt::format("{:>8}\n", count(static_cast<std::int64_t>(figures.tokens_per_second)));
}

std::string notes(const Comparison& comparison) {
  std::string notes =
      "\nlog-probability, perplexity: of each new token under the model, before any stage\n"
      "distinct-n: different n-grams of all texts together; rep-4: 4-grams that their own text "
      "had\n"
      "before; tail: tokens beyond the most probable that hold 90%; self-BLEU: 1 if texts are "
      "alike\n";
  const bool deterministic = std::ranges::any_of(
      comparison.strategies, [](const auto& strategy) { return strategy.deterministic; });
  if (deterministic && comparison.samples > 1) {
    notes += fmt::format(
        "Where 1 text stands, nothing is drawn: in distinct-n and self-BLEU it counts as the {} "
        "equal\ntexts that it would be.\n",
        comparison.samples);
  }
  if (comparison.interrupted) {
    notes += "Interrupted: this is what was made until then (* in part).\n";
  }
  return notes;
}

std::string first_text(const Comparison& comparison, const ComparedStrategy& strategy,
                       std::size_t most) {
  std::string section = "\n";
  const bool named = strategy.name != strategy.words && !strategy.words.empty();
  const std::string title = named ? strategy.name + ": " + strategy.words : strategy.name;
  for (const std::string& line : terminal_lines("=== " + title, kWidth)) section += line + "\n";
  if (strategy.texts.empty()) return section;
  const auto lines = terminal_lines(comparison.prompt + strategy.texts.front().text, kWidth);
  for (std::size_t i = 0; i < std::min(most, lines.size()); ++i) section += lines[i] + "\n";
  if (lines.size() > most) {
    section += fmt::format("[{} more lines: --html FILE or --json has all]\n", lines.size() - most);
  }
  return section;
}

}  // namespace

std::vector<std::string> terminal_lines(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  std::size_t used = 0;
  std::size_t space = 0;  // bytes of the line up to its last space, that one included
  while (!text.empty()) {
    const std::string_view character = text.substr(0, first_length(text));
    text.remove_prefix(character.size());
    if (character == "\n") {
      lines.emplace_back();
      used = space = 0;
      continue;
    }
    if (used == width) {
      std::string rest = character == " " || space == 0 ? "" : lines.back().substr(space);
      lines.back().resize(lines.back().size() - rest.size());
      lines.push_back(std::move(rest));
      used = characters(lines.back());
      space = 0;
      if (character == " ") continue;
    }
    lines.back() += character == "\t" ? " " : control(character) ? "\uFFFD" : character;
    ++used;
    if (character == " ") space = lines.back().size();
  }
  return lines;
}

std::string compare_table(const Comparison& comparison, std::size_t text_lines) {
  std::string table = fmt::format(
      "{:>{}}{:>9}{:>15}{:>10}{:>7}{:>14}{:>8}\n"
      "{:<{}}{:>6}{:>8}{:>9}{:>6}{:>6}{:>6}{:>7}{:>7}{:>7}{:>7}{:>8}\n",
      "log-", kNameWidth + 14, "perplex-", "distinct-n", "rep-", "mean", "self-", "tokens",
      "strategy", kNameWidth, "texts", "prob", "ity", "1", "2", "3", "4", "length", "tail", "BLEU",
      "/s");
  for (const ComparedStrategy& strategy : comparison.strategies) table += row(strategy);
  table += notes(comparison);
  for (const ComparedStrategy& strategy : comparison.strategies) {
    table += first_text(comparison, strategy, text_lines);
  }
  return table;
}

}  // namespace decant::cli
