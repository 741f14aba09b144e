// A fixture's model with a tokenizer that fits it: one token a byte.
#pragma once

#include <stdexcept>
#include <string>

#include "decant/model.h"
#include "decant/tokenizer.h"
#include "fixtures.h"

namespace decant {

inline Fixture fixture(const std::string& name) {
  for (Fixture& f : load_fixtures()) {
    if (f.name == name) return f;
  }
  throw std::runtime_error("no fixture " + name);
}

/// The ids of the fixtures' models (97 of them) are ids of GPT-2, the first 97 of which are bytes:
/// "!" to "~", then three more.
struct SmallModel {
  Fixture data = fixture("course_plain");
  Model model{data.open(), {.weights = WeightFormat::kF32}};
  Tokenizer tokenizer = Tokenizer::gpt2();
  Session session{model, 1};
};

}  // namespace decant
