// Recurrent.cpp - recurrent layers as scans, which have gradients.
#include "ir/ops/Recurrent.h"
#include "ir/Activations.h"
#include "ir/Gradients.h"
#include "ir/Ops.h"
#include "ir/Types.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

static Value apply(const Activation &activation, GradientBuilder &b, Value x) {
  double alpha = activation.alpha, beta = activation.beta;
  switch (activation.kind) {
  case Activation::Relu:
    return b.make<ReluOp>(x);
  case Activation::Tanh:
    return b.make<TanhOp>(x);
  case Activation::Sigmoid:
    return b.make<SigmoidOp>(x);
  case Activation::Affine:
    return b.add(b.mul(x, alpha), beta);
  case Activation::LeakyRelu:
    return b.where(b.less(x, b.number(x, 0)), b.mul(x, alpha), x);
  case Activation::ThresholdedRelu:
    return b.masked(b.less(b.number(x, alpha), x), x);
  case Activation::ScaledTanh:
    return b.mul(b.make<TanhOp>(b.mul(x, beta)), alpha);
  case Activation::HardSigmoid:
    return b.make<ClipOp>(b.add(b.mul(x, alpha), beta), b.number(x, 0),
                          b.number(x, 1));
  case Activation::Elu:
    return b.where(b.less(x, b.number(x, 0)),
                   b.mul(b.add(b.exp(x), -1.0), alpha), x);
  case Activation::Softsign:
    return b.div(x, b.add(b.make<AbsOp>(x), 1));
  case Activation::Softplus:
    return b.make<SoftplusOp>(x);
  }
  llvm_unreachable("all kinds have a formula");
}

namespace {
/// One layer. Names are those of ONNX's documentation of LSTM, GRU and RNN.
template <typename Op> class Expand {
public:
  static constexpr int64_t kGates = RecurrentTraits<Op>::kGates;
  static constexpr size_t kStates = RecurrentTraits<Op>::kStates;

  Expand(Op op, ShapeScope &scope) : op(op), b(OpBuilder(op), scope, none) {
    b.setLoc(op.getLoc());
  }

  LogicalResult run() {
    bool isBidirectional = op.getDirection() == "bidirectional";
    directions = isBidirectional ? 2 : 1;
    FailureOr<SmallVector<Activation>> all = activationsOf(op, directions);
    if (failed(all))
      return failure();
    hidden = known(b.scope.dim(op.getR(), 2)).value_or(0);
    if (hidden == 0) {
      b.refuse("its hidden size is known only at run time", op.getX());
      return failure();
    }
    Value x = op.getX();
    if (op.getLayout() != 0)
      x = b.transpose(x, {1, 0, 2});
    SmallVector<Value> outputs;
    SmallVector<SmallVector<Value>> states(kStates);
    for (direction = 0; direction < directions; ++direction) {
      activations = ArrayRef(*all).slice(direction * (all->size() / directions),
                                         all->size() / directions);
      isReverse = direction == 1 || op.getDirection() == "reverse";
      SmallVector<Value> results = scan(x);
      if (results.empty())
        return failure();
      for (size_t i = 0; i < kStates; ++i)
        states[i].push_back(b.unsqueeze(results[i], {0}));
      outputs.push_back(b.unsqueeze(results[kStates], {1}));
    }
    replace(op.getY(), b.concat(outputs, 1), {2, 0, 1, 3});
    replace(op.getYH(), b.concat(states[0], 0), {1, 0, 2});
    if constexpr (kStates == 2)
      replace(op.getYC(), b.concat(states[1], 0), {1, 0, 2});
    op.erase();
    return success();
  }

private:
  void replace(Value result, Value by, ArrayRef<int64_t> batchFirst) {
    if (!result)
      return;
    if (op.getLayout() != 0)
      by = b.transpose(by, batchFirst);
    result.replaceAllUsesWith(by);
    b.scope.forget(result);
  }

  /// This direction's part of an operand, without the axis of directions.
  Value part(Value operand, int64_t axis = 0) {
    return b.make<SqueezeOp>(b.slice(operand, axis, direction, direction + 1),
                             b.integers({axis}));
  }
  /// Parts of `count` gates from `first` on, of what has all along its last
  /// axis.
  Value gates(Value all, int64_t first, int64_t count = 1) {
    return b.slice(all, b.rank(all) - 1, first * hidden,
                   (first + count) * hidden);
  }
  Value activate(size_t which, Value x) {
    if (op.getClip()) {
      double clip = std::abs(op.getClip()->convertToDouble());
      x = b.make<ClipOp>(x, b.number(x, -clip), b.number(x, clip));
    }
    return apply(activations[which], b, x);
  }
  Value initial(Value states, Value like) {
    return states ? part(states, op.getLayout() != 0 ? 1 : 0)
                  : b.zerosLike(like);
  }

  SmallVector<Value> scan(Value x);
  SmallVector<Value> step(Value products, ArrayRef<Value> states);

  Op op;
  llvm::DenseSet<Value> none;
  GradientBuilder b;
  int64_t directions = 1, direction = 0, hidden = 0;
  bool isReverse = false;
  ArrayRef<Activation> activations;
  Value recurrent, recurrentBias, peepholes;
};
} // namespace

