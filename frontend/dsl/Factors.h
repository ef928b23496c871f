// Factors.h - matrices that are trained through two factors of a small rank.
#pragma once
#include "frontend/dsl/Elaborator.h"
#include "frontend/dsl/RecipeFacts.h"

namespace burnish::dsl {

/// Values that others took the place of.
using ReplacedValues = llvm::DenseMap<mlir::Value, mlir::Value>;

/// Freezes the params that clauses of `lora` match, and gives each matrix W
/// among them that something is multiplied by from the left two factors A and
/// B, so that W + scale * A B stands in its place. Where that is a product by
/// W, it becomes x W + scale * (x A) B, which needs no gradient as large as W.
/// What is replaced and may be known elsewhere is told. False after a report,
/// which there is only where `reports` holds: a function may not use all of the
/// net.
bool addFactors(Elaborator &e, const RecipeFacts &recipe, llvm::StringRef net,
                bool reports, ReplacedValues &replaced);

} // namespace burnish::dsl
