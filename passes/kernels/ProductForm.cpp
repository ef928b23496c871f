// ProductForm.cpp - a nest seen as a matrix product.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/kernels/Product.h"

using namespace mlir;
using namespace burnish;

/// So many rows make a good tile on any machine.
static constexpr int64_t kFullRows = 6;

int64_t ProductForm::count(const Nest &nest, ArrayRef<unsigned> loops) {
  int64_t product = 1;
  for (unsigned loop : loops) {
    if (ShapedType::isDynamic(nest.loops[loop].known()))
      return ShapedType::kDynamic;
    product *= nest.loops[loop].known();
  }
  return product;
}

/// Whether an operand of a product has its innermost axis along a loop: this
/// stays so when it is packed, which a stride does not.
static bool isInnermost(const Nest &nest, unsigned input, unsigned loop) {
  std::optional<unsigned> source = nest.loops[loop].source;
  if (!source)
    return nest.inputs[input].along(loop) == 1;
  linalg::GenericOp root = nest.root;
  AffineMap map = root.getIndexingMapsArray()[input];
  return map.getNumResults() > 0 &&
         map.getResults().back().isFunctionOfDim(*source);
}

/// The lanes between whose results those of `weave` lie, of an operand that is
/// read as whole vectors.
static std::optional<unsigned> wovenLanes(const Nest &nest, unsigned weave) {
  int64_t size = nest.loops[weave].known();
  if (size != 2 && size != 4)
    return std::nullopt;
  for (auto [index, loop] : llvm::enumerate(nest.loops))
    for (unsigned right : {0u, 1u})
      if (!loop.isReduction && nest.out.along(index) == size &&
          isInnermost(nest, right, index) && nest.inputs[right].moves(index) &&
          !nest.inputs[right].moves(weave) &&
          !nest.inputs[1 - right].moves(index) &&
          nest.inputs[1 - right].moves(weave))
        return index;
  return std::nullopt;
}

FailureOr<ProductForm> ProductForm::of(const Nest &nest, bool packs) {
  if (nest.inputs.size() != 2 || !nest.hasReduction())
    return failure();
  ProductForm form;
  std::optional<unsigned> innermost;
  for (auto [index, loop] : llvm::enumerate(nest.loops)) {
    if (loop.isReduction)
      form.depth.push_back(index);
    else if (nest.out.along(index) == 1)
      innermost = index;
  }
  if (innermost)
    if (std::optional<unsigned> lanes = wovenLanes(nest, *innermost)) {
      form.weave = innermost;
      innermost = lanes;
    }
  if (!innermost)
    return failure();
  form.lanes.push_back(*innermost);
  if (failed(form.chooseSides(nest)))
    return failure();
  const Access &left = nest.inputs[form.left], &right = nest.inputs[form.right];
  auto follows = [&](unsigned loop) {
    int64_t size = nest.loops[form.lanes.front()].known(),
            step = nest.out.along(form.lanes.front());
    bool isKnown = !ShapedType::isDynamic(size) &&
                   !ShapedType::isDynamic(step) &&
                   !ShapedType::isDynamic(nest.loops[loop].known());
    bool isFixed = !ShapedType::isDynamic(right.along(loop)) &&
                   !ShapedType::isDynamic(right.along(form.lanes.front()));
    return !nest.loops[loop].isReduction && isKnown && isFixed &&
           nest.out.along(loop) == size * step && right.moves(loop) &&
           !left.moves(loop);
  };
  if (!right.packedLoop && packs)
    for (bool isFound = true; isFound;) {
      isFound = false;
      for (unsigned loop = 0; loop < nest.loops.size() && !isFound; ++loop)
        if (!llvm::is_contained(form.lanes, loop) && follows(loop)) {
          form.lanes.insert(form.lanes.begin(), loop);
          isFound = true;
        }
    }
  // Results of an epilogue's operands must lie along several lane loops as one,
  // too.
  auto isRegular = [&](const Access &access) {
    if (form.lanes.size() == 1)
      return true;
    int64_t step = access.along(form.lanes.back()), extent = step;
    for (size_t place = form.lanes.size(); place-- > 1;) {
      extent *= nest.loops[form.lanes[place]].known();
      if (access.along(form.lanes[place - 1]) != extent)
        return false;
    }
    return true;
  };
  for (auto [index, access] : llvm::enumerate(nest.epilogueInputs))
    if (index != nest.resultInput && !isRegular(access))
      return failure();
  form.row = form.chooseRow(nest);
  for (unsigned loop = 0; loop < nest.loops.size(); ++loop)
    if (!nest.loops[loop].isReduction &&
        !llvm::is_contained(form.lanes, loop) && form.row != loop &&
        form.weave != loop)
      form.outer.push_back(loop);
  if (left.packedLoop && left.packedLoop != form.row)
    return failure();
  if (right.packedLoop &&
      (form.lanes.size() != 1 || *right.packedLoop != form.lanes[0]))
    return failure();
  // The order of the sum is free, so that what a panel holds is what one loop
  // runs over.
  auto keyOf = [&](unsigned loop) {
    return std::pair(
        ShapedType::isDynamic(right.along(loop)) ? 0 : -right.along(loop),
        loop);
  };
  llvm::sort(form.depth,
             [&](unsigned a, unsigned b) { return keyOf(a) < keyOf(b); });
  return form;
}

