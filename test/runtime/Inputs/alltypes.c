// alltypes.c - a model with an input and an output of every element type, each
// copied to the other: [3,5], and a scalar of each.
#include "burnish.h"
#include <string.h>

#define TYPES(_)                                                               \
  _(float32, FLOAT)                                                            \
  _(uint8, UINT8)                                                              \
  _(int8, INT8)                                                                \
  _(uint16, UINT16)                                                            \
  _(int16, INT16)                                                              \
  _(int32, INT32)                                                              \
  _(int64, INT64)                                                              \
  _(bool, BOOL)                                                                \
  _(float16, FLOAT16)                                                          \
  _(float64, DOUBLE)                                                           \
  _(uint32, UINT32)                                                            \
  _(uint64, UINT64)                                                            \
  _(complex64, COMPLEX64)                                                      \
  _(complex128, COMPLEX128)                                                    \
  _(bfloat16, BFLOAT16)                                                        \
  _(float8_e4m3fn, FLOAT8E4M3FN)                                               \
  _(float8_e4m3fnuz, FLOAT8E4M3FNUZ)                                           \
  _(float8_e5m2, FLOAT8E5M2)                                                   \
  _(float8_e5m2fnuz, FLOAT8E5M2FNUZ)                                           \
  _(uint4, UINT4)                                                              \
  _(int4, INT4)                                                                \
  _(float4_e2m1fn, FLOAT4E2M1)                                                 \
  _(float8_e8m0fnu, FLOAT8E8M0)                                                \
  _(uint2, UINT2)                                                              \
  _(int2, INT2)

static const int64_t dims[] = {3, 5};
static const burnish_info ports[] = {
#define PORT(name, type)                                                       \
  {#name, dims, NULL, 2, BURNISH_##type, 0, 0, NULL, 0},                       \
      {#name " scalar", NULL, NULL, 0, BURNISH_##type, 0, 0, NULL, 0},
    TYPES(PORT)};
enum { kPorts = sizeof ports / sizeof *ports };

static int32_t run(const burnish_context *context, const burnish_tensor *inputs,
                   burnish_tensor *outputs, void *workspace) {
  (void)context, (void)workspace;
  for (int i = 0; i < kPorts; ++i) {
    memcpy(outputs[i].data, inputs[i].data, (size_t)inputs[i].bytes);
    if (ports[i].rank)
      memcpy(outputs[i].dims, dims, sizeof dims);
  }
  return BURNISH_OK;
}

const burnish_model types = {"types", ports, ports, kPorts, kPorts,
                             0,       0,     0,     run,    0};
const burnish_model *const burnish_program_model = &types;
