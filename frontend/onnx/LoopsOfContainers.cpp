// LoopsOfContainers.cpp - loops that carry sequences and optional values, and
// maps over sequences.
#include "frontend/onnx/Containers.h"
#include "frontend/onnx/GraphImporter.h"
#include "ir/Bodies.h"
#include "ir/Ops.h"

using namespace mlir;
using llvm::any_of, llvm::enumerate, llvm::zip;
using onnx::GraphProto;

namespace burnish::onnx_import {

// A loop of more iterations carries what the body makes of an unknown number of
// them.
constexpr int64_t kMostUnrolled = 64;

static Value truth(Expansion &e, bool value) {
  return e("Cast", e.integer(value),
           {{"to", int64_t(onnx::TensorProto::BOOL)}});
}

// How often a loop runs is known, and nothing ends it earlier: its sequences
// stay lists. None where that is not so.
std::optional<SmallVector<Value>>
GraphImporter::unrolledLoop(const onnx::NodeProto &node,
                            ArrayRef<Value> operands) {
  auto isTrue = [&](Value value) {
    std::optional<SmallVector<int64_t>> known = builder.scope.integers(value);
    return known && known->size() == 1 && known->front();
  };
  std::optional<SmallVector<int64_t>> trips;
  if (operands[0])
    trips = builder.scope.integers(operands[0]);
  if (!trips || trips->size() != 1 || trips->front() > kMostUnrolled ||
      (operands[1] && !isTrue(operands[1])))
    return std::nullopt;
  const GraphProto &body = *graphsOf(node)[0].second;
  Expansion e(*this, node, operands);
  SmallVector<Value> carried(operands.drop_front(2));
  size_t scans = body.output_size() - 1 - carried.size();
  if (scans && trips->front() < 1)
    return std::nullopt;
  std::vector<SmallVector<Value>> stacks(scans);
  for (int64_t trip = 0; trip < trips->front(); ++trip) {
    SmallVector<Value> arguments{e.integer(trip), truth(e, true)};
    arguments.append(carried);
    SmallVector<Value> results = graph(body, arguments);
    if (any_of(results, isPoison) || !isTrue(results[0]))
      return std::nullopt;
    carried.assign(results.begin() + 1, results.begin() + 1 + carried.size());
    for (auto [stack, result] : zip(stacks, ArrayRef(results).take_back(scans)))
      stack.push_back(e("Unsqueeze", {result, e.integers(0)}));
  }
  for (ArrayRef<Value> stack : stacks)
    carried.push_back(e.concat(stack, 0));
  return carried;
}

/// What a value is before the loop and what the body makes of it are united,
/// and the body is imported for that, until it stays so: a list becomes packed,
/// what is absent becomes optional.
class GraphImporter::LoopImporter {
public:
  LoopImporter(GraphImporter &importer, const onnx::NodeProto &node,
               ArrayRef<Value> operands)
      : importer(importer), diagnostics(importer.diagnostics),
        builder(importer.builder), node(node), body(*graphsOf(node)[0].second),
        operands(operands), initial(operands.drop_front(2)),
        refused(node.output_size(), importer.poisonValue),
        start(diagnostics.mark()) {}

  SmallVector<Value> import() {
    for (Value each : initial)
      forms.push_back(formOf(each));
    scans = body.output_size() - 1 - initial.size();
    while (importer.importedNodes <= kMostNodes) {
      if (!create())
        return refused;
      nn::CarriedDims dims(cast<nn::HasBodies>(op), builder.scope);
      Attempt attempt = Attempt::AsWider;
      while (attempt == Attempt::AsWider) {
        if (importer.importedNodes > kMostNodes || failed(dims.declare()))
          return refused;
        attempt = fill(dims);
        if (attempt == Attempt::AsWider)
          takeBack();
      }
      if (attempt == Attempt::Done)
        return resultsOfLoop();
      if (attempt == Attempt::Refused)
        return refused;
      takeBack();
      for (Value argument : op->getRegion(0).getArguments())
        builder.scope.forget(argument);
      op->erase();
    }
    return refused;
  }

private:
  /// How an import of the body ended: it is to be done again as the forms are
  /// now, or as the dims are.
  enum class Attempt { Done, Refused, AsOther, AsWider };

  /// Makes a loop that carries values of the present forms, with an empty body;
  /// false where one is poison.
  bool create() {
    Expansion e(importer, node, operands);
    SmallVector<Value> flat;
    for (auto [value, form] : zip(initial, forms))
      flatten(inForm(e, value, form), flat);
    if (any_of(flat, isPoison))
      return false;
    OperationState state(builder.getLoc(), nn::LoopOp::getOperationName());
    for (Value limit : operands.take_front(2))
      if (limit)
        state.addOperands(limit);
    state.addOperands(flat);
    state.addAttribute(
        "operandSegmentSizes",
        builder.getDenseI32ArrayAttr({operands[0] ? 1 : 0, operands[1] ? 1 : 0,
                                      static_cast<int32_t>(flat.size())}));
    Type unknown = importer.poisonValue.getType();
    state.types.assign(flat.size() + scans, unknown);
    Block &block = state.addRegion()->emplaceBlock();
    for (size_t i = 0; i < flat.size() + 2; ++i)
      block.addArgument(unknown, builder.getLoc());
    op = builder.create(state);
    return true;
  }

  void takeBack() {
    diagnostics.takeBack(start);
    importer.clear(op->getRegion(0));
  }

