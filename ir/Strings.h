// Strings.h - strings below nn: numbers that say where they lie, and calls of
// the runtime's functions on them.
#pragma once
#include "ir/Lowering.h"
#include "ir/Types.h"

namespace burnish::nn {

/// The attribute of a call whose first operand will be the context of the run.
constexpr llvm::StringLiteral kTakesContextAttr = "nn.takes_context";

/// Calls a function of runtime/strings. One that takes the context gets it when
/// the model's function does.
mlir::Value callString(mlir::ImplicitLocOpBuilder &builder,
                       llvm::StringRef function, mlir::ValueRange arguments);
/// The same for one that makes a string, or several: the run fails when there
/// is no room.
mlir::Value makeString(mlir::ImplicitLocOpBuilder &builder,
                       llvm::StringRef function, mlir::ValueRange arguments);

/// Declares the functions that a module calls, once all calls are in it.
void declareStringFunctions(mlir::ModuleOp module);

/// The address of a tensor's elements, an i64. Nothing may write to them.
mlir::Value addressOf(mlir::ImplicitLocOpBuilder &builder, mlir::Value tensor);
mlir::Value addressOf(mlir::ImplicitLocOpBuilder &builder,
                      llvm::SmallVector<char> bytes);

/// A loop nest that is done once, in order, as calls want it: `body` gets the
/// inputs' scalars.
mlir::Value mapStrings(Lowering &lowering, mlir::Type resultElementType,
                       llvm::ArrayRef<mlir::OpFoldResult> sizes,
                       llvm::ArrayRef<Lowering::Operand> inputs,
                       Lowering::ScalarBody body);

/// Strings out of a tensor [sizes..., 2] of a caller's burnish_string, and
/// back.
mlir::Value takeStrings(Lowering &lowering, mlir::Value records,
                        llvm::ArrayRef<mlir::OpFoldResult> sizes);
mlir::Value giveStrings(Lowering &lowering, mlir::Value strings,
                        llvm::ArrayRef<mlir::OpFoldResult> sizes);
/// What a function has at its edge for a tensor: what is stored, and records
/// for strings.
mlir::RankedTensorType edgeTensor(mlir::Type tensorType);

/// A string known when compiling as a scalar.
mlir::Value constantString(mlir::ImplicitLocOpBuilder &builder,
                           llvm::StringRef text);
/// Constants as they lie in memory, one after the other: the offset of each.
llvm::SmallVector<int64_t> layStrings(llvm::ArrayRef<llvm::StringRef> strings,
                                      llvm::SmallVectorImpl<char> &bytes);
/// A table in which burnish_string_find finds the first place of each key.
llvm::SmallVector<char> keyTable(llvm::ArrayRef<llvm::StringRef> keys);

/// A number as a string, and the number that a string begins with.
mlir::Value castToString(mlir::ImplicitLocOpBuilder &builder, mlir::Value value,
                         mlir::Type from);
mlir::Value castFromString(mlir::ImplicitLocOpBuilder &builder,
                           mlir::Value value, mlir::Type to);

} // namespace burnish::nn
