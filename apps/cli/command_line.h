// What was typed, before CLI11 reads it: that takes the next option for the value of the one before
// it, and lists what it does not know from the end.
#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>
#include <string_view>

namespace decant::cli {

/// Throws Error (kInvalidOption) for the first of `words`, which stand behind the name of
/// `command`, that is no option of it, or an option without its value; and for a text where the
/// command takes none. Does nothing where they ask for --help.
void check_words(const CLI::App& command, std::span<const char* const> words);

/// ": did you mean --top-k?" for an option that `command` does not have; empty where none of its
/// own is alike.
std::string did_you_mean(const CLI::App& command, std::string_view typed);

}  // namespace decant::cli
