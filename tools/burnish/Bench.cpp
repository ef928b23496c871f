// Bench.cpp - `burnish bench MODEL`: compile, or take what is kept, and time.
#include "tools/burnish/Cache.h"
#include "tools/burnish/Commands.h"
#include "tools/burnish/Compiler.h"
#include "tools/burnish/Measure.h"
#include "tools/burnish/Profile.h"
#include "tools/burnish/Tune.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/FormatVariadic.h"
#include <cerrno>
#include <cstring>
#include <unistd.h>

using namespace burnish;

/// Says how far the outputs of a program that rounds operands are from those of
/// the same model without, on the same inputs.
static int compareWithF32(const Options &options, const std::string &program,
                          llvm::raw_ostream &out) {
  Options exact = options;
  exact.narrows = exact.isTimed = false;
  int status;
  std::string reference = cachedProgram(exact, status);
  if (reference.empty())
    return status;
  llvm::SmallString<64> kept;
  int file;
  if (std::error_code error =
          llvm::sys::fs::createTemporaryFile("burnish", "npz", file, kept)) {
    llvm::errs() << "burnish: " << error.message() << "\n";
    return kBadInput;
  }
  llvm::FileRemover remover(kept);
  ::close(file);
  std::vector<std::string> inputs(options.files.begin() + 1,
                                  options.files.end());
  if (inputs.empty())
    inputs.push_back("--random");
  std::vector<std::string> run{reference, "-o", kept.str().str()},
      compare{program, "--compare=" + kept.str().str()};
  run.insert(run.end(), inputs.begin(), inputs.end());
  compare.insert(compare.end(), inputs.begin(), inputs.end());
  std::string said;
  status = capture(run, said);
  if (status == kDone)
    status = capture(compare, said);
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(said).split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef line : lines)
    out << "against f32: " << line << "\n";
  return status;
}

int burnish::bench(const Options &given) {
  const Options options = given.timed();
  if (options.tunes)
    return benchAlternatives(options);
  int status;
  if (options.isTimed && options.cpu.find(',') != std::string::npos) {
    llvm::errs() << "burnish: --profile times the code for one CPU\n";
    return kBadCommandLine;
  }
  std::string program = cachedProgram(options, status);
  if (program.empty())
    return status;
  // Figures alone are on the standard output when they are JSON.
  if (options.narrows)
    if (status = compareWithF32(
            options, program, options.wantsJson ? llvm::errs() : llvm::outs());
        status != kDone)
      return status;
  std::vector<std::string> words = {
      program, llvm::formatv("--bench={0}", options.seconds).str()};
  if (options.threads)
    words.push_back("--threads=" + std::to_string(options.threads));
  words.insert(words.end(), options.files.begin() + 1, options.files.end());
  std::string said;
  status = capture(words, said);
  if (status < 0) {
    llvm::errs() << "burnish: " << program << ": " << std::strerror(errno)
                 << "\n";
    return kBadInput;
  }
  if (status || options.wantsJson) {
    llvm::outs() << said;
    return status;
  }
  llvm::Expected<llvm::json::Object> result = figuresOf(program, said);
  if (!result) {
    complain(result.takeError());
    return kBadInput;
  }
  auto number = [&](llvm::StringRef name) {
    return result->getNumber(name).value_or(0);
  };
  llvm::outs() << llvm::formatv(
      "median {0:f4} ms, least {1:f4} ms, first {2:f4} ms; {3} runs, threads: "
      "{4}",
      number("median_ms"), number("min_ms"), number("first_ms"),
      static_cast<int64_t>(number("runs")),
      static_cast<int64_t>(number("threads")));
  // What measures the machine takes much memory itself.
  if (!options.isTimed)
    llvm::outs() << llvm::formatv(
        "; workspace {0:f1} MB, peak memory {1:f1} MB",
        number("workspace_bytes") / 1e6, number("peak_rss_bytes") / 1e6);
  llvm::outs() << "\n";
  if (options.isTimed)
    printProfile(*result, llvm::outs());
  return kDone;
}
