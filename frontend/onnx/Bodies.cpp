// Bodies.cpp - imports the graphs of If, Loop and Scan into the bodies of their
// operators.
#include "ir/Bodies.h"
#include "frontend/onnx/Containers.h"
#include "frontend/onnx/GraphImporter.h"
#include "ir/Ops.h"

using namespace mlir;
using llvm::any_of, llvm::none_of, llvm::zip;
using onnx::GraphProto;

namespace burnish::onnx_import {

SmallVector<std::pair<StringRef, const GraphProto *>>
graphsOf(const onnx::NodeProto &node) {
  SmallVector<std::pair<StringRef, const GraphProto *>> graphs;
  for (const onnx::AttributeProto &attribute : node.attribute())
    if (typeOf(attribute) == onnx::AttributeProto::GRAPH)
      graphs.push_back({attribute.name(), &attribute.g()});
  llvm::sort(graphs);
  return graphs;
}

SmallVector<Value> GraphImporter::graph(const GraphProto &graph,
                                        ValueRange arguments) {
  Scope scope;
  scope.outer = currentScope;
  for (auto [input, argument] : zip(graph.input(), arguments))
    scope.values[input.name()] = argument;
  initializers(graph, scope);
  nodes(graph.node(), scope, *currentFrame);
  SmallVector<Value> results;
  // `check` has reported an output without a name.
  for (const auto &output : graph.output())
    results.push_back(output.name().empty() ? poisonValue
                                            : lookup(scope, output.name()));
  return results;
}

// Takes the operations out of a body.
void GraphImporter::clear(Region &body) {
  body.walk([&](Operation *inner) {
    for (Value result : inner->getResults())
      builder.scope.forget(result);
    for (Region &nested : inner->getRegions())
      for (Value argument : nested.getArguments())
        builder.scope.forget(argument);
  });
  while (!body.front().empty())
    body.front().back().erase();
}

// A branch that is known when compiling is all there is of If; the other may
// give values of another rank.
SmallVector<Value> GraphImporter::knownBranch(const onnx::NodeProto &node,
                                              bool condition) {
  for (const onnx::AttributeProto &attribute : node.attribute())
    if (attribute.name() == (condition ? "then_branch" : "else_branch"))
      return graph(attribute.g(), {});
  return {};
}

static bool hasOneElement(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() && type.getNumElements() == 1;
}

static bool byRank(const Form &a, const Form &b) { return a.rank < b.rank; }

// Exporters write what was decided when they traced as an If on sizes. A branch
// that could only fail, or that gives another rank than the other (`squeeze if
// the size is 1`), is taken for one that is not entered: the other is inlined,
// and a run in which the condition is otherwise ends with a bad value. Of two
// ranks of one element each, the greater is taken.
SmallVector<Value> GraphImporter::ifNode(const onnx::NodeProto &node,
                                         ArrayRef<Value> operands) {
  SmallVector<Value> refused(node.output_size(), poisonValue);
  OperationState state(builder.getLoc(), nn::IfOp::getOperationName());
  state.addOperands(operands);
  state.types.assign(node.output_size(), poisonValue.getType());
  for (int i = 0; i < 2; ++i)
    state.addRegion()->emplaceBlock();
  Operation *op = builder.create(state);
  SmallVector<std::pair<StringRef, const GraphProto *>> graphs = graphsOf(node);
  if (graphs.size() != 2)
    return refused;

  SmallVector<Value> results[2];
  bool isBad[2] = {}, isWrong[2] = {};
  Diagnostics::Mark start = diagnostics.mark();
  for (int i = 0; i < 2; ++i) {
    Diagnostics::Mark mark = diagnostics.mark();
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&op->getRegion(i).front());
    results[i] = graph(*graphs[i].second, {});
    ArrayRef<Problem> problems = diagnostics.problems().drop_front(mark);
    isBad[i] = !problems.empty() || any_of(results[i], isPoison);
    isWrong[i] = isBad[i] && none_of(problems, [](const Problem &problem) {
                   return problem.isUnsupported;
                 });
  }
  std::optional<int> only;
  std::vector<Form> forms;
  if (isBad[0] != isBad[1] && (isWrong[0] || isWrong[1]))
    only = isBad[0];
  else if (isBad[0] || isBad[1])
    return refused;
  else
    for (auto [otherwise, whenTrue] : zip(results[0], results[1])) {
      Form first = formOf(otherwise), second = formOf(whenTrue);
      bool areTensors =
          first.kind == Form::Tensor && second.kind == Form::Tensor;
      if (areTensors && first.rank != second.rank &&
          !(hasOneElement(otherwise) && hasOneElement(whenTrue)))
        only = first.rank > second.rank;
      std::optional<Form> both =
          areTensors ? std::max(first, second, byRank) : unite(first, second);
      if (!both) {
        problem("its branches give values of different kinds", "",
                {otherwise, whenTrue});
        return refused;
      }
      forms.push_back(*both);
    }
  Expansion expand(*this, node, operands);
  if (!only) {
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
    state.types.assign(count, poisonValue.getType());
    state.regions.clear();
    for (int i = 0; i < 2; ++i)
      state.addRegion()->takeBody(op->getRegion(i));
    op->erase();
    op = builder.create(state);
    if (failed(builder.scope.infer(op)))
      return refused;
    SmallVector<Value> flat(op->getResults()), all;
    ArrayRef<Value> parts = flat;
    for (const Form &form : forms)
      all.push_back(assemble(builder, builder.getLoc(), form, parts));
    return all;
  }

  diagnostics.takeBack(start);
  Block &branch = op->getRegion(*only).front();
  clear(op->getRegion(1 - *only));
  op->getBlock()->getOperations().splice(op->getIterator(),
                                         branch.getOperations());
  op->erase();
  Value isOther = expand.cast(*only ? expand("Not", operands[0]) : operands[0],
                              onnx::TensorProto::INT64);
  Value zero =
      expand("Gather",
             {expand.integers(0), expand.reshape(isOther, ArrayRef<Extent>())},
             {{"axis", int64_t(0)}});
  for (Value &result : results[*only]) {
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
  return results[*only];
}

bool GraphImporter::fillBodies(Operation *op, const onnx::NodeProto &node) {
  auto bodies = cast<nn::HasBodies>(op);
  SmallVector<std::pair<StringRef, const GraphProto *>> graphs = graphsOf(node);
  nn::CarriedDims carried(bodies, builder.scope);
  // Expansions write what is known of shapes into the IR. So when an assumption
  // about the shapes of carried values turns out wrong, the bodies are imported
  // anew, and what was reported under the assumption is taken back.
  Diagnostics::Mark mark = diagnostics.mark();
  while (importedNodes <= kMostNodes) {
    if (failed(carried.declare()))
      return false;
    bool isInferred = true, hasSequence = false;
    for (auto [region, named] : zip(op->getRegions(), graphs)) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToEnd(&region.front());
      SmallVector<Value> results = graph(*named.second, region.getArguments());
      hasSequence |= any_of(results, isContainer);
      isInferred &= !any_of(results, isPoison);
      nn::YieldOp::create(builder, builder.getLoc(), results);
    }
    if (hasSequence) {
      problem("a body that gives sequences is not supported");
      return false;
    }
    FailureOr<bool> isWider = carried.widen(isInferred);
    if (failed(isWider))
      return false;
    if (!*isWider)
      return isInferred;
    diagnostics.takeBack(mark);
    for (Region &region : op->getRegions())
      clear(region);
  }
  return false;
}

} // namespace burnish::onnx_import
