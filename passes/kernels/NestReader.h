// NestReader.h - the loops of a kernel's region, as it is written.
#pragma once
#include "passes/kernels/Nest.h"

namespace burnish {

/// What `Nest::of` reads before loops are dropped or merged: of a kernel that
/// is one generic and perhaps one on its result, of one that is several over
/// the same elements, and of one that stores a result as it is given.
llvm::FailureOr<Nest> readRoot(nn::KernelOp kernel, Nest::LayoutOf layoutOf,
                               Nest::SizeOf sizeOf,
                               mlir::ImplicitLocOpBuilder *builder);
llvm::FailureOr<Nest> readSeveral(nn::KernelOp kernel, Nest::LayoutOf layoutOf,
                                  mlir::ImplicitLocOpBuilder *builder);
llvm::FailureOr<Nest> readGiven(nn::KernelOp kernel, nn::WinogradOutputOp given,
                                Nest::LayoutOf layoutOf, Nest::SizeOf sizeOf,
                                mlir::ImplicitLocOpBuilder *builder);

} // namespace burnish
