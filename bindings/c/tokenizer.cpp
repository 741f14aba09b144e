#include "decant/tokenizer.h"

#include "boundary.h"
#include "handles.h"

using namespace decant::c;

extern "C" {

decant_status decant_tokenizer_gpt2(decant_tokenizer** tokenizer) noexcept {
  return guarded([&] {
    decant_tokenizer*& made = output(tokenizer, "tokenizer");
    made = make_handle<decant_tokenizer>(decant::Tokenizer::gpt2());
  });
}

decant_status decant_tokenizer_load(const char* path, size_t path_size,
                                    decant_tokenizer** tokenizer) noexcept {
  return guarded([&] {
    decant_tokenizer*& made = output(tokenizer, "tokenizer");
    made = make_handle<decant_tokenizer>(decant::Tokenizer::load(file_path(path, path_size)));
  });
}

void decant_tokenizer_destroy(decant_tokenizer* tokenizer) noexcept { delete tokenizer; }

decant_status decant_tokenizer_encode(const decant_tokenizer* tokenizer, const char* text,
                                      size_t text_size, int32_t** tokens,
                                      size_t* token_count) noexcept {
  return guarded([&] {
    int32_t*& data = output(tokens, "tokens");
    size_t& size = output(token_count, "token_count");
    const std::string_view bytes = decant::c::text(text, text_size, "text");
    give(need(tokenizer, "tokenizer").tokenizer.encode(bytes), data, size);
  });
}

decant_status decant_tokenizer_decode(const decant_tokenizer* tokenizer, const int32_t* tokens,
                                      size_t token_count, char** text, size_t* text_size) noexcept {
  return guarded([&] {
    char*& data = output(text, "text");
    size_t& size = output(text_size, "text_size");
    const auto ids = array(tokens, token_count, "tokens");
    give(need(tokenizer, "tokenizer").tokenizer.decode(ids), data, size);
  });
}

decant_status decant_tokenizer_token_bytes(const decant_tokenizer* tokenizer, int32_t token,
                                           const char** bytes, size_t* bytes_size) noexcept {
  return guarded([&] {
    const char*& data = output(bytes, "bytes");
    size_t& size = output(bytes_size, "bytes_size");
    const std::string_view found = need(tokenizer, "tokenizer").tokenizer.token_bytes(token);
    data = found.data();
    size = found.size();
  });
}

decant_status decant_tokenizer_vocab_size(const decant_tokenizer* tokenizer,
                                          size_t* vocab_size) noexcept {
  return guarded([&] {
    size_t& size = output(vocab_size, "vocab_size");
    size = need(tokenizer, "tokenizer").tokenizer.vocab_size();
  });
}

decant_status decant_tokenizer_end_of_text(const decant_tokenizer* tokenizer,
                                           int32_t* token) noexcept {
  return guarded([&] {
    int32_t& end = output(token, "token");
    end = need(tokenizer, "tokenizer").tokenizer.end_of_text().value_or(-1);
  });
}

}  // extern "C"
