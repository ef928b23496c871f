// Recompute.h - computing values again for gradients instead of keeping them.
#pragma once
#include "passes/graph/Adjoints.h"

namespace burnish {

/// The module attribute with the numbers of choices after which a kind of them
/// ends (DenseI64ArrayAttr), in ascending order.
constexpr llvm::StringLiteral kRecomputeStepsAttr = "nn.recompute_steps";

/// What of a block's operators would have to be kept: shared by those who
/// choose and by those who do it.
bool isBackwardUse(mlir::OpOperand &use, mlir::Block &block,
                   const Backward &backward);
/// The operands of an operator and what its bodies use from above, but for
/// constants.
llvm::SetVector<mlir::Value> valuesUsed(mlir::Operation *op);

/// Marks operators before the gradients with `nn.recompute`, the first
/// `choices` of a fixed order of such marks; leaves kRecomputeStepsAttr on the
/// module.
void chooseRecomputed(mlir::Block &block, const Backward &backward,
                      int64_t choices);

/// Where operators built for gradients use results of operators with
/// `nn.recompute`, these are computed again just before the first such use,
/// from what the marked operators around them take. T. Chen, B. Xu, C. Zhang,
/// C. Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016. First
/// marks as many as `choices` says; -1 leaves the block as the network has it.
void recompute(mlir::Block &block, const Backward &backward,
               nn::ShapeScope &scope, int64_t choices);

} // namespace burnish
