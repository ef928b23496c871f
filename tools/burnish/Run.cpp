// Run.cpp - `burnish run MODEL IN...`: compile, or take what is kept, and run.
#include "tools/burnish/Cache.h"
#include "tools/burnish/Commands.h"
#include "llvm/Support/raw_ostream.h"
#include <cerrno>
#include <cstring>
#include <unistd.h>

using namespace burnish;

int burnish::run(const Options &options) {
  int status;
  std::string program = cachedProgram(options, status);
  if (program.empty())
    return status;
  std::vector<std::string> words = {program};
  words.insert(words.end(), options.files.begin() + 1, options.files.end());
  if (!options.output.empty())
    words.insert(words.end(), {"-o", options.output});
  if (options.threads)
    words.push_back("--threads=" + std::to_string(options.threads));
  std::vector<char *> raw;
  raw.reserve(words.size() + 1);
  for (std::string &word : words)
    raw.push_back(word.data());
  raw.push_back(nullptr);
  ::execv(program.c_str(), raw.data());
  llvm::errs() << "burnish: " << program << ": " << std::strerror(errno)
               << "\n";
  return kBadInput;
}
