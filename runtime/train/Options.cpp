// Options.cpp - the command line of a program that trains.
#include "runtime/train/Options.h"
#include "runtime/train/Weights.h"
#include "text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

using namespace burnish;

/// Values that count something, with the least that makes sense of them.
static double leastOf(const char *name) {
  static constexpr struct {
    const char *name;
    double least;
  } kCounts[] = {{"epochs", 1},
                 {"steps", 0},
                 {"seed", 0},
                 {"lr.warmup", 0},
                 {"checkpoint.every", 0},
                 {"stop.after", 1},
                 {"lr.every", 1}};
  for (const auto &count : kCounts)
    if (strcmp(count.name, name) == 0)
      return count.least;
  return -1;
}

static bool parseValue(const burnish_training &training, const char *argument,
                       TrainOptions &options, bool &isKnown, Message &message) {
  const char *equals = strchr(argument, '=');
  isKnown = false;
  for (int32_t i = 0; equals && i < training.value_count; ++i) {
    const char *name = training.values[i].name;
    if (strlen(name) != static_cast<size_t>(equals - argument - 2) ||
        strncmp(argument + 2, name, strlen(name)) != 0)
      continue;
    isKnown = true;
    char *end = nullptr;
    double value = strtod(equals + 1, &end), least = leastOf(name);
    bool isNumber = end != equals + 1 && *end == 0 && isfinite(value) &&
                    (equals[1] == '-' || equals[1] == '.' ||
                     (equals[1] >= '0' && equals[1] <= '9'));
    if (least >= 0 &&
        (!isNumber || value < least || value != floor(value) || value > 0x1p53))
      return message.set("--%s=%s: a whole number from %.0f is wanted", name,
                         equals + 1, least);
    if (!isNumber)
      return message.set("--%s=%s: a number is wanted", name, equals + 1);
    options.values[i] = value;
    return true;
  }
  return true;
}

static bool parseOne(const burnish_training &training, int &index,
                     char **arguments, TrainOptions &options,
                     Message &message) {
  const char *argument = arguments[index];
  int64_t number = 0;
  bool isKnown;
  if (!parseCommon(index, arguments, options, isKnown, message))
    return false;
  if (isKnown)
    return true;
  struct {
    const char *name, **to;
  } texts[] = {{"--data=", &options.data},
               {"--init=", &options.initial},
               {"--checkpoint=", &options.checkpoint},
               {"--adapters=", &options.adapters},
               {"--log=", &options.log}};
  for (auto &text : texts)
    if (const char *value = valueOfOption(argument, text.name)) {
      *text.to = value;
      return *value || message.set("%s wants a name", text.name);
    }
  if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
    options.wantsHelp = true;
  } else if (strcmp(argument, "--resume") == 0) {
    options.resumes = true;
  } else if (const char *fold = valueOfOption(argument, "--fold=")) {
    const burnish_clause *folds = findClause(training, "split", "folds");
    int64_t most = folds && folds->number_count
                       ? static_cast<int64_t>(folds->numbers[0])
                       : 0;
    if (most == 0)
      return message.set("--fold=%s: the recipe has no folds", fold);
    if (!parseNumber(fold, most, number) || number == 0)
      return message.set("--fold=%s: a number from 1 to %lld is wanted", fold,
                         static_cast<long long>(most));
    options.fold = static_cast<int32_t>(number);
  } else {
    if (strncmp(argument, "--", 2) == 0 &&
        !parseValue(training, argument, options, isKnown, message))
      return false;
    if (!isKnown)
      return message.set("unknown option '%s', see --help", argument);
  }
  return true;
}

bool burnish::parseTrainOptions(const burnish_training &training,
                                char **arguments, TrainOptions &options,
                                Message &message) {
  for (int32_t i = 0; i < training.value_count; ++i)
    options.values[i] = training.values[i].value;
  for (int i = 1; arguments[i] && !options.wantsHelp; ++i)
    if (!parseOne(training, i, arguments, options, message))
      return false;
  if (options.wantsHelp)
    return true;
  bool isBench = options.benchNanoseconds >= 0;
  if (isBench && (options.output || options.resumes || options.log))
    return message.set("--bench writes nothing: it goes without -o, --log and "
                       "--resume");
  if (options.adapters && !hasFactors(training))
    return message.set("--adapters=%s: the recipe has no lora",
                       options.adapters);
  if (options.resumes && options.initial)
    return message.set("--resume goes on where a run was, --init begins one: "
                       "not both");
  const burnish_clause *save = findClause(training, "save");
  if (!options.output && save)
    options.output = save->name;
  const char *written[] = {options.output, options.checkpoint, options.adapters,
                           options.log};
  for (int i = 0; i < 4; ++i)
    for (int k = 0; k < i; ++k)
      if (written[i] && written[k] && strcmp(written[i], written[k]) == 0)
        return message.set("what is written are different files, and '%s' is "
                           "given twice",
                           written[i]);
  return isBench || options.output ||
         message.set("no place for the weights: -o FILE.safetensors is wanted "
                     "(see --help)");
}

void burnish::printTrainHelp(const burnish_training &training,
                             const char *program) {
  printf(
      "%s trains the neural network '%s'.\n\n"
      "  %s --data=DIR -o net.safetensors\n"
      "  %s --data=DIR --bench=SECONDS   times of steps, as JSON\n\n"
      "  --data=DIR          where the files of the recipe are (default: .)\n"
      "  --init=FILE         weights to begin with, as safetensors\n"
      "  --resume            go on from the checkpoint of a run that was "
      "cut off\n"
      "  --checkpoint=FILE   where that is (default: beside -o)\n"
      "  --log=FILE          a line of JSON for each epoch, and of steps\n"
      "  --threads=N         threads (default: the cores there are)\n",
      program, training.name, program, program);
  if (hasFactors(training))
    printf("  --adapters=FILE     the factors of lora, which -o adds to their "
           "matrices\n");
  if (findClause(training, "split", "folds"))
    printf("  --fold=N            this one of the folds alone\n");
  printf("\nNumbers of the recipe:\n");
  for (int32_t i = 0; i < training.value_count; ++i) {
    char name[48];
    snprintf(name, sizeof name, "--%s=", training.values[i].name);
    printf("  %-19s %.10g\n", name, training.values[i].value);
  }
}

bool burnish::nameBeside(char *to, size_t room, const char *output,
                         const char *ending) {
  constexpr const char *kEnd = ".safetensors";
  size_t length = strlen(output), cut = strlen(kEnd);
  if (length > cut && strcmp(output + length - cut, kEnd) == 0)
    length -= cut;
  return snprintf(to, room, "%.*s%s", static_cast<int>(length), output,
                  ending) < static_cast<int>(room);
}
