// MultiplyQuantized.cpp - products of dequantized numbers are taken as those of
// their integers.
#include "ir/Ops.h"
#include "ir/Shapes.h"
#include "ir/Signature.h"
#include "ir/Storage.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_MULTIPLYQUANTIZED
#include "passes/Passes.h.inc"
} // namespace burnish

// ONNX's numbers of element types.
static constexpr int64_t kF32 = 1, kUnsigned8 = 2, kSigned8 = 3, kI32 = 6;
/// Dot products of bytes take so many steps of a sum at once.
static constexpr int64_t kStepsAtOnce = 4;
/// Zero points of more channels are not looked at.
static constexpr int64_t kMostZeros = 1 << 16;

static RankedTensorType typeOf(Value value) {
  return dyn_cast<RankedTensorType>(value.getType());
}
static bool isOfBytes(Value value) {
  auto type = typeOf(value);
  return type && type.getElementType().isInteger(8);
}
static bool isUnsigned(Value value) {
  return typeOf(value).getElementType().isUnsignedInteger();
}
static bool isOneNumber(Value value) {
  auto type = typeOf(value);
  return type && type.hasStaticShape() && type.getNumElements() == 1;
}
static bool isF32(Value value) {
  return getElementTypeOrSelf(value.getType()).isF32();
}

/// A constant, through casts and reshapes of it.
static nn::ConstantOp sourceOf(Value value) {
  Operation *op = value.getDefiningOp();
  while (isa_and_nonnull<nn::CastOp, nn::ReshapeOp>(op))
    op = op->getOperand(0).getDefiningOp();
  return dyn_cast_or_null<nn::ConstantOp>(op);
}

/// The integers that a constant has; none stand for zeros.
static std::optional<SmallVector<int64_t>> integersOf(Value value) {
  if (!value)
    return SmallVector<int64_t>();
  nn::ConstantOp constant = sourceOf(value);
  return constant ? nn::readIntegers(constant.getValue(), kMostZeros)
                  : std::nullopt;
}
static bool areAll(Value value, int64_t expected) {
  std::optional<SmallVector<int64_t>> integers = integersOf(value);
  return integers && llvm::all_of(*integers, [&](int64_t integer) {
           return integer == expected;
         });
}

namespace {
/// Bytes that stand for (byte - zero) * scale.
struct Quantized {
  Value bytes;
  /// Null: 0. Null: 1, and the numbers are i32.
  Value zero, scale;
  /// The axis along which there are several zeros or scales.
  int64_t axis = -1;
  /// The order in which the axes of the bytes are taken; null: as they are.
  nn::TransposeOp order = {};

  static std::optional<Quantized> of(Value value);
  bool isByTensor() const {
    return (!zero || isOneNumber(zero)) && (!scale || isOneNumber(scale));
  }
  bool isConstant() const {
    return bytes.getDefiningOp<nn::ConstantOp>() &&
           typeOf(bytes).hasStaticShape();
  }
};
} // namespace

std::optional<Quantized> Quantized::of(Value value) {
  if (auto transpose = value.getDefiningOp<nn::TransposeOp>()) {
    std::optional<Quantized> source = of(transpose.getData());
    if (!source || !source->isConstant() || source->order)
      return std::nullopt;
    SmallVector<int64_t> order = transpose.permutation();
    source->axis = llvm::find(order, source->axis) - order.begin();
    source->order = transpose;
    return source;
  }
  if (auto op = value.getDefiningOp<nn::DequantizeLinearOp>()) {
    auto type = typeOf(op.getX());
    if (!isOfBytes(op.getX()) || !isF32(value) || !isF32(op.getXScale()) ||
        op.getBlockSize() != 0)
      return std::nullopt;
    int64_t axis = op.getAxis();
    return Quantized{op.getX(), op.getXZeroPoint(), op.getXScale(),
                     axis < 0 ? axis + type.getRank() : axis};
  }
  Value zero;
  int64_t axis = -1;
  if (auto sub = value.getDefiningOp<nn::SubOp>()) {
    zero = sub.getB();
    auto zeros = typeOf(zero), type = typeOf(value);
    if (!isOneNumber(zero)) {
      // One for each place along one axis.
      if (!zeros || !type || !zeros.hasStaticShape() ||
          zeros.getRank() != type.getRank() ||
          llvm::count(zeros.getShape(), 1) != zeros.getRank() - 1)
        return std::nullopt;
      axis = llvm::find_if(zeros.getShape(),
                           [](int64_t size) { return size != 1; }) -
             zeros.getShape().begin();
    }
    value = sub.getA();
  }
  auto cast = value.getDefiningOp<nn::CastOp>();
  if (!cast || static_cast<int64_t>(cast.getTo()) != kI32 ||
      !isOfBytes(cast.getInput()))
    return std::nullopt;
  return Quantized{cast.getInput(), zero, {}, axis};
}

