// Program.h - the files of a network, read, and what each name in them is.
#pragma once
#include "frontend/dsl/Ast.h"
#include "frontend/dsl/Messages.h"
#include "llvm/ADT/StringMap.h"

namespace burnish::dsl {

/// One file and what its names may refer to: its own layers first, then those
/// of the files it uses, then the standard library.
struct Unit {
  File file;
  bool isStandard = false;
  llvm::StringMap<const Layer *> layers;
  /// Rules of gradients, by the layers that they are of.
  llvm::StringMap<const Derivative *> derivatives;
  llvm::StringMap<const Import *> imports;
  std::vector<Unit *> uses;
};

class Program {
public:
  explicit Program(Messages &messages, Sources &sources)
      : messages(messages), sources(sources) {}

  /// Reads a text and the files that it uses; what is wrong is reported.
  Unit &load(llvm::StringRef path, std::unique_ptr<llvm::MemoryBuffer> text);

  /// What a name means in `unit`: a layer and the unit it stands in. Null when
  /// it is none.
  struct Found {
    const Layer *layer = nullptr;
    const Import *import = nullptr;
    Unit *unit = nullptr;
    explicit operator bool() const { return layer || import; }
  };
  Found find(Unit &unit, llvm::StringRef name) const;
  /// All names that `find` would find.
  std::vector<llvm::StringRef> names(const Unit &unit) const;

  const std::vector<std::unique_ptr<Unit>> &allUnits() const { return units; }

private:
  Unit &add(uint32_t source, bool isStandard);
  void declare(Unit &unit);
  void use(Unit &unit, const Use &use);
  Unit &standard();

  Messages &messages;
  Sources &sources;
  std::vector<std::unique_ptr<Unit>> units;
  Unit *library = nullptr;
  /// Files that are being read, by path: those that use each other in a circle
  /// are found.
  llvm::StringMap<Unit *> byPath;
  std::vector<std::string> open;
};

/// The path of a file that a file names, from that file's folder.
std::string besides(llvm::StringRef file, llvm::StringRef name);

} // namespace burnish::dsl
