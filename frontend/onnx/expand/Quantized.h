// Quantized.h - what operators on quantized values share.
#pragma once
#include "frontend/onnx/Expand.h"

namespace burnish::onnx_import {

/// Fields of `bits` bits in bytes, lowest first, along the innermost axis.
mlir::Value unpacked(Expansion &e, mlir::Value bytes, int64_t bits);

/// The product of integers, less their zero points, as a float: times both
/// scales, and a bias added. Zero points and bias may be null.
mlir::Value scaledProduct(Expansion &e, mlir::Value a, mlir::Value b,
                          mlir::Value zeroA, mlir::Value zeroB,
                          mlir::Value scaleA, mlir::Value scaleB,
                          mlir::Value bias);

} // namespace burnish::onnx_import
