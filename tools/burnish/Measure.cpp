// Measure.cpp - compiled programs are run for their figures.
#include "tools/burnish/Measure.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace burnish;

int burnish::capture(std::vector<std::string> words, std::string &said) {
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

llvm::Expected<llvm::json::Object> burnish::figuresOf(llvm::StringRef program,
                                                      llvm::StringRef said) {
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(said);
  if (value && value->getAsObject())
    return std::move(*value->getAsObject());
  llvm::consumeError(value.takeError());
  return llvm::createStringError("%s: not the figures of a compiled program",
                                 program.str().c_str());
}
