// NarrowContractions.cpp - sums of products of f32 take their operands in bf16.
#include "ir/Storage.h"
#include "mlir/IR/Matchers.h"
#include "passes/Passes.h"
#include "passes/loops/SumOfProducts.h"
#include "passes/loops/UseWinograd.h"
#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_NARROWCONTRACTIONS
#include "passes/Passes.h.inc"
} // namespace burnish

/// Shorter sums and fewer results side by side are not worth rounding.
static constexpr int64_t kLeastDepth = 32, kLeastLanes = 16;
/// An operand that only the run knows is rounded and put in order for each run,
/// which so many rows make up for.
static constexpr int64_t kLeastRows = 16;
/// So much is read of a mapped file before its pages are given back.
static constexpr int64_t kReadBytes = 8 << 20;

//===- What is looked for -------------------------------------------------===//

namespace {
/// result[.., lane] = the sum over a depth of left[.., step] * right, of which
/// the steps come in pairs that lie side by side in the left operand.
struct Contraction {
  linalg::GenericOp op;
  unsigned left, right;

  static std::optional<Contraction> match(linalg::GenericOp op);

private:
  bool hasPairs() const;
  bool hasRows() const;
};
} // namespace

bool Contraction::hasPairs() const {
  linalg::GenericOp generic = op;
  SmallVector<AffineMap> maps = generic.getIndexingMapsArray();
  SmallVector<int64_t> sizes = generic.getStaticLoopRanges();
  AffineExpr innermost = maps[left].getResults().back();
  auto isOnce = [](AffineMap map, unsigned loop) {
    return llvm::count_if(map.getResults(), [&](AffineExpr expr) {
             return expr.isFunctionOfDim(loop);
           }) == 1;
  };
  for (unsigned loop = 0; loop < generic.getNumLoops(); ++loop) {
    if (generic.getIteratorTypesArray()[loop] !=
            utils::IteratorType::reduction ||
        ShapedType::isDynamic(sizes[loop]) || sizes[loop] % 2 != 0)
      continue;
    AffineExpr dim = getAffineDimExpr(loop, generic.getContext()),
               without = simplifyAffineExpr(innermost - dim,
                                            maps[left].getNumDims(), 0);
    if (isOnce(maps[left], loop) && isOnce(maps[right], loop) &&
        !without.isFunctionOfDim(loop) &&
        llvm::is_contained(maps[right].getResults(), dim))
      return true;
  }
  return false;
}

bool Contraction::hasRows() const {
  linalg::GenericOp generic = op;
  SmallVector<AffineMap> maps = generic.getIndexingMapsArray();
  SmallVector<int64_t> sizes = generic.getStaticLoopRanges();
  int64_t most = 1;
  for (auto [loop, size] : llvm::enumerate(sizes)) {
    if (ShapedType::isDynamic(size))
      return false;
    if (maps[2].isFunctionOfDim(loop) && maps[left].isFunctionOfDim(loop) &&
        !maps[right].isFunctionOfDim(loop))
      most = std::max(most, size);
  }
  return most >= kLeastRows;
}

std::optional<Contraction> Contraction::match(linalg::GenericOp op) {
  if (!op.hasPureTensorSemantics() || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1 || op.getNumReductionLoops() == 0 ||
      op.getDpsInputs()[0] == op.getDpsInputs()[1] ||
      !llvm::all_of(op->getOperandTypes(), [](Type type) {
        auto tensor = dyn_cast<RankedTensorType>(type);
        return tensor && tensor.getElementType().isF32();
      }))
    return std::nullopt;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!maps[2].isProjectedPermutation() || maps[0].getNumResults() == 0 ||
      maps[1].getNumResults() == 0 || !isSumOfProducts(op) ||
      !startsFromZero(op))
    return std::nullopt;
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  int64_t depth = 1;
  for (auto [size, kind] : llvm::zip_equal(sizes, op.getIteratorTypesArray())) {
    if (kind != utils::IteratorType::reduction)
      continue;
    if (ShapedType::isDynamic(size))
      return std::nullopt;
    depth *= size;
  }
  std::optional<unsigned> lanes;
  for (AffineExpr expr : maps[2].getResults())
    if (unsigned loop = cast<AffineDimExpr>(expr).getPosition();
        sizes[loop] != 1)
      lanes = loop;
  if (!lanes || sizes[*lanes] < kLeastLanes || depth < kLeastDepth ||
      maps[0].isFunctionOfDim(*lanes) == maps[1].isFunctionOfDim(*lanes))
    return std::nullopt;
  Contraction found;
  found.op = op;
  found.right = maps[1].isFunctionOfDim(*lanes) ? 1 : 0;
  found.left = 1 - found.right;
  if (!llvm::is_contained(maps[found.right].getResults(),
                          getAffineDimExpr(*lanes, op.getContext())) ||
      !found.hasPairs() ||
      !(isConstant(op.getDpsInputs()[found.right]) || found.hasRows()))
    return std::nullopt;
  return found;
}

//===- Constants ----------------------------------------------------------===//

