// Lifetimes.h - from when to when buffers are needed.
#pragma once
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace burnish {

/// Of workspaces and of every buffer in one.
constexpr int64_t kAlignment = 64;

/// From operation `first` to operation `last` of a function's top level.
struct Lifetime {
  int64_t first = INT64_MAX, last = 0;

  bool meets(const Lifetime &other) const {
    return first <= other.last && other.first <= last;
  }
};

/// Whether an iteration hands the buffer to the next one, which may fill its
/// own while it still reads this: one place is not enough then.
bool isHandedOn(mlir::memref::AllocOp alloc,
                const mlir::BufferViewFlowAnalysis &aliases);

/// Tells lifetimes of a function's buffers.
class LifetimeOf {
public:
  LifetimeOf(mlir::func::FuncOp function,
             const mlir::BufferViewFlowAnalysis &aliases);
  Lifetime operator()(mlir::memref::AllocOp alloc) const;

private:
  mlir::Block &body;
  const mlir::BufferViewFlowAnalysis &aliases;
  llvm::DenseMap<mlir::Operation *, int64_t> position;
};

} // namespace burnish
