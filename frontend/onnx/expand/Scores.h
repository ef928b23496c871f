// Scores.h - what models of ai.onnx.ml do with the scores of targets or
// classes.
#pragma once
#include "frontend/onnx/Expand.h"

namespace burnish::onnx_import {

/// The operand as rows of features in ONNX's element type `type`; one row when
/// it has rank 1. Poison after a diagnostic.
mlir::Value featureRows(Expansion &e, mlir::Value x, int64_t type);
/// The same with so many columns; a run with others fails.
mlir::Value featureRows(Expansion &e, mlir::Value x, int64_t type,
                        int64_t columns);

/// Whether `post_transform` is one of ONNX's; a diagnostic if not.
bool isTransform(Expansion &e, llvm::StringRef transform);

/// ONNX Runtime's approximation of sqrt(2) * erfinv(2 x - 1).
mlir::Value probit(Expansion &e, mlir::Value x);
/// Rows of several scores after `post_transform`.
mlir::Value transformed(Expansion &e, mlir::Value scores,
                        llvm::StringRef transform);
/// Scores of a regressor: a single one is left as it is by all but PROBIT.
mlir::Value transformedTargets(Expansion &e, mlir::Value scores,
                               int64_t targets, llvm::StringRef transform);

/// The labels of classes, whole numbers; none after a diagnostic. `name` is the
/// attribute's. For labels that are strings (`classlabels_strings`) their
/// places.
std::optional<llvm::SmallVector<int64_t>> classLabels(Expansion &e,
                                                      llvm::StringRef name);
/// A classifier's results with strings for the places of labels, where the
/// labels are that.
llvm::SmallVector<mlir::Value>
withStringLabels(Expansion &e, llvm::SmallVector<mlir::Value> results);
/// labels[index]; and one of two by a truth value, both for each row.
mlir::Value labelAt(Expansion &e, llvm::ArrayRef<int64_t> labels,
                    mlir::Value index);
mlir::Value labelIf(Expansion &e, mlir::Value condition, int64_t whenTrue,
                    int64_t otherwise);
/// The label of the greatest score of each row, the first of equal ones.
mlir::Value greatestLabel(Expansion &e, llvm::ArrayRef<int64_t> labels,
                          mlir::Value scores);

/// Columns [from, to) of a matrix, and columns side by side.
mlir::Value columns(Expansion &e, mlir::Value matrix, int64_t from, int64_t to);
mlir::Value sideBySide(Expansion &e, llvm::ArrayRef<mlir::Value> matrices);
/// A matrix of one column as a list.
mlir::Value asList(Expansion &e, mlir::Value column);

} // namespace burnish::onnx_import
