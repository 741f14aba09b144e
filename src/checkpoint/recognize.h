// Decides whose names a file's tensors have, and finds each tensor by its part.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dialects.h"
#include "tensor_file.h"

namespace decant {

struct Recognized {
  const Dialect* dialect = nullptr;
  std::int64_t n_layer = 1;  ///< as the names count them
  std::int64_t n_head = 1;  ///< as the names count them; 1 where heads have no tensors of their own
  std::unordered_map<std::string_view, const StoredTensor*> by_name;  ///< prefixes stripped
  std::vector<std::string> buffers;  ///< ignored, as the file names them
  std::string evidence;

  /// Null where there is none.
  const StoredTensor* find(const std::string& name) const;
};

/// What the scales of a matrix of integers are called behind the matrix's own name.
inline constexpr std::string_view kScaleSuffix = "_scale";

/// The one of `rows` with the most names in common; where two have the same names, the one whose
/// orientation the fused projection has, then the one whose clues are there. The result points into
/// `rows`. Throws Error (kUnrecognized, kMalformed).
Recognized recognize(const FileBytes& file, const TensorFile& tensors,
                     std::span<const Dialect> rows);

/// Throws kMissingTensor or kUnexpectedTensor where the tensors are not exactly the dialect's;
/// `switched_biases` and `own_head` say what is optional in it and wanted here.
void check_complete(const FileBytes& file, const Recognized& recognized, bool switched_biases,
                    bool own_head);

/// Whether the file holds any bias that the dialect has only sometimes.
bool has_switched_biases(const Recognized& recognized);

}  // namespace decant
