// Arithmetic.td - scalar functions applied to every element.
include "ir/Base.td"

//===- One operand --------------------------------------------------------===//

class NN_FloatFunctionOp<string mnemonic, string onnxName, string meaning, list<Trait> traits = []>
    : NN_UnaryOp<mnemonic, onnxName, traits> {
  let summary = meaning;
}

def NN_ExpOp : NN_FloatFunctionOp<"exp", "Exp", "e to the power of each element">;
def NN_SqrtOp : NN_FloatFunctionOp<"sqrt", "Sqrt", "the square root of each element; NaN below zero">;

def NN_NegOp : NN_UnaryOp<"neg", "Neg"> {
  let summary = "each element with the other sign";
}

def NN_ReluOp : NN_UnaryOp<"relu", "Relu"> {
  let summary = "the greater of each element and 0";
}

def NN_CastOp : NN_ElementwiseOp<"cast", "Cast"> {
  let summary = "each element in another element type";
  let description = [{
    `to` is ONNX's number of the element type (TensorProto.DataType). Floats become integers by truncation; `saturate`
    concerns 8-bit floats only.
  }];
  let arguments = (ins AnyTensor:$input, I64Attr:$to, DefaultValuedAttr<I64Attr, "1">:$saturate,
                   DefaultValuedAttr<StrAttr, "\"up\"">:$round_mode);
  let moreDeclarations = [{
    ::mlir::Type getResultElementType();
    ::mlir::AffineExpr known(::llvm::ArrayRef<::mlir::AffineExpr> args);
  }];
}

//===- Two operands -------------------------------------------------------===//

class NN_ArithmeticOp<string mnemonic, string onnxName, string meaning> : NN_BinaryOp<mnemonic, onnxName> {
  let summary = meaning;
  let moreDeclarations = "::mlir::AffineExpr known(::llvm::ArrayRef<::mlir::AffineExpr> args);";
}

def NN_AddOp : NN_ArithmeticOp<"add", "Add", "sums">;
def NN_SubOp : NN_ArithmeticOp<"sub", "Sub", "differences">;
def NN_MulOp : NN_ArithmeticOp<"mul", "Mul", "products">;
def NN_DivOp : NN_ArithmeticOp<"div", "Div", "quotients; of integers rounded towards zero">;

//===- Comparison ---------------------------------------------------------===//

class NN_ComparisonOp<string mnemonic, string onnxName, string meaning> : NN_BinaryOp<mnemonic, onnxName> {
  let summary = meaning;
  let moreDeclarations = [{
    ::mlir::Type getResultElementType() { return ::mlir::IntegerType::get(getContext(), 1); }
    ::mlir::AffineExpr known(::llvm::ArrayRef<::mlir::AffineExpr> args);
  }];
}

def NN_EqualOp : NN_ComparisonOp<"equal", "Equal", "whether A = B">;
def NN_LessOp : NN_ComparisonOp<"less", "Less", "whether A < B">;
def NN_GreaterOp : NN_ComparisonOp<"greater", "Greater", "whether A > B">;

def NN_WhereOp : NN_ElementwiseOp<"where", "Where"> {
  let summary = "elements of X where the condition holds, of Y elsewhere";
  let arguments = (ins AnyTensor:$condition, AnyTensor:$X, AnyTensor:$Y);
  let moreDeclarations = [{
    ::mlir::Type getResultElementType() { return ::mlir::getElementTypeOrSelf(getX().getType()); }
    ::mlir::AffineExpr known(::llvm::ArrayRef<::mlir::AffineExpr> args);
  }];
}
