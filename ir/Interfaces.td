// Interfaces.td - what the passes may ask of an operator.
#ifndef BURNISH_IR_INTERFACES_TD
#define BURNISH_IR_INTERFACES_TD

include "mlir/IR/OpBase.td"

def NN_InferShapes : OpInterface<"InferShapes"> {
  let description = [{
    One rule gives an operator's result types, refines them when more is known, and says how run-time sizes follow from
    the operands' (see ir/Shapes.h). What is wrong with the operands is a diagnostic on the operator.
  }];
  let cppNamespace = "::burnish::nn";
  let methods = [
    InterfaceMethod<"Sets element type and dims of every result, and the elements of small integer results where they are known.",
      "::llvm::LogicalResult", "inferShapes", (ins "::burnish::nn::ShapeScope &":$scope)>
  ];
  let verify = [{ return ::burnish::nn::verifyShapes($_op); }];
}

def NN_Lowerable : OpInterface<"Lowerable"> {
  let description = "An operator that says what it computes, in linalg on tensors (see ir/Lowering.h).";
  let cppNamespace = "::burnish::nn";
  let methods = [
    InterfaceMethod<"Builds the computation and returns one tensor for each result; failure after a diagnostic.",
      "::llvm::FailureOr<::llvm::SmallVector<::mlir::Value>>", "lower", (ins "::burnish::nn::Lowering &":$lowering)>
  ];
}

def NN_Elementwise : OpInterface<"Elementwise"> {
  let description = "An operator that applies one scalar function to its broadcast operands.";
  let cppNamespace = "::burnish::nn";
  let methods = [
    InterfaceMethod<"The result for one element. Booleans are i1, integers signless; the operator knows their sign.",
      "::mlir::Value", "scalar", (ins "::mlir::ImplicitLocOpBuilder &":$builder, "::mlir::ValueRange":$args)>,
    InterfaceMethod<"The element type of the result.",
      "::mlir::Type", "getResultElementType", (ins), [{}],
      [{ return ::mlir::getElementTypeOrSelf($_op->getOperand(0).getType()); }]>,
    InterfaceMethod<"A diagnostic when attributes or element types are wrong in a way that only this operator can tell.",
      "::llvm::LogicalResult", "check", (ins), [{}], [{ return ::llvm::success(); }]>,
    InterfaceMethod<"The operands that must be of one element type: all, unless the operator says otherwise.",
      "::mlir::OperandRange", "getAlike", (ins), [{}], [{ return $_op->getOperands(); }]>,
    InterfaceMethod<"One element of the result as an expression, where it is known when compiling and the operator has a rule; else null.",
      "::mlir::AffineExpr", "known", (ins "::burnish::nn::ShapeScope &":$scope, "::llvm::ArrayRef<::mlir::AffineExpr>":$args), [{}],
      [{ return {}; }]>
  ];
}

def NN_HasBodies : OpInterface<"HasBodies"> {
  let description = "An operator with bodies, some of whose arguments may be carried from iteration to iteration.";
  let cppNamespace = "::burnish::nn";
  let methods = [
    InterfaceMethod<"Gives the arguments of the bodies that are not carried their types and dims, and adds arguments to bodies that have none yet.",
      "::llvm::LogicalResult", "declareArguments", (ins "::burnish::nn::ShapeScope &":$scope)>,
    InterfaceMethod<"The values that iterations hand on.", "::llvm::SmallVector<::burnish::nn::Carried>", "carried">
  ];
}

def NN_Differentiable : OpInterface<"Differentiable"> {
  let description = "An operator that knows its gradient, in operators of this dialect.";
  let cppNamespace = "::burnish::nn";
  let methods = [
    InterfaceMethod<[{The gradient by each operand, from those by the results (null where there is none). It may be shorter than
      the operands, and null where nobody wants it (GradientBuilder::wants) or where it is 0 everywhere.}],
      "::llvm::SmallVector<::mlir::Value>", "differentiate", (ins "::burnish::nn::GradientBuilder &":$builder, "::mlir::ValueRange":$dy)>
  ];
}

#endif
