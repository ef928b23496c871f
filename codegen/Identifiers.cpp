// Identifiers.cpp - names of models in C.
#include "codegen/Identifiers.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/Support/FormatVariadic.h"

using namespace burnish;
using llvm::StringRef;

static constexpr StringRef kKeywordsOfC =
    "auto break case char const continue default do double else enum extern "
    "float for goto if inline int long register restrict return short "
    "signed sizeof static struct switch typedef union unsigned void "
    "volatile while asm typeof nullptr constexpr alignas alignof bool true "
    "false static_assert thread_local typeof_unqual";

static constexpr StringRef kKeywordsOfCpp =
    "and and_eq atomic_cancel bitand bitor catch char8_t char16_t char32_t "
    "class compl concept consteval constinit const_cast co_await co_return "
    "co_yield decltype delete dynamic_cast explicit export friend mutable "
    "namespace new noexcept not not_eq operator or or_eq private protected "
    "public reflexpr reinterpret_cast requires static_cast synchronized "
    "template this throw try typeid typename using virtual wchar_t xor "
    "xor_eq";

/// Names with a meaning to linkers, to headers that burnish.h includes, and
/// macros of some compilers.
static constexpr StringRef kOtherNames =
    "main environ errno linux unix i386 NULL signgam stdin stdout stderr "
    "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t "
    "size_t ptrdiff_t near far I NAN INFINITY EOF assert";

static bool isTaken(StringRef name) {
  static const llvm::StringSet<> kWords = [] {
    llvm::StringSet<> words;
    for (StringRef text : {kKeywordsOfC, kKeywordsOfCpp, kOtherNames})
      for (StringRef word : llvm::split(text, ' '))
        words.insert(word);
    return words;
  }();
  if (kWords.contains(name) || name.starts_with("burnish_") ||
      name.starts_with("BURNISH_"))
    return true;
  static const llvm::TargetLibraryInfoImpl library(
      llvm::Triple("x86_64-unknown-linux-gnu"));
  llvm::LibFunc function;
  return library.getLibFunc(name, function);
}

std::string burnish::cIdentifier(StringRef text) {
  // C promises 63 significant characters; room is left for what is put around.
  constexpr size_t kLength = 48;
  std::string name;
  for (char character : text.take_front(4 * kLength)) {
    bool isFit = llvm::isAlnum(character);
    // No leading underscore and no two in a row: both are reserved somewhere.
    if (isFit || (!name.empty() && name.back() != '_'))
      name += isFit ? character : '_';
  }
  name.resize(std::min(name.size(), kLength));
  while (!name.empty() && name.back() == '_')
    name.pop_back();
  if (name.empty() || llvm::isDigit(name[0]))
    name = "model" + (name.empty() ? "" : "_" + name);
  return isTaken(name) ? name + "_model" : name;
}

std::string burnish::inComment(StringRef text) {
  constexpr size_t kLength = 80;
  std::string result;
  for (char character : text.take_front(kLength)) {
    if (!llvm::isPrint(character) || character == '\\')
      result +=
          llvm::formatv("\\x{0}",
                        llvm::utohexstr(static_cast<unsigned char>(character),
                                        /*LowerCase=*/true, 2))
              .str();
    else if ((character == '/' && llvm::StringRef(result).ends_with("*")) ||
             (character == '*' && llvm::StringRef(result).ends_with("/")) ||
             (character == '?' && llvm::StringRef(result).ends_with("?")))
      result += std::string(" ") + character;
    else
      result += character;
  }
  return text.size() > kLength ? result + "..." : result;
}

std::string burnish::uniqueIdentifier(StringRef text, llvm::StringSet<> &used) {
  std::string base = cIdentifier(text), name = base;
  for (int suffix = 2; !used.insert(name).second; ++suffix)
    name = base + "_" + std::to_string(suffix);
  return name;
}
