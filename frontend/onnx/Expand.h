// Expand.h - operators that are written as several operators of the core.
#pragma once
#include "frontend/onnx/Nodes.h"
#include "ir/Shapes.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <variant>

namespace burnish::onnx_import {

class GraphImporter;

/// A size: a number known when compiling, or a tensor of one i64.
using Extent = std::variant<int64_t, mlir::Value>;

/// An attribute of a node that an expansion builds.
struct Attr {
  llvm::StringRef name;
  std::variant<int64_t, float, std::string, llvm::SmallVector<int64_t>> value;
};

/// A node that is being expanded. Values are null where an optional operand is
/// absent; a value of a node that was refused is unranked, and so is all that
/// is computed from it.
class Expansion {
public:
  Expansion(GraphImporter &importer, const onnx::NodeProto &node,
            llvm::ArrayRef<mlir::Value> operands)
      : node(node), operands(operands), importer(importer) {}

  /// Builds an operator, by ONNX's name and in the form of the newest opset,
  /// with one result.
  mlir::Value operator()(llvm::StringRef op,
                         llvm::ArrayRef<mlir::Value> operands,
                         llvm::ArrayRef<Attr> attributes = {}) {
    return many(1, op, operands, attributes)[0];
  }
  /// The same with `count` results.
  llvm::SmallVector<mlir::Value> many(unsigned count, llvm::StringRef op,
                                      llvm::ArrayRef<mlir::Value> operands,
                                      llvm::ArrayRef<Attr> attributes = {});

  /// The operand at `index`; null when it is absent.
  mlir::Value operand(size_t index) const {
    return index < operands.size() ? operands[index] : mlir::Value();
  }

  /// A constant of one number in the element type of `like`.
  mlir::Value scalar(double value, mlir::Value like);
  mlir::Value scalar(double value, mlir::Type elementType);
  /// A constant of rank 1.
  mlir::Value integers(llvm::ArrayRef<int64_t> values);
  /// A constant of rank 0 and type i64.
  mlir::Value integer(int64_t value);

