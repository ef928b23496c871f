// example.c - the example of burnish.h, for a smaller model.
#include "burnish.h"
#include <stdio.h>

extern const burnish_model twice;
static _Alignas(64) char workspace[24];
static float image[2 * 3] = {0, 1, 2, 3, 4, 5}, scores[2 * 3];

int main(void) {
  burnish_context *context = burnish_pool_create(4);
  int64_t in_dims[2] = {2, 3}, out_dims[2];
  burnish_tensor in = {image, in_dims, sizeof image},
                 out = {scores, out_dims, sizeof scores};
  int32_t status = burnish_run(&twice, context, &in, &out, workspace);
  burnish_pool_destroy(context);
  if (status != BURNISH_OK)
    puts(burnish_status_text(status));
  for (int i = 0; i < 6; ++i)
    printf("%g ", (double)scores[i]);
  return 0;
}
