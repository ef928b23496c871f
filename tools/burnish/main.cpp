// main.cpp - the command `burnish`.
#include "tools/burnish/Commands.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <csignal>

using namespace burnish;

std::string burnish::executablePath() {
  return llvm::sys::fs::getMainExecutable(
      "burnish", reinterpret_cast<void *>(&executablePath));
}

int main(int argc, char **argv) {
  llvm::sys::PrintStackTraceOnErrorSignal(argv[0]);
  // A limit on file sizes is a full disk by another name: writing says so.
  std::signal(SIGXFSZ, SIG_IGN);
  llvm::Expected<Options> options = parseOptions(
      llvm::ArrayRef<const char *>(argv + 1, argv + std::max(argc, 1)));
  if (!options) {
    llvm::errs() << "burnish: " << llvm::toString(options.takeError()) << "\n";
    return kBadCommandLine;
  }
  switch (options->command) {
  case Command::Compile:
    return compile(*options);
  case Command::Check:
    return check(*options);
  case Command::Run:
    return run(*options);
  case Command::Test:
    return test(*options);
  case Command::Bench:
    return bench(*options);
  case Command::Format:
    return format(*options);
  case Command::Plot:
    return plot(*options);
  case Command::GradCheck:
    return gradcheck(*options);
  case Command::Help:
    llvm::outs() << helpText();
    return kDone;
  case Command::Version:
    llvm::outs() << "burnish " BURNISH_VERSION ", LLVM " LLVM_VERSION_STRING
                    "\n";
    return kDone;
  }
}
