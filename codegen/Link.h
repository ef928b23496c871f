// Link.h - from objects to programs, shared libraries and archives.
#pragma once
#include "codegen/Output.h"
#include "codegen/Target.h"

namespace burnish {

struct LinkOptions {
  llvm::Triple triple;
  /// The root folder of another system's libraries; empty: this one's.
  std::string sysroot;
  /// libburnish.a for the target.
  std::string runtime;
  /// The object has room in place of weights, and so has the result.
  bool hasRoom = false;
  /// The object is a training: a shared library exports what runs it, too.
  bool trains = false;
};

/// Links a program out of a model's object, the runtime, libc and libm. No
/// compiler is needed, only libc's own objects.
llvm::Error linkProgram(llvm::StringRef object, const LinkOptions &options,
                        Output &output);

/// Links a shared library that exports the model `name` and the runtime's C
/// functions.
llvm::Error linkShared(llvm::StringRef object, llvm::StringRef name,
                       const LinkOptions &options, Output &output);

/// Links a model and what it needs of the runtime (if that is there) for
/// loading into a process that has libc and libm already: nothing is looked
/// for on the disk.
llvm::Error linkLoadable(llvm::StringRef object, llvm::StringRef runtime,
                         Output &output);

/// Writes an archive of a model's object and the runtime's. The same members
/// give the same bytes.
llvm::Error writeArchive(llvm::StringRef object, llvm::StringRef memberName,
                         const LinkOptions &options, Output &output);

/// Where libburnish.a for `triple` lies as seen from the compiler's executable:
/// ../lib, or ../lib/ARCH for other targets.
std::string findRuntime(llvm::StringRef executable, const llvm::Triple &triple);

} // namespace burnish
