/* steps.c - models with states from C: one of fixed size, which a run changes
 * where it is, one that grows within a bound, which a step adds to where it is,
 * and one that grows without, whose two buffers change places. The context has
 * no allocator but for what says so: all memory is here. */
#include "cache.h"
#include "cell.h"
#include "unbound.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int failures;
#define EXPECT(condition)                                                      \
  ((condition)                                                                 \
       ? (void)0                                                               \
       : (void)(++failures, printf("line %d: %s\n", __LINE__, #condition)))

static union {
  char bytes[65536 + 64];
  double aligned;
} memory;

static void *workspaceOf(int64_t bytes) {
  EXPECT(bytes >= 0 && bytes <= 65536);
  return (void *)(((uintptr_t)memory.bytes + 63) / 64 * 64);
}

int main(void) {
  /* After a step the state is what the next one begins with: y is the
   * difference of the two. */
  float x[2 * 3] = {1, 2, 3, -1, 0, 1}, h[2 * 4] = {0}, before[2 * 4], y[2 * 4];
  int step, i;
  for (step = 0; step < 3; ++step) {
    memcpy(before, h, sizeof h);
    EXPECT(cell_run(NULL, x, h, y, workspaceOf(CELL_WORKSPACE_BYTES)) ==
           BURNISH_OK);
    for (i = 0; i < 8; ++i)
      EXPECT(fabsf(h[i] - before[i] - y[i]) < 1e-6f);
  }

  /* One buffer with room for the bound, six rows; the state's dims say how many
   * there are. */
  {
    float rows[6 * 3], row[3] = {1, 2, 3}, sum[3];
    int64_t rowDims[3] = {1, 1, 3}, pastDims[3] = {1, 0, 3}, sumDims[2],
            presentDims[3];
    char words[256];
    burnish_misfit misfit = {0};
    burnish_context context = {0};
    burnish_tensor inputs[2], outputs[2];
    context.misfit = &misfit;
    EXPECT(cache.inputs[1].grows == 2 && cache.outputs[1].grows == 2);
    EXPECT(burnish_buffer_bytes(&cache.inputs[1], pastDims) == sizeof rows);
    EXPECT(burnish_buffer_bytes(&cache.inputs[0], rowDims) == sizeof row);
    inputs[0].data = row, inputs[0].dims = rowDims;
    inputs[0].bytes = sizeof row;
    inputs[1].data = rows, inputs[1].dims = pastDims;
    inputs[1].bytes = sizeof rows;
    outputs[0].data = sum, outputs[0].dims = sumDims;
    outputs[0].bytes = sizeof sum;
    outputs[1].data = NULL, outputs[1].dims = presentDims;
    outputs[1].bytes = 0;
    for (step = 0; step < 6; ++step) {
      int64_t bytes = burnish_workspace_for(&cache, inputs);
      row[0] = (float)(step + 1);
      EXPECT(bytes == cache_workspace_size(step));
      EXPECT(bytes <= CACHE_WORKSPACE_BYTES);
      EXPECT(burnish_step(&cache, &context, inputs, outputs,
                          workspaceOf(bytes)) == BURNISH_OK);
      EXPECT(pastDims[1] == step + 1 && presentDims[1] == step + 1);
      EXPECT(inputs[1].data == rows && outputs[1].data == rows);
      EXPECT(sum[0] == (float)((step + 1) * (step + 2) / 2) &&
             sum[2] == (float)(3 * (step + 1)));
    }
    /* No room for a seventh, and the state stays as it is. */
    EXPECT(burnish_step(&cache, &context, inputs, outputs,
                        workspaceOf(CACHE_WORKSPACE_BYTES)) ==
           BURNISH_BAD_SHAPE);
    EXPECT(misfit.text && misfit.count == 1);
    sprintf(words, "%s: %d", misfit.text ? misfit.text : "",
            (int)misfit.sizes[0]);
    EXPECT(strcmp(words, "state 'past.0.key' is full: dim 1 has room for 6, "
                         "and would be: 7") == 0);
    EXPECT(pastDims[1] == 6 && rows[3 * 5] == 6 && rows[0] == 1);
    /* It begins anew as soon as its dim says so. */
    pastDims[1] = 0;
    EXPECT(burnish_step(&cache, NULL, inputs, outputs,
                        workspaceOf(CACHE_WORKSPACE_BYTES)) == BURNISH_OK);
    EXPECT(pastDims[1] == 1 && rows[0] == 6 && sum[0] == 6);
    inputs[1].bytes = 5 * 12;
    EXPECT(burnish_step(&cache, NULL, inputs, outputs,
                        workspaceOf(CACHE_WORKSPACE_BYTES)) ==
           BURNISH_BAD_ARGUMENT);
    inputs[1].bytes = sizeof rows, pastDims[1] = 7;
    EXPECT(burnish_workspace_for(&cache, inputs) == -1);
    EXPECT(burnish_step(&cache, NULL, inputs, outputs, NULL) ==
           BURNISH_BAD_SHAPE);
  }

  /* Without a bound there are two buffers. */
  {
    float first[4 * 3], second[4 * 3], row[3] = {1, 2, 3}, sum[3];
    int64_t rowDims[3] = {1, 1, 3}, pastDims[3] = {1, 0, 3}, sumDims[2],
            presentDims[3];
    burnish_tensor inputs[2], outputs[2];
    inputs[0].data = row, inputs[0].dims = rowDims;
    inputs[0].bytes = sizeof row;
    inputs[1].data = first, inputs[1].dims = pastDims, inputs[1].bytes = 0;
    outputs[0].data = sum, outputs[0].dims = sumDims;
    outputs[0].bytes = sizeof sum;
    outputs[1].data = second, outputs[1].dims = presentDims;
    outputs[1].bytes = sizeof second;
    for (step = 0; step < 4; ++step) {
      int64_t bytes = burnish_workspace_for(&unbound, inputs);
      EXPECT(bytes == unbound_workspace_size(step));
      EXPECT(burnish_step(&unbound, NULL, inputs, outputs, workspaceOf(bytes)) ==
             BURNISH_OK);
      EXPECT(pastDims[1] == step + 1 && inputs[1].bytes == (step + 1) * 12);
      EXPECT(sum[0] == (float)(step + 1) && sum[2] == (float)(3 * (step + 1)));
    }
    /* The buffers have room for four, and the state stays as it is. */
    EXPECT(burnish_step(&unbound, NULL, inputs, outputs,
                        workspaceOf(65536)) ==
           BURNISH_BAD_ARGUMENT);
    EXPECT(pastDims[1] == 4 && ((float *)inputs[1].data)[9] == 1);
  }
  puts(failures ? "failed" : "as expected");
  return failures != 0;
}