/// The nearest bf16; of two, the one whose last bit is 0.
static uint16_t rounded(uint32_t word) {
  bool isNan = (word & 0x7fffffff) > 0x7f800000;
  uint32_t half = 0x7fff + (word >> 16 & 1);
  return isNan ? word >> 16 | 0x40 : (word + half) >> 16;
}

/// A constant of f32 in bf16, or (`type`) in f32 as bf16 has it.
static ElementsAttr narrowConstant(MLIRContext *context, ElementsAttr constant,
                                   Type type) {
  std::optional<ArrayRef<char>> raw = nn::rawBytes(constant);
  SmallVector<char> copy;
  if (!raw)
    raw = copy = nn::copyBytes(constant);
  bool isWide = type.isF32();
  int64_t count = raw->size() / sizeof(uint32_t), size = isWide ? 4 : 2;
  SmallVector<char> bytes(count * size);
  for (int64_t begin = 0; begin < count; begin += kReadBytes / 4) {
    int64_t end = std::min(begin + kReadBytes / 4, count);
    for (int64_t index = begin; index < end; ++index) {
      uint32_t word; // a mapped file may lie at any address
      std::memcpy(&word, raw->data() + index * 4, 4);
      uint16_t half = rounded(word);
      uint32_t wide = static_cast<uint32_t>(half) << 16;
      if (isWide)
        std::memcpy(bytes.data() + index * 4, &wide, 4);
      else
        std::memcpy(bytes.data() + index * 2, &half, 2);
    }
    nn::dropPages(context, raw->slice(begin * 4, (end - begin) * 4));
  }
  auto shape = cast<RankedTensorType>(constant.getType());
  return nn::constantWith(shape.clone(type), "narrow", std::move(bytes));
}

//===- Operands -----------------------------------------------------------===//

namespace {
class Narrower {
public:
  Narrower(ModuleOp module, const Machine &machine)
      : module(module), b(module.getContext()), half(b.getBF16Type()),
        // Where no instruction takes pairs, the operand of the rows is rounded
        // and stays f32: widening each of its elements would take longer.
        operand(machine.halvesAtOnce > 1 ? Type(half) : b.getF32Type()) {
    module.walk([&](linalg::GenericOp op) {
      std::optional<Contraction> found = Contraction::match(op);
      if (found && !gainsFromWinograd(op, machine, machine.halvesAtOnce)) {
        contractions.push_back(*found);
        members.insert(op);
      } else if (op.getNumReductionLoops() > 0 && op.getNumDpsInputs() == 2 &&
                 op.getNumDpsInits() == 1 && isSumOfProducts(op)) {
        op.emitRemark() << "operands of a sum of products stay f32";
      }
    });
  }

  void run() {
    for (Contraction &contraction : contractions)
      rewrite(contraction);
    for (Contraction &contraction : contractions)
      b.eraseOp(contraction.op);
    nn::releaseUnused(module, sources);
  }

private:
  // sum + a * b -> sum + extf(a) * extf(b)
  void rewrite(Contraction &contraction) {
    linalg::GenericOp op = contraction.op;
    SmallVector<Value> inputs;
    b.setInsertionPoint(op);
    for (auto [index, input] : llvm::enumerate(op.getDpsInputs())) {
      ElementsAttr constant;
      if (matchPattern(input, m_Constant(&constant)))
        inputs.push_back(narrowed(input.getLoc(), constant,
                                  index == contraction.right ? half : operand));
      else
        inputs.push_back(narrowed(input));
    }
    auto narrow = linalg::GenericOp::create(
        b, op.getLoc(), op->getResultTypes(), inputs, op.getDpsInits(),
        op.getIndexingMapsArray(), op.getIteratorTypesArray(),
        [](OpBuilder &inside, Location loc, ValueRange values) {
          SmallVector<Value> factors;
          for (Value value : values.take_front(2))
            factors.push_back(
                value.getType().isF32()
                    ? value
                    : Value(arith::ExtFOp::create(inside, loc,
                                                  inside.getF32Type(), value)));
          Value product =
                    arith::MulFOp::create(inside, loc, factors[0], factors[1]),
                sum = arith::AddFOp::create(inside, loc, values[2], product);
          linalg::YieldOp::create(inside, loc, sum);
        });
    // Erased in the end: what reads a value is looked at until then.
    b.replaceAllUsesWith(op->getResults(), narrow->getResults());
  }

  Value narrowed(Location loc, ElementsAttr constant, Type type) {
    ElementsAttr &value = constants[{constant, type}];
    if (!value) {
      value = narrowConstant(module.getContext(), constant, type);
      sources.push_back(constant);
    }
    return arith::ConstantOp::create(b, loc, value);
  }

  /// The value as an operand, rounded where it arises when nothing else asks
  /// for it.
  Value narrowed(Value value) {
    if (Value known = values.lookup(value))
      return known;
    OpBuilder::InsertionGuard guard(b);
    Value result = narrowAbove(value);
    if (!result) {
      b.setInsertionPointAfterValue(value);
      result = round(value);
    }
    values[value] = result;
    return result;
  }