/// The final states and Y (steps, batch, hidden) of one direction.
template <typename Op> SmallVector<Value> Expand<Op>::scan(Value x) {
  // The products with inputs, of all steps at once.
  Value products = b.matmul(x, b.transposeMatrix(part(op.getW())));
  recurrent = b.transposeMatrix(part(op.getR()));
  recurrentBias = {};
  if (Value bias = op.getB()) {
    Value all = part(bias), own = gates(all, 0, kGates);
    recurrentBias = gates(all, kGates, kGates);
    products = b.add(products, own);
  }
  Value lengths = op.getSequenceLens();
  bool isTurned = isReverse && lengths;
  auto turn = [&](Value value) {
    return b.make<ReverseSequenceOp>(value, lengths, /*batch_axis=*/1,
                                     /*time_axis=*/0);
  };
  if (isTurned)
    products = turn(products);
  if constexpr (kStates == 2)
    peepholes = op.getP() ? part(op.getP()) : Value();

  // Zeros of a state: no steps of the first gate's products.
  Value like = b.reduceSum(gates(products, 0), {0}, /*keepsDims=*/false);
  SmallVector<Value> operands{initial(op.getInitialH(), like)};
  if constexpr (kStates == 2)
    operands.push_back(initial(op.getInitialC(), like));
  operands.push_back(products);
  if (lengths) {
    Value steps = b.shapeOf(products, 0, 1),
          numbers =
              b.make<RangeOp>(b.integer(0), b.reshape(steps, {}), b.integer(1));
    // Which sequences go on at each step: (steps, batch, 1).
    operands.push_back(
        b.unsqueeze(b.less(b.unsqueeze(numbers, {1}),
                           b.make<CastOp>(lengths, onnxType(b.getI64Type()))),
                    {2}));
  }
  int64_t scanned = lengths ? 2 : 1;
  SmallVector<int64_t> zeros(scanned, 0),
      directions(scanned, isReverse && !isTurned);
  auto scan = nn::ScanOp::create(
      static_cast<OpBuilder &>(b), b.getLoc(),
      SmallVector<Type>(kStates + 1, UnrankedTensorType::get(b.getF32Type())),
      operands, b.getI64IntegerAttr(scanned), b.getDenseI64ArrayAttr(zeros),
      b.getDenseI64ArrayAttr(directions), b.getDenseI64ArrayAttr({0}),
      b.getDenseI64ArrayAttr({directions[0]}));
  Block &body = scan.getBody().emplaceBlock();
  SmallVector<Value> before;
  for (size_t i = 0; i < kStates; ++i) {
    before.push_back(body.addArgument(operands[i].getType(), b.getLoc()));
    b.scope.copy(before.back(), operands[i]);
  }
  auto element = [&](Value all) {
    Dims dims = b.scope.dims(all);
    BlockArgument argument = body.addArgument(all.getType(), b.getLoc());
    b.scope.assume(argument, getElementTypeOrSelf(all.getType()),
                   ArrayRef(dims).drop_front());
    return argument;
  };
  Value now = element(products),
        goesOn = lengths ? Value(element(operands.back())) : Value();
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&body);
    SmallVector<Value> after = step(now, before);
    Value output = after[0];
    if (goesOn) {
      output = b.masked(goesOn, output);
      for (auto [next, last] : llvm::zip_equal(after, before))
        next = b.where(goesOn, next, last);
    }
    after.push_back(output);
    nn::YieldOp::create(static_cast<OpBuilder &>(b), b.getLoc(), after);
  }
  if (failed(b.scope.infer(scan)) || b.hasFailed())
    return {};
  SmallVector<Value> results(scan->getResults());
  if (isTurned)
    results.back() = turn(results.back());
  return results;
}

