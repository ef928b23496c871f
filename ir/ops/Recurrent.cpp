// Recurrent.cpp - layers that go through time: what their operands must be.
#include "ir/ops/Recurrent.h"

#define GET_OP_CLASSES
#include "ir/ops/Recurrent.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerRecurrent(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Recurrent.cpp.inc"
      >();
}

template <typename Op>
SmallVector<std::tuple<StringRef, Value, Dims>>
nn::recurrentOperands(Op op, const RecurrentLayer &layer) {
  constexpr int64_t gates = RecurrentTraits<Op>::kGates;
  Dim directions = getAffineConstantExpr(layer.directions, op.getContext());
  SmallVector<std::tuple<StringRef, Value, Dims>> all{
      {"W", op.getW(), {directions, layer.hidden * gates, layer.features}},
      {"R", op.getR(), {directions, layer.hidden * gates, layer.hidden}},
      {"B", op.getB(), {directions, layer.hidden * (2 * gates)}},
      {"'sequence_lens'", op.getSequenceLens(), {layer.batch}},
      {"'initial_h'", op.getInitialH(), layer.stateDims()}};
  if constexpr (std::is_same_v<Op, LstmOp>) {
    all.push_back({"'initial_c'", op.getInitialC(), layer.stateDims()});
    all.push_back({"P", op.getP(), {directions, layer.hidden * 3}});
  }
  return all;
}

template <typename Op>
FailureOr<RecurrentLayer> nn::recurrentLayer(Op op, ShapeScope &scope) {
  StringRef direction = op.getDirection();
  if (direction != "forward" && direction != "reverse" &&
      direction != "bidirectional")
    return op.emitOpError() << "'direction' is \"" << direction
                            << "\", not forward, reverse or bidirectional";
  for (auto [name, value] : {std::pair<StringRef, Value>{"X", op.getX()},
                             {"W", op.getW()},
                             {"R", op.getR()}})
    if (scope.rank(value) != 3)
      return op.emitOpError()
             << name << " has rank " << scope.rank(value) << ", not 3";
  RecurrentLayer layer;
  layer.directions = direction == "bidirectional" ? 2 : 1;
  layer.batchFirst = op.getLayout() != 0;
  Dims x = scope.dims(op.getX());
  layer.steps = x[layer.batchFirst];
  layer.batch = x[!layer.batchFirst];
  layer.features = x[2];
  layer.hidden = scope.dim(op.getR(), 2);
  if (!known(layer.hidden) && op.getHiddenSize())
    layer.hidden = scope.constant(*op.getHiddenSize());
  if (op.getHiddenSize() && !isKnown(layer.hidden, *op.getHiddenSize()))
    return op.emitOpError()
           << "'hidden_size' is " << static_cast<int64_t>(*op.getHiddenSize())
           << ", R has " << *known(layer.hidden) << " columns";
  return layer;
}

template <typename Op>
FailureOr<SmallVector<Activation>>
nn::recurrentActivations(Op op, int64_t directions) {
  SmallVector<StringRef> perDirection = RecurrentTraits<Op>::activations(),
                         names;
  if (std::optional<ArrayAttr> given = op.getActivations())
    for (auto name : given->template getAsRange<StringAttr>())
      names.push_back(name);
  if (names.empty())
    names = perDirection;
  size_t count = perDirection.size() * directions;
  // A schema's default, and many a file, has one direction's or two directions'
  // worth in the other case.
  if (names.size() == perDirection.size() && names.size() < count)
    names.append(SmallVector<StringRef>(names));
  if (names.size() < count)
    return op.emitOpError()
           << "'activations' has " << names.size() << " names, not " << count;
  names.resize(count);
  return parseActivations(op, names,
                          op.getActivationAlpha().value_or(ArrayRef<float>()),
                          op.getActivationBeta().value_or(ArrayRef<float>()));
}

FailureOr<SmallVector<Activation>> nn::activationsOf(Operation *layer,
                                                     int64_t directions) {
  if (auto op = dyn_cast<LstmOp>(layer))
    return recurrentActivations(op, directions);
  if (auto op = dyn_cast<GruOp>(layer))
    return recurrentActivations(op, directions);
  return recurrentActivations(cast<RnnOp>(layer), directions);
}

template <typename Op>
static LogicalResult inferLayer(Op op, ShapeScope &scope) {
  FailureOr<RecurrentLayer> layer = recurrentLayer(op, scope);
  if (failed(layer) || failed(recurrentActivations(op, layer->directions)))
    return failure();
  Type elementType = getElementTypeOrSelf(op.getX().getType());
  if (!isa<FloatType>(elementType))
    return op.emitOpError()
           << "X has elements of " << elementType << ", which are no floats";
  for (auto [name, value, dims] : recurrentOperands(op, *layer)) {
    if (!value)
      continue;
    if (failed(checkDims(op, scope, value, name, dims)))
      return failure();
    Type type = getElementTypeOrSelf(value.getType());
    if (value == op.getSequenceLens() ? !isa<IntegerType>(type)
                                      : type != elementType)
      return op.emitOpError() << name << " has elements of " << type;
  }
  for (OpResult result : op->getResults())
    if (failed(scope.set(result, elementType,
                         result == op.getY() ? layer->outputDims()
                                             : layer->stateDims())))
      return failure();
  return success();
}

LogicalResult LstmOp::inferShapes(ShapeScope &scope) {
  return inferLayer(*this, scope);
}
LogicalResult GruOp::inferShapes(ShapeScope &scope) {
  return inferLayer(*this, scope);
}
LogicalResult RnnOp::inferShapes(ShapeScope &scope) {
  return inferLayer(*this, scope);
}

// What RecurrentSteps.cpp uses of them.
template FailureOr<RecurrentLayer> nn::recurrentLayer(LstmOp, ShapeScope &);
template SmallVector<std::tuple<StringRef, Value, Dims>>
nn::recurrentOperands(LstmOp, const RecurrentLayer &);
template FailureOr<SmallVector<Activation>> nn::recurrentActivations(LstmOp,
                                                                     int64_t);
template FailureOr<RecurrentLayer> nn::recurrentLayer(GruOp, ShapeScope &);
template SmallVector<std::tuple<StringRef, Value, Dims>>
nn::recurrentOperands(GruOp, const RecurrentLayer &);
template FailureOr<SmallVector<Activation>> nn::recurrentActivations(GruOp,
                                                                     int64_t);
template FailureOr<RecurrentLayer> nn::recurrentLayer(RnnOp, ShapeScope &);
template SmallVector<std::tuple<StringRef, Value, Dims>>
nn::recurrentOperands(RnnOp, const RecurrentLayer &);
template FailureOr<SmallVector<Activation>> nn::recurrentActivations(RnnOp,
                                                                     int64_t);
