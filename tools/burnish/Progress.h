// Progress.h - what the compiler is doing, on a terminal only.
#pragma once
#include "llvm/ADT/StringRef.h"

namespace burnish {

/// One line of the terminal that is written over and gone at the end. Nothing
/// where the standard error is no terminal.
class Progress {
public:
  explicit Progress(bool isWanted);
  ~Progress() { clear(); }
  void show(llvm::StringRef what);
  /// Before anything else is written to the terminal.
  void clear();

private:
  bool isTerminal, isShown = false;
};

} // namespace burnish
