// Standard.h - the standard library, which is written in the language.
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace burnish::dsl {

struct StandardFile {
  llvm::StringRef name, text;
};

/// The files of std/, as they were when the compiler was built.
llvm::ArrayRef<StandardFile> standardFiles();

} // namespace burnish::dsl
