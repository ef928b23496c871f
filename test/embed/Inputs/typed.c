// typed.c - calls the typed function of a model, in plain C99, with nothing of
// the runtime but the header.
#include "expected.h"
#include "mlp.h"
#include <math.h>
#include <stdio.h>

static float scores[15];
// At least a byte, as C has no arrays of none.
static char workspace[MLP_WORKSPACE_BYTES + 64];

int main(void) {
  char *aligned = workspace + (64 - (uintptr_t)workspace % 64) % 64;
  int32_t status = mlp_run(NULL, mlp_input, scores, aligned);
  int i;
  if (status != BURNISH_OK)
    return 1;
  for (i = 0; i < 15; ++i)
    if (!(fabsf(scores[i] - mlp_scores[i]) < 1e-5f)) {
      printf("scores[%d] is %g and not %g\n", i, (double)scores[i],
             (double)mlp_scores[i]);
      return 1;
    }
  puts("as expected");
  return 0;
}
