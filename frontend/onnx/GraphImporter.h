// GraphImporter.h - builds the nn operators of a graph's nodes.
#pragma once
#include "frontend/onnx/Check.h"
#include "frontend/onnx/Model.h"
#include "ir/Dialect.h"
#include "ir/Shapes.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace burnish::onnx_import {

struct Schema;

/// Nodes after all calls are inlined: what a file that calls functions from
/// functions may cost.
constexpr int64_t kMostNodes = 500'000;

/// Functions, expansions, bodies and subgraphs inside each other.
constexpr unsigned kDeepestCall = 100;

/// The first input that must be there and is not; empty when all are. `check`
/// has seen names only, and a function may have been called without an input.
llvm::StringRef missingInput(const Schema &schema,
                             llvm::ArrayRef<mlir::Value> operands);

/// The graphs in the attributes of a node, in the order of the attributes'
/// names.
llvm::SmallVector<std::pair<llvm::StringRef, const onnx::GraphProto *>>
graphsOf(const onnx::NodeProto &node);

/// Imports nodes at the insertion point of a builder. A value that is not known
/// because of a problem that is reported is poison: an unranked tensor. Nodes
/// that use it give poison, and are not reported.
class GraphImporter {
public:
  GraphImporter(Model &model, const CheckedModel &checked,
                Diagnostics &diagnostics, nn::NetBuilder &builder);

  /// The values of a graph or function by name, inside those of the graph
  /// around it.
  struct Scope {
    const Scope *outer = nullptr;
    llvm::StringMap<mlir::Value> values;
  };
  /// Where nodes stand: in the model, in one of its functions, or in a body
  /// that ONNX gives for an operator.
  struct Frame {
    const Opsets &opsets;
    /// What attributes of the function stand for; null outside functions.
    const llvm::StringMap<const onnx::AttributeProto *> *attributes = nullptr;
    /// Before the node's name in messages.
    std::string where;
    /// Nodes of a body are not named in messages: the node is that it defines.
    bool isBody = false;
    unsigned depth = 0;
  };

  /// Notes the types that a graph declares for its values. Messages show them;
  /// of a result whose rank only the run would know, it is checked there.
  void declare(const onnx::GraphProto &graph);
  /// The rank that is declared for a value of the model's graph, or follows
  /// from one that is.
  std::optional<int64_t> declaredRank(llvm::StringRef name) const;
  void initializers(const onnx::GraphProto &graph, Scope &scope);
  void nodes(const google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes,
             Scope &scope, const Frame &frame);

  /// The constant of a tensor; poison after a diagnostic at `where`.
  mlir::Value constant(const onnx::TensorProto &tensor, llvm::StringRef where);
  mlir::Value constant(const onnx::SparseTensorProto &tensor,
                       llvm::StringRef where);
  /// A constant of strings.
  mlir::Value strings(llvm::ArrayRef<llvm::StringRef> values,
                      llvm::ArrayRef<int64_t> shape);

  /// The values of a node's outputs, given those of its operands (null where
  /// absent). The node is of the newest opset of its domain, and the default
  /// domain's operators are looked up among core, expansions and bodies.
  llvm::SmallVector<mlir::Value> core(const onnx::NodeProto &node,
                                      llvm::ArrayRef<mlir::Value> operands);

  /// Whether the model was too large to be imported, and was left where that
  /// turned out.
  bool isExhausted() const { return importedNodes > kMostNodes; }

  /// A value that the node that is being imported could use by that name; null
  /// where there is none.
  mlir::Value valueNamed(llvm::StringRef name) const;

  /// Where messages about the present node stand.
  llvm::StringRef whereNow() const { return currentWhere; }

  mlir::Value poison() const { return poisonValue; }
  static bool isPoison(mlir::Value value) {
    return value && mlir::isa<mlir::UnrankedTensorType>(value.getType());
  }

  /// Reports a problem of the node that is being imported, with the types of
  /// `operands`.
  void problem(const llvm::Twine &reason, const llvm::Twine &remedy = "",
               llvm::ArrayRef<mlir::Value> operands = {});

  nn::NetBuilder &builder;
  /// Whether constants keep the names of the initialisers that they were.
  bool namesInitializers = false;

private:
  friend class CurrentNode;

