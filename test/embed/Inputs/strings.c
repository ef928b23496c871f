/* strings.c - strings in and out of a model, with memory for new ones that is first missing, then too small, then enough. */
#include "greet.h"
#include <stdio.h>
#include <string.h>

static _Alignas(64) char workspace[GREET_WORKSPACE_BYTES];
static _Alignas(8) char memory[256];

int main(void) {
  burnish_string names[2] = {{"Ada", 3}, {NULL, 0}}, greeted[2];
  uint8_t known[2];
  burnish_context context = {0};
  burnish_text text = {memory, 16, 0};
  printf("%d\n", (int)greet_run(NULL, names, greeted, known, workspace));
  context.text = &text;
  int32_t status = greet_run(&context, names, greeted, known, workspace);
  printf("%d, %s, %d\n", (int)status, burnish_status_text(status), text.needed > text.bytes);
  text.bytes = sizeof memory;
  status = greet_run(&context, names, greeted, known, workspace);
  printf("%d, %d of %d\n", (int)status, (int)text.needed, (int)text.bytes);
  for (int i = 0; i < 2; ++i)
    printf("'%.*s' %d\n", (int)greeted[i].size, greeted[i].data, known[i]);
  /* What is checked for those who do not know the model. */
  int64_t dims[1] = {2}, greeted_dims[1], known_dims[1];
  burnish_tensor in = {names, dims, sizeof names};
  burnish_tensor out[2] = {{greeted, greeted_dims, sizeof greeted}, {known, known_dims, sizeof known}};
  printf("%d", (int)burnish_run(&greet, &context, &in, out, workspace));
  printf(" %d", (int)burnish_run(&greet, NULL, &in, out, workspace));
  names[1].size = 1;
  printf(" %d", (int)burnish_run(&greet, &context, &in, out, workspace));
  names[1].size = -1;
  printf(" %d", (int)burnish_run(&greet, &context, &in, out, workspace));
  in.data = (char *)names + 4;
  printf(" %d\n", (int)burnish_run(&greet, &context, &in, out, workspace));
  return 0;
}
