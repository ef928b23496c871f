// Signature.h - what a compiled model takes and gives.
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include <string>
#include <vector>

namespace burnish::nn {

/// The module attribute that holds the signature once functions have lost their
/// tensors.
constexpr llvm::StringLiteral kSignatureAttr = "nn.signature";
/// The module attribute with the size of the workspace: bytes, an i64.
constexpr llvm::StringLiteral kWorkspaceAttr = "nn.workspace_bytes";
/// The module attribute (unit) of a model whose workspace depends on dims of
/// its inputs: the bytes above are the most that bounds of these allow, or 0.
constexpr llvm::StringLiteral kPlannedAttr = "nn.planned";
/// The attribute of an argument with its bounds (DenseI64ArrayAttr).
constexpr llvm::StringLiteral kBoundsAttr = "nn.bounds";
/// The module attribute with the constants of the weights section: elements and
/// offset in turn.
constexpr llvm::StringLiteral kWeightsAttr = "nn.weights";
/// The module attribute with the size of the weights section: bytes, an i64.
constexpr llvm::StringLiteral kWeightsBytesAttr = "nn.weights_bytes";
/// The module attribute (unit) of a model that needs the context's allocator.
constexpr llvm::StringLiteral kAllocatesAttr = "nn.allocates";

/// The module attribute (unit) of a model that makes strings.
constexpr llvm::StringLiteral kMakesStringsAttr = "nn.makes_strings";

/// The module attribute of a training: what burnish_training says, field by
/// field.
constexpr llvm::StringLiteral kTrainingAttr = "nn.training";
/// The attribute of a result that takes the place of an argument: its number.
constexpr llvm::StringLiteral kUpdatesAttr = "nn.updates";

/// The attribute of a result that is an argument of the next step: its number.
constexpr llvm::StringLiteral kFeedsAttr = "nn.feeds";

/// The attribute of such a result that lies in its argument's buffer and is
/// longer by what the step adds: the axis along which it grows.
constexpr llvm::StringLiteral kGrowsAttr = "nn.grows";

/// The attribute of a constant that is a parameter of a network: its `path`,
/// and how training begins and treats it.
constexpr llvm::StringLiteral kParamAttr = "nn.param";
/// The attribute of a constant that was an initializer of a model: its name.
constexpr llvm::StringLiteral kInitializerAttr = "nn.initializer";

/// The attribute of an operator that is computed again for gradients instead of
/// kept: numbers of the calls around it that are, outermost first
/// (DenseI64ArrayAttr).
constexpr llvm::StringLiteral kRecomputeAttr = "nn.recompute";

/// What a constant that is a parameter or was an initializer is called; empty
/// for others.
llvm::StringRef parameterName(mlir::Operation *constant);

/// One input or output. A dim known only at run time is ShapedType::kDynamic,
/// and has a name or "".
struct Port {
  std::string name;
  mlir::Type elementType;
  std::vector<int64_t> dims;
  std::vector<std::string> dimNames;
  /// Of an output: the input that it takes the place of, or -1.
  int64_t updates = -1;
  /// Of an output: the input that it is in the next step, or -1.
  int64_t feeds = -1;
  /// Of an output that feeds an input: the axis along which a step makes it
  /// longer where it lies, or -1. Its buffer, which the input has, is as long
  /// along that as the input's bounds allow.
  int64_t grows = -1;
  /// The least and the most that each dim can be, in turn; empty when nothing
  /// bounds them.
  std::vector<int64_t> bounds;

  bool isStatic() const;
  /// Bytes of a static port.
  int64_t bytes() const;
  int64_t leastOf(size_t axis) const {
    return bounds.empty() ? 0 : bounds[2 * axis];
  }
  int64_t mostOf(size_t axis) const {
    return bounds.empty() ? INT64_MAX : bounds[2 * axis + 1];
  }
};

/// A dim of an input that only run time knows.
struct EntryDim {
  size_t input, axis;
  /// Which of Signature::dimParameters it is.
  size_t parameter;
};

struct Signature {
  std::string name;
  std::vector<Port> inputs, outputs;

  bool isStatic() const;
  /// The dims of inputs that only run time knows, in order.
  std::vector<EntryDim> entryDims() const;
  /// What stands for them: each name once, and those without a name by their
  /// input and axis.
  std::vector<std::string> dimParameters() const;
  /// The dims of the buffer that an output which grows is in.
  std::vector<int64_t> roomOf(const Port &output) const;
  /// The output that grows in an input's buffer; null when there is none.
  const Port *grownFrom(size_t input) const;
  /// Of the one public function of a module, as long as it is on tensors.
  static llvm::FailureOr<Signature> of(mlir::ModuleOp module);
  /// As recorded on the module by `record`.
  static Signature recorded(mlir::ModuleOp module);
  void record(mlir::ModuleOp module) const;
};

/// The argument that a result of the model's function takes the place of, or
/// -1. Behind a model's outputs come the buffers of those that grow, as results
/// as well as arguments.
int64_t updatedArgument(mlir::func::FuncOp function, unsigned result);

/// Bytes of the state of a training, by its description.
int64_t stateBytesOf(mlir::ArrayAttr training);

/// The one public function of a module; a diagnostic when there is none or
/// there are several.
llvm::FailureOr<mlir::func::FuncOp> modelFunction(mlir::ModuleOp module);

} // namespace burnish::nn