  mlir::Value lookup(const Scope &scope, llvm::StringRef name) const;
  void node(const onnx::NodeProto &node, Scope &scope, const Frame &frame);
  /// The values of a node's inputs, null where they are absent; those behind
  /// the last one that is there are left out.
  llvm::SmallVector<mlir::Value> operandsOf(const onnx::NodeProto &node,
                                            const Scope &scope) const;
  /// Gives the outputs of a node their values: poison where there is none.
  void define(const onnx::NodeProto &node, llvm::ArrayRef<mlir::Value> results,
              Scope &scope) const;
  /// `core` for a node of the file, whose operands have elements of the kinds
  /// that its operator takes; nodes that expansions make may be of more.
  llvm::SmallVector<mlir::Value>
  ofKnownKinds(const onnx::NodeProto &node, int64_t version,
               llvm::ArrayRef<mlir::Value> operands);
  /// What a node of the default domain is in the newest opset; none after a
  /// report.
  std::optional<std::vector<onnx::NodeProto>>
  inNewest(const onnx::NodeProto &node, int64_t version, const Scope &scope);
  /// Results of a node of which an operand is no tensor, if it is one that
  /// treats these by itself, or takes none.
  std::optional<llvm::SmallVector<mlir::Value>>
  onContainers(const onnx::NodeProto &node,
               llvm::ArrayRef<mlir::Value> operands);
  llvm::SmallVector<mlir::Value> call(const onnx::FunctionProto &function,
                                      const onnx::NodeProto &node,
                                      llvm::ArrayRef<mlir::Value> operands,
                                      const Frame &frame, bool isBody);
  llvm::SmallVector<mlir::Value>
  unsupported(const onnx::NodeProto &node,
              llvm::ArrayRef<mlir::Value> operands);

  /// The same node on floats, where it is on half floats; none where it is not.
  std::optional<llvm::SmallVector<mlir::Value>>
  inFloat(const onnx::NodeProto &node, llvm::ArrayRef<mlir::Value> operands);

  // The operators whose attributes or regions need more than the table
  // (Constants.cpp).
  llvm::SmallVector<mlir::Value> constantNode(const onnx::NodeProto &node);

  /// Imports a graph at the insertion point, inside the present scope; gives
  /// the values of its outputs (Bodies.cpp).
  llvm::SmallVector<mlir::Value> graph(const onnx::GraphProto &graph,
                                       mlir::ValueRange arguments);
  llvm::SmallVector<mlir::Value> knownBranch(const onnx::NodeProto &node,
                                             bool condition);
  /// Branches.cpp.
  class IfImporter;
  llvm::SmallVector<mlir::Value> ifNode(const onnx::NodeProto &node,
                                        llvm::ArrayRef<mlir::Value> operands);
  class LoopImporter;
  /// A loop that carries sequences or optional values (LoopsOfContainers.cpp).
  llvm::SmallVector<mlir::Value> loopNode(const onnx::NodeProto &node,
                                          llvm::ArrayRef<mlir::Value> operands);
  std::optional<llvm::SmallVector<mlir::Value>>
  unrolledLoop(const onnx::NodeProto &node,
               llvm::ArrayRef<mlir::Value> operands);
  /// SequenceMap of lists.
  llvm::SmallVector<mlir::Value>
  mappedLists(const onnx::NodeProto &node,
              llvm::ArrayRef<mlir::Value> operands);
  void clear(mlir::Region &body);
  bool fillBodies(mlir::Operation *op, const onnx::NodeProto &node);

  /// The nn operator of that name built from a node (Operators.cpp).
  llvm::SmallVector<mlir::Value> build(llvm::StringRef operatorName,
                                       const Schema &schema,
                                       const onnx::NodeProto &node,
                                       llvm::ArrayRef<mlir::Value> operands);
  mlir::Attribute convert(const onnx::AttributeProto &attribute);

  Model &model;
  const CheckedModel &checked;
  Diagnostics &diagnostics;
  nn::NNDialect &dialect;
  mlir::Value poisonValue;
  llvm::StringMap<const onnx::TypeProto *> declaredTypes;
  /// Ranks of values about which the model says nothing, but says of what is
  /// computed from them element by element.
  llvm::StringMap<int64_t> impliedRanks;

  // The scope, frame and node that are being imported; the node is one of the
  // file's, never of a body.
  const Scope *currentScope = nullptr;
  const Frame *currentFrame = nullptr;
  const onnx::NodeProto *currentNode = nullptr;
  int64_t currentVersion = 0;
  std::string currentWhere;
  int64_t freshNames = 0;
  int64_t importedNodes = 0;
  unsigned depth = 0;
  llvm::SmallVector<const onnx::FunctionProto *> calls;
};

/// The elements of a constant of few floats.
std::optional<llvm::SmallVector<float>> constantFloats(mlir::Value value);

/// `float[2,?]`, as messages show a type; empty for one that is not known.
std::string typeText(mlir::Type type);
std::string typeText(const onnx::TypeProto *type);
/// What is known of a value as ONNX says it.
onnx::TypeProto typeProto(mlir::Type type);

} // namespace burnish::onnx_import
