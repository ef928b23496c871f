// Syntax.cpp - libFuzzer on what reads the text of the language: lexer, parser
// and formatter, thousands of inputs a second.
//
//   ninja -C build/dev fuzz-syntax
//   build/dev/bin/fuzz-syntax -runs=1000000 -dict=test/fuzz/network.dict CORPUS
//
// A corpus to begin with: frontend/dsl/std and test/frontend/dsl/Inputs. A text
// that is laid out is the same tree as before, and stays as it is.
#include "frontend/dsl/Format.h"
#include "frontend/dsl/Parser.h"
#include "test/fuzz/Tree.h"

using namespace burnish;
using namespace burnish::dsl;

static uint32_t add(Sources &sources, llvm::StringRef text) {
  return sources.add("fuzz.nn",
                     llvm::MemoryBuffer::getMemBufferCopy(text, "fuzz.nn"));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Sources sources;
  Diagnostics diagnostics("fuzz.nn");
  Messages messages(sources, diagnostics);
  uint32_t first = add(sources, {reinterpret_cast<const char *>(data), size});
  File file = parse(sources, first, messages);
  for (const Problem &problem : diagnostics.problems())
    (void)diagnostics.message(problem);
  std::string tree = textOf(file);
  if (messages.hasErrors())
    return 0;
  std::optional<std::string> text = format(sources, first, messages);
  if (!text)
    __builtin_trap();
  uint32_t second = add(sources, *text);
  if (textOf(parse(sources, second, messages)) != tree || messages.hasErrors())
    __builtin_trap();
  if (format(sources, second, messages) != text)
    __builtin_trap();
  return 0;
}