  /// Imports the body for the present forms and dims.
  Attempt fill(nn::CarriedDims &dims) {
    Block &block = op->getRegion(0).front();
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&block);
    SmallVector<Value> arguments(block.getArguments().take_front(2)),
        parts(block.getArguments().drop_front(2));
    ArrayRef<Value> left = parts;
    for (const Form &form : forms)
      arguments.push_back(assemble(builder, builder.getLoc(), form, left));
    SmallVector<Value> results = importer.graph(body, arguments);
    bool isInferred = !any_of(results, isPoison);
    SmallVector<Value> yielded{results[0]};
    std::optional<bool> isUnited = yieldCarried(results, isInferred, yielded);
    if (!isUnited)
      return Attempt::Refused;
    if (!*isUnited)
      return Attempt::AsOther;
    for (Value scanned : ArrayRef(results).take_back(scans)) {
      if (isContainer(scanned)) {
        importer.problem("a body that stacks sequences");
        return Attempt::Refused;
      }
      yielded.push_back(scanned);
    }
    nn::YieldOp::create(builder, builder.getLoc(), yielded);
    FailureOr<bool> isWider = dims.widen(isInferred);
    if (failed(isWider) || (!*isWider && !isInferred))
      return Attempt::Refused;
    return *isWider ? Attempt::AsWider : Attempt::Done;
  }

  /// Appends what the body makes of the carried values; false where that made
  /// a form another one, nothing after a diagnostic.
  std::optional<bool> yieldCarried(ArrayRef<Value> results, bool isInferred,
                                   SmallVector<Value> &yielded) {
    Expansion e(importer, node, operands);
    bool isUnited = true;
    for (auto [index, form] : enumerate(forms)) {
      Value result = results[1 + index];
      if (!isInferred) {
        yielded.append(countTensors(form), importer.poisonValue);
        continue;
      }
      Form now = formOf(result);
      // Of tensors CarriedDims says what is wrong.
      std::optional<Form> both =
          now.kind == Form::Tensor && form.kind == Form::Tensor
              ? std::optional(form)
              : unite(form, now);
      if (!both) {
        importer.problem("a carried value begins as one kind of value and goes "
                         "on as another",
                         "", {initial[index], result});
        return std::nullopt;
      }
      isUnited &= *both == form;
      form = *both;
      if (isUnited)
        flatten(now.kind == Form::Tensor ? result : inForm(e, result, form),
                yielded);
    }
    return isUnited;
  }

  SmallVector<Value> resultsOfLoop() {
    builder.setInsertionPointAfter(op);
    if (failed(builder.scope.infer(op)))
      return refused;
    SmallVector<Value> finals(op->getResults()), all;
    ArrayRef<Value> rest = finals;
    for (const Form &form : forms)
      all.push_back(assemble(builder, builder.getLoc(), form, rest));
    all.append(rest.begin(), rest.end());
    return all;
  }

  GraphImporter &importer;
  Diagnostics &diagnostics;
  nn::NetBuilder &builder;
  const onnx::NodeProto &node;
  const GraphProto &body;
  ArrayRef<Value> operands, initial;
  SmallVector<Value> refused;
  Diagnostics::Mark start;
  /// What the carried values are, and how many others are stacked.
  std::vector<Form> forms;
  size_t scans = 0;
  Operation *op = nullptr;
};

SmallVector<Value> GraphImporter::loopNode(const onnx::NodeProto &node,
                                           ArrayRef<Value> operands) {
  const GraphProto &body = *graphsOf(node)[0].second;
  size_t carried = operands.size() - 2;
  if (static_cast<size_t>(body.output_size()) < 1 + carried ||
      static_cast<size_t>(body.input_size()) != 2 + carried) {
    problem("a body of " + Twine(body.input_size()) + " inputs and " +
            Twine(body.output_size()) + " outputs, and the loop carries " +
            Twine(carried) + " values");
    return SmallVector<Value>(node.output_size(), poisonValue);
  }
  Diagnostics::Mark mark = diagnostics.mark();
  if (std::optional<SmallVector<Value>> unrolled = unrolledLoop(node, operands))
    return *unrolled;
  diagnostics.takeBack(mark);
  return LoopImporter(*this, node, operands).import();
}

SmallVector<Value> GraphImporter::mappedLists(const onnx::NodeProto &node,
                                              ArrayRef<Value> operands) {
  SmallVector<Value> refused(node.output_size(), poisonValue);
  const GraphProto &body = *graphsOf(node)[0].second;
  Expansion e(*this, node, operands);
  size_t count = formOf(operands[0]).inner.size();
  if (static_cast<size_t>(body.input_size()) != operands.size()) {
    problem("its body takes " + Twine(body.input_size()) +
            " values, and the "
            "node has " +
            Twine(operands.size()));
    return refused;
  }
  for (Value operand : operands)
    if (isContainer(operand) && formOf(operand).inner.size() != count) {
      problem("sequences of " + Twine(count) + " and of " +
                  Twine(formOf(operand).inner.size()) + " elements",
              "", operands);
      return refused;
    }
  std::vector<SmallVector<Value>> lists(body.output_size());
  for (size_t index = 0; index < count; ++index) {
    SmallVector<Value> arguments;
    for (Value operand : operands)
      arguments.push_back(isContainer(operand) ? e.elements(operand)[index]
                                               : operand);
    for (auto [list, result] : zip(lists, graph(body, arguments)))
      list.push_back(result);
  }
  SmallVector<Value> sequences;
  for (ArrayRef<Value> list : lists)
    sequences.push_back(e.sequence(list));
  return sequences;
}

} // namespace burnish::onnx_import
