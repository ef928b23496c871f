// Test.cpp - `burnish test DIR...`: backend-test folders, each in a process of
// its own, a line a case.
#include "tools/burnish/Case.h"
#include "tools/burnish/Commands.h"
#include "tools/burnish/Compiler.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Signals.h"
#include <chrono>
#include <cmath>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace burnish;
using Clock = std::chrono::steady_clock;

namespace {
/// A case that is running in a process of its own, forked from this warm one:
/// no start, no loading.
struct Running {
  size_t index;
  pid_t process;
  int pipe;
  Clock::time_point start;
  std::string said;
};
} // namespace

static double millisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start)
      .count();
}

/// Numbers that JSON has no word for are null.
static llvm::json::Value number(double value) {
  return std::isfinite(value) ? llvm::json::Value(value)
                              : llvm::json::Value(nullptr);
}
static double numberOf(const llvm::json::Object &object, llvm::StringRef key) {
  return object.getNumber(key).value_or(
      std::numeric_limits<double>::infinity());
}

/// An outcome as the child tells it to the parent, and --json tells it to the
/// world.
static llvm::json::Object toJson(const Outcome &outcome, llvm::StringRef name) {
  return llvm::json::Object{
      {"name", llvm::json::fixUTF8(name)},
      {"outcome", outcome.kind},
      {"max_abs", number(outcome.difference.absolute)},
      {"max_rel", number(outcome.difference.relative)},
      {"max_ulp", number(outcome.difference.ulp)},
      {"ms", std::round(outcome.milliseconds * 100) / 100},
      {"message", llvm::json::fixUTF8(outcome.message)}};
}

static Outcome fromJson(const llvm::json::Object &object) {
  Outcome outcome;
  outcome.kind = object.getString("outcome").value_or("error").str();
  outcome.difference.absolute = numberOf(object, "max_abs");
  outcome.difference.relative = numberOf(object, "max_rel");
  outcome.difference.ulp = numberOf(object, "max_ulp");
  outcome.message = object.getString("message").value_or("").str();
  return outcome;
}

/// Where a case's process writes its standard error.
static std::string errorsOf(llvm::StringRef scratch, pid_t process) {
  return (scratch + "/" + llvm::Twine(process) + ".err").str();
}

[[noreturn]] static void runInChild(const std::string &folder,
                                    llvm::StringRef scratch,
                                    const Options &options, int pipe) {
#if !__has_feature(address_sanitizer)
  rlim_t bytes = static_cast<rlim_t>(options.memory) << 20;
  rlimit limit = {bytes, bytes};
  setrlimit(RLIMIT_AS, &limit);
#endif
  rlimit noCore = {0, 0};
  setrlimit(RLIMIT_CORE, &noCore);
  // What an assertion says goes into the outcome, and nowhere else.
  int errors = ::open(errorsOf(scratch, ::getpid()).c_str(),
                      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (errors >= 0)
    ::dup2(errors, 2);
  // The parent says what became of it; a stack trace of the compiler is for its
  // own developers, under a debugger.
  for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP})
    std::signal(signal, SIG_DFL);
  std::string text =
      llvm::formatv("{0}", llvm::json::Value(toJson(
                               runCase(folder, scratch, options), folder)))
          .str();
  size_t written = 0;
  while (written < text.size()) {
    ssize_t step = ::write(pipe, text.data() + written, text.size() - written);
    if (step <= 0)
      break;
    written += step;
  }
  _exit(written == text.size() ? 0 : 1);
}

static Running start(size_t index, const std::string &folder,
                     llvm::StringRef scratch, const Options &options) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC))
    return {index, -1, -1, Clock::now(), ""};
  llvm::outs().flush();
  pid_t process = ::fork();
  if (process == 0) {
    ::close(ends[0]);
    runInChild(folder, scratch, options, ends[1]);
  }
  ::close(ends[1]);
  return {index, process, ends[0], Clock::now(), ""};
}

/// Waits for the process and says what became of the case.
static Outcome finish(Running &running, llvm::StringRef scratch, bool isLate) {
  Outcome outcome;
  if (isLate)
    ::kill(running.process, SIGKILL);
  ::close(running.pipe);
  int status = 0;
  while (::waitpid(running.process, &status, 0) < 0 && errno == EINTR) {
  }
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(running.said);
  if (isLate) {
    llvm::consumeError(value.takeError());
    outcome.kind = "timeout";
  } else if (value && value->getAsObject()) {
    outcome = fromJson(*value->getAsObject());
  } else {
    llvm::consumeError(value.takeError());
    outcome.kind = "crash";
    outcome.message = WIFSIGNALED(status)
                          ? strsignal(WTERMSIG(status))
                          : llvm::formatv("the process ended with status {0}",
                                          WEXITSTATUS(status))
                                .str();
    if (auto errors =
            llvm::MemoryBuffer::getFile(errorsOf(scratch, running.process)))
      if (llvm::StringRef first =
              (*errors)->getBuffer().ltrim().split('\n').first;
          !first.empty())
        outcome.message += ": " + first.take_front(300).str();
  }
  (void)llvm::sys::fs::remove(errorsOf(scratch, running.process));
  outcome.milliseconds = millisecondsSince(running.start);
  return outcome;
}

