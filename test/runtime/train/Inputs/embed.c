/* embed.c - a training inside a C program: a stream of samples, no memory but
 * its own. */
#include "burnish_train.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

extern const burnish_training net;
static _Alignas(64) char state[8192], other[8192], workspace[8192],
    saved[16384];

int main(void) {
  float x[8][6], loss = 0, first = 0, evaluated, again;
  int64_t y[8], bytes = burnish_train_saved_bytes(&net);
  const void *columns[] = {x, y};
  unsigned random = 1;
  if (net.state_bytes > (int64_t)sizeof state ||
      bytes > (int64_t)sizeof saved || net.batch != 8)
    return 1;
  burnish_train_init(&net, state, 42);
  for (int step = 0; step < 400; ++step) {
    for (int n = 0; n < 8; ++n) {
      y[n] = (random = random * 1664525u + 1013904223u) >> 16 & 1;
      for (int i = 0; i < 6; ++i) {
        random = random * 1664525u + 1013904223u;
        x[n][i] = (float)(random >> 16) / 65536 + (float)y[n];
      }
    }
    if (burnish_train_step(&net, NULL, state, columns, NULL, &loss,
                           workspace) != BURNISH_OK)
      return 2;
    if (step == 0)
      first = loss;
  }
  if (!(loss < first / 4) || ((burnish_state *)state)->steps != 400)
    return 3;

  /* An evaluation changes nothing; what was saved and loaded is the same. */
  memcpy(other, state, (size_t)net.state_bytes);
  if (burnish_train_eval(&net, NULL, state, columns, &evaluated, workspace) !=
          BURNISH_OK ||
      memcmp(other, state, (size_t)net.state_bytes) != 0)
    return 4;
  burnish_train_save(&net, state, saved);
  memset(other, 7, sizeof other);
  if (burnish_train_load(&net, other, saved, bytes) != BURNISH_OK ||
      memcmp(other, state, (size_t)net.state_bytes) != 0)
    return 5;
  if (burnish_train_eval(&net, NULL, other, columns, &again, workspace) !=
          BURNISH_OK ||
      again != evaluated)
    return 6;

  /* Every bit counts, and damage changes nothing. */
  for (int64_t i = 0; i < bytes * 8; ++i) {
    saved[i / 8] ^= (char)(1 << i % 8);
    if (burnish_train_load(&net, other, saved, bytes) != BURNISH_BAD_VALUE ||
        memcmp(other, state, (size_t)net.state_bytes) != 0)
      return 7;
    saved[i / 8] ^= (char)(1 << i % 8);
  }
  if (burnish_train_load(&net, other, saved, bytes - 1) != BURNISH_BAD_VALUE)
    return 8;
  if (burnish_train_predict(&net, NULL, state, columns, NULL, workspace) !=
      BURNISH_BAD_ARGUMENT)
    return 9;
  printf("loss %s\n", isfinite(evaluated) ? "fell" : "rose");
  return 0;
}
