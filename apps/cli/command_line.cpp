#include "command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include "decant/error.h"

namespace decant::cli {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorCode::kInvalidOption, what); }

// What it costs to make b of a (Levenshtein): 1 for each letter to put in, and 2 to take one out or
// change it, as words are left out more often than thought up: max-tokens is max-new-tokens.
std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);  // from the beginning of a to each beginning of b
  std::iota(row.begin(), row.end(), 0);
  for (const char letter : a) {
    std::size_t diagonal = row[0];
    row[0] += 2;
    for (std::size_t i = 0; i < b.size(); ++i) {
      const std::size_t changed = diagonal + (letter == b[i] ? 0 : 2);
      diagonal = row[i + 1];
      row[i + 1] = std::min({changed, row[i] + 1, diagonal + 2});
    }
  }
  return row.back();
}

// -1 is a number, - is stdin.
bool looks_like_an_option(std::string_view word) {
  return word.size() > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9') && word[1] != '.';
}

// How many words `command` takes that belong to no option.
int texts_of(const CLI::App& command) {
  int count = 0;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional()) count += option->get_items_expected_max();
  }
  return count;
}

std::string how_to_give_a_text(const CLI::App& command) {
  for (const char* option : {"--prompt", "--text"}) {
    if (command.get_option_no_throw(option) != nullptr) {
      return fmt::format(": give a text with {}, in quotes", option);
    }
  }
  return {};
}

}  // namespace

void check_words(const CLI::App& command, std::span<const char* const> words) {
  std::optional<std::string> wrong;  // kept until it is sure that --help is not among the words
  const auto note = [&wrong](const std::string& what) {
    if (!wrong) wrong = what + " (see --help)";
  };
  int room = texts_of(command);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "--") break;  // what follows are no options
    if (!looks_like_an_option(word)) {
      if (--room < 0) {
        note(fmt::format("'{}' is not expected{}", word, how_to_give_a_text(command)));
      }
      continue;
    }
    const std::string name(word.substr(0, word.find('=')));
    const CLI::Option* option = command.get_option_no_throw(name);
    if (option == nullptr) {
      note(fmt::format("{} has no option {}{}", command.get_name(), name,
                       did_you_mean(command, name)));
      continue;
    }
    if (option == command.get_help_ptr()) return;
    if (option->get_items_expected_max() == 0 || name != word) continue;  // a flag, or --name=value
    if (++i == words.size()) {
      refuse(fmt::format("{} needs a value ({})", name, option->get_type_name()));
    }
    // What is no option may be the name of the text that the command takes.
    if (!looks_like_an_option(words[i])) continue;
    if (command.get_option_no_throw(words[i]) == nullptr) continue;
    refuse(fmt::format("{0} needs a value ({1}): '{2}' is another option; {0}={2} if you mean it",
                       name, option->get_type_name(), words[i]));
  }
  if (wrong) refuse(*wrong);
}

std::string did_you_mean(const CLI::App& command, std::string_view typed) {
  std::string wanted(typed.substr(std::min(typed.find_first_not_of('-'), typed.size())));
  std::ranges::replace(wanted, '_', '-');
  std::string nearest;
  std::size_t fewest = 2 * wanted.size() / 3 + 1;  // with a third of its letters changed
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      const std::size_t edits = edits_between(wanted, name);
      if (edits >= fewest) continue;
      fewest = edits;
      nearest = name;
    }
  }
  return nearest.empty() ? "" : fmt::format(": did you mean --{}?", nearest);
}

}  // namespace decant::cli
