// Recurrent.cpp - layers that go through time step by step.
#include "ir/Activations.h"
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

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

//===- What the layers share ----------------------------------------------===//

namespace {
/// How many gates a layer has, and the activations of one direction where none
/// are given.
template <typename Op> struct Traits;
template <> struct Traits<LstmOp> {
  static constexpr int64_t kGates = 4;
  static SmallVector<StringRef> activations() {
    return {"Sigmoid", "Tanh", "Tanh"};
  }
};
template <> struct Traits<GruOp> {
  static constexpr int64_t kGates = 3;
  static SmallVector<StringRef> activations() { return {"Sigmoid", "Tanh"}; }
};
template <> struct Traits<RnnOp> {
  static constexpr int64_t kGates = 1;
  static SmallVector<StringRef> activations() { return {"Tanh"}; }
};

/// The sizes of a layer.
struct Layer {
  int64_t directions = 1;
  bool batchFirst = false;
  Dim steps, batch, features, hidden;

  Dims stateDims() const {
    Dim count = getAffineConstantExpr(directions, steps.getContext());
    return batchFirst ? Dims{batch, count, hidden} : Dims{count, batch, hidden};
  }
  Dims outputDims() const {
    Dim count = getAffineConstantExpr(directions, steps.getContext());
    return batchFirst ? Dims{batch, steps, count, hidden}
                      : Dims{steps, count, batch, hidden};
  }
  int64_t directionAxis() const { return batchFirst ? 1 : 0; }
};
} // namespace

