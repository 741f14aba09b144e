// The C interface from end to end, in C99: c_program MODEL
#include <decant/decant.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                               \
  do {                                                                                 \
    if (!(condition)) {                                                                \
      fprintf(stderr, "%s:%d: %s\n  last error: %s\n", __FILE__, __LINE__, #condition, \
              decant_last_error(NULL));                                                \
      exit(1);                                                                         \
    }                                                                                  \
  } while (0)

static decant_pipeline* make_pipeline(const char* settings) {
  decant_pipeline* pipeline = NULL;
  CHECK(decant_pipeline_create(settings, strlen(settings), &pipeline) == DECANT_OK);
  return pipeline;
}

// Probabilities 0.1 to 0.4 of which top_k keeps 3/7 and 4/7: the textbook's arithmetic.
static void sampling_without_a_model(void) {
  const float logits[] = {logf(0.1f), logf(0.2f), logf(0.3f), logf(0.4f)};
  const decant_sampling_input input = {
      .struct_size = sizeof input, .logits = logits, .vocab_size = 4};
  decant_draw draw = {.struct_size = sizeof draw};
  decant_pipeline* pipeline = make_pipeline("{\"top_k\": 2}");
  int32_t tokens[4] = {-1, -1, -1, -1};
  double probabilities[4] = {-1, -1, -1, -1};
  size_t survivors = 0;
  char* json = NULL;
  size_t json_size = 0;
  const double u = 0.6;

  CHECK(decant_pipeline_sample_at(pipeline, &input, 0.57, &draw) == DECANT_OK);
  CHECK(draw.token == 3 && draw.u == 0.57 && draw.survivors == 2);
  CHECK(fabs(draw.probability - 4.0 / 7) < 1e-6);
  CHECK(decant_pipeline_sample_at(pipeline, &input, 0.58, &draw) == DECANT_OK);
  CHECK(draw.token == 2);

  CHECK(decant_pipeline_sample(pipeline, &input, 7, 1, 5, &draw) == DECANT_OK);
  CHECK(draw.u == decant_uniform(7, 1, 5));
  CHECK(draw.token == (draw.u < 4.0 / 7 ? 3 : 2));

  CHECK(decant_pipeline_distribution(pipeline, &input, tokens, probabilities, 4, &survivors) ==
        DECANT_OK);
  CHECK(survivors == 2 && tokens[0] == 3 && tokens[1] == 2 && tokens[2] == -1);
  CHECK(fabs(probabilities[0] - 4.0 / 7) < 1e-6 && fabs(probabilities[1] - 3.0 / 7) < 1e-6);

  const decant_trace_options options = {.struct_size = sizeof options, .top = 4, .u = &u};
  CHECK(decant_pipeline_trace(pipeline, &input, &options, &json, &json_size) == DECANT_OK);
  CHECK(strlen(json) == json_size && strstr(json, "\"removed_by\":\"top_k\"") != NULL);
  decant_free(json);

  CHECK(decant_pipeline_settings(pipeline, &json, &json_size) == DECANT_OK);
  CHECK(strstr(json, "\"top_k\":2") != NULL);
  decant_free(json);
  decant_pipeline_destroy(pipeline);
}

static void errors_say_what_is_wrong(void) {
  const float logits[] = {0, 1, NAN, 2};
  const decant_sampling_input input = {
      .struct_size = sizeof input, .logits = logits, .vocab_size = 4};
  decant_draw draw = {.struct_size = sizeof draw};
  decant_pipeline* pipeline = make_pipeline("");
  const char* settings = "{\"top_p\": 1.5}";
  size_t size = 0;

  CHECK(decant_pipeline_sample(pipeline, &input, 1, 0, 0, &draw) == DECANT_ERROR_INVALID_LOGITS);
  CHECK(strchr(decant_last_error(&size), '2') != NULL);  // the index
  CHECK(size == strlen(decant_last_error(NULL)));
  decant_pipeline_destroy(pipeline);

  CHECK(decant_pipeline_create(settings, strlen(settings), &pipeline) ==
        DECANT_ERROR_INVALID_OPTION);
  CHECK(pipeline == NULL);
  CHECK(strstr(decant_last_error(NULL), "top_p") != NULL);
  CHECK(strstr(decant_last_error(NULL), "1.5") != NULL);
  CHECK(decant_pipeline_create(NULL, 5, &pipeline) == DECANT_ERROR_INVALID_ARGUMENT);
}

struct text {
  char data[1000];
  size_t size;
  int calls;
};

static void append(void* user, const char* part, size_t size) {
  struct text* text = user;
  CHECK(text->size + size < sizeof text->data);
  memcpy(text->data + text->size, part, size);
  text->size += size;
}

static int32_t after_two(void* user) {
  struct text* text = user;
  return ++text->calls > 2;
}

