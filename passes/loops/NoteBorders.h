// NoteBorders.h - what a sum over windows need not read.
#pragma once
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace burnish {

/// Leaves at a sum over windows whose taps lie apart where its image is
/// nothing but padding (`kBordersAttr`), so that its maker can leave out taps
/// that meet no more than that.
void noteBorders(mlir::linalg::GenericOp op);

} // namespace burnish
