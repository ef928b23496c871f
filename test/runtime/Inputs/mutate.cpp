// mutate.cpp - loads files with random damage; a sanitizer watches.
//
// usage: mutate ROUNDS FILE ..., each a good input of the model.
#include "inputs.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern "C" const burnish_model *const burnish_program_model;
using namespace burnish;

static uint32_t random(uint32_t below) {
  static uint64_t state = 88172645463325252;
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return static_cast<uint32_t>(state >> 20) % below;
}

/// Changes a few bytes: to anything, by one bit, to values that are often
/// limits, to copies of others; or cuts the file off.
static size_t damage(unsigned char *bytes, size_t size) {
  for (uint32_t times = 1 + random(4); times > 0 && size > 8; --times) {
    size_t at = random(static_cast<uint32_t>(size - 8));
    // What describes the data is at the ends of a file.
    if (random(2))
      at = random(2) ? at % 180 : size - 9 - at % 300 % (size - 8);
    switch (random(7)) {
    case 0:
      bytes[at] = static_cast<unsigned char>(random(256));
      break;
    case 1:
      bytes[at] ^= static_cast<unsigned char>(1u << random(8));
      break;
    case 2:
      memset(bytes + at, random(2) ? 0xff : 0, 1 + random(8));
      break;
    case 3:
      bytes[at] += static_cast<unsigned char>(random(3)) - 1;
      break;
    case 4:
      memmove(bytes + at, bytes + random(static_cast<uint32_t>(size - 8)),
              1 + random(8));
      break;
    case 5:
      bytes[at] = static_cast<unsigned char>("0123456789(),'L "[random(16)]);
      break;
    default:
      size = random(16) ? size : at;
      break;
    }
  }
  return size;
}

/// Reads every byte of strings, for the sanitizer.
static int64_t readStrings(const burnish_model &model, const Inputs &inputs) {
  int64_t sum = 0;
  for (int32_t i = 0; i < model.input_count; ++i) {
    const burnish_tensor &tensor = inputs.data()[i];
    auto *strings = static_cast<const burnish_string *>(tensor.data);
    if (model.inputs[i].type == BURNISH_STRING)
      for (int64_t at = 0; at < tensor.bytes / int64_t(sizeof *strings); ++at)
        for (int64_t byte = 0; byte < strings[at].size; ++byte)
          sum += strings[at].data[byte];
  }
  return sum;
}

int main(int count, char **arguments) {
  static unsigned char good[1 << 16], bad[1 << 16];
  int rounds = atoi(arguments[1]), loaded = 0, refused = 0;
  for (int i = 2; i < count; ++i) {
    FILE *file = fopen(arguments[i], "rb");
    size_t size = fread(good, 1, sizeof good, file);
    fclose(file);
    for (int round = 0; round < rounds; ++round) {
      memcpy(bad, good, size);
      size_t badSize = round ? damage(bad, size) : size;
      int memory = memfd_create("bad", MFD_CLOEXEC);
      if (write(memory, bad, badSize) != static_cast<ssize_t>(badSize))
        return 1;
      char path[64];
      snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
      const char *paths[] = {path};
      Message message = {""};
      Inputs inputs(*burnish_program_model);
      bool isLoaded = inputs.load(paths, 1, message);
      if (isLoaded ? message.text[0] != 0
                   : !strchr(message.text, ':') ||
                         strstr(message.text, "became shorter")) {
        printf("round %d of %s: %s\n", round, arguments[i], message.text);
        return 1;
      }
      if (isLoaded && readStrings(*burnish_program_model, inputs) == INT64_MIN)
        return 1;
      if (round == 0 && !isLoaded)
        return printf("%s: %s\n", arguments[i], message.text), 1;
      ++(isLoaded ? loaded : refused);
      close(memory);
    }
  }
  printf("%d loaded, %d refused\n", loaded, refused);
}
