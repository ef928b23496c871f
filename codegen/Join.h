// Join.h - the objects of a module's parts as one.
#pragma once
#include "codegen/Output.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/TargetParser/Triple.h"

namespace burnish {

/// Whether objects for `triple` can be joined: ELF of 64 bits, little-endian.
bool canJoin(const llvm::Triple &triple);

/// Writes relocatable objects as one, as a linker does with `-r`. What is in
/// `internal` is not seen from outside. A section `filled` that takes no room
/// becomes one of zeros that does, as a hole in the file: its bytes pass
/// through no memory.
llvm::Error joinObjects(llvm::ArrayRef<llvm::StringRef> objects,
                        const llvm::StringSet<> &internal,
                        llvm::StringRef filled, Output &output);

} // namespace burnish
