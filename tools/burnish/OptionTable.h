// OptionTable.h - the options of `burnish`, and which commands each is for.
#pragma once
#include "tools/burnish/Options.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <functional>

namespace burnish {

/// Which commands an option is for, as bits.
constexpr unsigned bit(Command command) {
  return 1u << static_cast<unsigned>(command);
}

struct Option {
  llvm::StringRef name;
  enum Value { None, Needed, Possible } value;
  unsigned commands;
  /// False when the value makes no sense.
  std::function<bool(Options &, llvm::StringRef)> set;
  /// What the value should be, for messages.
  llvm::StringRef form;
};

/// `-O0` and the like are here too: an option is found by its whole name, up to
/// `=`.
llvm::ArrayRef<Option> optionTable();

} // namespace burnish