/// Whether windows of the left operand move along a loop.
bool ProductForm::slides(const Nest &nest, unsigned loop) const {
  const Access &from = nest.inputs[left];
  return llvm::any_of(depth, [&](unsigned step) {
    return !ShapedType::isDynamic(from.along(loop)) &&
           from.along(step) == from.along(loop);
  });
}

/// Where both operands move with the lanes, that one is the rows' of which
/// rows read the same elements, as windows do that stand side by side.
LogicalResult ProductForm::chooseSides(const Nest &nest) {
  unsigned innermost = lanes.front();
  const Access *inputs = nest.inputs.data();
  if (inputs[0].moves(innermost) != inputs[1].moves(innermost)) {
    right = inputs[1].moves(innermost) ? 1 : 0;
    left = 1 - right;
    return success();
  }
  auto isPlain = [&](const Access &access) {
    return access.along(innermost) == 1 && !access.packedLoop &&
           !access.stepsLoop;
  };
  if (weave || !isPlain(inputs[0]) || !isPlain(inputs[1]))
    return failure();
  hasProductOfLane = true;
  std::optional<std::pair<bool, int64_t>> best;
  unsigned bestLeft = 0;
  for (unsigned side : {0u, 1u}) {
    left = side;
    right = 1 - side;
    std::optional<unsigned> rows = chooseRow(nest);
    int64_t size = rows ? nest.loops[*rows].known() : 1;
    if (size == 1 || ShapedType::isDynamic(size))
      continue;
    std::pair<bool, int64_t> quality(slides(nest, *rows), size);
    if (!best || quality > *best) {
      best = quality;
      bestLeft = side;
    }
  }
  left = bestLeft;
  right = 1 - left;
  return success(best.has_value());
}

/// Rows that lie near each other share cache lines and pages, so the loop of
/// the shortest stride is taken that fills a tile; else the longest.
std::optional<unsigned> ProductForm::chooseRow(const Nest &nest) const {
  const Access &from = nest.inputs[left];
  auto sizeOf = [&](unsigned loop) {
    int64_t size = nest.loops[loop].known();
    return ShapedType::isDynamic(size) ? std::numeric_limits<int64_t>::max()
                                       : size;
  };
  auto strideOf = [&](unsigned loop) {
    int64_t stride = from.along(loop);
    return ShapedType::isDynamic(stride) ? std::numeric_limits<int64_t>::max()
                                         : std::abs(stride);
  };
  std::optional<unsigned> row;
  for (unsigned loop = 0; loop < nest.loops.size(); ++loop) {
    if (nest.loops[loop].isReduction || llvm::is_contained(lanes, loop) ||
        weave == loop || nest.inputs[right].moves(loop) || !from.moves(loop))
      continue;
    if (hasProductOfLane && row && slides(nest, *row) != slides(nest, loop)) {
      row = slides(nest, loop) ? loop : *row;
      continue;
    }
    bool fills = sizeOf(loop) >= kFullRows;
    bool isBetter = !row || (fills && sizeOf(*row) >= kFullRows
                                 ? strideOf(loop) < strideOf(*row)
                                 : sizeOf(loop) > sizeOf(*row) ||
                                       (sizeOf(loop) == sizeOf(*row) &&
                                        strideOf(loop) < strideOf(*row)));
    if (isBetter)
      row = loop;
  }
  return row;
}

bool ProductForm::isStraight(const Nest &nest) const {
  return lanes.size() == 1 && nest.inputs[right].along(lanes[0]) == 1;
}

bool ProductForm::canTurn(const Nest &nest) const {
  constexpr int64_t kLeastDepth = 8, kMostDepth = 512;
  if (lanes.size() != 1 || depth.size() != 1 || weave || hasProductOfLane ||
      nest.inputs[right].packedLoop || nest.inputs[right].stepsLoop)
    return false;
  int64_t steps = nest.loops[depth[0]].known();
  return nest.inputs[right].along(depth[0]) == 1 && steps >= kLeastDepth &&
         steps <= kMostDepth;
}

