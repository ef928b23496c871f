// Skeleton.h - a model file without the weights in it.
#pragma once
#include "onnx/onnx_pb.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

namespace burnish::onnx_import {

/// Graphs inside attributes of nodes may be nested this deep.
constexpr unsigned kDeepestSubgraph = 64;

/// Reads a ModelProto out of `file`, leaving the raw bytes of big tensors where
/// they are: such a tensor has no `raw_data`, and its `segment` says where in
/// `file` the bytes lie. (A file with segments of its own is refused.)
/// Documentation strings and training information are left out. The file is not
/// trusted.
llvm::Error readSkeleton(llvm::ArrayRef<char> file, onnx::ModelProto &model);

} // namespace burnish::onnx_import
