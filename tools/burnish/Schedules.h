// Schedules.h - files with schedules that were measured.
#pragma once
#include "codegen/Target.h"
#include "llvm/Support/Error.h"
#include <map>
#include <string>

namespace burnish {

/// By target and shape. A file begins with the line `burnish schedules 1`; each
/// other one is `TARGET: SHAPE -> SCHEDULE`, is empty or begins with #.
class Schedules {
public:
  using Table = std::map<std::string, std::string>;

  /// The error says which line is wrong.
  static llvm::Expected<Schedules> parse(llvm::StringRef file,
                                         llvm::StringRef text);
  /// Nothing is in a file without a name, nor in one that is not there where it
  /// may be new.
  static llvm::Expected<Schedules> read(llvm::StringRef file,
                                        bool mayBeNew = false);
  /// How a file calls a target.
  static std::string nameOf(const Target &target);

  Table &of(const Target &target) { return tables[nameOf(target)]; }
  std::string text() const;

private:
  std::map<std::string, Table> tables;
};

} // namespace burnish
