// signature.cpp - what a program takes and gives, as JSON.
#include "program.h"
#include <inttypes.h>

using namespace burnish;

/// A JSON string. Bytes that are no ASCII stand as they are: names are UTF-8
/// where their model is sound.
static void printText(const char *text) {
  putchar('"');
  for (; *text; ++text) {
    unsigned char c = static_cast<unsigned char>(*text);
    if (c == '"' || c == '\\')
      printf("\\%c", c);
    else if (c < ' ' || c == 127)
      printf("\\u%04x", c);
    else
      putchar(c);
  }
  putchar('"');
}

static void printList(const char *key, const burnish_info *infos,
                      int32_t count) {
  printf("  \"%s\": [", key);
  for (int32_t i = 0; i < count; ++i) {
    const burnish_info &info = infos[i];
    printf("%s\n    {\"name\": ", i ? "," : "");
    printText(info.name);
    printf(", \"type\": \"%s\", \"dims\": [", typeName(info.type));
    for (int32_t axis = 0; axis < info.rank; ++axis) {
      const char *name = info.dim_names ? info.dim_names[axis] : nullptr;
      fputs(axis ? ", " : "", stdout);
      if (info.dims[axis] >= 0)
        printf("%" PRId64, info.dims[axis]);
      else if (name && *name)
        printText(name);
      else
        fputs("null", stdout);
    }
    fputs("]}", stdout);
  }
  printf("%s],\n", count ? "\n  " : "");
}

void burnish::printSignature(const burnish_model &model) {
  fputs("{\n  \"name\": ", stdout);
  printText(model.name);
  fputs(",\n", stdout);
  printList("inputs", model.inputs, model.input_count);
  printList("outputs", model.outputs, model.output_count);
  printf("  \"workspace_bytes\": %" PRId64 ",\n  \"weights_bytes\": %" PRId64
         ",\n  \"allocates\": %s\n}\n",
         model.workspace_bytes, model.weights_bytes,
         model.flags & BURNISH_NEEDS_ALLOCATOR ? "true" : "false");
}