  static int64_t rank(mlir::Value value);
  static mlir::Type elementType(mlir::Value value) {
    return mlir::getElementTypeOrSelf(value.getType());
  }
  /// ONNX's number of the element type.
  static int64_t onnxType(mlir::Value value);
  /// The size along an axis (counted from the end when negative), where it is
  /// known when compiling.
  static std::optional<int64_t> size(mlir::Value value, int64_t axis);
  /// The elements of a small integer tensor, where they are known when
  /// compiling.
  std::optional<llvm::SmallVector<int64_t>> known(mlir::Value value);
  /// The size along an axis, counted from the end when negative.
  Extent extent(mlir::Value value, int64_t axis);
  /// All sizes.
  llvm::SmallVector<Extent> extents(mlir::Value value);
  Extent product(llvm::ArrayRef<Extent> extents);
  /// A quotient that is exact.
  Extent quotient(Extent extent, int64_t divisor);
  /// A shape as an i64 tensor.
  mlir::Value shape(llvm::ArrayRef<Extent> extents);
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<Extent> extents) {
    return (*this)("Reshape", {value, shape(extents)},
                   {{"allowzero", int64_t(1)}});
  }
  mlir::Value expandTo(mlir::Value value, llvm::ArrayRef<Extent> extents) {
    return (*this)("Expand", {value, shape(extents)});
  }
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> permutation);
  /// What lies from `begin` to before `end` along an axis.
  mlir::Value slice(mlir::Value value, int64_t axis, Extent begin, Extent end);
  mlir::Value concat(llvm::ArrayRef<mlir::Value> parts, int64_t axis) {
    return (*this)("Concat", parts, {{"axis", axis}});
  }
  /// 0, 1, ... up to an extent.
  mlir::Value countTo(Extent extent);
  /// A reduction over known axes.
  mlir::Value reduce(llvm::StringRef op, mlir::Value value,
                     llvm::ArrayRef<int64_t> axes, bool keepDims = true);
  /// The node's window, as convolutions have it.
  llvm::SmallVector<Attr> window() const;
  /// Softmax over all axes from one on together.
  mlir::Value softmaxFrom(mlir::Value value, int64_t axis);
  /// What `make` makes of a value with channels behind the batch; where they
  /// are innermost (`isLast`), they go there and back.
  mlir::Value
  withChannelsFirst(mlir::Value value, bool isLast,
                    llvm::function_ref<mlir::Value(mlir::Value)> make);
  /// The axis of an operand of that rank, not negative; none after a
  /// diagnostic.
  std::optional<int64_t> axis(int64_t axis, int64_t rank);

  mlir::Value add(mlir::Value a, mlir::Value b) {
    return (*this)("Add", {a, b});
  }
  mlir::Value sub(mlir::Value a, mlir::Value b) {
    return (*this)("Sub", {a, b});
  }
  mlir::Value mul(mlir::Value a, mlir::Value b) {
    return (*this)("Mul", {a, b});
  }
  mlir::Value div(mlir::Value a, mlir::Value b) {
    return (*this)("Div", {a, b});
  }
  mlir::Value cast(mlir::Value value, int64_t onnxType);
  /// An i64 of 0 for each condition; the run ends with a bad value where one is
  /// true.
  mlir::Value zeroUnless(mlir::Value condition);

  /// A value of the graph around the node by its name; null where there is none
  /// yet.
  mlir::Value named(llvm::StringRef name);
  /// What one iteration hands to the next, and whether there shall be a next;
  /// null: yes.
  struct Repeated {
    llvm::SmallVector<mlir::Value> carried;
    mlir::Value goesOn = {};
    llvm::SmallVector<mlir::Value> stacked = {};
  };
  /// `body` at most so many times, from `initial` values whose shapes stay; it
  /// gets the number of the iteration, an i64 of rank 0, and what is carried.
  /// What each of the iterations stacks, `stacks` values, comes behind what is
  /// carried in the end, along a new first axis.
  llvm::SmallVector<mlir::Value>
  repeat(Extent most, llvm::ArrayRef<mlir::Value> initial,
         llvm::function_ref<Repeated(mlir::Value, llvm::ArrayRef<mlir::Value>)>
             body,
         unsigned stacks = 0);
  /// `body` for each index of the first axis of what is scanned, from the last
  /// one on if `isBackwards`; it gets what is carried, from `initial` values
  /// whose shapes stay, and what lies at the index. What it stacks, `stacks`
  /// values, lies at the index of a new first axis in the end.
  llvm::SmallVector<mlir::Value>
  scan(llvm::ArrayRef<mlir::Value> initial, llvm::ArrayRef<mlir::Value> scanned,
       bool isBackwards,
       llvm::function_ref<Repeated(llvm::ArrayRef<mlir::Value>,
                                   llvm::ArrayRef<mlir::Value>)>
           body,
       unsigned stacks);

  /// A constant that is an attribute of the node, a tensor; null without it.
  mlir::Value tensorAttr(llvm::StringRef name);
  /// The numbers of an attribute that is a list of floats or, under the name
  /// with `_as_tensor`, a tensor; or under its own.
  llvm::SmallVector<double> numbersAttr(llvm::StringRef name);
  llvm::SmallVector<int64_t> intsAttr(llvm::StringRef name) const {
    return intsAttribute(node, name).value_or(llvm::SmallVector<int64_t>());
  }
  /// A constant of strings, and one that is an attribute: a list, or a tensor.
  mlir::Value strings(llvm::ArrayRef<llvm::StringRef> values,
                      llvm::ArrayRef<int64_t> shape);
  llvm::SmallVector<llvm::StringRef> stringsAttr(llvm::StringRef name) const;
  /// The place of each element of `x` among strings, or the elements of a
  /// constant of its type: the first, as i64; -1 where it is none.
  mlir::Value find(mlir::Value x, llvm::ArrayRef<llvm::StringRef> keys);
  mlir::Value find(mlir::Value x, mlir::ElementsAttr keys);

  /// A constant of these numbers in a float type.
  mlir::Value floats(llvm::ArrayRef<double> values,
                     llvm::ArrayRef<int64_t> shape, mlir::Type elementType);
  mlir::Value floats(llvm::ArrayRef<double> values,
                     llvm::ArrayRef<int64_t> shape);

  /// The gradients of `y` by the first `count` of `variables`, at `values` of
  /// them.
  llvm::SmallVector<mlir::Value>
  gradients(mlir::Value y, llvm::ArrayRef<mlir::Value> variables,
            llvm::ArrayRef<mlir::Value> values, unsigned count);

  /// A sequence of these values, and the values of one.
  mlir::Value sequence(llvm::ArrayRef<mlir::Value> elements);
  llvm::SmallVector<mlir::Value> elements(mlir::Value sequence);

  /// One of two values, by a boolean that is known at run time; what each needs
  /// is built inside its branch.
  mlir::Value branch(mlir::Value condition,
                     llvm::function_ref<mlir::Value()> whenTrue,
                     llvm::function_ref<mlir::Value()> otherwise);

  /// Says something about the node to those who ask for remarks.
  void remark(const llvm::Twine &text);
  nn::NetBuilder &builder();

  /// Reports that the node cannot be compiled, and gives the value of a refused
  /// node.
  mlir::Value fail(const llvm::Twine &reason);
  mlir::Value poison();
  /// `fail` for use as an expansion's answer.
  llvm::SmallVector<mlir::Value> refuse(const llvm::Twine &reason) {
    return llvm::SmallVector<mlir::Value>(std::max(node.output_size(), 1),
                                          fail(reason));
  }
  /// The rank that the model declares for the node's result, if it does.
  std::optional<int64_t> declaredRank() const;

  std::string stringAttr(llvm::StringRef name,
                         llvm::StringRef otherwise) const {
    return stringAttribute(node, name, otherwise);
  }

  int64_t intAttr(llvm::StringRef name, int64_t otherwise) const {
    return intAttribute(node, name, otherwise);
  }
  float floatAttr(llvm::StringRef name, float otherwise) const {
    return floatAttribute(node, name, otherwise);
  }

  const onnx::NodeProto &node;
  llvm::ArrayRef<mlir::Value> operands;