int64_t ProductForm::depthStride(const Nest &nest) const {
  int64_t least = std::numeric_limits<int64_t>::max();
  for (unsigned loop : depth) {
    int64_t step = nest.inputs[right].along(loop);
    if (ShapedType::isDynamic(step))
      return step;
    if (step != 0)
      least = std::min(least, std::abs(step));
  }
  return least;
}

bool ProductForm::fitsTiles(const Nest &nest, nn::ScheduleAttr schedule) const {
  const Access &from = nest.inputs[left], &to = nest.inputs[right];
  int64_t cut =
      schedule.getLanes() * schedule.getVectors() / schedule.getStreams();
  auto isCutFor = [](const Access &access, int64_t tile) {
    return !access.packedLoop || access.packedTile == tile;
  };
  // A panel is filled as several steps want it, a packed operand lies so.
  bool hasSteps = schedule.getSteps() > 1,
       isInPanel = hasSteps && schedule.getPacks();
  return isCutFor(from, schedule.getRows()) && isCutFor(to, cut) &&
         !from.stepsLoop &&
         (isInPanel ? stepsLoop(nest) : to.stepsLoop).has_value() == hasSteps;
}

std::optional<unsigned> ProductForm::stepsLoop(const Nest &nest) const {
  for (unsigned loop : depth) {
    int64_t size = nest.loops[loop].known();
    if (nest.inputs[left].along(loop) == 1 && !ShapedType::isDynamic(size) &&
        size % 2 == 0)
      return loop;
  }
  return std::nullopt;
}

bool ProductForm::hasPlaceForSums(const Nest &nest,
                                  nn::ScheduleAttr schedule) const {
  if (!schedule.getPacks())
    return true;
  auto bytesOf = [](Type type) {
    return std::max<int64_t>(1, type.getIntOrFloatBitWidth() / 8);
  };
  linalg::GenericOp root = nest.root;
  int64_t panelRow = schedule.getLanes() * schedule.getVectors();
  bool isSplit = depthCount(nest) * panelRow *
                     bytesOf(root.getBody()->getArgument(right).getType()) >
                 2 * kPanelBytes;
  return !isSplit || rowCount(nest) * weaveCount(nest) * panelRow *
                             bytesOf(nest.rootType) <=
                         kSumsBytes;
}

std::optional<ByteProduct> ByteProduct::of(linalg::GenericOp root) {
  auto adds = root.getBody()
                  ->getTerminator()
                  ->getOperand(0)
                  .getDefiningOp<arith::AddIOp>();
  if (!adds || root.getNumDpsInputs() != 2 || !adds.getType().isInteger(32))
    return std::nullopt;
  bool isSumFirst = adds.getLhs() == root.getRegionOutputArgs()[0];
  if (!isSumFirst && adds.getRhs() != root.getRegionOutputArgs()[0])
    return std::nullopt;
  auto multiplies = (isSumFirst ? adds.getRhs() : adds.getLhs())
                        .getDefiningOp<arith::MulIOp>();
  if (!multiplies)
    return std::nullopt;
  std::optional<unsigned> without, with;
  for (Value factor : multiplies->getOperands()) {
    Operation *extends = factor.getDefiningOp();
    if (!isa_and_nonnull<arith::ExtUIOp, arith::ExtSIOp>(extends))
      return std::nullopt;
    auto input = dyn_cast<BlockArgument>(extends->getOperand(0));
    if (!input || !input.getType().isInteger(8))
      return std::nullopt;
    (isa<arith::ExtUIOp>(extends) ? without : with) = input.getArgNumber();
  }
  if (!with || !without)
    return std::nullopt;
  return ByteProduct{*without};
}

bool burnish::isHalfProduct(linalg::GenericOp root) {
  Block *body = root.getBody();
  auto adds =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!adds || root.getNumDpsInputs() != 2 || !adds.getType().isF32())
    return false;
  Value sum = root.getRegionOutputArgs()[0];
  if (adds.getLhs() != sum && adds.getRhs() != sum)
    return false;
  auto multiplies = (adds.getLhs() == sum ? adds.getRhs() : adds.getLhs())
                        .getDefiningOp<arith::MulFOp>();
  if (!multiplies)
    return false;
  SmallVector<Value> factors;
  for (Value factor : multiplies->getOperands()) {
    auto extends = factor.getDefiningOp<arith::ExtFOp>();
    if (!extends || !extends.getIn().getType().isBF16() ||
        !isa<BlockArgument>(extends.getIn()))
      return false;
    factors.push_back(extends.getIn());
  }
  return factors[0] != factors[1];
}