/// A name for each optional operand, its value and the dims it must have.
template <typename Op>
static SmallVector<std::tuple<StringRef, Value, Dims>>
operandsOf(Op op, const Layer &layer) {
  constexpr int64_t gates = Traits<Op>::kGates;
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
static FailureOr<Layer> layerOf(Op op, ShapeScope &scope) {
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
  Layer layer;
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

/// The activations of all directions, in order.
template <typename Op>
static FailureOr<SmallVector<Activation>> activationsFor(Op op,
                                                         int64_t directions) {
  SmallVector<StringRef> perDirection = Traits<Op>::activations(), names;
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
    return activationsFor(op, directions);
  if (auto op = dyn_cast<GruOp>(layer))
    return activationsFor(op, directions);
  return activationsFor(cast<RnnOp>(layer), directions);
}

template <typename Op>
static LogicalResult inferLayer(Op op, ShapeScope &scope) {
  FailureOr<Layer> layer = layerOf(op, scope);
  if (failed(layer) || failed(activationsFor(op, layer->directions)))
    return failure();
  Type elementType = getElementTypeOrSelf(op.getX().getType());
  if (!isa<FloatType>(elementType))
    return op.emitOpError()
           << "X has elements of " << elementType << ", which are no floats";
  for (auto [name, value, dims] : operandsOf(op, *layer)) {
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

//===- Going through time -------------------------------------------------===//

namespace {
using Body = Lowering::ScalarBody;

/// One layer being lowered: everything is computed in `sums`, and step by step.
template <typename Op> class Unroll {
public:
  Unroll(Op op, Lowering &l)
      : op(op), l(l), layer(*layerOf(op, l.scope)),
        activations(*activationsFor(op, layer.directions)),
        elementType(getElementTypeOrSelf(op.getX().getType())),
        sums(elementType.getIntOrFloatBitWidth() < 32 ? Type(l.getF32Type())
                                                      : elementType),
        steps(l.size(layer.steps)), batch(l.size(layer.batch)),
        hidden(l.size(layer.hidden)) {}

  SmallVector<Value> run();

private:
  static constexpr int64_t kGates = Traits<Op>::kGates;
  /// The states: hidden, and for an LSTM the cell.
  static constexpr int kStates = std::is_same_v<Op, LstmOp> ? 2 : 1;

  Value half(Value operand, int64_t first, int64_t gates) {
    return l.slice(l.pick(l.lowered(operand), {0}, {l.getIndexAttr(direction)}),
                   0, gateOffset(first), gateOffset(gates));
  }
  OpFoldResult gateOffset(int64_t gate) {
    return mulIndex(l, hidden, l.getIndexAttr(gate));
  }
  Value gate(Value gates, int64_t index) {
    return l.slice(gates, 1, gateOffset(index), hidden);
  }

  Value inputProducts();
  Value recur(Value init, Value state, Value weights);
  Value initial(Value states);
  Value activate(ImplicitLocOpBuilder &b, Value scalar, size_t which);
  /// A (batch, hidden) tensor of scalars from tensors of that shape, and from
  /// vectors over `hidden`.
  Value combine(ArrayRef<Value> states, Body body);
  SmallVector<Value> step(Value products, ValueRange states);
  Value keepEnded(Value fresh, Value old, Value step, Value lengths);

  Op op;
  Lowering &l;
  Layer layer;
  SmallVector<Activation> activations;
  Type elementType, sums;
  OpFoldResult steps, batch, hidden;
  int64_t direction = 0;
};
} // namespace

/// X * W of all steps at once, with the biases that can be added here: (steps,
/// batch, gates * hidden).
template <typename Op> Value Unroll<Op>::inputProducts() {
  MLIRContext *context = l.getContext();
  Value weights =
      l.pick(l.lowered(op.getW()), {0}, {l.getIndexAttr(direction)});
  SmallVector<OpFoldResult> sizes{steps, batch, gateOffset(kGates)};
  auto loop = [&](unsigned index) { return getAffineDimExpr(index, context); };
  auto mapOf = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(4, 0, exprs, context);
  };
  AffineMap xMap = layer.batchFirst ? mapOf({loop(1), loop(0), loop(3)})
                                    : mapOf({loop(0), loop(1), loop(3)});
  SmallVector<utils::IteratorType> iterators(4, utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  Value products = l.reduce(
      l.filled(sums, sizes, l.zero(sums)), sums,
      mapOf({loop(0), loop(1), loop(2)}),
      {{l.lowered(op.getX()), elementType, xMap},
       {weights, elementType, mapOf({loop(2), loop(3)})}},
      iterators, [&](ImplicitLocOpBuilder &b, ValueRange args) {
        return sum(b, args[2],
                   product(b, castScalar(b, args[0], elementType, sums),
                           castScalar(b, args[1], elementType, sums)));
      });
  if (!op.getB())
    return products;
  // The hidden gate's own recurrent bias of a GRU that resets after its product
  // is added there.
  bool isApart = false;
  if constexpr (std::is_same_v<Op, GruOp>)
    isApart = op.getLinearBeforeReset() != 0;
  Value own = half(op.getB(), 0, kGates),
        recurrent = half(op.getB(), kGates, kGates);
  AffineMap vector = AffineMap::get(1, 0, loop(0));
  Value bias = l.generic(
      sums, {gateOffset(kGates)},
      {{own, elementType, vector}, {recurrent, elementType, vector}},
      [&](ImplicitLocOpBuilder &b, ValueRange args) {
        Value left = castScalar(b, args[0], elementType, sums),
              right = castScalar(b, args[1], elementType, sums);
        Value both = sum(b, left, right);
        if (!isApart)
          return both;
        Value isHidden = arith::CmpIOp::create(b, arith::CmpIPredicate::uge,
                                               linalg::IndexOp::create(b, 0),
                                               l.index(gateOffset(2)));
        return arith::SelectOp::create(b, isHidden, left, both).getResult();
      });
  AffineMap all = l.getMultiDimIdentityMap(3);
  return l.generic(
      sums, sizes,
      {{products, sums, all}, {bias, sums, AffineMap::get(3, 0, loop(2))}},
      [](ImplicitLocOpBuilder &b, ValueRange args) {
        return sum(b, args[0], args[1]);
      });
}

/// init + state * weights, a matrix product with transposed weights.
template <typename Op>
Value Unroll<Op>::recur(Value init, Value state, Value weights) {
  MLIRContext *context = l.getContext();
  auto mapOf = [&](unsigned first, unsigned second) {
    return AffineMap::get(
        3, 0,
        {getAffineDimExpr(first, context), getAffineDimExpr(second, context)},
        context);
  };
  SmallVector<utils::IteratorType> iterators{utils::IteratorType::parallel,
                                             utils::IteratorType::parallel,
                                             utils::IteratorType::reduction};
  return l.reduce(
      init, sums, mapOf(0, 1),
      {{state, sums, mapOf(0, 2)}, {weights, elementType, mapOf(1, 2)}},
      iterators, [&](ImplicitLocOpBuilder &b, ValueRange args) {
        return sum(
            b, args[2],
            product(b, args[0], castScalar(b, args[1], elementType, sums)));
      });
}

template <typename Op> Value Unroll<Op>::initial(Value states) {
  SmallVector<OpFoldResult> sizes{batch, hidden};
  if (!states)
    return l.filled(sums, sizes, l.zero(sums));
  Value state = l.pick(l.lowered(states), {layer.directionAxis()},
                       {l.getIndexAttr(direction)});
  return l.generic(sums, sizes,
                   {{state, elementType, l.getMultiDimIdentityMap(2)}},
                   [&](ImplicitLocOpBuilder &b, ValueRange args) {
                     return castScalar(b, args[0], elementType, sums);
                   });
}

template <typename Op>
Value Unroll<Op>::activate(ImplicitLocOpBuilder &b, Value scalar,
                           size_t which) {
  if (op.getClip()) {
    double clip = std::abs(op.getClip()->convertToDouble());
    Value high = arith::ConstantOp::create(b, b.getFloatAttr(sums, clip)),
          low = arith::ConstantOp::create(b, b.getFloatAttr(sums, -clip));
    scalar = arith::MaximumFOp::create(
        b, arith::MinimumFOp::create(b, scalar, high), low);
  }
  return activations[direction * (activations.size() / layer.directions) +
                     which]
      .apply(b, scalar);
}

template <typename Op>
Value Unroll<Op>::combine(ArrayRef<Value> states, Body body) {
  SmallVector<Lowering::Operand> operands;
  for (Value state : states) {
    bool isVector = cast<RankedTensorType>(state.getType()).getRank() == 1;
    Type type = isVector ? elementType : sums;
    operands.push_back({state, type,
                        isVector ? AffineMap::get(2, 0, l.getAffineDimExpr(1))
                                 : l.getMultiDimIdentityMap(2)});
  }
  return l.generic(sums, {batch, hidden}, operands,
                   [&](ImplicitLocOpBuilder &b, ValueRange args) {
                     SmallVector<Value> scalars;
                     for (auto [operand, arg] : llvm::zip_equal(operands, args))
                       scalars.push_back(
                           castScalar(b, arg, operand.elementType, sums));
                     return body(b, scalars);
                   });
}

/// The state after a step that sequences which have ended do not take: `old`
/// (null: zeros) for those.
template <typename Op>
Value Unroll<Op>::keepEnded(Value fresh, Value old, Value step, Value lengths) {
  Type lengthType = getElementTypeOrSelf(op.getSequenceLens().getType());
  AffineMap all = l.getMultiDimIdentityMap(2);
  SmallVector<Lowering::Operand> operands{
      {fresh, sums, all},
      {lengths, lengthType, AffineMap::get(2, 0, l.getAffineDimExpr(0))}};
  if (old)
    operands.push_back({old, sums, all});
  Value at = arith::IndexCastOp::create(l, lengthType, step);
  return l.generic(
      sums, {batch, hidden}, operands,
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value isRunning =
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt, at, args[1]);
        Value otherwise =
            old ? args[2]
                : arith::ConstantOp::create(b, b.getZeroAttr(sums)).getResult();
        return arith::SelectOp::create(b, isRunning, args[0], otherwise);
      });
}

template <typename Op> SmallVector<Value> Unroll<Op>::run() {
  for (auto [name, value, dims] : operandsOf(op, layer))
    if (value)
      l.requireDims(value, dims,
                    "an operand of a recurrent layer has a wrong size");
  auto make = [&](Value result) {
    return result ? l.empty(elementType, l.sizes(l.scope.dims(result)))
                  : Value();
  };
  Value y = make(op.getY());
  SmallVector<Value> finals{make(op.getYH())};
  if constexpr (kStates == 2)
    finals.push_back(make(op.getYC()));
  auto narrow = [&](Value state) {
    if (sums == elementType)
      return state;
    return l.generic(elementType, {batch, hidden},
                     {{state, sums, l.getMultiDimIdentityMap(2)}},
                     [&](ImplicitLocOpBuilder &b, ValueRange args) {
                       return castScalar(b, args[0], sums, elementType);
                     });
  };

  for (direction = 0; direction < layer.directions; ++direction) {
    bool isReverse = op.getDirection() == "reverse" || direction == 1;
    Value products = inputProducts();
    SmallVector<Value> carried{initial(op.getInitialH())};
    if constexpr (kStates == 2)
      carried.push_back(initial(op.getInitialC()));
    if (y)
      carried.push_back(y);
    auto loop =
        scf::ForOp::create(l, l.index(0), l.index(steps), l.index(1), carried);
    {
      OpBuilder::InsertionGuard guard(l);
      l.setInsertionPointToStart(loop.getBody());
      Value at = loop.getInductionVar();
      if (isReverse)
        at = l.index(subIndex(l, subIndex(l, steps, l.getIndexAttr(1)),
                              OpFoldResult(at)));
      ValueRange states = loop.getRegionIterArgs().take_front(kStates);
      SmallVector<Value> next =
          step(l.pick(products, {0}, {OpFoldResult(at)}), states);
      Value shown = next[0];
      if (op.getSequenceLens()) {
        Value lengths = l.lowered(op.getSequenceLens());
        shown = keepEnded(next[0], {}, at, lengths);
        for (auto [fresh, old] : llvm::zip_equal(next, states))
          fresh = keepEnded(fresh, old, at, lengths);
      }
      if (y) {
        SmallVector<int64_t> axes{layer.batchFirst ? 1 : 0,
                                  layer.batchFirst ? 2 : 1};
        next.push_back(l.place(narrow(shown), loop.getRegionIterArgs().back(),
                               axes,
                               {OpFoldResult(at), l.getIndexAttr(direction)}));
      }
      scf::YieldOp::create(l, next);
    }
    if (y)
      y = loop.getResults().back();
    for (auto [index, final] : llvm::enumerate(finals))
      if (final)
        final = l.place(narrow(loop.getResult(index)), final,
                        {layer.directionAxis()}, {l.getIndexAttr(direction)});
  }
  SmallVector<Value> results;
  for (Value result : llvm::concat<Value>(SmallVector<Value>{y}, finals))
    if (result)
      results.push_back(result);
  return results;
}

//===- lstm ---------------------------------------------------------------===//

template <>
SmallVector<Value> Unroll<LstmOp>::step(Value products, ValueRange states) {
  Value weights =
      l.pick(l.lowered(op.getR()), {0}, {l.getIndexAttr(direction)});
  Value gates = recur(products, states[0], weights), cell = states[1];
  enum { Input, Output, Forget, Cell };
  // Peepholes lie in the order input, output, forget.
  bool hasPeepholes = static_cast<bool>(op.getP());
  auto peephole = [&](int64_t index) { return half(op.getP(), index, 1); };
  SmallVector<Value> cellOperands{gate(gates, Input), gate(gates, Forget),
                                  gate(gates, Cell), cell};
  if (hasPeepholes)
    cellOperands.append({peephole(Input), peephole(Forget)});
  Value newCell = combine(
      cellOperands, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        auto peek = [&](Value scalar, unsigned at) {
          return hasPeepholes ? sum(b, scalar, product(b, args[at], args[3]))
                              : scalar;
        };
        Value input = activate(b, peek(args[0], 4), 0);
        Value forget =
            op.getInputForget()
                ? arith::SubFOp::create(
                      b, arith::ConstantOp::create(b, b.getFloatAttr(sums, 1)),
                      input)
                      .getResult()
                : activate(b, peek(args[1], 5), 0);
        return sum(b, product(b, forget, args[3]),
                   product(b, input, activate(b, args[2], 1)));
      });
  SmallVector<Value> outputOperands{gate(gates, Output), newCell};
  if (hasPeepholes)
    outputOperands.push_back(peephole(Output));
  Value newHidden = combine(
      outputOperands, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value output = activate(
            b,
            hasPeepholes ? sum(b, args[0], product(b, args[2], args[1]))
                         : args[0],
            0);
        return product(b, output, activate(b, args[1], 2));
      });
  return {newHidden, newCell};
}

