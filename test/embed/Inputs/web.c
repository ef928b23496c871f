// web.c - a model in WebAssembly, without a C library.
#include "burnish.h"
#include "expected.h"

extern int32_t mlp_run(const burnish_context *, const float *, float *, void *);
static float scores[15];
static _Alignas(64) char workspace[1 << 16];

void *memcpy(void *to, const void *from, __SIZE_TYPE__ count) {
  for (__SIZE_TYPE__ i = 0; i < count; ++i)
    ((volatile char *)to)[i] = ((const char *)from)[i];
  return to;
}
void *memset(void *to, int value, __SIZE_TYPE__ count) {
  for (__SIZE_TYPE__ i = 0; i < count; ++i)
    ((volatile char *)to)[i] = (char)value;
  return to;
}

// The worst error in millionths, or a status below zero.
__attribute__((export_name("test"))) int test(void) {
  int status = mlp_run(0, mlp_input, scores, workspace);
  float worst = 0;
  for (int i = 0; i < 15; ++i) {
    float error = scores[i] - mlp_scores[i];
    error = error < 0 ? -error : error;
    worst = error > worst || error != error ? error : worst;
  }
  return status ? -status : (int)(worst * 1e6f);
}
