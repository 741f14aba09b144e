// Draws a token from logits, with the library as it was installed.
#include <decant/decant.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  const float logits[] = {1.0f, 3.0f, 2.0f};
  const char* settings = "{\"temperature\": 0}";
  const decant_sampling_input input = {
      .struct_size = sizeof input, .logits = logits, .vocab_size = 3};
  decant_draw draw = {.struct_size = sizeof draw};
  decant_pipeline* pipeline = NULL;
  if (decant_pipeline_create(settings, strlen(settings), &pipeline) != DECANT_OK ||
      decant_pipeline_sample(pipeline, &input, 1, 0, 0, &draw) != DECANT_OK) {
    fprintf(stderr, "%s\n", decant_last_error(NULL));
    return 1;
  }
  decant_pipeline_destroy(pipeline);
  printf("decant %s: token %d\n", decant_version(), (int)draw.token);
  return draw.token == 1 ? 0 : 1;
}
