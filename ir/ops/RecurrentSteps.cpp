// RecurrentSteps.cpp - layers that go through time, step by step.
#include "ir/Lowering.h"
#include "ir/ops/Recurrent.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

namespace {
using Body = Lowering::ScalarBody;

/// One layer being lowered: everything is computed in `sums`, and step by step.
template <typename Op> class Unroll {
public:
  Unroll(Op op, Lowering &l)
      : op(op), l(l), layer(*recurrentLayer(op, l.scope)),
        activations(*recurrentActivations(op, layer.directions)),
        elementType(getElementTypeOrSelf(op.getX().getType())),
        sums(elementType.getIntOrFloatBitWidth() < 32 ? Type(l.getF32Type())
                                                      : elementType),
        steps(l.size(layer.steps)), batch(l.size(layer.batch)),
        hidden(l.size(layer.hidden)) {}

  SmallVector<Value> run();

private:
  static constexpr int64_t kGates = RecurrentTraits<Op>::kGates,
                           kStates = RecurrentTraits<Op>::kStates;

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

  scf::ForOp goThroughTime(Value y);
  Value inputProducts();
  Value recur(Value init, Value state, Value weights);
  Value initial(Value states);
  Value activate(ImplicitLocOpBuilder &b, Value scalar, size_t which);
  /// A (batch, hidden) tensor of scalars from tensors of that shape, and from
  /// vectors over `hidden`.
  Value combine(ArrayRef<Value> states, Body body);
  SmallVector<Value> step(Value products, ValueRange states);
  /// A state in the element type of the results.
  Value narrow(Value state);
  Value keepEnded(Value fresh, Value old, Value step, Value lengths);

  Op op;
  Lowering &l;
  RecurrentLayer layer;
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

/// The loop over the steps of the present direction: it carries the states, and
/// `y` behind them if it is wanted.
template <typename Op> scf::ForOp Unroll<Op>::goThroughTime(Value y) {
  bool isReverse = op.getDirection() == "reverse" || direction == 1;
  Value products = inputProducts();
  SmallVector<Value> carried{initial(op.getInitialH())};
  if constexpr (kStates == 2)
    carried.push_back(initial(op.getInitialC()));
  if (y)
    carried.push_back(y);
  auto loop =
      scf::ForOp::create(l, l.index(0), l.index(steps), l.index(1), carried);
  OpBuilder::InsertionGuard guard(l);
  l.setInsertionPointToStart(loop.getBody());
  Value at = loop.getInductionVar();
  if (isReverse)
    at = l.index(
        subIndex(l, subIndex(l, steps, l.getIndexAttr(1)), OpFoldResult(at)));
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
    next.push_back(l.place(narrow(shown), loop.getRegionIterArgs().back(), axes,
                           {OpFoldResult(at), l.getIndexAttr(direction)}));
  }
  scf::YieldOp::create(l, next);
  return loop;
}

template <typename Op> Value Unroll<Op>::narrow(Value state) {
  if (sums == elementType)
    return state;
  return l.generic(elementType, {batch, hidden},
                   {{state, sums, l.getMultiDimIdentityMap(2)}},
                   [&](ImplicitLocOpBuilder &b, ValueRange args) {
                     return castScalar(b, args[0], sums, elementType);
                   });
}

template <typename Op> SmallVector<Value> Unroll<Op>::run() {
  for (auto [name, value, dims] : recurrentOperands(op, layer))
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
  for (direction = 0; direction < layer.directions; ++direction) {
    scf::ForOp loop = goThroughTime(y);
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

FailureOr<SmallVector<Value>> RnnOp::lower(Lowering &l) {
  return Unroll<RnnOp>(*this, l).run();
}
