// Runs the program as a shell would, and catches what it says.
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "temp_folder.h"

namespace decant {

struct Outcome {
  int status = 0;  // exit status, as a shell gives it
  std::string out;
  std::string err;
};

inline std::string read_all(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Runs a shell command in which $decant is the program, with stdout and stderr caught where the
/// command does not send them elsewhere itself.
inline Outcome shell(const std::string& command) {
  const TempFolder folder;
  const std::string out = (folder.path() / "out").string();
  const std::string err = (folder.path() / "err").string();
  const std::string line =
      "decant='" DECANT_PROGRAM "'; { " + command + "\n} </dev/null >" + out + " 2>" + err;
  const int status = std::system(line.c_str());
  return {WEXITSTATUS(status), read_all(out), read_all(err)};
}

}  // namespace decant
