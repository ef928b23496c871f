// Functions.td - functions of one operand, and conversions between element types.
include "ir/Base.td"

class NN_FloatFunctionOp<string mnemonic, string onnxName, string meaning> : NN_UnaryOp<mnemonic, onnxName, NN_FloatTensor, meaning, [NN_HasGradient]>;

//===- Powers and logarithms ----------------------------------------------===//

def NN_ExpOp : NN_FloatFunctionOp<"exp", "Exp", "e to the power of each element">;
def NN_LogOp : NN_FloatFunctionOp<"log", "Log", "the natural logarithm of each element; NaN below zero">;
def NN_SqrtOp : NN_FloatFunctionOp<"sqrt", "Sqrt", "the square root of each element; NaN below zero">;
def NN_ReciprocalOp : NN_FloatFunctionOp<"reciprocal", "Reciprocal", "1 / x of each element">;

//===- Angles -------------------------------------------------------------===//

def NN_SinOp : NN_FloatFunctionOp<"sin", "Sin", "sines">;
def NN_CosOp : NN_FloatFunctionOp<"cos", "Cos", "cosines">;
def NN_TanOp : NN_FloatFunctionOp<"tan", "Tan", "tangents">;
def NN_AsinOp : NN_FloatFunctionOp<"asin", "Asin", "inverse sines">;
def NN_AcosOp : NN_FloatFunctionOp<"acos", "Acos", "inverse cosines">;
def NN_AtanOp : NN_FloatFunctionOp<"atan", "Atan", "inverse tangents">;
def NN_SinhOp : NN_FloatFunctionOp<"sinh", "Sinh", "hyperbolic sines">;
def NN_CoshOp : NN_FloatFunctionOp<"cosh", "Cosh", "hyperbolic cosines">;
def NN_TanhOp : NN_FloatFunctionOp<"tanh", "Tanh", "hyperbolic tangents">;
def NN_AsinhOp : NN_FloatFunctionOp<"asinh", "Asinh", "inverse hyperbolic sines">;
def NN_AcoshOp : NN_FloatFunctionOp<"acosh", "Acosh", "inverse hyperbolic cosines">;
def NN_AtanhOp : NN_FloatFunctionOp<"atanh", "Atanh", "inverse hyperbolic tangents">;

//===- Sign and rounding --------------------------------------------------===//

class NN_NumberFunctionOp<string mnemonic, string onnxName, string meaning> : NN_UnaryOp<mnemonic, onnxName, NN_NumberTensor, meaning, [NN_HasGradient]> {
  let moreDeclarations = NN_Declares.known;
}

def NN_AbsOp : NN_NumberFunctionOp<"abs", "Abs", "each element without its sign">;
def NN_NegOp : NN_NumberFunctionOp<"neg", "Neg", "each element with the other sign">;
def NN_SignOp : NN_NumberFunctionOp<"sign", "Sign", "-1, 0 or 1, as the element is; NaN stays">;
def NN_ReluOp : NN_NumberFunctionOp<"relu", "Relu", "the greater of each element and 0">;

def NN_FloorOp : NN_FloatFunctionOp<"floor", "Floor", "the greatest integer not above each element">;
def NN_CeilOp : NN_FloatFunctionOp<"ceil", "Ceil", "the least integer not below each element">;
def NN_RoundOp : NN_FloatFunctionOp<"round", "Round", "the nearest integer, halves to the even one">;

//===- Activations --------------------------------------------------------===//
// Those whose formula must be evaluated with care; the others are expansions.

def NN_SigmoidOp : NN_FloatFunctionOp<"sigmoid", "Sigmoid", "1 / (1 + exp(-x))">;
def NN_ErfOp : NN_UnaryOp<"erf", "Erf", NN_NumberTensor, "the error function", [NN_HasGradient]>;
def NN_SoftplusOp : NN_FloatFunctionOp<"softplus", "Softplus", "log(1 + exp(x)), which does not overflow">;

def NN_GeluOp : NN_ElementwiseOp<"gelu", "Gelu", [NN_HasGradient]> {
  let summary = "x times the normal distribution function of x; with `approximate` \"tanh\" in its approximation";
  let arguments = (ins NN_FloatTensor:$X, DefaultValuedAttr<StrAttr, "\"none\"">:$approximate);
  let moreDeclarations = NN_Declares.check;
}

//===- Conversions --------------------------------------------------------===//

def NN_CastOp : NN_ElementwiseOp<"cast", "Cast", [NN_HasGradient, NN_TakesStrings]> {
  let summary = "each element in another element type";
  let description = [{
    `to` is ONNX's number of the element type (TensorProto.DataType). Floats become integers by truncation; `saturate`
    and `round_mode` concern floats of 8 bits only.
  }];
  let arguments = (ins NN_NumberOrStringTensor:$input, I64Attr:$to, DefaultValuedAttr<I64Attr, "1">:$saturate,
                   DefaultValuedAttr<StrAttr, "\"up\"">:$round_mode);
  let moreDeclarations = !strconcat(NN_Declares.known, NN_Declares.check, "::mlir::Type getResultElementType();\n");
}

def NN_BitCastOp : NN_ElementwiseOp<"bit_cast", "BitCast"> {
  let summary = "the bits of each element as another element type of the same width";
  let arguments = (ins NN_NumberTensor:$input, I64Attr:$to);
  let moreDeclarations = !strconcat(NN_Declares.check, "::mlir::Type getResultElementType();\n");
}
