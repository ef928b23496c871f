// run.c - calls burnish_run with good arguments and with every kind of bad
// ones.
#include "burnish.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const burnish_model twice, rows;
static int failures;
#define EXPECT(condition)                                                      \
  do {                                                                         \
    if (!(condition))                                                          \
      printf("run.c:%d: %s\n", __LINE__, #condition), ++failures;              \
  } while (0)

static _Alignas(64) char workspace[128];
static float x[6] = {1, 2, 3, 4, 5, 6}, y[7];

// One call of the model `twice` with one thing changed.
static int32_t call(const burnish_model *model, burnish_tensor in,
                    burnish_tensor out, void *space) {
  for (int i = 0; i < 7; ++i)
    y[i] = -1;
  out.dims[0] = out.dims[1] = -7;
  int32_t status = burnish_run(model, NULL, &in, &out, space);
  if (status != BURNISH_OK) {
    EXPECT(y[0] == -1 && y[5] == -1);
    EXPECT(out.dims[0] == -7 && out.dims[1] == -7);
  }
  return status;
}

static void fixedShapes(void) {
  int64_t in_dims[2] = {2, 3}, out_dims[2], swapped[2] = {3, 2},
          negative[2] = {2, -3}, huge[2] = {INT64_MAX, INT64_MAX};
  burnish_tensor in = {x, in_dims, 24}, out = {y, out_dims, 24}, other;
  EXPECT(call(&twice, in, out, workspace) == BURNISH_OK);
  EXPECT(y[0] == 2 && y[5] == 12 && y[6] == -1 && out_dims[0] == 2 &&
         out_dims[1] == 3);
  other = out, other.bytes = 28;
  EXPECT(call(&twice, in, other, workspace) == BURNISH_OK);

  EXPECT(burnish_run(NULL, NULL, &in, &out, workspace) == BURNISH_BAD_ARGUMENT);
  EXPECT(burnish_run(&twice, NULL, NULL, &out, workspace) ==
         BURNISH_BAD_ARGUMENT);
  EXPECT(burnish_run(&twice, NULL, &in, NULL, workspace) ==
         BURNISH_BAD_ARGUMENT);
  EXPECT(call(&twice, in, out, NULL) == BURNISH_BAD_ARGUMENT);
  EXPECT(call(&twice, in, out, workspace + 32) == BURNISH_BAD_ARGUMENT);
  other = in, other.data = NULL;
  EXPECT(call(&twice, other, out, workspace) == BURNISH_BAD_ARGUMENT);
  other = in, other.dims = NULL;
  EXPECT(call(&twice, other, out, workspace) == BURNISH_BAD_ARGUMENT);
  other = in, other.bytes = 48;
  EXPECT(call(&twice, other, out, workspace) == BURNISH_BAD_ARGUMENT);
  other = in, other.dims = swapped;
  EXPECT(call(&twice, other, out, workspace) == BURNISH_BAD_SHAPE);
  other = in, other.dims = negative;
  EXPECT(call(&twice, other, out, workspace) == BURNISH_BAD_SHAPE);
  other = in, other.dims = huge;
  EXPECT(call(&twice, other, out, workspace) == BURNISH_BAD_SHAPE);
  other = out, other.bytes = 23;
  EXPECT(call(&twice, in, other, workspace) == BURNISH_BAD_ARGUMENT);
  other = out, other.bytes = -24;
  EXPECT(call(&twice, in, other, workspace) == BURNISH_BAD_ARGUMENT);
  other = out, other.data = NULL;
  EXPECT(call(&twice, in, other, workspace) == BURNISH_NO_ALLOCATOR);
  other = out, other.dims = NULL;
  EXPECT(burnish_run(&twice, NULL, &in, &other, workspace) ==
         BURNISH_BAD_ARGUMENT);

  // An output without a buffer gets one from the context, though this model
  // never allocates.
  burnish_context *pool = burnish_pool_create(1);
  other = out, other.data = NULL, other.bytes = 0;
  EXPECT(burnish_run(&twice, pool, &in, &other, workspace) == BURNISH_OK);
  EXPECT(other.data && (uintptr_t)other.data % 64 == 0 && other.bytes == 24 &&
         ((float *)other.data)[5] == 12);
  pool->release(pool, other.data);
  burnish_pool_destroy(pool);

  burnish_model outside = twice;
  burnish_context context = {0};
  outside.weights_bytes = 8;
  EXPECT(call(&outside, in, out, workspace) == BURNISH_BAD_ARGUMENT);
  EXPECT(burnish_run(&outside, &context, &in, &out, workspace) ==
         BURNISH_BAD_ARGUMENT);
  context.weights = workspace + 4;
  EXPECT(burnish_run(&outside, &context, &in, &out, workspace) ==
         BURNISH_BAD_ARGUMENT);
  context.weights = workspace + 64;
  EXPECT(burnish_run(&outside, &context, &in, &out, workspace) == BURNISH_OK);
}

// A context of the caller's own: it gives memory a limited number of times.
struct counting {
  burnish_context context;
  int left, taken;
};
static void *countingAllocate(const burnish_context *context, int64_t bytes) {
  struct counting *self = (struct counting *)context;
  if (self->left-- == 0)
    return NULL;
  ++self->taken;
  return aligned_alloc(64, (size_t)(bytes + 63) / 64 * 64 + 64);
}
static void countingRelease(const burnish_context *context, void *pointer) {
  --((struct counting *)context)->taken;
  free(pointer);
}

static void runtimeShapes(void) {
  float a[4] = {1, 2, -30, 4}, b[6] = {0, 0, 0, 1, 1, 1}, sums[2];
  int64_t a_dims[2] = {2, 2}, b_dims[2] = {2, 3}, sums_dims[1],
          positive_dims[1];
  burnish_tensor in[2] = {{a, a_dims, 16}, {b, b_dims, 24}},
                 out[2] = {{NULL, sums_dims, 0}, {NULL, positive_dims, 0}};
  EXPECT(burnish_run(&rows, NULL, in, out, NULL) == BURNISH_NO_ALLOCATOR);
  struct counting counting = {
      {NULL, countingAllocate, countingRelease, NULL, NULL, NULL}, 2, 0};
  EXPECT(burnish_run(&rows, &counting.context, in, out, NULL) == BURNISH_OK);
  EXPECT(sums_dims[0] == 2 && positive_dims[0] == 1 && out[1].bytes == 8 &&
         *(int64_t *)out[1].data == 0);
  countingRelease(&counting.context, out[0].data);
  countingRelease(&counting.context, out[1].data);
  EXPECT(counting.taken == 0);

  // The caller may bring a buffer where he can tell the size.
  out[0].data = sums, out[0].bytes = sizeof sums, out[1].data = NULL,
  counting.left = 1;
  EXPECT(burnish_run(&rows, &counting.context, in, out, NULL) == BURNISH_OK);
  EXPECT(out[0].data == sums && sums[0] == 3 && sums[1] == -23);
  countingRelease(&counting.context, out[1].data);
  out[1].data = NULL, counting.left = 0;
  EXPECT(burnish_run(&rows, &counting.context, in, out, NULL) ==
         BURNISH_NO_MEMORY);
  EXPECT(!out[1].data && counting.taken == 0);

  counting.left = 9;
  b_dims[0] = 1, in[1].bytes = 12; // 'batch' is 2 and 1
  EXPECT(burnish_run(&rows, &counting.context, in, out, NULL) ==
         BURNISH_BAD_SHAPE);
  b_dims[0] = 2, in[1].bytes = 24;
  a[1] = 0.0f / 0.0f;
  EXPECT(burnish_run(&rows, &counting.context, in, out, NULL) ==
         BURNISH_BAD_VALUE);
  EXPECT(counting.left == 9);

  // Nothing in, nothing out: buffers of no bytes may be NULL.
  a_dims[0] = b_dims[0] = 0, in[0] = (burnish_tensor){NULL, a_dims, 0},
  in[1] = (burnish_tensor){NULL, b_dims, 0};
  EXPECT(burnish_run(&rows, &counting.context, in, out, NULL) == BURNISH_OK);
  EXPECT(sums_dims[0] == 0 && positive_dims[0] == 0 && out[1].bytes == 0);
  countingRelease(&counting.context, out[1].data);
}

int main(void) {
  fixedShapes();
  runtimeShapes();
  EXPECT(burnish_workspace_size(&twice) == 24 &&
         burnish_workspace_size(NULL) == 0);
  EXPECT(burnish_type_size(BURNISH_FLOAT) == 4 &&
         burnish_type_size(BURNISH_COMPLEX128) == 16 &&
         burnish_type_size(BURNISH_INT4) == 1);
  EXPECT(burnish_type_size(BURNISH_STRING) == 16 && burnish_type_size(0) == 0 &&
         burnish_type_size(27) == 0 && burnish_type_size(-1) == 0);
  for (int32_t status = -1; status < 8; ++status)
    EXPECT(strlen(burnish_status_text(status)) >= 4);
  EXPECT(strcmp(burnish_status_text(BURNISH_BAD_SHAPE),
                "a shape does not fit the model") == 0);
  return failures != 0;
}
