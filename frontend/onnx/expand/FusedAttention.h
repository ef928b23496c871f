// FusedAttention.h - what the forms of attention of com.microsoft share.
#pragma once
#include "frontend/onnx/Expand.h"

namespace burnish::onnx_import {

/// [batch, steps, heads * size] as [batch, heads, steps, size], and back.
mlir::Value splitHeads(Expansion &e, mlir::Value x, int64_t heads);
mlir::Value joinHeads(Expansion &e, mlir::Value x);

/// Whether the operands that there are have these ranks; a diagnostic if not.
bool haveRanks(Expansion &e,
               llvm::ArrayRef<std::pair<unsigned, int64_t>> ranks);

/// The factor of the scores, by default 1 / sqrt(size of a head).
mlir::Value scoreScale(Expansion &e, mlir::Value query);

/// What the score of a key becomes that is not seen.
double lowest(mlir::Value like);

llvm::SmallVector<mlir::Value> rotaryEmbedding(Expansion &e);
llvm::SmallVector<mlir::Value> groupQueryAttention(Expansion &e);

} // namespace burnish::onnx_import
