// Options.h - the command line of `burnish`.
#pragma once
#include "frontend/dsl/Import.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <map>
#include <string>
#include <vector>

namespace burnish {

/// What `burnish` is asked to do; the first word of the command line, or
/// Compile.
enum class Command {
  Compile,
  Check,
  Run,
  Test,
  Bench,
  Format,
  GradCheck,
  Plot,
  Help,
  Version
};

/// Where a compile stops: a stage of the pipeline, or what is made out of an
/// object.
enum class Emit {
  Dsl,
  Onnx,
  Nn,
  Linalg,
  Tiles,
  Loops,
  Llvm,
  Asm,
  Object,
  Shared,
  Static,
  Program
};

struct Options {
  Command command = Command::Compile;
  std::vector<std::string> files;
  std::string output;
  Emit emit = Emit::Program;
  std::map<std::string, int64_t> dims;
  /// The least and the most that symbolic dims may be.
  std::map<std::string, std::pair<int64_t, int64_t>> bounds;
  std::map<std::string, std::vector<int64_t>> shapes;
  /// Outputs that are inputs of the next step: OUTPUT=INPUT.
  std::vector<std::string> states;
  /// Of inputs that are sequences or optional; -1 for none.
  std::map<std::string, int64_t> lengths;
  std::string target, cpu, sysroot;
  /// Of networks in the language.
  std::string net, weightsFrom;
  int64_t seed = 0;
  bool trains = false;
  /// The file with the recipe of a model.
  std::string recipe;
  /// Which part of a training is compiled; set by the compiler itself. The step
  /// alone is a model like others.
  TrainingRole role = TrainingRole::None;
  /// Of `burnish fmt`.
  bool onlyChecks = false;
  unsigned level = 2;
  /// The output whose gradients are asked for, and by which inputs and
  /// parameters.
  std::string loss;
  std::vector<std::string> wrt;
  /// The most bytes of workspace that gradients may take (0: as many as they
  /// will), and what that leads to: how many choices of what to compute again.
  int64_t memoryLimit = 0, recomputed = -1;
  bool embedsWeights = true;
  bool isDeterministic = false;
  /// A sanitized compiler's programs are checked like itself.
#if __has_feature(address_sanitizer)
  bool checksBounds = true;
#else
  bool checksBounds = false;
#endif
  /// Contractions take their operands in bf16.
  bool narrows = false;
  bool savesTemps = false;
  bool wantsRemarks = false;
  bool wantsJson = false;
  /// A program that takes the time of each of its kernels (bench).
  bool isTimed = false;
  /// Measured schedules: the file with them, whether to measure first, and how
  /// long. While that is done, what to choose instead of what a file has.
  std::string schedules;
  bool tunes = false, isTuning = false;
  double tuneSeconds = 60;
  std::map<std::string, std::string> chosen;
  bool pinsDims = false;
  int64_t threads = 0, jobs = 0, timeout = 60, memory = 8192;
  double seconds = 2;

  /// What is timed: of a training one step, on data that is made up.
  Options timed() const;
};

/// Reads the words after the program's name. The error is a sentence for the
/// user.
llvm::Expected<Options> parseOptions(llvm::ArrayRef<const char *> words);

/// One screen.
llvm::StringRef helpText();

} // namespace burnish