static void text_from_a_model(const char* path) {
  decant_tokenizer* tokenizer = NULL;
  decant_model* model = NULL;
  decant_session* session = NULL;
  decant_pipeline* pipeline = make_pipeline("{\"temperature\": 0.8, \"top_k\": 50}");
  decant_model_info info = {.struct_size = sizeof info};
  int32_t* prompt = NULL;
  size_t prompt_size = 0;
  const float* logits = NULL;
  size_t vocab_size = 0;
  int64_t position = 0;
  double logprobs[32];
  double sum = 0;
  int32_t end_of_text = 0;
  char* decoded = NULL;
  size_t decoded_size = 0;
  size_t i;
  struct text text = {.size = 0};
  const char* stop[] = {"\n\n"};
  const size_t stop_sizes[] = {2};
  decant_generate_options options = {.struct_size = sizeof options,
                                     .max_new_tokens = 20,
                                     .seed = 5,
                                     .user = &text,
                                     .on_text = append};
  decant_generation made = {.struct_size = sizeof made};

  CHECK(decant_tokenizer_load(path, strlen(path), &tokenizer) == DECANT_OK);
  CHECK(decant_model_open(path, strlen(path), NULL, &model) == DECANT_OK);
  CHECK(decant_model_get_info(model, &info) == DECANT_OK);
  CHECK(decant_session_create(model, 1, &session) == DECANT_OK);
  decant_model_destroy(model);  // the session keeps what it needs

  CHECK(decant_tokenizer_encode(tokenizer, "ROMEO:\nMy", 9, &prompt, &prompt_size) == DECANT_OK);
  CHECK(prompt_size >= 3 && prompt_size < 10);
  CHECK(decant_tokenizer_decode(tokenizer, prompt, prompt_size, &decoded, &decoded_size) ==
        DECANT_OK);
  CHECK(decoded_size == 9 && strcmp(decoded, "ROMEO:\nMy") == 0);
  decant_free(decoded);
  CHECK(decant_tokenizer_end_of_text(tokenizer, &end_of_text) == DECANT_OK);

  // The log-probabilities of the last prompt token, by score() and by the logits before it.
  CHECK(decant_session_score(session, prompt, prompt_size, logprobs) == DECANT_OK);
  CHECK(decant_session_truncate(session, 0) == DECANT_OK);
  CHECK(decant_session_prefill(session, prompt, prompt_size - 2, &logits, &vocab_size) ==
        DECANT_OK);
  CHECK(decant_session_step(session, prompt[prompt_size - 2], &logits, &vocab_size) == DECANT_OK);
  CHECK((int64_t)vocab_size == info.vocab_size);
  CHECK(decant_session_position(session, &position) == DECANT_OK);
  CHECK(position == (int64_t)prompt_size - 1);
  for (i = 0; i < vocab_size; ++i) sum += exp(logits[i]);
  CHECK(fabs(logits[prompt[prompt_size - 1]] - log(sum) - logprobs[prompt_size - 2]) < 1e-4);

  CHECK(decant_generate(session, tokenizer, pipeline, prompt, prompt_size, &options, &made) ==
        DECANT_OK);
  CHECK(made.finish_reason == DECANT_FINISH_LENGTH && made.token_count == 20);
  CHECK(decant_tokenizer_decode(tokenizer, made.tokens, made.token_count, &decoded,
                                &decoded_size) == DECANT_OK);
  CHECK(decoded_size == text.size && memcmp(decoded, text.data, text.size) == 0);
  decant_free(decoded);
  decant_free(made.tokens);

  options.cancelled = after_two;
  CHECK(decant_generate(session, tokenizer, pipeline, prompt, prompt_size, &options, &made) ==
        DECANT_OK);
  CHECK(made.finish_reason == DECANT_FINISH_CANCELLED && made.token_count == 2);
  decant_free(made.tokens);

  options.cancelled = NULL;
  options.max_new_tokens = 100;
  options.context = DECANT_CONTEXT_SLIDE;
  options.stop = stop;
  options.stop_sizes = stop_sizes;
  options.stop_count = 1;
  text.size = 0;
  CHECK(decant_generate(session, tokenizer, pipeline, prompt, prompt_size, &options, &made) ==
        DECANT_OK);
  text.data[text.size] = '\0';
  CHECK(made.finish_reason == DECANT_FINISH_STOP && strstr(text.data, "\n\n") == NULL);
  decant_free(made.tokens);

  decant_free(prompt);
  decant_session_destroy(session);
  decant_pipeline_destroy(pipeline);
  decant_tokenizer_destroy(tokenizer);
}

int main(int argc, char** argv) {
  CHECK(argc == 2);
  CHECK(strlen(decant_version()) >= strlen("0.1.0"));
  CHECK(strcmp(decant_last_error(NULL), "") == 0);
  sampling_without_a_model();
  errors_say_what_is_wrong();
  text_from_a_model(argv[1]);
  return 0;
}
