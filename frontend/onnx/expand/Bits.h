// Bits.h - weights of fewer bits than a byte has.
#pragma once
#include "frontend/onnx/Expand.h"

namespace burnish::onnx_import {

/// Fields of `bits` bits in bytes, lowest first, along the innermost axis.
mlir::Value unpacked(Expansion &e, mlir::Value bytes, int64_t bits);

} // namespace burnish::onnx_import
