// Header.h - the C header of a compiled model.
#pragma once
#include "ir/Signature.h"
#include <string>

namespace burnish {

/// A C and C++ identifier made from any text: never a keyword, a reserved name
/// or one of the C library's.
std::string cIdentifier(llvm::StringRef text);

/// The text of NAME.h. `isTyped`: the object defines NAME_run, which takes the
/// context, a pointer for each input and output, and the workspace.
std::string headerText(const nn::Signature &signature, int64_t workspaceBytes,
                       int64_t weightsFileBytes, bool isTyped);

} // namespace burnish
