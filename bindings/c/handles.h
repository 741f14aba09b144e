// What stands behind the handles of decant.h. A handle shares what it needs of another.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "decant/model.h"
#include "decant/sampling.h"
#include "decant/tokenizer.h"

struct decant_pipeline {
  decant::Pipeline pipeline;
};

struct decant_tokenizer {
  decant::Tokenizer tokenizer;
};

struct decant_model {
  std::shared_ptr<const decant::Model> model;
  std::string notes;
};

struct decant_session {
  std::shared_ptr<const decant::Model> model;  // outlives the session: declared before it
  decant::Session session;
};

namespace decant::c {

/// A handle that its _destroy() will delete.
template <typename Handle, typename... Parts>
Handle* make_handle(Parts&&... parts) {
  return new Handle{std::forward<Parts>(parts)...};
}

}  // namespace decant::c
