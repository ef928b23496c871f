// Identifiers.h - names of the language for names of any other kind.
#pragma once
#include "llvm/ADT/StringSet.h"
#include <string>

namespace burnish::dsl {

class Identifiers {
public:
  /// A name that the language allows, as near to `name` as may be, and that was
  /// not given before; one like `otherwise` where nothing of it is left.
  std::string make(llvm::StringRef name, llvm::StringRef otherwise);

private:
  llvm::StringSet<> taken;
};

} // namespace burnish::dsl
