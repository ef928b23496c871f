// rows.c - a model whose shapes are known at run time: sums[batch] of the rows
// of a[batch,n] and b[batch,3], and the numbers of the rows whose sum is
// positive, of which nobody knows how many there are. Fails on a sum that is no
// number.
#include "burnish.h"
#include <stddef.h>

static int32_t run(const burnish_context *context, const burnish_tensor *inputs,
                   burnish_tensor *outputs, void *workspace) {
  (void)workspace;
  int64_t batch = inputs[0].dims[0], width = inputs[0].dims[1], found = 0;
  const float *a = inputs[0].data, *b = inputs[1].data;
  if (!outputs[0].data) {
    outputs[0].data = context->allocate(context, batch * 4);
    if (!outputs[0].data)
      return BURNISH_NO_MEMORY;
    outputs[0].bytes = batch * 4;
  } else if (outputs[0].bytes < batch * 4) {
    return BURNISH_BAD_ARGUMENT;
  }
  outputs[0].dims[0] = batch;
  float *sums = outputs[0].data;
  for (int64_t i = 0; i < batch; ++i) {
    sums[i] = 0;
    for (int64_t j = 0; j < width; ++j)
      sums[i] += a[i * width + j];
    for (int64_t j = 0; j < 3; ++j)
      sums[i] += b[i * 3 + j];
    if (sums[i] != sums[i])
      return BURNISH_BAD_VALUE;
    found += sums[i] > 0;
  }
  outputs[1].data = context->allocate(context, found * 8);
  if (!outputs[1].data)
    return BURNISH_NO_MEMORY;
  outputs[1].bytes = found * 8;
  outputs[1].dims[0] = 0;
  for (int64_t i = 0; i < batch; ++i)
    if (sums[i] > 0)
      ((int64_t *)outputs[1].data)[outputs[1].dims[0]++] = i;
  return BURNISH_OK;
}
static const int64_t dims[][2] = {{-1, -1}, {-1, 3}, {-1}, {-1}};
static const char *const dim_names[][2] = {
    {"batch", "n"}, {"batch", NULL}, {"batch"}, {NULL}};
static const burnish_info inputs[] = {
    {"a", dims[0], dim_names[0], 2, BURNISH_FLOAT, 0, 0, NULL, 0},
    {"b/weird", dims[1], dim_names[1], 2, BURNISH_FLOAT, 0, 0, NULL, 0}};
static const burnish_info outputs[] = {
    {"sums", dims[2], dim_names[2], 1, BURNISH_FLOAT, 0, 0, NULL, 0},
    {"positive \xc3\xa9", dims[3], dim_names[3], 1, BURNISH_INT64, 0, 0, NULL,
     0}};
const burnish_model rows = {
    "rows", inputs, outputs, 2, 2, 0, 0, BURNISH_NEEDS_ALLOCATOR, run, 0};
const burnish_model *const burnish_program_model = &rows;
