// Decant for C, and for every language that can call C.
//
// An engine that has logits gets a token, without a model:
//
//     const char* settings = "{\"temperature\": 0.8, \"top_k\": 50, \"top_p\": 0.9}";
//     decant_pipeline* pipeline = NULL;
//     if (decant_pipeline_create(settings, strlen(settings), &pipeline) != DECANT_OK) {
//       fprintf(stderr, "%s\n", decant_last_error(NULL));
//       return 1;
//     }
//     const decant_sampling_input input = {
//         .struct_size = sizeof input, .logits = logits, .vocab_size = 50257};
//     decant_draw draw = {.struct_size = sizeof draw};
//     decant_status status = decant_pipeline_sample(pipeline, &input, seed, 0, position, &draw);
//     ...
//     decant_pipeline_destroy(pipeline);
//
// Errors. A function that can fail returns a decant_status; decant_last_error() then has one line
// that names the file, the tensor or the option, says what is wrong with it and, where it can, what
// to do. What a failed function should have written is NULL or 0. NULL where something is needed,
// and sizes that no array can have, are DECANT_ERROR_INVALID_ARGUMENT. No exception leaves the
// library; it never exits and never prints. (Where memory runs out within the JSON library, which
// reads settings and configs and writes traces, that library ends the program.)
//
// Text and arrays are a pointer and a size, and may be NULL where the size is 0. Text is UTF-8
// where it is for people, and any bytes where it is a model's; a size counts bytes. Inputs are read
// during the call and not kept. Outputs are of two kinds, and each function says which:
//   - owned: the caller ends them with decant_free(). Text is followed by a NUL beyond its size.
//   - borrowed: they belong to the object that gave them, and live as long as is said there.
//
// Objects (decant_pipeline and its like) are made by their own function and ended by their
// _destroy(), which accepts NULL; an object keeps what it needs of another alive, so they may be
// ended in any order. Pipelines and sessions are not for two threads at once; models and tokenizers
// never change, and any number of threads may use them.
//
// Structs begin with struct_size: set it to the struct's sizeof, and all that you do not need to 0,
// which is every member's default. So members can be added at the end. A program that was compiled
// before they were keeps working, as it says how much it has; one that sets a member that this
// library is too old to know gets DECANT_ERROR_INVALID_ARGUMENT.
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define DECANT_API __attribute__((visibility("default")))
#else
#define DECANT_API
#endif

