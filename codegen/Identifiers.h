// Identifiers.h - names of models in C.
#pragma once
#include "llvm/ADT/StringSet.h"
#include <string>

namespace burnish {

/// A C and C++ identifier made from any text: never a keyword, a reserved name
/// or one of the C library's.
std::string cIdentifier(llvm::StringRef text);
/// The same, with a number behind it where it is used already; adds it there.
std::string uniqueIdentifier(llvm::StringRef text, llvm::StringSet<> &used);

/// A name of the model as it may stand in a comment: printable, short, and
/// unable to end it.
std::string inComment(llvm::StringRef text);

} // namespace burnish
