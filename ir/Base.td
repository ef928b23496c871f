// Base.td - what every operator record starts from.
#ifndef BURNISH_IR_BASE_TD
#define BURNISH_IR_BASE_TD

include "ir/Dialect.td"
include "ir/Interfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def NN_FloatTensor : TensorOf<[AnyFloat]>;
def NN_IntegerTensor : TensorOf<[AnyInteger]>;
def NN_NumberTensor : TensorOf<[AnyFloat, AnyInteger]>;
def NN_BoolTensor : TensorOf<[I1]>;

def NN_String : Type<CPred<"::llvm::isa<::burnish::nn::StringType>($_self)">, "string", "::burnish::nn::StringType">;
def NN_StringTensor : TensorOf<[NN_String]>;
def NN_NumberOrStringTensor : TensorOf<[AnyFloat, AnyInteger, NN_String]>;

/// A trait of operators that take tensors of strings.
def NN_TakesStrings : NativeOpTrait<"TakesStrings"> { let cppNamespace = "::burnish::nn"; }

/// A trait of operators that have a rule in ir/gradients/.
defvar NN_HasGradient = DeclareOpInterfaceMethods<NN_Differentiable>;

/// An operator of ONNX. `onnxName` is its name there (empty: it has no counterpart).
class NN_Op<string mnemonic, string onnxName, list<Trait> traits = []>
    : Op<NN_Dialect, mnemonic,
         traits # [DeclareOpInterfaceMethods<NN_InferShapes>, DeclareOpInterfaceMethods<NN_Lowerable>]> {
  code moreDeclarations = "";
  let extraClassDeclaration =
      "static constexpr ::llvm::StringLiteral kOnnxName = \"" # onnxName # "\";\n" # moreDeclarations;
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

/// An operator without side effects, as nearly all are.
class NN_PureOp<string mnemonic, string onnxName, list<Trait> traits = []>
    : NN_Op<mnemonic, onnxName, traits # [Pure]>;

/// Applies one scalar function to every element of its broadcast operands. A record gives `scalar`; shapes and
/// lowering are shared (Lowering::elementwise).
class NN_ElementwiseOp<string mnemonic, string onnxName, list<Trait> traits = []>
    : Op<NN_Dialect, mnemonic, traits # [Pure, NN_InferShapes, NN_Lowerable, DeclareOpInterfaceMethods<NN_Elementwise>]> {
  code moreDeclarations = "";
  let extraClassDeclaration =
      "static constexpr ::llvm::StringLiteral kOnnxName = \"" # onnxName # "\";\n" # [{
    ::llvm::LogicalResult inferShapes(::burnish::nn::ShapeScope &scope) { return ::burnish::nn::inferElementwise(*this, scope); }
    ::llvm::FailureOr<::llvm::SmallVector<::mlir::Value>> lower(::burnish::nn::Lowering &lowering) {
      return ::burnish::nn::lowerElementwise(*this, lowering);
    }
  }] # moreDeclarations;
  let results = (outs AnyTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

/// A function of one operand.
class NN_UnaryOp<string mnemonic, string onnxName, Type kind, string meaning, list<Trait> traits = []>
    : NN_ElementwiseOp<mnemonic, onnxName, traits> {
  let summary = meaning;
  let arguments = (ins kind:$X);
}

/// A function of two operands of one element type.
class NN_BinaryOp<string mnemonic, string onnxName, Type kind, string meaning, list<Trait> traits = []>
    : NN_ElementwiseOp<mnemonic, onnxName, traits> {
  let summary = meaning;
  let arguments = (ins kind:$A, kind:$B);
}

/// What an elementwise operator declares when it has a rule for the elements of shapes, a boolean result, or checks.
class NN_Declare {
  code known = "::mlir::AffineExpr known(::burnish::nn::ShapeScope &scope, ::llvm::ArrayRef<::mlir::AffineExpr> args);\n";
  code check = "::llvm::LogicalResult check();\n";
  code boolean = "::mlir::Type getResultElementType() { return ::mlir::IntegerType::get(getContext(), 1); }\n";
}
def NN_Declares : NN_Declare;

#endif