private:
  llvm::SmallVector<mlir::Value> iterate(
      mlir::OperationState &state, size_t arguments,
      llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Block &)> body);

  GraphImporter &importer;
};

/// Gives the values of a node's outputs, as many as it has names for.
using ExpandFunction = llvm::SmallVector<mlir::Value> (*)(Expansion &expand);
using ExpandTable = llvm::StringMap<ExpandFunction>;

/// The expansion of an operator, named with its domain (`ai.onnx.ml.Scaler`)
/// unless that is the default one; null when there is none.
ExpandFunction findExpansion(llvm::StringRef op);

/// The expansion of an operator whose second operand, its axes, is known only
/// at run time; null when there is none.
ExpandFunction findRunTimeForm(llvm::StringRef op);

/// The operands of a node; a list whose length only the run knows, and of which
/// the operator (or the rank that the model declares for its result) allows
/// one, has that length, or the run fails.
llvm::SmallVector<mlir::Value> withKnownLengths(Expansion &expand);

// Each fills in the expansions of a family, and stands in its file in expand/.
void addActivations(ExpandTable &table);
void addArithmetic(ExpandTable &table);
void addContractions(ExpandTable &table);
void addEncoders(ExpandTable &table);
void addFused(ExpandTable &table);
void addFusedAttention(ExpandTable &table);
void addFusedExperts(ExpandTable &table);
void addFusedQuantized(ExpandTable &table);
void addFeatures(ExpandTable &table);
void addLayouts(ExpandTable &table);
void addLinearModels(ExpandTable &table);
void addLosses(ExpandTable &table);
void addNormalizations(ExpandTable &table);
void addQuantization(ExpandTable &table);
void addQuantizedLstm(ExpandTable &table);
void addReductions(ExpandTable &table);
void addSampling(ExpandTable &table);
void addSignals(ExpandTable &table);
void addStrings(ExpandTable &table);
void addSupportVectors(ExpandTable &table);
void addTraining(ExpandTable &table);
void addTrees(ExpandTable &table);
void addSequences(ExpandTable &table);

} // namespace burnish::onnx_import
