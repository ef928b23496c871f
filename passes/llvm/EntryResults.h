// EntryResults.h - how results whose sizes only run time knows reach the
// caller.
#pragma once
#include "passes/llvm/EntryCode.h"

namespace burnish {

/// Makes room for element `position` of `outputs`, whose dims are `sizes`,
/// unless the caller has brought a buffer, and returns where it is. The
/// function that is being written returns early where there is none.
mlir::Value makeRoom(EntryCode &code, mlir::Value context, mlir::Value outputs,
                     int32_t position, const nn::Port &port,
                     llvm::ArrayRef<mlir::Value> sizes);

/// Hands a result to the caller that the model has allocated: as it is where he
/// brought no buffer, else copied into his. Sets `sizes` to its dims, and
/// returns a status.
mlir::Value giveResult(EntryCode &code, mlir::Value context,
                       mlir::Value outputs, int32_t position,
                       const nn::Port &port, mlir::Value descriptor,
                       llvm::SmallVectorImpl<mlir::Value> &sizes);

} // namespace burnish