namespace {
/// A convolution or matrix product of quantized operands, of which the right
/// one is constant.
class Product {
public:
  Product(Operation *op, RewriterBase &rewriter, nn::ShapeScope &scope)
      : op(op), conv(dyn_cast<nn::ConvOp>(op)),
        b(op->getLoc(), rewriter, scope) {}

  /// The same from integers; null where it does not fit.
  Value run() {
    if (!match())
      return {};
    useSigns();
    image = left.bytes;
    terms = typeOf(right.bytes);
    Value sums = correct(conv ? convolve() : multiply(left.bytes, right.bytes));
    return left.scale ? rescale(sums) : addBias(sums);
  }

private:
  bool match() {
    std::optional<Quantized> a = Quantized::of(op->getOperand(0)),
                             w = Quantized::of(op->getOperand(1));
    if (!a || !w || !a->isByTensor() || a->order || !w->isConstant() ||
        !a->scale != !w->scale)
      return false;
    left = *a;
    right = *w;
    int64_t rank = typeOf(right.bytes).getRank(),
            leftRank = typeOf(left.bytes).getRank();
    outAxis = conv ? 0 : rank - 1;
    if (!right.isByTensor() && right.axis != outAxis)
      return false;
    if (!conv)
      return rank == 2 && leftRank > 1;
    // Sums of windows of each group would take as long as its convolution.
    bool isCentred = isUnsigned(right.bytes)
                         ? right.zero && areAll(right.zero, 128)
                         : areAll(right.zero, 0);
    return (isCentred || conv.getGroup() == 1) &&
           (staysZero() || bordersAreKnown()) &&
           (!conv.getB() || getElementTypeOrSelf(conv.getB().getType()) ==
                                getElementTypeOrSelf(conv.getType()));
  }

  /// Whether the zero point of the left operand is 0 once it has no sign, so
  /// that a border of zeros is the convolution's own.
  bool staysZero() {
    return isUnsigned(left.bytes) ? areAll(left.zero, 0)
                                  : left.zero && areAll(left.zero, -128);
  }

  bool bordersAreKnown() { return conv.getAutoPad() == "NOTSET"; }

  Value integer(int64_t value) { return b.scalar(b.getI32Type(), value); }
  Value toI32(Value value) {
    return getElementTypeOrSelf(value.getType()).isInteger(32)
               ? value
               : b.make<nn::CastOp>(value, kI32);
  }

  /// Gives the left operand no sign and the right one a sign.
  void useSigns() {
    if (right.order)
      right.bytes =
          b.make<nn::TransposeOp>(right.bytes, right.order.getPermAttr());
    auto shift = [&](Quantized &operand, int64_t by, int64_t to) {
      operand.bytes = b.make<nn::CastOp>(
          b.make<nn::AddOp>(toI32(operand.bytes), integer(by)), to);
      if (!operand.zero)
        operand.zero = integer(by);
      else if (areAll(operand.zero, -by))
        operand.zero = {};
      else
        operand.zero = b.make<nn::AddOp>(toI32(operand.zero), integer(by));
    };
    bool isPadded = hasBorder();
    if (!isUnsigned(left.bytes))
      shift(left, 128, kUnsigned8);
    isLeftZero = areAll(left.zero, 0);
    if (isUnsigned(right.bytes))
      shift(right, -128, kSigned8);
    needsBorder = isPadded && !isLeftZero;
  }

  bool hasBorder() {
    return conv && conv.getPads() &&
           llvm::any_of(*conv.getPads(), [](int64_t pad) { return pad != 0; });
  }

  Value multiply(Value a, Value w) { return b.make<nn::MatMulOp>(a, w); }

