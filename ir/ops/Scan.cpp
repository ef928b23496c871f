// Scan.cpp - a part of a network that runs for each element along axes.
#include "ir/Iteration.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

FailureOr<ScanForm> nn::scanFormOf(ScanOp op, ShapeScope &scope) {
  size_t operands = op->getNumOperands();
  int64_t inputs = op.getNumScanInputs();
  if (inputs < 1 || inputs > static_cast<int64_t>(operands))
    return op.emitOpError() << "'num_scan_inputs' is " << inputs << " for "
                            << operands << " operands";
  if (op->getNumResults() < operands - inputs)
    return op.emitOpError()
           << "it carries " << operands - inputs << " values and has "
           << op->getNumResults() << " results";
  ScanForm form{operands - inputs,
                static_cast<size_t>(inputs),
                op->getNumResults() - (operands - inputs),
                {},
                {},
                {},
                {}};
  auto list = [&](StringRef name, std::optional<ArrayRef<int64_t>> given,
                  size_t count, SmallVector<int64_t> &values) -> LogicalResult {
    if (!given || given->empty()) {
      values.assign(count, 0);
      return success();
    }
    if (given->size() != count)
      return op.emitOpError() << "'" << name << "' has " << given->size()
                              << " values, not " << count;
    values.assign(given->begin(), given->end());
    if (name.ends_with("directions"))
      for (int64_t direction : values)
        if (direction != 0 && direction != 1)
          return op.emitOpError() << "'" << name << "' has " << direction
                                  << " instead of 0 or 1";
    return success();
  };
  if (failed(list("scan_input_axes", op.getScanInputAxes(), form.inputs,
                  form.inputAxes)) ||
      failed(list("scan_input_directions", op.getScanInputDirections(),
                  form.inputs, form.inputDirections)) ||
      failed(list("scan_output_axes", op.getScanOutputAxes(), form.outputs,
                  form.outputAxes)) ||
      failed(list("scan_output_directions", op.getScanOutputDirections(),
                  form.outputs, form.outputDirections)))
    return failure();
  for (auto [axis, operand] : llvm::zip_equal(
           form.inputAxes, op->getOperands().drop_front(form.carried))) {
    FailureOr<int64_t> normal = normalizeAxis(op, axis, scope.rank(operand));
    if (failed(normal))
      return failure();
    axis = *normal;
  }
  return form;
}

LogicalResult ScanOp::declareArguments(ShapeScope &scope) {
  FailureOr<ScanForm> form = scanFormOf(*this, scope);
  if (failed(form) ||
      failed(ensureArguments(*this, getBody(), getNumOperands())))
    return failure();
  for (size_t index = 0; index < form->inputs; ++index) {
    Value operand = getOperand(form->carried + index);
    Dims dims = scope.dims(operand);
    dims.erase(dims.begin() + form->inputAxes[index]);
    scope.assume(getBody().getArgument(form->carried + index),
                 getElementTypeOrSelf(operand.getType()), dims);
  }
  return success();
}

SmallVector<Carried> ScanOp::carried() {
  SmallVector<Carried> all;
  for (unsigned index = 0;
       index < getNumOperands() - static_cast<unsigned>(getNumScanInputs());
       ++index)
    all.push_back({getBody().getArgument(index), getOperand(index), index});
  return all;
}

LogicalResult ScanOp::inferShapes(ShapeScope &scope) {
  FailureOr<ScanForm> form = scanFormOf(*this, scope);
  if (failed(form))
    return failure();
  if (getBody().hasOneBlock() && !getBody().front().empty())
    if (auto yield = dyn_cast<YieldOp>(getBody().front().back());
        yield && yield.getResults().size() != getNumResults())
      return emitOpError() << "its body gives " << yield.getResults().size()
                           << " values, not " << getNumResults();
  Dim length;
  for (size_t index = 0; index < form->inputs; ++index) {
    Dim dim =
        scope.dim(getOperand(form->carried + index), form->inputAxes[index]);
    if (length && known(length) && known(dim) && length != dim)
      return emitOpError() << "scans " << *known(length) << " and "
                           << *known(dim) << " elements at once";
    if (!length || !known(length))
      length = dim;
  }
  if (failed(inferBodies(*this, scope)))
    return failure();
  OperandRange yields = yieldedBy(getBody());
  for (auto [index, result] : llvm::enumerate(getOperation()->getResults())) {
    Dims dims = dimsOutside(*this, yields[index], scope);
    if (index >= form->carried) {
      FailureOr<int64_t> axis = normalizeAxis(
          *this, form->outputAxes[index - form->carried], dims.size() + 1);
      if (failed(axis))
        return failure();
      dims.insert(dims.begin() + *axis, length);
    } else {
      for (auto [dim, initial] :
           llvm::zip_equal(dims, scope.dims(getOperand(index))))
        if (dim != initial)
          dim = {};
    }
    if (failed(scope.set(result, getElementTypeOrSelf(yields[index].getType()),
                         dims)))
      return failure();
  }
  return success();
}

FailureOr<SmallVector<Value>> ScanOp::lower(Lowering &l) {
  ScanForm form = *scanFormOf(*this, l.scope);
  ValueRange scanned = getOperands().drop_front(form.carried);
  Dim length = l.scope.dim(scanned[0], form.inputAxes[0]);
  for (auto [operand, axis] : llvm::zip_equal(scanned, form.inputAxes)) {
    Dim dim = l.scope.dim(operand, axis);
    l.requireEqual(dim, length, "scanned operands have different lengths");
    if (known(dim))
      length = dim;
  }
  OpFoldResult count = l.size(length);
  Iteration iteration(*this, getBody(), form.carried, l);
  for (auto [axis, yielded] : llvm::zip_equal(
           form.outputAxes, yieldedBy(getBody()).drop_front(form.carried)))
    iteration.stacks.emplace_back(
        *this, yielded, count,
        *normalizeAxis(*this, axis, l.scope.rank(yielded) + 1), l.scope);
  SmallVector<BlockArgument> arguments(
      getBody().getArguments().take_front(form.carried));
  SmallVector<Value> initial =
      iteration.begin(getOperands().take_front(form.carried), arguments);
  return iteration.count(initial, count, [&](Value index, ValueRange carried) {
    Value last = l.index(subIndex(l, count, l.getIndexAttr(1))),
          backwards = arith::SubIOp::create(l, last, index);
    for (size_t at = 0; at < form.inputs; ++at) {
      BlockArgument argument = getBody().getArgument(form.carried + at);
      Value slice =
          l.pick(l.lowered(scanned[at]), {form.inputAxes[at]},
                 {OpFoldResult(form.inputDirections[at] ? backwards : index)});
      l.map(argument, castTo(l, storageTensor(argument.getType()), slice));
    }
    SmallVector<Value> places =
        llvm::map_to_vector(form.outputDirections, [&](int64_t direction) {
          return direction ? backwards : index;
        });
    return iteration.run(carried, arguments, 0, places);
  });
}
