// Activations.h - the activation functions that recurrent layers name.
#pragma once
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace burnish::nn {

/// A function of one float, with its parameters.
struct Activation {
  enum Kind {
    Relu,
    Tanh,
    Sigmoid,
    Affine,
    LeakyRelu,
    ThresholdedRelu,
    ScaledTanh,
    HardSigmoid,
    Elu,
    Softsign,
    Softplus
  };
  Kind kind;
  double alpha = 0, beta = 0;

  mlir::Value apply(mlir::ImplicitLocOpBuilder &builder, mlir::Value x) const;
};

/// The functions of `names` (in any case), each of which takes its parameters
/// from the front of the lists, or its defaults when these have run out; a
/// diagnostic on `op` for an unknown name.
llvm::FailureOr<llvm::SmallVector<Activation>>
parseActivations(mlir::Operation *op, llvm::ArrayRef<llvm::StringRef> names,
                 llvm::ArrayRef<float> alphas, llvm::ArrayRef<float> betas);

/// The functions of a recurrent layer, those of its first direction first.
llvm::FailureOr<llvm::SmallVector<Activation>>
activationsOf(mlir::Operation *layer, int64_t directions);

} // namespace burnish::nn
