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

SmallVector<Value> GraphImporter::loopNode(const onnx::NodeProto &node,
                                           ArrayRef<Value> operands) {
  SmallVector<Value> refused(node.output_size(), poisonValue);
  const GraphProto &body = *graphsOf(node)[0].second;
  SmallVector<Value> initial(operands.drop_front(2));
  if (static_cast<size_t>(body.output_size()) < 1 + initial.size() ||
      static_cast<size_t>(body.input_size()) != 2 + initial.size()) {
    problem("a body of " + Twine(body.input_size()) + " inputs and " +
            Twine(body.output_size()) + " outputs, and the loop carries " +
            Twine(initial.size()) + " values");
    return refused;
  }
  Diagnostics::Mark mark = diagnostics.mark();
  if (std::optional<SmallVector<Value>> unrolled = unrolledLoop(node, operands))
    return *unrolled;
  diagnostics.takeBack(mark);

  // What a value is before the loop and what the body makes of it are united,
  // and the body is imported for that, until it stays so: a list becomes
  // packed, what is absent becomes optional.
  Expansion e(*this, node, operands);
  std::vector<Form> forms;
  for (Value each : initial)
    forms.push_back(formOf(each));
  while (importedNodes <= kMostNodes) {
    OperationState state(builder.getLoc(), nn::LoopOp::getOperationName());
    SmallVector<Value> flat;
    for (auto [value, form] : zip(initial, forms))
      flatten(inForm(e, value, form), flat);
    if (any_of(flat, isPoison))
      return refused;
    for (Value limit : operands.take_front(2))
      if (limit)
        state.addOperands(limit);
    state.addOperands(flat);
    state.addAttribute(
        "operandSegmentSizes",
        builder.getDenseI32ArrayAttr({operands[0] ? 1 : 0, operands[1] ? 1 : 0,
                                      static_cast<int32_t>(flat.size())}));
    size_t scans = body.output_size() - 1 - initial.size();
    state.types.assign(flat.size() + scans, poisonValue.getType());
    Block &block = state.addRegion()->emplaceBlock();
    for (size_t i = 0; i < flat.size() + 2; ++i)
      block.addArgument(poisonValue.getType(), builder.getLoc());
    Operation *op = builder.create(state);
    nn::CarriedDims dims(cast<nn::HasBodies>(op), builder.scope);
    bool isUnited = true;
    while (isUnited) {
      if (importedNodes > kMostNodes || failed(dims.declare()))
        return refused;
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToEnd(&block);
      SmallVector<Value> arguments(block.getArguments().take_front(2)),
          parts(block.getArguments().drop_front(2));
      ArrayRef<Value> left = parts;
      for (const Form &form : forms)
        arguments.push_back(assemble(builder, builder.getLoc(), form, left));
      SmallVector<Value> results = graph(body, arguments);
      bool isInferred = !any_of(results, isPoison);
      SmallVector<Value> yielded{results[0]};
      for (auto [index, form] : enumerate(forms)) {
        Value result = results[1 + index];
        if (!isInferred) {
          yielded.append(countTensors(form), poisonValue);
          continue;
        }
        Form now = formOf(result);
        // Of tensors CarriedDims says what is wrong.
        std::optional<Form> both =
            now.kind == Form::Tensor && form.kind == Form::Tensor
                ? std::optional(form)
                : unite(form, now);
        if (!both) {
          problem("a carried value begins as one kind of value and goes on as "
                  "another",
                  "", {initial[index], result});
          return refused;
        }
        isUnited &= *both == form;
        form = *both;
        if (isUnited)
          flatten(now.kind == Form::Tensor ? result : inForm(e, result, form),
                  yielded);
      }
      if (!isUnited)
        break;
      for (Value scanned : ArrayRef(results).take_back(scans)) {
        if (isContainer(scanned)) {
          problem("a body that stacks sequences");
          return refused;
        }
        yielded.push_back(scanned);
      }
      nn::YieldOp::create(builder, builder.getLoc(), yielded);
      FailureOr<bool> isWider = dims.widen(isInferred);
      if (failed(isWider) || (!*isWider && !isInferred))
        return refused;
      if (!*isWider) {
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
      diagnostics.takeBack(mark);
      clear(op->getRegion(0));
    }
    diagnostics.takeBack(mark);
    clear(op->getRegion(0));
    for (Value argument : block.getArguments())
      builder.scope.forget(argument);
    op->erase();
  }
  return refused;
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
