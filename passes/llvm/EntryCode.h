// EntryCode.h - pieces of LLVM code that the functions around a model share.
#pragma once
#include "ir/Signature.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace burnish {

/// Writes code that handles arrays of burnish_tensor
/// (runtime/include/burnish.h) at the end of a module in the LLVM dialect.
class EntryCode {
public:
  /// Values of burnish_status.
  static constexpr int32_t kBadShape = 1, kNoMemory = 3, kNoAllocator = 4,
                           kBadArgument = 5;

  explicit EntryCode(mlir::ModuleOp module);

  mlir::Value constant(mlir::Type type, int64_t value);
  mlir::Value null();
  mlir::Value addressOf(llvm::StringRef symbol);
  mlir::Value isNull(mlir::Value address);
  mlir::Value isZero(mlir::Value status);
  /// A size as the numbers of burnish.h, and as an index of the machine.
  mlir::Value asI64(mlir::Value size);
  mlir::Value asIndex(mlir::Value size);
  mlir::Value extract(mlir::Value aggregate, llvm::ArrayRef<int64_t> position);

  /// Starts a function, which returns an i32 where `result` is null.
  mlir::LLVM::LLVMFuncOp function(llvm::StringRef name,
                                  llvm::ArrayRef<mlir::Type> arguments,
                                  mlir::LLVM::Linkage linkage,
                                  mlir::Type result = {});
  void returnUnless(mlir::Value condition, mlir::Value status);
  void returnUnless(mlir::Value condition, int32_t status);
  /// Whether a context, which may be null, has an allocator.
  mlir::Value hasAllocator(mlir::Value context);

  /// The fields of burnish_tensor: where one is in element `position` of an
  /// array, and what is there.
  mlir::Value dataAddress(mlir::Value tensors, int32_t position);
  mlir::Value bytesAddress(mlir::Value tensors, int32_t position);
  mlir::Value data(mlir::Value tensors, int32_t position);
  mlir::Value dims(mlir::Value tensors, int32_t position);
  mlir::Value dimAddress(mlir::Value dims, int32_t axis);

  /// The sizes of a port as the model's function takes them; those that are not
  /// known are read from element `position` of `tensors`.
  llvm::SmallVector<mlir::Value> sizesOf(const nn::Port &port,
                                         mlir::Value tensors, int32_t position);
  /// The sizes of a port that are all known, as the numbers of burnish.h.
  llvm::SmallVector<mlir::Value> staticSizes(const nn::Port &port);

  /// Appends a memref descriptor over `data`, whose sizes are `sizes`, as the
  /// model's function takes it.
  void appendDescriptor(llvm::SmallVectorImpl<mlir::Value> &arguments,
                        mlir::Value data, llvm::ArrayRef<mlir::Value> sizes);

  mlir::ModuleOp module;
  mlir::ImplicitLocOpBuilder b;
  mlir::LLVM::LLVMPointerType pointer;
  mlir::Type i32, i64, index;

private:
  mlir::Value field(mlir::Value tensors, int32_t position, int32_t field);

  mlir::LLVM::LLVMStructType tensor;
};

} // namespace burnish
