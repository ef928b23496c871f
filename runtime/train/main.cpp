// main.cpp - a program that trains.
#include "program.h"
#include "runtime/train/Trainer.h"
#include <string.h>

using namespace burnish;

/// The training of the program, defined by its object. That calls it so.
// NOLINTNEXTLINE(readability-identifier-naming,bugprone-dynamic-static-initializers)
extern "C" const burnish_training *const burnish_program_training;

/// A program that trains has no model: `main` sees that and calls trainMain.
/// Where an object brings a model, this file is not linked.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" const burnish_model *const burnish_program_model = nullptr;

static int complain(const char *program, int status, const char *text) {
  fprintf(stderr, "%s: %s\n", program, text);
  return status;
}

int burnish::trainMain(int count, char **arguments) {
  const burnish_training &training = *burnish_program_training;
  const char *slash = count > 0 ? strrchr(arguments[0], '/') : nullptr;
  TrainOptions options;
  options.program = slash       ? slash + 1
                    : count > 0 ? arguments[0]
                                : training.name;
  Array<double> values(training.value_count);
  if (!values.isValid())
    return complain(options.program, 1, "no memory");
  options.values = values.data();
  Message message;
  if (count < 1 || !parseTrainOptions(training, arguments, options, message))
    return complain(options.program, 2, count < 1 ? "no name" : message.text);
  endWhereFilesShrink(options.program);
  int status = 0;
  if (options.wantsHelp) {
    printTrainHelp(training, options.program);
  } else {
    if (options.threads == 0)
      options.threads = defaultThreads();
    Trainer trainer(training, options);
    status = options.benchNanoseconds >= 0 ? trainer.bench(message)
                                           : trainer.run(message);
  }
  if (status != 0)
    return complain(options.program, status, message.text);
  // A full disk behind stdout shows only here.
  if (fflush(stdout) != 0 || ferror(stdout))
    return complain(options.program, 1, "cannot write to standard output");
  return status;
}