LogicalResult LstmOp::inferShapes(ShapeScope &scope) {
  return inferLayer(*this, scope);
}
FailureOr<SmallVector<Value>> LstmOp::lower(Lowering &l) {
  return Unroll<LstmOp>(*this, l).run();
}

//===- gru ----------------------------------------------------------------===//

template <>
SmallVector<Value> Unroll<GruOp>::step(Value products, ValueRange states) {
  Value weights =
            l.pick(l.lowered(op.getR()), {0}, {l.getIndexAttr(direction)}),
        hiddenState = states[0];
  enum { Update, Reset, Hidden };
  auto join = [&](Value update, Value candidate) {
    return combine({update, candidate, hiddenState},
                   [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     Value rest = arith::SubFOp::create(
                         b,
                         arith::ConstantOp::create(b, b.getFloatAttr(sums, 1)),
                         args[0]);
                     return sum(b, product(b, rest, args[1]),
                                product(b, args[0], args[2]));
                   });
  };
  auto sigmoid = [&](Value sumsOfGate) {
    return combine({sumsOfGate}, [&](ImplicitLocOpBuilder &b, ValueRange args) {
      return activate(b, args[0], 0);
    });
  };
  if (op.getLinearBeforeReset()) {
    Value recurrent =
        recur(l.filled(sums, {batch, gateOffset(kGates)}, l.zero(sums)),
              hiddenState, weights);
    auto both = [&](int64_t index) {
      return combine({gate(products, index), gate(recurrent, index)},
                     [&](ImplicitLocOpBuilder &b, ValueRange args) {
                       return activate(b, sum(b, args[0], args[1]), 0);
                     });
    };
    Value reset = both(Reset);
    SmallVector<Value> operands{gate(products, Hidden), gate(recurrent, Hidden),
                                reset};
    if (op.getB())
      operands.push_back(half(op.getB(), kGates + Hidden, 1));
    Value candidate =
        combine(operands, [&](ImplicitLocOpBuilder &b, ValueRange args) {
          Value inner = args.size() > 3 ? sum(b, args[1], args[3]) : args[1];
          return activate(b, sum(b, args[0], product(b, args[2], inner)), 1);
        });
    return {join(both(Update), candidate)};
  }
  Value gates =
      recur(l.slice(products, 1, l.getIndexAttr(0), gateOffset(2)), hiddenState,
            l.slice(weights, 0, l.getIndexAttr(0), gateOffset(2)));
  Value kept = combine({gate(gates, Reset), hiddenState},
                       [&](ImplicitLocOpBuilder &b, ValueRange args) {
                         return product(b, activate(b, args[0], 0), args[1]);
                       });
  Value hiddenSums = recur(gate(products, Hidden), kept,
                           l.slice(weights, 0, gateOffset(2), hidden));
  Value candidate =
      combine({hiddenSums}, [&](ImplicitLocOpBuilder &b, ValueRange args) {
        return activate(b, args[0], 1);
      });
  return {join(sigmoid(gate(gates, Update)), candidate)};
}

LogicalResult GruOp::inferShapes(ShapeScope &scope) {
  return inferLayer(*this, scope);
}
FailureOr<SmallVector<Value>> GruOp::lower(Lowering &l) {
  return Unroll<GruOp>(*this, l).run();
}

//===- rnn ----------------------------------------------------------------===//

template <>
SmallVector<Value> Unroll<RnnOp>::step(Value products, ValueRange states) {
  Value weights =
      l.pick(l.lowered(op.getR()), {0}, {l.getIndexAttr(direction)});
  return {combine({recur(products, states[0], weights)},
                  [&](ImplicitLocOpBuilder &b, ValueRange args) {
                    return activate(b, args[0], 0);
                  })};
}

LogicalResult RnnOp::inferShapes(ShapeScope &scope) {
  return inferLayer(*this, scope);
}
FailureOr<SmallVector<Value>> RnnOp::lower(Lowering &l) {
  return Unroll<RnnOp>(*this, l).run();
}