  /// A border of zero points; channels, or the taps of a row where there are
  /// fewer channels, are filled up to as many as are summed at once.
  Value convolve() {
    auto x = typeOf(left.bytes), w = typeOf(right.bytes);
    int64_t rank = w.getRank(), spatial = rank - 2, channels = w.getDimSize(1),
            last = rank - 1;
    SmallVector<int64_t> pads(2 * rank, 0), more(2 * rank, 0);
    if (needsBorder) {
      ArrayRef<int64_t> given = *conv.getPads();
      for (int64_t axis = 0; axis < spatial; ++axis) {
        pads[2 + axis] = given[axis];
        pads[rank + 2 + axis] = given[spatial + axis];
      }
    }
    bool isDense = !conv.getDilations() || conv.getDilations()->back() == 1;
    bool fillsTaps = channels < kStepsAtOnce && w.getDimSize(last) > 1 &&
                     isDense && conv.getAutoPad() == "NOTSET";
    int64_t filled = fillsTaps ? last : 1, size = w.getDimSize(filled),
            missing = conv.getGroup() == 1
                          ? llvm::alignTo(size, kStepsAtOnce) - size
                          : 0;
    more[rank + filled] = missing;
    pads[rank + filled] += missing;
    // A border of zeros stays the convolution's.
    if (missing > 0)
      right.bytes =
          padWith(right.bytes, more, b.scalar(b.getIntegerType(8), 0));
    if (missing > 0 || needsBorder)
      left.bytes = padWith(left.bytes, pads,
                           left.zero ? b.make<nn::CastOp>(left.zero, kUnsigned8)
                                     : b.scalar(x.getElementType(), 0));
    auto padded = cast<nn::ConvOp>(b.clone(*conv));
    if (needsBorder)
      padded.setPads(SmallVector<int64_t>(conv.getPads()->size(), 0));
    if (missing > 0 && fillsTaps)
      padded.setKernelShape(typeOf(right.bytes).getShape().take_back(spatial));
    padded->setOperands({left.bytes, right.bytes});
    (void)b.scope.infer(padded);
    return padded;
  }

  Value padWith(Value tensor, ArrayRef<int64_t> pads, Value value) {
    Value one = b.make<nn::ReshapeOp>(value, b.integers({}));
    auto pad =
        nn::PadOp::create(static_cast<OpBuilder &>(b), b.getLoc(),
                          TypeRange(UnrankedTensorType::get(b.getF32Type())),
                          tensor, b.integers(pads), one, Value(), "constant");
    (void)b.scope.infer(pad);
    return pad;
  }

  // sum((x - zx) * (w - zw)) = sum(x * w) - zx * sum(w) - zw * sum(x - zx)
  Value correct(Value sums) {
    bool isRightZero = areAll(right.zero, 0);
    if (!isLeftZero)
      sums = b.make<nn::SubOp>(
          sums, b.make<nn::MulOp>(sumsOfRight(), oneNumber(toI32(left.zero))));
    if (isRightZero)
      return sums;
    return b.make<nn::SubOp>(
        sums, b.make<nn::MulOp>(conv ? sumsOfWindows() : sumsOfLeft(-1, 0),
                                byChannel(toI32(right.zero))));
  }

  /// sum(x - zx) along an axis, which stays, with as many terms as the right
  /// operand has along its own.
  Value sumsOfLeft(int64_t axis, int64_t rightAxis) {
    Value sums = b.make<nn::ReduceSumOp>(toI32(image), b.integers({axis}),
                                         /*keepdims=*/true,
                                         /*noop_with_empty_axes=*/false);
    return isLeftZero
               ? sums
               : b.make<nn::SubOp>(
                     sums,
                     b.make<nn::MulOp>(oneNumber(toI32(left.zero)),
                                       integer(terms.getDimSize(rightAxis))));
  }

  /// Of all channels together: the window of ones goes over their sums, which
  /// are 0 outside.
  Value sumsOfWindows() {
    Value channels = sumsOfLeft(1, 1);
    SmallVector<int64_t> shape(terms.getShape());
    shape[0] = shape[1] = 1;
    auto isOne = [](int64_t step) { return step == 1; };
    if (llvm::all_of(shape, isOne) && !hasBorder() && bordersAreKnown() &&
        llvm::all_of(conv.getStrides().value_or(ArrayRef<int64_t>()), isOne))
      return channels;
    Value ones = b.make<nn::ConstantOp>(DenseElementsAttr::get(
        RankedTensorType::get(shape, b.getI32Type()), APInt(32, 1)));
    auto windows = cast<nn::ConvOp>(b.clone(*conv));
    windows->setOperands({channels, ones});
    windows.getResult().setType(UnrankedTensorType::get(b.getI32Type()));
    (void)b.scope.infer(windows);
    return windows;
  }

  /// Of each channel, as products with ones, which are folded whatever their
  /// size: wider integers would take more memory than constants may.
  Value sumsOfRight() {
    auto w = typeOf(right.bytes);
    SmallVector<int64_t> shape{1};
    if (conv) {
      llvm::append_range(shape, w.getShape().drop_front());
      shape[1] *= conv.getGroup();
    } else {
      shape.push_back(w.getDimSize(0));
    }
    auto type =
        RankedTensorType::get(shape, b.getIntegerType(8, /*isSigned=*/false));
    Value ones =
        b.make<nn::ConstantOp>(DenseElementsAttr::get(type, APInt(8, 1)));
    if (!conv)
      return multiply(ones, right.bytes);
    auto sums =
        nn::ConvOp::create(static_cast<OpBuilder &>(b), b.getLoc(),
                           TypeRange(UnrankedTensorType::get(b.getF32Type())),
                           ValueRange{ones, right.bytes},
                           b.getNamedAttr("group", conv.getGroupAttr()));
    (void)b.scope.infer(sums);
    return sums;
  }

