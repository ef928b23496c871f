// Factors.cpp - matrices that are trained through two factors of a small rank
// (Hu and others, "LoRA: low-rank adaptation of large language models", 2021).
#include "frontend/dsl/Factors.h"
#include "frontend/dsl/Recipe.h"
#include "ir/Ops.h"
#include "ir/Signature.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;

namespace {
/// A product x W, or x W^T.
struct Product {
  nn::MatMulOp op;
  bool isTransposed;
};

class FactorBuilder {
public:
  FactorBuilder(Elaborator &e, ReplacedValues &replaced)
      : e(e), b(e.builder), replaced(replaced) {}

  /// False, and nothing is done, for what no tensor is multiplied by.
  bool factor(size_t place, const RecipeFacts::Factors &factors);

private:
  void findUses(Value weight, mlir::Block *body);
  Value addSlot(size_t of, StringRef ending, ArrayRef<int64_t> shape,
                InitialValue initial, Elaborator::Factor which, double scale);
  Value transposed(Value matrix);
  Value scaled(Value value, double scale);

  Elaborator &e;
  nn::NetBuilder &b;
  ReplacedValues &replaced;
  SmallVector<Product> products;
  /// Uses of other kinds, or in the bodies of scans, where a product would be
  /// made again and again.
  SmallVector<OpOperand *> others;
};
} // namespace

static bool isTranspose(Operation *op) {
  auto transpose = dyn_cast<nn::TransposeOp>(op);
  return transpose && transpose.permutation() == ArrayRef<int64_t>{1, 0};
}

static bool isRightOf(OpOperand &use) {
  return isa<nn::MatMulOp>(use.getOwner()) && use.getOperandNumber() == 1;
}

void FactorBuilder::findUses(Value weight, mlir::Block *body) {
  for (OpOperand &use : weight.getUses()) {
    Operation *user = use.getOwner();
    if (user->getBlock() == body && isRightOf(use)) {
      products.push_back({cast<nn::MatMulOp>(user), false});
      continue;
    }
    bool isTurned =
        user->getBlock() == body && isTranspose(user) &&
        llvm::all_of(user->getUses(), [&](OpOperand &each) {
          return each.getOwner()->getBlock() == body && isRightOf(each);
        });
    if (!isTurned) {
      others.push_back(&use);
      continue;
    }
    for (Operation *each : user->getUsers())
      products.push_back({cast<nn::MatMulOp>(each), true});
  }
}

/// Whether something is multiplied by a matrix, or by what it is turned into.
static bool isMultiplied(Value weight) {
  return llvm::any_of(weight.getUses(), [](OpOperand &use) {
    Operation *user = use.getOwner();
    return isRightOf(use) ||
           (isTranspose(user) && llvm::any_of(user->getUses(), isRightOf));
  });
}

Value FactorBuilder::addSlot(size_t of, StringRef ending,
                             ArrayRef<int64_t> shape, InitialValue initial,
                             Elaborator::Factor which, double scale) {
  auto type = cast<RankedTensorType>(e.slots[of].argument.getType());
  Elaborator::Slot slot;
  slot.path = e.slots[of].path + ending.str();
  slot.argument = e.slots[of].argument.getOwner()->addArgument(
      type.clone(shape), b.getLoc());
  slot.value = slot.argument;
  slot.initial = std::move(initial);
  slot.span = e.slots[of].span;
  slot.of = static_cast<int>(of);
  slot.factor = which;
  slot.scale = scale;
  e.slots.push_back(slot);
  return slot.argument;
}

Value FactorBuilder::scaled(Value value, double scale) {
  Type type = getElementTypeOrSelf(value.getType());
  return scale == 1 ? value : b.make<nn::MulOp>(value, b.scalar(type, scale));
}

Value FactorBuilder::transposed(Value matrix) {
  return b.make<nn::TransposeOp>(matrix, b.getDenseI64ArrayAttr({1, 0}));
}

bool FactorBuilder::factor(size_t place, const RecipeFacts::Factors &factors) {
  BlockArgument weight = e.slots[place].argument;
  auto type = cast<RankedTensorType>(weight.getType());
  Type elementType = type.getElementType();
  if (type.getRank() != 2 || !(elementType.isF32() || elementType.isF64()) ||
      !isMultiplied(weight))
    return false;
  mlir::Block *body = weight.getOwner();
  products.clear();
  others.clear();
  findUses(weight, body);

  OpBuilder::InsertionGuard guard(b);
  Location loc = b.getLoc();
  // The product is 0 at first: the second factor is.
  std::string error;
  InitialValue zeros;
  InitialValue normal =
      *initialValue("lecun_normal", {}, type.getShape(), error);
  Value left = addSlot(place, ".lora_a", {type.getDimSize(0), factors.rank},
                       normal, Elaborator::Factor::Left, factors.scale);
  Value right = addSlot(place, ".lora_b", {factors.rank, type.getDimSize(1)},
                        zeros, Elaborator::Factor::Right, factors.scale);
  for (auto [op, isTransposed] : products) {
    b.setInsertionPointAfter(op);
    b.setLoc(op.getLoc());
    Value first = isTransposed ? transposed(right) : left,
          second = isTransposed ? transposed(left) : right,
          product = op.getResult();
    Value narrow = b.make<nn::MatMulOp>(op->getOperand(0), first);
    Value change = b.make<nn::MatMulOp>(scaled(narrow, factors.scale), second);
    Value sum = b.make<nn::AddOp>(product, change);
    product.replaceAllUsesExcept(sum, sum.getDefiningOp());
    replaced[product] = sum;
    // What is computed again with the product is that with its change.
    if (Attribute again = op->getAttr(nn::kRecomputeAttr))
      for (Operation *each = op->getNextNode();; each = each->getNextNode()) {
        each->setAttr(nn::kRecomputeAttr, again);
        if (each == sum.getDefiningOp())
          break;
      }
  }
  if (!others.empty()) {
    b.setInsertionPointToStart(body);
    Value change = scaled(b.make<nn::MatMulOp>(left, right), factors.scale);
    Value sum = b.make<nn::AddOp>(weight, change);
    for (OpOperand *use : others)
      use->set(sum);
    replaced[weight] = sum;
  }
  b.setLoc(loc);
  return true;
}

bool dsl::addFactors(Elaborator &e, const RecipeFacts &recipe, StringRef net,
                     bool reports, ReplacedValues &replaced) {
  FactorBuilder builder(e, replaced);
  size_t own = e.slots.size();
  llvm::SmallVector<bool> isDone(own, false);
  for (const RecipeFacts::Factors &factors : recipe.factors) {
    bool isAny = false;
    for (size_t place = 0; place < own; ++place) {
      if (e.slots[place].isState || isDone[place] ||
          !matchesPath(factors.pattern, e.slots[place].path, net))
        continue;
      isDone[place] = true;
      e.slots[place].flags.push_back("frozen");
      isAny |= builder.factor(place, factors);
    }
    if (!isAny && reports)
      return e.messages.error(
          factors.span, quoted(factors.pattern) + " matches no matrix of " +
                            quoted(net) + " that something is multiplied by");
  }
  return true;
}
