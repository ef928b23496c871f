// Storage.h - how elements lie in memory, and constants over mapped files.
#pragma once
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include <optional>

namespace burnish::nn {

/// The element type in memory of an nn element type: booleans and 8-bit floats
/// are bytes, unsigned integers signless, strings numbers of 64 bits that say
/// where they lie (ir/Strings.h).
mlir::Type storageType(mlir::Type elementType);
/// The tensor type in memory of a tensor type.
mlir::RankedTensorType storageTensor(mlir::Type tensorType);

/// The type in which scalars of an nn element type are computed with: booleans
/// are i1, unsigned integers signless.
mlir::Type computeType(mlir::Type elementType);
/// One element from memory to what is computed with, and back.
mlir::Value loadScalar(mlir::ImplicitLocOpBuilder &builder, mlir::Value stored,
                       mlir::Type elementType);
mlir::Value storeScalar(mlir::ImplicitLocOpBuilder &builder,
                        mlir::Value computed, mlir::Type elementType);

/// The integers or booleans of a constant with at most `limit` elements, sign-
/// or zero-extended to 64 bits.
std::optional<llvm::SmallVector<int64_t>>
readIntegers(mlir::ElementsAttr constant, int64_t limit);

/// The floats of a constant with at most `limit` elements.
std::optional<llvm::SmallVector<double>> readFloats(mlir::ElementsAttr constant,
                                                    int64_t limit);

/// Bytes of one element where a caller has it, which is what lies in memory
/// inside, too, but for strings.
int64_t elementBytes(mlir::Type elementType);

/// The bytes of a constant as they lie in memory, row-major, when they lie so
/// already (a resource, or dense elements that are no splat and no booleans).
std::optional<llvm::ArrayRef<char>> rawBytes(mlir::ElementsAttr constant);
/// The bytes of any constant, copied when need be.
llvm::SmallVector<char> copyBytes(mlir::ElementsAttr constant);

/// A constant over memory that outlives the context (a mapped file).
mlir::DenseResourceElementsAttr resourceOver(mlir::RankedTensorType type,
                                             llvm::StringRef name,
                                             llvm::ArrayRef<char> bytes);
/// A constant that owns its bytes.
mlir::DenseResourceElementsAttr resourceWith(mlir::RankedTensorType type,
                                             llvm::StringRef name,
                                             llvm::SmallVector<char> bytes);
/// A constant of `bytes`: dense when small, else an owned resource.
mlir::ElementsAttr constantWith(mlir::RankedTensorType type,
                                llvm::StringRef name,
                                llvm::SmallVector<char> bytes);

/// A constant of `bytes` that outlive the context (a mapped file): dense when
/// small, else over them.
mlir::ElementsAttr constantOver(mlir::RankedTensorType type,
                                llvm::StringRef name,
                                llvm::ArrayRef<char> bytes);
/// A name as the key of a resource, for readers of the IR, who do not want its
/// newlines.
std::string resourceKey(llvm::StringRef name);

/// Gives back the memory of `bytes` where a file is mapped there: they are read
/// from it again when they are next asked for.
void dropPages(mlir::MLIRContext *context, llvm::ArrayRef<char> bytes);
/// Erases constants of `module` that nothing uses, and gives back the memory of
/// those of `constants` that are in none of its operations any more: drops the
/// pages of mapped ones, frees what a pass computed. What was parsed is kept,
/// as other modules of the context may have it.
void releaseUnused(mlir::ModuleOp module,
                   llvm::ArrayRef<mlir::ElementsAttr> constants);

/// The constant as it is stored: booleans as bytes, types signless.
mlir::ElementsAttr storedConstant(mlir::ElementsAttr constant);

} // namespace burnish::nn