  Value oneNumber(Value value) {
    return typeOf(value).getRank() == 0
               ? value
               : b.make<nn::ReshapeOp>(value, b.integers({}));
  }

  /// One number, or one for each channel, so that it broadcasts to the result.
  Value byChannel(Value value) {
    if (isOneNumber(value))
      return oneNumber(value);
    SmallVector<int64_t> shape(conv ? typeOf(right.bytes).getRank() - 1 : 1, 1);
    shape[0] = -1;
    return b.make<nn::ReshapeOp>(value, b.integers(shape));
  }

  Value addBias(Value result) {
    return conv && conv.getB()
               ? b.make<nn::AddOp>(result, byChannel(conv.getB()))
               : result;
  }

  /// The quantizing operator that alone reads the result, with one constant
  /// scale; the scale is then part of the factors here.
  nn::QuantizeLinearOp quantizer() {
    if (!op->hasOneUse())
      return {};
    auto quantizes = dyn_cast<nn::QuantizeLinearOp>(*op->user_begin());
    return quantizes && isOneNumber(quantizes.getYScale()) &&
                   isF32(quantizes.getYScale()) &&
                   sourceOf(quantizes.getYScale()) &&
                   quantizes.getPrecision() == 0
               ? quantizes
               : nn::QuantizeLinearOp();
  }

  // (float)sums * (sx * sw) + bias
  Value rescale(Value sums) {
    nn::QuantizeLinearOp next = quantizer();
    Value factor =
              b.make<nn::MulOp>(byChannel(left.scale), byChannel(right.scale)),
          bias = conv && conv.getB() ? byChannel(conv.getB()) : Value();
    if (next) {
      Value scale = oneNumber(next.getYScale());
      factor = b.make<nn::DivOp>(factor, scale);
      if (bias)
        bias = b.make<nn::DivOp>(bias, scale);
      next.getYScaleMutable().assign(b.scalar(b.getF32Type(), 1));
    }
    Value result = b.make<nn::MulOp>(b.make<nn::CastOp>(sums, kF32), factor);
    return bias ? b.make<nn::AddOp>(result, bias) : result;
  }

  Operation *op;
  nn::ConvOp conv;
  nn::NetBuilder b;
  Quantized left, right;
  /// The left operand without a border, and the right one's type, before either
  /// is filled up.
  Value image;
  RankedTensorType terms;
  int64_t outAxis = 0;
  bool isLeftZero = false, needsBorder = false;
};
} // namespace

// quantize(max_pool(dequantize(x)), with the same scale and zero point) ->
// max_pool(x)
static void poolIntegers(nn::QuantizeLinearOp op, RewriterBase &rewriter,
                         nn::ShapeScope &scope) {
  auto pool = op.getX().getDefiningOp<nn::MaxPoolOp>();
  auto source = pool && pool->getNumResults() == 1
                    ? pool.getX().getDefiningOp<nn::DequantizeLinearOp>()
                    : nn::DequantizeLinearOp();
  if (!source || source.getXScale() != op.getYScale() ||
      source.getXZeroPoint() != op.getYZeroPoint() ||
      !isOneNumber(op.getYScale()) || !isOfBytes(source.getX()) ||
      getElementTypeOrSelf(source.getX().getType()) !=
          getElementTypeOrSelf(op.getType()))
    return;
  rewriter.setInsertionPoint(op);
  Operation *copy = rewriter.clone(*pool);
  copy->setOperand(0, source.getX());
  (void)scope.infer(copy);
  scope.forget(op.getResult());
  rewriter.replaceOp(op, copy);
}

namespace {
struct MultiplyQuantized
    : burnish::impl::MultiplyQuantizedBase<MultiplyQuantized> {
  void runOnOperation() override {
    FailureOr<func::FuncOp> function = nn::modelFunction(getOperation());
    if (failed(function))
      return signalPassFailure();
    nn::ShapeScope scope(&getContext());
    IRRewriter rewriter(&getContext());
    function->walk([&](Operation *op) {
      if (auto quantizes = dyn_cast<nn::QuantizeLinearOp>(op))
        return poolIntegers(quantizes, rewriter, scope);
      if (!isa<nn::ConvOp, nn::MatMulOp>(op))
        return;
      rewriter.setInsertionPoint(op);
      if (Value product = Product(op, rewriter, scope).run()) {
        scope.forget(op->getResult(0));
        rewriter.replaceOp(op, product);
      }
    });
  }
};
} // namespace
