// Bench.cpp - `burnish bench MODEL`: compile, or take what is kept, and time.
#include "tools/burnish/Cache.h"
#include "tools/burnish/Commands.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace burnish;

/// Runs a program; its exit status, with what it wrote to its standard output
/// in `said`. -1 when it could not start.
static int capture(std::vector<std::string> words, std::string &said) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC))
    return -1;
  std::vector<char *> raw;
  raw.reserve(words.size() + 1);
  for (std::string &word : words)
    raw.push_back(word.data());
  raw.push_back(nullptr);
  pid_t process = ::fork();
  if (process == 0) {
    ::dup2(ends[1], 1);
    ::execv(raw[0], raw.data());
    _exit(127);
  }
  ::close(ends[1]);
  char buffer[4096];
  for (ssize_t count;
       process > 0 && (count = ::read(ends[0], buffer, sizeof buffer)) != 0;) {
    if (count > 0)
      said.append(buffer, count);
    else if (errno != EINTR)
      break;
  }
  ::close(ends[0]);
  int status = 0;
  if (process < 0 || ::waitpid(process, &status, 0) < 0)
    return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Says how far the outputs of a program that rounds operands are from those of
/// the same model without, on the same inputs.
static int compareWithF32(const Options &options, const std::string &program,
                          llvm::raw_ostream &out) {
  Options exact = options;
  exact.narrows = false;
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

int burnish::bench(const Options &options) {
  int status;
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
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(said);
  const llvm::json::Object *result = value ? value->getAsObject() : nullptr;
  if (!result) {
    llvm::consumeError(value.takeError());
    llvm::errs() << "burnish: " << program
                 << ": not the figures of a compiled program\n";
    return kBadInput;
  }
  auto number = [&](llvm::StringRef name) {
    return result->getNumber(name).value_or(0);
  };
  llvm::outs() << llvm::formatv(
      "median {0:f4} ms, least {1:f4} ms, first {2:f4} ms; {3} runs, threads: "
      "{4}; workspace {5:f1} MB, peak memory {6:f1} MB\n",
      number("median_ms"), number("min_ms"), number("first_ms"),
      static_cast<int64_t>(number("runs")),
      static_cast<int64_t>(number("threads")), number("workspace_bytes") / 1e6,
      number("peak_rss_bytes") / 1e6);
  return kDone;
}
