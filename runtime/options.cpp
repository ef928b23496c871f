// options.cpp - what every compiled program takes on its command line.
#include "options.h"
#include "text.h"
#include <string.h>

using namespace burnish;

const char *burnish::valueOfOption(const char *argument, const char *name) {
  size_t length = strlen(name);
  return strncmp(argument, name, length) == 0 ? argument + length : nullptr;
}

bool burnish::parseCommon(int &index, char **arguments, CommonOptions &options,
                          bool &isKnown, Message &message) {
  const char *argument = arguments[index];
  int64_t number = 0;
  isKnown = true;
  if (strcmp(argument, "-o") == 0) {
    if (options.output)
      return message.set("-o is given twice");
    options.output = arguments[++index];
    return (options.output && *options.output) ||
           message.set("-o wants a file");
  }
  if (const char *threads = valueOfOption(argument, "--threads=")) {
    if (!parseNumber(threads, 1024, number) || number == 0)
      return message.set("--threads=%s: a number from 1 to 1024 is wanted",
                         threads);
    options.threads = static_cast<int32_t>(number);
    return true;
  }
  if (const char *seconds = valueOfOption(argument, "--bench="))
    return parseNumber(seconds, 1'000'000, options.benchNanoseconds, 9) ||
           message.set("--bench=%s: a number of seconds is wanted", seconds);
  isKnown = false;
  return true;
}
