// Reader of .safetensors: 8 bytes of little-endian header length, a JSON header that gives each
// tensor's type, shape and place, then the bytes.
// Format: https://huggingface.co/docs/safetensors, "Format".
#pragma once

#include "tensor_file.h"

namespace decant {

/// Proves that every tensor lies inside the file, that no two share a byte and that none is unused,
/// as the format demands. Copies no data. Throws Error (kTruncated, kMalformed, kTooLarge).
TensorFile read_safetensors(const FileBytes& file);

}  // namespace decant
