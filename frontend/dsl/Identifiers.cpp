// Identifiers.cpp - names of the language for names of any other kind.
#include "frontend/dsl/Identifiers.h"
#include "frontend/dsl/ExprParser.h"
#include "llvm/ADT/StringExtras.h"

using namespace burnish::dsl;
using llvm::StringRef;

std::string Identifiers::make(StringRef name, StringRef otherwise) {
  std::string text;
  for (char c : name.take_front(60))
    text += llvm::isAlnum(c) || c == '_' ? c : '_';
  while (!text.empty() && text.back() == '_')
    text.pop_back();
  if (text.empty() || !llvm::isAlpha(text.front()))
    text = otherwise.str() + "_" + text;
  static constexpr StringRef kWords[] = {
      "scan", "if",    "repeat", "let",   "true",   "false", "None",
      "inf",  "nan",   "pi",     "param", "state",  "emit",  "each",
      "as",   "not",   "and",    "or",    "else",   "in",    "layer",
      "net",  "train", "export", "use",   "import", "zeros", "ones",
      "with", "at",    "where",  "loop",  "while"};
  if (llvm::is_contained(kWords, text) || isElementType(text))
    text += "_";
  std::string unique = text;
  for (unsigned count = 2; !taken.insert(unique).second; ++count)
    unique = text + "_" + std::to_string(count);
  return unique;
}