#ifdef __cplusplus
#define DECANT_NOEXCEPT noexcept
extern "C" {
#else
#define DECANT_NOEXCEPT
#endif

/// The library's version, such as "0.1.0".
DECANT_API const char* decant_version(void) DECANT_NOEXCEPT;

// --- Errors -------------------------------------------------------------------------------------

/// What a function came to: DECANT_OK or what kind of thing is wrong. Numbers never change; there
/// may be new ones.
typedef int32_t decant_status;
enum {
  DECANT_OK = 0,
  DECANT_ERROR_INVALID_ARGUMENT = 1,    ///< the call itself is wrong: a NULL, a size, a struct_size
  DECANT_ERROR_OUT_OF_MEMORY = 2,       ///< there is not enough memory
  DECANT_ERROR_INTERNAL = 3,            ///< a bug in Decant, or an exception out of a callback
  DECANT_ERROR_IO = 4,                  ///< a file cannot be opened, read, mapped or written
  DECANT_ERROR_UNRECOGNIZED = 5,        ///< no format, or no dialect, that Decant knows
  DECANT_ERROR_TRUNCATED = 6,           ///< the file ends before what it announces
  DECANT_ERROR_MALFORMED = 7,           ///< the file contradicts itself or its format
  DECANT_ERROR_UNSUPPORTED = 8,         ///< a legal file that uses a feature that is not read
  DECANT_ERROR_FORBIDDEN = 9,           ///< a pickle that wants to do more than describe tensors
  DECANT_ERROR_TOO_LARGE = 10,          ///< an announced size is beyond what the input can hold
  DECANT_ERROR_MISSING_TENSOR = 11,     ///< the dialect needs a tensor that is not there
  DECANT_ERROR_UNEXPECTED_TENSOR = 12,  ///< a tensor is there that the dialect has no place for
  DECANT_ERROR_SHAPE_MISMATCH = 13,     ///< shapes of tensors, or of a tensor and the config
  DECANT_ERROR_INVALID_WEIGHTS = 14,    ///< a weight is NaN or infinite
  DECANT_ERROR_INVALID_LOGITS = 15,     ///< a logit is NaN or +inf, or none is finite
  DECANT_ERROR_NO_CANDIDATES = 16,      ///< the settings forbid every token
  DECANT_ERROR_INVALID_TOKEN = 17,      ///< a token id outside the vocabulary
  DECANT_ERROR_INVALID_OPTION = 18,     ///< an option outside its range
  DECANT_ERROR_CONTEXT_FULL = 19,       ///< more tokens than the position table has rows
  DECANT_ERROR_INVALID_PROMPT = 20      ///< a prompt that is empty, or has what the tokenizer lacks
};

/// The message of the calling thread's latest failure, ended by a NUL; its size into `size` unless
/// that is NULL. Borrowed: until this thread's next call that fails. "" where nothing has failed.
DECANT_API const char* decant_last_error(size_t* size) DECANT_NOEXCEPT;

/// Ends an owned output. Accepts NULL.
DECANT_API void decant_free(void* owned) DECANT_NOEXCEPT;

// --- Sampling: logits to one token --------------------------------------------------------------

/// The stages of one configuration, validated, with their workspace: after the first step of a
/// given vocabulary size, sampling allocates nothing.
typedef struct decant_pipeline decant_pipeline;

/// Makes a pipeline from a JSON object with the members of SamplingConfig, whose meanings, ranges
/// and off-values decant/sampling.h has: {"like": "llama.cpp", "temperature": 0.7, "logit_bias":
/// {"50256": null}, "stages": ["top_k", "temperature"]}. A member that is left out is off or, with
/// "like", what that system has; in "logit_bias", null stands for -inf. Size 0 is {}: all off.
/// DECANT_ERROR_MALFORMED for what is not JSON, DECANT_ERROR_INVALID_OPTION for an unknown member
/// or a value outside its range.
DECANT_API decant_status decant_pipeline_create(const char* settings, size_t settings_size,
                                                decant_pipeline** pipeline) DECANT_NOEXCEPT;
DECANT_API void decant_pipeline_destroy(decant_pipeline* pipeline) DECANT_NOEXCEPT;

/// Every effective value as JSON, stage order included. Owned.
DECANT_API decant_status decant_pipeline_settings(const decant_pipeline* pipeline, char** json,
                                                  size_t* json_size) DECANT_NOEXCEPT;

/// What a step is sampled from.
typedef struct decant_sampling_input {
  size_t struct_size;
  const float* logits;  ///< (V) scores of the next token, one a vocabulary entry; -inf: impossible
  size_t vocab_size;    ///< V, at least 1
  /// The text so far, prompt and completion: what penalties and no_repeat_ngram_size look at.
  /// Tokens outside the vocabulary are passed over. May be left out where those are off.
  const int32_t* history;
  size_t history_size;
  size_t prompt_size;  ///< how many of them are the prompt, at most history_size
} decant_sampling_input;

/// The outcome of one step.
typedef struct decant_draw {
  size_t struct_size;
  double u;            ///< the uniform in [0, 1) that chose the token
  double probability;  ///< in the final distribution, after all stages
  int64_t survivors;   ///< how many tokens the final distribution holds
  int32_t token;
} decant_draw;

/// The uniform at (seed, sequence, position): 53 random bits in [0, 1). `sequence` tells apart the
/// texts made with one seed; `position` is the index of the token to be drawn, counted from the
/// start of the prompt.
DECANT_API double decant_uniform(uint64_t seed, uint64_t sequence,
                                 uint64_t position) DECANT_NOEXCEPT;

/// Draws the next token with the uniform at (seed, sequence, position). DECANT_ERROR_INVALID_LOGITS
/// names the first index that is NaN or +inf; DECANT_ERROR_NO_CANDIDATES where biases or
/// no_repeat_ngram_size forbid every token.
DECANT_API decant_status decant_pipeline_sample(decant_pipeline* pipeline,
                                                const decant_sampling_input* input, uint64_t seed,
                                                uint64_t sequence, uint64_t position,
                                                decant_draw* draw) DECANT_NOEXCEPT;

/// The draw for a uniform of the caller's, 0 <= u < 1 (else DECANT_ERROR_INVALID_ARGUMENT). Fails
/// as decant_pipeline_sample() does.
DECANT_API decant_status decant_pipeline_sample_at(decant_pipeline* pipeline,
                                                   const decant_sampling_input* input, double u,
                                                   decant_draw* draw) DECANT_NOEXCEPT;

/// The final distribution by rank, into the caller's arrays: the first `capacity` tokens and their
/// probabilities; either array may be NULL. `survivors` becomes the number of all, at most V. Fails
/// as decant_pipeline_sample() does.
DECANT_API decant_status decant_pipeline_distribution(decant_pipeline* pipeline,
                                                      const decant_sampling_input* input,
                                                      int32_t* tokens, double* probabilities,
                                                      size_t capacity,
                                                      size_t* survivors) DECANT_NOEXCEPT;

typedef struct decant_tokenizer decant_tokenizer;

/// What a trace shows.
typedef struct decant_trace_options {
  size_t struct_size;
  int64_t top;       ///< so many of the most probable tokens, by raw logit, are listed; 0 or more
  int64_t only_top;  ///< 0: and every survivor; else survivors beyond the top are left out, too
  const double* u;   ///< the uniform of a draw to show, or NULL
  const decant_tokenizer* tokenizer;  ///< gives each token its text, or NULL
} decant_trace_options;

/// What every stage did to these logits, as a JSON object with the members of decant/trace.h's
/// structs; -inf is null. Owned. Fails as decant_pipeline_sample_at() does.
DECANT_API decant_status decant_pipeline_trace(decant_pipeline* pipeline,
                                               const decant_sampling_input* input,
                                               const decant_trace_options* options, char** json,
                                               size_t* json_size) DECANT_NOEXCEPT;

/// One token seen through a pipeline. Logarithms are natural, entropies in nats.
typedef struct decant_token_report {
  size_t struct_size;
  double logprob;        ///< by the raw logits
  double mass_before;    ///< the raw probability of all that rank before it
  double entropy;        ///< of the raw distribution
  double final_logprob;  ///< after all stages; -inf where one removed it
  int64_t rank;          ///< by raw logit; 0 = the most probable, lower id first on ties
} decant_token_report;

/// What the model thought of `token`, and what the stages left of that. DECANT_ERROR_INVALID_TOKEN;
/// fails also as decant_pipeline_sample() does.
DECANT_API decant_status decant_pipeline_report(decant_pipeline* pipeline,
                                                const decant_sampling_input* input, int32_t token,
                                                decant_token_report* report) DECANT_NOEXCEPT;

// --- Tokenizer: text to token ids, and back -----------------------------------------------------

/// GPT-2's own 50,257 tokens, built in.
DECANT_API decant_status decant_tokenizer_gpt2(decant_tokenizer** tokenizer) DECANT_NOEXCEPT;

/// Reads tokenizer.json, vocab.json (with merges.txt beside it), encoder.json (with vocab.bpe), a
/// .tiktoken file, minbpe's .model, nanoGPT's meta.pkl or chars.json, a list of characters; for a
/// folder, the first of these that it has.
DECANT_API decant_status decant_tokenizer_load(const char* path, size_t path_size,
                                               decant_tokenizer** tokenizer) DECANT_NOEXCEPT;
DECANT_API void decant_tokenizer_destroy(decant_tokenizer* tokenizer) DECANT_NOEXCEPT;

/// Token ids of any bytes; special tokens such as "<|endoftext|>" are ordinary text. Where tokens
/// are characters, DECANT_ERROR_INVALID_PROMPT for one that is none of them. Owned.
DECANT_API decant_status decant_tokenizer_encode(const decant_tokenizer* tokenizer,
                                                 const char* text, size_t text_size,
                                                 int32_t** tokens,
                                                 size_t* token_count) DECANT_NOEXCEPT;

/// The bytes of all tokens, one after the other. Owned. DECANT_ERROR_INVALID_TOKEN.
DECANT_API decant_status decant_tokenizer_decode(const decant_tokenizer* tokenizer,
                                                 const int32_t* tokens, size_t token_count,
                                                 char** text, size_t* text_size) DECANT_NOEXCEPT;

/// The bytes of one token, which need not be whole UTF-8 characters. Borrowed: as long as the
/// tokenizer, and without a NUL. DECANT_ERROR_INVALID_TOKEN.
DECANT_API decant_status decant_tokenizer_token_bytes(const decant_tokenizer* tokenizer,
                                                      int32_t token, const char** bytes,
                                                      size_t* bytes_size) DECANT_NOEXCEPT;

/// How many tokens there are: ids are 0 to one less. A model may have more rows than that, which
/// stand for nothing: leave the logits behind out (sampling_input's vocab_size).
DECANT_API decant_status decant_tokenizer_vocab_size(const decant_tokenizer* tokenizer,
                                                     size_t* vocab_size) DECANT_NOEXCEPT;

/// The token that ends a document ("<|endoftext|>"), or -1 where the vocabulary has none.
DECANT_API decant_status decant_tokenizer_end_of_text(const decant_tokenizer* tokenizer,
                                                      int32_t* token) DECANT_NOEXCEPT;

// --- Model: tokens to logits --------------------------------------------------------------------

/// Immutable weights, packed for speed.
typedef struct decant_model decant_model;

/// How weights are held in memory.
enum {
  DECANT_WEIGHTS_AUTO = 0,  ///< the fastest whose loss is negligible: DECANT_WEIGHTS_Q8
  DECANT_WEIGHTS_F32 = 1,   ///< loses nothing
  DECANT_WEIGHTS_BF16 = 2,  ///< rounded to 8 significant bits
  DECANT_WEIGHTS_Q8 = 3,    ///< integers of 8 bits that share a scale among 32 neighbours
  DECANT_WEIGHTS_Q4 = 4     ///< the same with 4 bits
};

typedef struct decant_model_options {
  size_t struct_size;
  int32_t n_head;   ///< attention heads, where the checkpoint does not say; 0 = as it says
  int32_t weights;  ///< DECANT_WEIGHTS_...
} decant_model_options;

typedef struct decant_model_info {
  size_t struct_size;
  int64_t vocab_size;  ///< V: logits are (V)
  int64_t block_size;  ///< the longest context, in tokens
  int64_t n_layer;
  int64_t n_head;
  int64_t n_embd;
  int64_t weight_bytes;  ///< of all packed matrices
  int32_t weights;       ///< what DECANT_WEIGHTS_AUTO became, or what was asked for
} decant_model_info;

/// Opens a .safetensors or PyTorch .pt file, or a folder in Hugging Face layout, and packs its
/// weights. Nothing in the file is ever executed. `options` may be NULL.
DECANT_API decant_status decant_model_open(const char* path, size_t path_size,
                                           const decant_model_options* options,
                                           decant_model** model) DECANT_NOEXCEPT;
DECANT_API void decant_model_destroy(decant_model* model) DECANT_NOEXCEPT;

DECANT_API decant_status decant_model_get_info(const decant_model* model,
                                               decant_model_info* info) DECANT_NOEXCEPT;

/// Lines that a person should see: an assumption taken, a buffer ignored. Borrowed: as long as the
/// model.
DECANT_API decant_status decant_model_notes(const decant_model* model, const char** text,
                                            size_t* text_size) DECANT_NOEXCEPT;

/// One text in progress: the keys and values of the tokens so far.
typedef struct decant_session decant_session;

/// `threads` = 0 takes the cores that the process may use.
DECANT_API decant_status decant_session_create(const decant_model* model, int32_t threads,
                                               decant_session** session) DECANT_NOEXCEPT;
DECANT_API void decant_session_destroy(decant_session* session) DECANT_NOEXCEPT;

/// Appends tokens, at least one, and points `logits` at the (V) scores after the last one.
/// Borrowed: until the session's next call. DECANT_ERROR_INVALID_TOKEN or
/// DECANT_ERROR_CONTEXT_FULL, and then nothing was appended.
DECANT_API decant_status decant_session_prefill(decant_session* session, const int32_t* tokens,
                                                size_t token_count, const float** logits,
                                                size_t* vocab_size) DECANT_NOEXCEPT;

/// Appends one token: decant_session_prefill() with a count of 1.
DECANT_API decant_status decant_session_step(decant_session* session, int32_t token,
                                             const float** logits,
                                             size_t* vocab_size) DECANT_NOEXCEPT;

/// How many tokens the session has seen.
DECANT_API decant_status decant_session_position(const decant_session* session,
                                                 int64_t* position) DECANT_NOEXCEPT;

/// Forgets all but the first `length` tokens, 0 <= length <= position.
DECANT_API decant_status decant_session_truncate(decant_session* session,
                                                 int64_t length) DECANT_NOEXCEPT;

/// How probable the model finds each token after all that goes before it: `logprobs`
/// (token_count - 1), natural logarithms, of tokens[1], tokens[2], ... Starts the session over.
/// At least two tokens; beyond block_size they are read in windows that overlap by half.
DECANT_API decant_status decant_session_score(decant_session* session, const int32_t* tokens,
                                              size_t token_count, double* logprobs) DECANT_NOEXCEPT;

// --- Generate: a prompt becomes text ------------------------------------------------------------

/// What happens when the text has outgrown the model's block_size.
enum {
  DECANT_CONTEXT_CROP = 0,   ///< each step recomputes the last block_size tokens
  DECANT_CONTEXT_SLIDE = 1,  ///< the older half is dropped, once every half window
  DECANT_CONTEXT_STOP = 2    ///< the text ends
};

/// Why a text ended.
enum {
  DECANT_FINISH_LENGTH = 0,     ///< max_new_tokens, or a full window under DECANT_CONTEXT_STOP
  DECANT_FINISH_STOP = 1,       ///< a stop string or a stop token; it is not part of the text
  DECANT_FINISH_CANCELLED = 2,  ///< cancelled() said so
  /// The model broke down in mid-text, or the settings forbid every token: see decant_last_error().
  DECANT_FINISH_ERROR = 3
};

typedef struct decant_generate_options {
  size_t struct_size;
  int64_t max_new_tokens;  ///< 0 or more
  uint64_t seed;
  uint64_t sequence;         ///< tells apart several texts from one seed
  int32_t context;           ///< DECANT_CONTEXT_...
  int32_t raw;               ///< not 0: bytes as they are, rather than U+FFFD for what is not UTF-8
  const char* const* stop;   ///< texts that end the output; they may straddle tokens
  const size_t* stop_sizes;  ///< of each of them
  size_t stop_count;
  const int32_t* stop_tokens;  ///< tokens that end the output
  size_t stop_token_count;
  void* user;  ///< handed to the functions below, which run on the calling thread; both may be NULL
  /// Gets text as soon as it is certain: whole characters that cannot be part of a stop string.
  /// Without a NUL; to be read during the call.
  void (*on_text)(void* user, const char* text, size_t text_size);
  /// Asked before each token; not 0 ends the text.
  int32_t (*cancelled)(void* user);
} decant_generate_options;

typedef struct decant_generation {
  size_t struct_size;
  int32_t* tokens;  ///< the new ones, without the prompt. Owned
  size_t token_count;
  int32_t finish_reason;  ///< DECANT_FINISH_...
} decant_generation;

/// Continues `prompt`, at least one token, in `session`, which it starts over. Text, tokens and
/// draws are a function of the model, the settings and the seed alone. What goes wrong after the
/// first token is DECANT_FINISH_ERROR and the tokens so far, and returns DECANT_OK.
DECANT_API decant_status decant_generate(decant_session* session, const decant_tokenizer* tokenizer,
                                         decant_pipeline* pipeline, const int32_t* prompt,
                                         size_t prompt_size, const decant_generate_options* options,
                                         decant_generation* generation) DECANT_NOEXCEPT;

#ifdef __cplusplus
}
#endif