  /// Null where the value itself is to be rounded.
  Value narrowAbove(Value value) {
    Operation *op = value.getDefiningOp();
    if (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
      return withSource(op, narrowed(op->getOperand(0)));
    if (!op || !isOnlyNarrowed(value))
      return {};
    if (auto pad = dyn_cast<tensor::PadOp>(op)) {
      Attribute filling;
      Value number = pad.getConstantPaddingValue();
      if (!number || !matchPattern(number, m_Constant(&filling)) ||
          !cast<FloatAttr>(filling).getValue().isZero())
        return {};
      Operation *copy =
          withSource(op, narrowed(pad.getSource())).getDefiningOp();
      Operation *yield = cast<tensor::PadOp>(copy).getBody()->getTerminator();
      b.setInsertionPoint(copy);
      yield->setOperand(0, arith::ConstantOp::create(b, op->getLoc(),
                                                     b.getZeroAttr(operand)));
      return copy->getResult(0);
    }
    if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
      Value source = narrowed(transpose.getInput());
      b.setInsertionPoint(op);
      return linalg::TransposeOp::create(b, op->getLoc(), source,
                                         emptyLike(value),
                                         transpose.getPermutation())
          ->getResult(0);
    }
    if (auto generic = dyn_cast<linalg::GenericOp>(op);
        generic && generic.getNumReductionLoops() == 0 &&
        generic.hasPureTensorSemantics() && generic->getNumResults() == 1 &&
        !generic.payloadUsesValueFromOperand(generic.getDpsInitOperand(0)))
      return roundWithin(generic);
    return {};
  }

  /// Whether everything that reads the value, or a view of it, is a contraction
  /// that reads it rounded.
  bool isOnlyNarrowed(Value value) {
    return llvm::all_of(value.getUses(), [&](OpOperand &use) {
      Operation *user = use.getOwner();
      if (members.contains(user))
        return use.getOperandNumber() < 2;
      bool isView = isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
                        tensor::PadOp, linalg::TransposeOp>(user) &&
                    use.getOperandNumber() == 0;
      return isView && isOnlyNarrowed(user->getResult(0));
    });
  }

  Value withSource(Operation *view, Value source) {
    b.setInsertionPoint(view);
    Operation *copy = b.clone(*view);
    copy->setOperand(0, source);
    Value result = copy->getResult(0);
    result.setType(cast<RankedTensorType>(result.getType()).clone(operand));
    return result;
  }

  Value emptyLike(Value value) {
    Location loc = value.getLoc();
    return tensor::EmptyOp::create(b, loc, tensor::getMixedSizes(b, loc, value),
                                   operand);
  }

  /// Of an f32, within a body.
  Value roundScalar(OpBuilder &inside, Location loc, Value value) const {
    value = arith::TruncFOp::create(inside, loc, half, value);
    return operand == half
               ? value
               : Value(arith::ExtFOp::create(inside, loc, operand, value));
  }

  Value round(Value value) {
    Value init = emptyLike(value);
    int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
    AffineMap all = b.getMultiDimIdentityMap(rank);
    SmallVector<utils::IteratorType> iterators(rank,
                                               utils::IteratorType::parallel);
    return linalg::GenericOp::create(
               b, value.getLoc(), init.getType(), value, init,
               ArrayRef{all, all}, iterators,
               [&](OpBuilder &inside, Location loc, ValueRange values) {
                 linalg::YieldOp::create(inside, loc,
                                         roundScalar(inside, loc, values[0]));
               })
        .getResult(0);
  }

  // The elementwise operation with its result rounded.
  Value roundWithin(linalg::GenericOp op) {
    b.setInsertionPoint(op);
    Value init = emptyLike(op.getResult(0));
    return linalg::GenericOp::create(
               b, op.getLoc(), init.getType(), op.getDpsInputs(), init,
               op.getIndexingMapsArray(), op.getIteratorTypesArray(),
               [&](OpBuilder &inside, Location loc, ValueRange values) {
                 IRMapping mapping;
                 mapping.map(op.getBody()->getArguments(), values);
                 for (Operation &own : op.getBody()->without_terminator())
                   inside.clone(own, mapping);
                 Value result = mapping.lookupOrDefault(
                     op.getBody()->getTerminator()->getOperand(0));
                 linalg::YieldOp::create(inside, loc,
                                         roundScalar(inside, loc, result));
               })
        .getResult(0);
  }

  ModuleOp module;
  IRRewriter b;
  Type half, operand;
  SmallVector<Contraction> contractions;
  llvm::DenseSet<Operation *> members;
  llvm::DenseMap<Value, Value> values;
  llvm::DenseMap<std::pair<Attribute, Type>, ElementsAttr> constants;
  SmallVector<ElementsAttr> sources;
};

struct NarrowContractions
    : burnish::impl::NarrowContractionsBase<NarrowContractions> {
  void runOnOperation() override {
    Narrower(getOperation(), Machine::of(getOperation())).run();
  }
};
} // namespace