static void print(const Outcome &outcome, const std::string &name,
                  const Options &options) {
  if (options.wantsJson) {
    llvm::outs() << llvm::formatv("{0}",
                                  llvm::json::Value(toJson(outcome, name)))
                 << "\n";
  } else {
    llvm::outs() << llvm::formatv(
        "{0} {1} {2:e1} {3:e1} {4} {5:f1}", outcome.kind, name,
        outcome.difference.absolute, outcome.difference.relative,
        outcome.difference.ulp, outcome.milliseconds);
    if (outcome.kind != "pass")
      llvm::outs() << " " << llvm::StringRef(outcome.message).split('\n').first;
    llvm::outs() << "\n";
  }
  llvm::outs().flush();
}

/// Reads what the processes say until one has ended or is late; its place among
/// `running`.
static size_t waitForOne(std::vector<Running> &running, const Options &options,
                         bool &isLate) {
  while (true) {
    std::vector<pollfd> polled;
    polled.reserve(running.size());
    for (const Running &one : running)
      polled.push_back({one.pipe, POLLIN, 0});
    ::poll(polled.data(), polled.size(), 100);
    for (size_t place = 0; place < running.size(); ++place) {
      isLate =
          millisecondsSince(running[place].start) > options.timeout * 1000.0;
      if (isLate)
        return place;
      if (!polled[place].revents)
        continue;
      char buffer[4096];
      ssize_t count = ::read(running[place].pipe, buffer, sizeof buffer);
      if (count > 0)
        running[place].said.append(buffer, count);
      else if (count == 0 || errno != EINTR)
        return place;
    }
  }
}

/// What the process leaves behind when it is interrupted.
static const char *scratchFolder;

static void stop() {
  (void)llvm::sys::fs::remove_directories(scratchFolder);
  _exit(128 + SIGINT);
}

int burnish::test(const Options &options) {
  std::vector<std::string> cases = findCases(options.files);
  for (const std::string &root : options.files)
    if (findCases(root).empty()) {
      llvm::errs() << "burnish: " << root
                   << ": no folder with a model.onnx in it\n";
      return kBadInput;
    }
  // In memory where the system has a place for that: the dynamic loader wants a
  // file with a name.
  llvm::SmallString<64> scratch(llvm::sys::fs::can_write("/dev/shm")
                                    ? "/dev/shm/burnish-test"
                                    : "burnish-test");
  if (std::error_code error =
          llvm::sys::fs::createUniqueDirectory(scratch, scratch)) {
    llvm::errs() << "burnish: " << scratch << ": " << error.message() << "\n";
    return kBadInput;
  }
  scratchFolder = scratch.c_str();
  llvm::sys::SetInterruptFunction(stop);
  llvm::scope_exit removeScratch(
      [&] { (void)llvm::sys::fs::remove_directories(scratch); });
  Compiler::warmUp();
  size_t jobs = options.jobs ? options.jobs
                             : std::max<long>(1, sysconf(_SC_NPROCESSORS_ONLN));
  std::vector<std::optional<Outcome>> outcomes(cases.size());
  std::vector<Running> running;
  size_t next = 0, printed = 0, passed = 0;
  while (printed < cases.size()) {
    for (; running.size() < jobs && next < cases.size(); ++next) {
      Running one = start(next, cases[next], scratch, options);
      if (one.process < 0) {
        llvm::errs() << "burnish: cannot start a process: " << strerror(errno)
                     << "\n";
        return kBadInput;
      }
      running.push_back(std::move(one));
    }
    bool isLate = false;
    size_t place = waitForOne(running, options, isLate);
    outcomes[running[place].index] = finish(running[place], scratch, isLate);
    running.erase(running.begin() + place);
    // In the order of the folders, whoever is first.
    for (; printed < cases.size() && outcomes[printed]; ++printed) {
      passed += outcomes[printed]->kind == "pass";
      print(*outcomes[printed], cases[printed], options);
    }
  }
  llvm::errs() << passed << " of " << cases.size() << " passed\n";
  return passed == cases.size() ? kDone : kBadInput;
}
