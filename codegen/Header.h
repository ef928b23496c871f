// Header.h - the C header of a compiled model.
#pragma once
#include "ir/Signature.h"
#include <string>

namespace burnish {

/// What a header tells beside the signature.
struct HeaderFacts {
  int64_t workspaceBytes = 0;
  /// 0 when the weights are in the object.
  int64_t weightsFileBytes = 0;
  /// The object defines NAME_run, which takes the context, a pointer for each
  /// input and output, and the workspace.
  bool isTyped = false;
  /// Nothing bounds the dims that the workspace depends on.
  bool isUnbounded = false;
  /// Runs take memory from the context.
  bool needsAllocator = false;
};

/// An element type in C.
llvm::StringRef cTypeName(mlir::Type elementType);
/// "float, 1x3x224x224": what lies at a port, for a comment.
std::string describePort(const nn::Port &port);

/// The text of NAME.h.
std::string headerText(const nn::Signature &signature,
                       const HeaderFacts &facts);

} // namespace burnish