/// X * W plus its bias, and the states, become the next states.
template <>
SmallVector<Value> Expand<RnnOp>::step(Value products, ArrayRef<Value> states) {
  Value sums = b.add(products, b.matmul(states[0], recurrent));
  if (recurrentBias)
    sums = b.add(sums, recurrentBias);
  return {activate(0, sums)};
}

template <>
SmallVector<Value> Expand<GruOp>::step(Value products, ArrayRef<Value> states) {
  auto add = [&](Value value, int64_t gate, int64_t count) {
    return recurrentBias ? b.add(value, gates(recurrentBias, gate, count))
                         : value;
  };
  Value state = states[0],
        both = b.add(gates(products, 0, 2),
                     add(b.matmul(state, gates(recurrent, 0, 2)), 0, 2)),
        update = activate(0, gates(both, 0)),
        reset = activate(0, gates(both, 1)), memory;
  Value own = gates(recurrent, 2);
  if (op.getLinearBeforeReset())
    memory = b.mul(reset, add(b.matmul(state, own), 2, 1));
  else
    memory = add(b.matmul(b.mul(reset, state), own), 2, 1);
  Value fresh = activate(1, b.add(gates(products, 2), memory));
  return {b.add(b.mul(b.sub(1, update), fresh), b.mul(update, state))};
}

template <>
SmallVector<Value> Expand<LstmOp>::step(Value products,
                                        ArrayRef<Value> states) {
  Value cell = states[1],
        sums = b.add(products, b.matmul(states[0], recurrent));
  if (recurrentBias)
    sums = b.add(sums, recurrentBias);
  // Gates are input, output, forget, cell; peepholes input, output, forget.
  auto peep = [&](Value value, int64_t gate, Value at) {
    return peepholes ? b.add(value, b.mul(at, gates(peepholes, gate))) : value;
  };
  Value input = activate(0, peep(gates(sums, 0), 0, cell)),
        forget = op.getInputForget()
                     ? b.sub(1, input)
                     : activate(0, peep(gates(sums, 2), 2, cell)),
        fresh = activate(1, gates(sums, 3)),
        next = b.add(b.mul(forget, cell), b.mul(input, fresh)),
        output = activate(0, peep(gates(sums, 1), 1, next));
  return {b.mul(output, apply(activations[2], b, next)), next};
}

LogicalResult nn::expandRecurrent(Operation *layer, ShapeScope &scope) {
  if (auto op = dyn_cast<LstmOp>(layer))
    return Expand<LstmOp>(op, scope).run();
  if (auto op = dyn_cast<GruOp>(layer))
    return Expand<GruOp>(op, scope).run();
  return Expand<RnnOp>(cast<RnnOp>(layer), scope).run();
}
