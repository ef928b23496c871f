// Arithmetic.td - sums, products, powers and extremes of broadcast operands.
include "ir/Base.td"

//===- Two operands -------------------------------------------------------===//

class NN_ArithmeticOp<string mnemonic, string onnxName, string meaning>
    : NN_BinaryOp<mnemonic, onnxName, NN_NumberTensor, meaning, [NN_HasGradient]> {
  let moreDeclarations = NN_Declares.known;
}

def NN_AddOp : NN_ArithmeticOp<"add", "Add", "sums">;
def NN_SubOp : NN_ArithmeticOp<"sub", "Sub", "differences">;
def NN_MulOp : NN_ArithmeticOp<"mul", "Mul", "products">;
def NN_DivOp : NN_ArithmeticOp<"div", "Div", "quotients; of integers rounded towards zero">;

def NN_ModOp : NN_ElementwiseOp<"mod", "Mod", [NN_HasGradient]> {
  let summary = "remainders: of the sign of B, or with `fmod` of the sign of A";
  let arguments = (ins NN_NumberTensor:$A, NN_NumberTensor:$B, DefaultValuedAttr<I64Attr, "0">:$fmod);
  let moreDeclarations = NN_Declares.known;
}

def NN_PowOp : NN_ElementwiseOp<"pow", "Pow", [NN_HasGradient]> {
  let summary = "X to the power of Y, in the element type of X";
  let description = "Between integers, powers wrap; those with a negative exponent are rounded towards zero.";
  let arguments = (ins NN_NumberTensor:$X, NN_NumberTensor:$Y);
  let moreDeclarations = "::mlir::OperandRange getAlike() { return getOperation()->getOperands().take_front(1); }";
}

def NN_PReluOp : NN_Op<"prelu", "PRelu", [Pure, NN_HasGradient, DeclareOpInterfaceMethods<NN_Elementwise>]> {
  let summary = "X where it is not negative, slope * X elsewhere; slope is broadcast to X";
  let arguments = (ins NN_NumberTensor:$X, NN_NumberTensor:$slope);
  let results = (outs AnyTensor:$Y);
}

//===- Several operands ---------------------------------------------------===//

class NN_VariadicOp<string mnemonic, string onnxName, string meaning> : NN_ElementwiseOp<mnemonic, onnxName, [NN_HasGradient]> {
  let summary = meaning;
  let arguments = (ins Variadic<NN_NumberTensor>:$inputs);
  let moreDeclarations = NN_Declares.known;
}

def NN_MaxOp : NN_VariadicOp<"max", "Max", "the greatest of the operands' elements; NaN if any is">;
def NN_MinOp : NN_VariadicOp<"min", "Min", "the least of the operands' elements; NaN if any is">;
def NN_SumOp : NN_VariadicOp<"sum", "Sum", "the sum of the operands' elements">;

def NN_ClipOp : NN_ElementwiseOp<"clip", "Clip", [NN_HasGradient, AttrSizedOperandSegments]> {
  let summary = "elements no less than min and no greater than max; max where min is greater";
  let arguments = (ins NN_NumberTensor:$input, Optional<NN_NumberTensor>:$min, Optional<NN_NumberTensor>:$max);
  let moreDeclarations = NN_Declares.known;
}
