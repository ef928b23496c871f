// double.c - a model of one fixed shape, as compiled code would define it: y =
// 2 * x, through the workspace and in parallel.
#include "burnish.h"
#include <string.h>

enum { kCount = 6 };
static void doubleRange(void *closure, int64_t begin, int64_t end) {
  float *values = closure;
  for (int64_t i = begin; i < end; ++i)
    values[i] *= 2;
}
static int32_t run(const burnish_context *context, const burnish_tensor *inputs,
                   burnish_tensor *outputs, void *workspace) {
  memcpy(workspace, inputs[0].data, kCount * sizeof(float));
  if (context && context->parallel_for)
    context->parallel_for(context, doubleRange, workspace, kCount);
  else
    doubleRange(workspace, 0, kCount);
  memcpy(outputs[0].data, workspace, kCount * sizeof(float));
  outputs[0].dims[0] = 2;
  outputs[0].dims[1] = 3;
  return BURNISH_OK;
}
static const int64_t dims[] = {2, 3};
static const burnish_info x = {"x", dims, 0, 2, BURNISH_FLOAT, 0, 0, 0, 0},
                          y = {"y", dims, 0, 2, BURNISH_FLOAT, 0, 0, 0, 0};
const burnish_model twice = {"twice", &x, &y, 1, 1, 24, 0, 0, run, 0};
const burnish_model *const burnish_program_model = &twice;
