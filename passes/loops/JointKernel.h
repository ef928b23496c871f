// JointKernel.h - a kernel that is made of others.
#pragma once
#include "ir/Kernel.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"

namespace burnish {

/// The operations of a kernel's region, and what it yields.
llvm::SmallVector<mlir::linalg::GenericOp> genericsOf(nn::KernelOp kernel);
llvm::SmallVector<mlir::Value> yieldedBy(nn::KernelOp kernel);

/// A kernel over the same elements as others, of whose operations it is made:
/// operands without repetition, and results.
class JointKernel {
public:
  /// It will stand before `like` and have its lanes.
  JointKernel(nn::KernelOp like, mlir::Location loc)
      : b(like), loc(loc), schedule(like.getSchedule()) {}

  void addInput(mlir::Value value);
  void addOut(mlir::Value value) { outs.push_back(value); }

  /// The kernel, with a region that has its arguments and no operation yet.
  nn::KernelOp create();
  /// Copies what a kernel does; `values` has what it takes from others, by its
  /// arguments.
  void take(nn::KernelOp other, mlir::IRMapping &values);
  void yield(mlir::ValueRange results);
  mlir::BlockArgument outArgument(size_t index);

  mlir::OpBuilder b;

private:
  mlir::BlockArgument argumentOf(mlir::Value input);

  mlir::Location loc;
  nn::ScheduleAttr schedule;
  llvm::SmallVector<mlir::Value> inputs, outs;
  nn::KernelOp kernel;
};

/// Has kernels that are several passes write in one piece what is put together
/// of nothing but their results.
void writeInOnePiece(mlir::Operation *root);

} // namespace burnish
