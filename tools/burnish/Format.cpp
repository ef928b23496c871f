// Format.cpp - `burnish fmt FILE.nn...`: lays out networks in the language.
#include "frontend/dsl/Format.h"
#include "codegen/Output.h"
#include "tools/burnish/Commands.h"
#include "tools/burnish/Compiler.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace burnish;

/// One file; its exit status.
static int formatFile(const std::string &path, bool onlyChecks) {
  auto text = llvm::MemoryBuffer::getFileOrSTDIN(path, /*IsText=*/true);
  if (!text) {
    llvm::errs() << path << ": " << text.getError().message() << "\n";
    return kBadInput;
  }
  std::string before = (*text)->getBuffer().str();
  dsl::Sources sources;
  Diagnostics diagnostics(path);
  dsl::Messages messages(sources, diagnostics);
  uint32_t file = sources.add(path, std::move(*text));
  std::optional<std::string> after = dsl::format(sources, file, messages);
  for (const Problem &problem : diagnostics.problems())
    llvm::errs() << diagnostics.message(problem) << "\n";
  if (!after)
    return kBadInput;
  if (onlyChecks) {
    if (*after == before)
      return kDone;
    llvm::errs() << path << ": not laid out as `burnish fmt` would\n";
    return kBadInput;
  }
  if (path == "-") {
    llvm::outs() << *after;
    return kDone;
  }
  if (*after == before)
    return kDone;
  llvm::Expected<Output> output = Output::create(path);
  if (!output)
    return complain(output.takeError()), kBadInput;
  if (llvm::Error error = output->append(*after))
    return complain(std::move(error)), kBadInput;
  if (llvm::Error error = output->commit(/*isExecutable=*/false))
    return complain(std::move(error)), kBadInput;
  return kDone;
}

int burnish::format(const Options &options) {
  int status = kDone;
  for (const std::string &file : options.files)
    status = std::max(status, formatFile(file, options.onlyChecks));
  return status;
}
