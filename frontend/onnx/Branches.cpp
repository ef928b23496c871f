// Branches.cpp - imports If, whose branches may not agree.
#include "frontend/onnx/Containers.h"
#include "frontend/onnx/GraphImporter.h"
#include "ir/Ops.h"

using namespace mlir;
using llvm::any_of, llvm::none_of, llvm::zip;
using onnx::GraphProto;

namespace burnish::onnx_import {

static bool hasOneElement(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() && type.getNumElements() == 1;
}

static bool byRank(const Form &a, const Form &b) { return a.rank < b.rank; }

/// Exporters write what was decided when they traced as an If on sizes. A
/// branch that could only fail, or that gives another rank than the other
/// (`squeeze if the size is 1`), is taken for one that is not entered: the
/// other is inlined, and a run in which the condition is otherwise ends with a
/// bad value. Of two ranks of one element each, the greater is taken.
class GraphImporter::IfImporter {
public:
  IfImporter(GraphImporter &importer, const onnx::NodeProto &node,
             ArrayRef<Value> operands)
      : importer(importer), diagnostics(importer.diagnostics),
        builder(importer.builder), node(node), operands(operands),
        refused(node.output_size(), importer.poisonValue),
        start(diagnostics.mark()) {}

  SmallVector<Value> import() {
    SmallVector<std::pair<StringRef, const GraphProto *>> graphs =
        graphsOf(node);
    if (graphs.size() != 2)
      return refused;
    op = create(node.output_size());
    for (int i = 0; i < 2; ++i)
      importBranch(i, *graphs[i].second);
    if (isBad[0] != isBad[1] && (isWrong[0] || isWrong[1]))
      return inlined(isBad[0]);
    if (isBad[0] || isBad[1])
      return refused;
    std::optional<int> only;
    for (auto [otherwise, whenTrue] : zip(results[0], results[1]))
      if (!unite(otherwise, whenTrue, only))
        return refused;
    return only ? inlined(*only) : joined();
  }

private:
  Operation *create(size_t count) {
    OperationState state(builder.getLoc(), nn::IfOp::getOperationName());
    state.addOperands(operands);
    state.types.assign(count, importer.poisonValue.getType());
    for (int i = 0; i < 2; ++i)
      state.addRegion()->emplaceBlock();
    return builder.create(state);
  }

  void importBranch(int which, const GraphProto &graph) {
    Diagnostics::Mark mark = diagnostics.mark();
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&op->getRegion(which).front());
    results[which] = importer.graph(graph, {});
    ArrayRef<Problem> problems = diagnostics.problems().drop_front(mark);
    isBad[which] = !problems.empty() || any_of(results[which], isPoison);
    isWrong[which] = isBad[which] && none_of(problems, [](const Problem &each) {
                       return each.isUnsupported;
                     });
  }

  /// Notes the form that a value has after both branches, or the only one that
  /// can be entered; false after a diagnostic.
  bool unite(Value otherwise, Value whenTrue, std::optional<int> &only) {
    Form first = formOf(otherwise), second = formOf(whenTrue);
    bool areTensors = first.kind == Form::Tensor && second.kind == Form::Tensor;
    if (areTensors && first.rank != second.rank &&
        !(hasOneElement(otherwise) && hasOneElement(whenTrue)))
      only = first.rank > second.rank;
    std::optional<Form> both = areTensors ? std::max(first, second, byRank)
                                          : onnx_import::unite(first, second);
    if (!both) {
      importer.problem("its branches give values of different kinds", "",
                       {otherwise, whenTrue});
      return false;
    }
    forms.push_back(*both);
    return true;
  }

  /// The results of an operator with both branches.
  SmallVector<Value> joined() {
    Expansion expand(importer, node, operands);
    size_t count = 0;
    for (int i = 0; i < 2; ++i) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToEnd(&op->getRegion(i).front());
      SmallVector<Value> parts;
      for (auto [result, form] : zip(results[i], forms))
        flatten(form.kind != Form::Tensor ? inForm(expand, result, form)
                : formOf(result).rank == form.rank
                    ? result
                    : expand.reshape(
                          result, SmallVector<Extent>(form.rank, int64_t(1))),
                parts);
      nn::YieldOp::create(builder, builder.getLoc(), parts);
      count = parts.size();
    }
    Operation *whole = create(count);
    for (int i = 0; i < 2; ++i)
      whole->getRegion(i).takeBody(op->getRegion(i));
    op->erase();
    if (failed(builder.scope.infer(whole)))
      return refused;
    SmallVector<Value> flat(whole->getResults()), all;
    ArrayRef<Value> parts = flat;
    for (const Form &form : forms)
      all.push_back(assemble(builder, builder.getLoc(), form, parts));
    return all;
  }

  /// The results of one branch, with zeros that a run has only where the
  /// condition is as it must be.
  SmallVector<Value> inlined(int only) {
    diagnostics.takeBack(start);
    Block &branch = op->getRegion(only).front();
    importer.clear(op->getRegion(1 - only));
    op->getBlock()->getOperations().splice(op->getIterator(),
                                           branch.getOperations());
    op->erase();
    Expansion expand(importer, node, operands);
    Value isOther = only ? expand("Not", operands[0]) : operands[0],
          zero = expand.zeroUnless(expand.reshape(isOther, ArrayRef<Extent>()));
    for (Value &result : results[only]) {
      SmallVector<Value> parts;
      flatten(result, parts);
      for (Value &part : parts) {
        int64_t type = Expansion::onnxType(part);
        part = expand(type == onnx::TensorProto::BOOL ? "Or" : "Add",
                      {part, expand.cast(zero, type)});
      }
      ArrayRef<Value> left = parts;
      result = assemble(builder, builder.getLoc(), formOf(result), left);
    }
    return results[only];
  }

  GraphImporter &importer;
  Diagnostics &diagnostics;
  nn::NetBuilder &builder;
  const onnx::NodeProto &node;
  ArrayRef<Value> operands;
  SmallVector<Value> refused;
  Diagnostics::Mark start;
  Operation *op = nullptr;
  /// What the branches give, the one for false first; whether one could not be
  /// imported, and whether that was its own fault and not what is supported.
  SmallVector<Value> results[2];
  bool isBad[2] = {}, isWrong[2] = {};
  std::vector<Form> forms;
};

SmallVector<Value> GraphImporter::ifNode(const onnx::NodeProto &node,
                                         ArrayRef<Value> operands) {
  return IfImporter(*this, node, operands).import();
}

} // namespace burnish::onnx_import
