// words.c - a model that takes a list of strings, for whoever reads its input.
#include "burnish.h"
#include <stddef.h>

static int32_t run(const burnish_context *context, const burnish_tensor *inputs,
                   burnish_tensor *outputs, void *workspace) {
  (void)context, (void)outputs, (void)workspace;
  const burnish_string *strings = inputs[0].data;
  int64_t sum = 0;
  for (int64_t i = 0; i < inputs[0].dims[0]; ++i)
    for (int64_t j = 0; j < strings[i].size; ++j)
      sum += strings[i].data[j];
  return sum == -1 ? BURNISH_BAD_VALUE : BURNISH_OK;
}
static const int64_t dims[] = {-1};
static const burnish_info inputs[] = {
    {"x", dims, NULL, 1, BURNISH_STRING, 0, 0, NULL, 0}};
const burnish_model words = {"words", inputs, NULL, 1, 0, 0, 0, 0, run, 0};
const burnish_model *const burnish_program_model = &words;
