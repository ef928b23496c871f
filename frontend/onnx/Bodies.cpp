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
