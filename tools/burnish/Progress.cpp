// Progress.cpp - what the compiler is doing, on a terminal only.
#include "tools/burnish/Progress.h"
#include "llvm/Support/raw_ostream.h"
#include <unistd.h>

using namespace burnish;

Progress::Progress(bool isWanted) : isTerminal(isWanted && ::isatty(2)) {}

void Progress::show(llvm::StringRef what) {
  if (!isTerminal)
    return;
  clear();
  llvm::errs() << "burnish: " << what << " ...";
  isShown = true;
}

void Progress::clear() {
  if (isShown)
    llvm::errs() << "\r\033[K";
  isShown = false;
}
