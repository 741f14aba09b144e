// Reader of what torch.save writes since PyTorch 1.6: a zip of stored entries, where NAME/data.pkl
// describes the objects and NAME/data/KEY holds each storage's bytes.
// Format: torch/serialization.py, _save and _load.
#pragma once

#include "tensor_file.h"

namespace decant {

/// Takes the state_dict, be it the whole or under a key such as "model", and leaves the training
/// state beside it alone. Proves that every tensor's elements lie inside its storage. Copies no
/// data and runs nothing. Throws Error (all that ZipArchive and read_pickle throw, kUnrecognized).
TensorFile read_torch_zip(const FileBytes& file);

}  // namespace decant
