// Case.h - one backend-test folder: compiled, linked, loaded, run and compared,
// in this process.
#pragma once
#include "tools/burnish/Compare.h"
#include "tools/burnish/Options.h"

namespace burnish {

struct Outcome {
  /// pass, mismatch, unsupported (the model was refused), error, crash or
  /// timeout.
  std::string kind = "error";
  Difference difference;
  double milliseconds = 0;
  std::string message;
};

/// The folders among and under `roots` that hold a model.onnx, each root's
/// sorted by name.
std::vector<std::string> findCases(llvm::ArrayRef<std::string> roots);

/// Runs the case in `folder`; `scratch` is a folder for what is loaded. The
/// process may crash, hang or run out of memory on the way, so it is one that
/// can be done without; the model stays loaded in it.
Outcome runCase(llvm::StringRef folder, llvm::StringRef scratch,
                const Options &options);

} // namespace burnish
