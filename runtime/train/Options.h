// Options.h - the command line of a program that trains.
#pragma once
#include "message.h"
#include "options.h"
#include "runtime/train/Recipe.h"

namespace burnish {

struct TrainOptions : CommonOptions {
  const char *program = "";
  const char *data = ".", *initial = nullptr, *checkpoint = nullptr,
             *log = nullptr, *adapters = nullptr;
  /// Which of the folds alone, from 1; 0: all of them.
  int32_t fold = 0;
  bool resumes = false, wantsHelp = false;
  /// One for each value of the training, as the command line has them.
  double *values = nullptr;
};

/// `options.values` has room for the training's values.
bool parseTrainOptions(const burnish_training &training, char **arguments,
                       TrainOptions &options, Message &message);
void printTrainHelp(const burnish_training &training, const char *program);

/// What begins with `-o`'s name without ".safetensors" and ends in `ending`.
bool nameBeside(char *to, size_t room, const char *output, const char *ending);

} // namespace burnish
