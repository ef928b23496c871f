// Logic.td - comparisons, and functions of booleans and bits.
include "ir/Base.td"

//===- Comparison ---------------------------------------------------------===//

class NN_ComparisonOp<string mnemonic, string onnxName, string meaning> : NN_BinaryOp<mnemonic, onnxName, NN_NumberTensor, meaning> {
  let moreDeclarations = !strconcat(NN_Declares.known, NN_Declares.boolean);
}

def NN_EqualOp : NN_BinaryOp<"equal", "Equal", NN_NumberOrStringTensor, "whether A = B", [NN_TakesStrings]> {
  let moreDeclarations = !strconcat(NN_Declares.known, NN_Declares.boolean);
}
def NN_LessOp : NN_ComparisonOp<"less", "Less", "whether A < B">;
def NN_LessOrEqualOp : NN_ComparisonOp<"less_or_equal", "LessOrEqual", "whether A <= B">;
def NN_GreaterOp : NN_ComparisonOp<"greater", "Greater", "whether A > B">;
def NN_GreaterOrEqualOp : NN_ComparisonOp<"greater_or_equal", "GreaterOrEqual", "whether A >= B">;

def NN_IsNaNOp : NN_UnaryOp<"is_nan", "IsNaN", NN_FloatTensor, "whether each element is no number"> {
  let moreDeclarations = NN_Declares.boolean;
}

def NN_IsInfOp : NN_ElementwiseOp<"is_inf", "IsInf"> {
  let summary = "whether each element is an infinity, of the signs asked for";
  let arguments = (ins NN_FloatTensor:$X, DefaultValuedAttr<I64Attr, "1">:$detect_negative, DefaultValuedAttr<I64Attr, "1">:$detect_positive);
  let moreDeclarations = NN_Declares.boolean;
}

//===- Booleans -----------------------------------------------------------===//

class NN_LogicalOp<string mnemonic, string onnxName, string meaning> : NN_BinaryOp<mnemonic, onnxName, NN_BoolTensor, meaning> {
  let moreDeclarations = NN_Declares.known;
}

def NN_AndOp : NN_LogicalOp<"and", "And", "whether both hold">;
def NN_OrOp : NN_LogicalOp<"or", "Or", "whether one holds or both">;
def NN_XorOp : NN_LogicalOp<"xor", "Xor", "whether one holds alone">;

def NN_NotOp : NN_UnaryOp<"not", "Not", NN_BoolTensor, "whether X does not hold"> {
  let moreDeclarations = NN_Declares.known;
}

def NN_WhereOp : NN_ElementwiseOp<"where", "Where", [NN_HasGradient, NN_TakesStrings]> {
  let summary = "elements of X where the condition holds, of Y elsewhere";
  let arguments = (ins NN_BoolTensor:$condition, AnyTensor:$X, AnyTensor:$Y);
  let moreDeclarations = !strconcat(NN_Declares.known, [{
    ::mlir::Type getResultElementType() { return ::mlir::getElementTypeOrSelf(getX().getType()); }
    ::mlir::OperandRange getAlike() { return getOperation()->getOperands().drop_front(1); }
  }]);
}

//===- Bits ---------------------------------------------------------------===//

def NN_BitwiseAndOp : NN_BinaryOp<"bitwise_and", "BitwiseAnd", NN_IntegerTensor, "bits set in both">;
def NN_BitwiseOrOp : NN_BinaryOp<"bitwise_or", "BitwiseOr", NN_IntegerTensor, "bits set in one or both">;
def NN_BitwiseXorOp : NN_BinaryOp<"bitwise_xor", "BitwiseXor", NN_IntegerTensor, "bits set in one alone">;
def NN_BitwiseNotOp : NN_UnaryOp<"bitwise_not", "BitwiseNot", NN_IntegerTensor, "bits that are not set">;

def NN_BitShiftOp : NN_ElementwiseOp<"bit_shift", "BitShift"> {
  let summary = "X shifted by Y places to the LEFT or RIGHT; signed integers keep their sign";
  let description = "A shift by as many places as there are bits, or a negative number of them, leaves nothing but the sign.";
  let arguments = (ins NN_IntegerTensor:$X, NN_IntegerTensor:$Y, StrAttr:$direction);
  let moreDeclarations = NN_Declares.check;
}
