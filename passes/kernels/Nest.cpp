// Nest.cpp - a kernel seen as loops over elements that lie at linear offsets.
#include "passes/kernels/Nest.h"
#include "ir/Lowering.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"

using namespace mlir;
using namespace burnish;

static int64_t knownOr(OpFoldResult value) {
  return value ? getConstantIntValue(value).value_or(ShapedType::kDynamic)
               : ShapedType::kDynamic;
}

int64_t Access::along(unsigned loop) const {
  return knownOr(coefficients[loop]);
}
int64_t Loop::known() const { return knownOr(size); }

Layout Layout::rowMajor(ShapedType type) {
  Builder builder(type.getContext());
  Layout layout{builder.getIndexAttr(0),
                SmallVector<OpFoldResult>(type.getRank()), true};
  int64_t stride = 1;
  for (int64_t axis = type.getRank(); axis-- > 0;) {
    if (!ShapedType::isDynamic(stride))
      layout.strides[axis] = builder.getIndexAttr(stride);
    bool isKnown = !ShapedType::isDynamic(stride) && !type.isDynamicDim(axis);
    stride = isKnown ? stride * type.getDimSize(axis) : ShapedType::kDynamic;
  }
  return layout;
}

namespace {
/// Builds accesses of one generic.
class AccessBuilder {
public:
  AccessBuilder(MLIRContext *context, ImplicitLocOpBuilder *builder)
      : builder(builder), attributes(context) {}

  OpFoldResult constant(int64_t value) {
    return attributes.getIndexAttr(value);
  }

  OpFoldResult multiply(OpFoldResult value, int64_t factor) {
    if (factor == 0)
      return constant(0);
    if (!value || factor == 1)
      return value;
    if (int64_t known = knownOr(value); !ShapedType::isDynamic(known))
      return constant(known * factor);
    return builder ? nn::mulIndex(*builder, value, constant(factor))
                   : OpFoldResult();
  }

  OpFoldResult add(OpFoldResult left, OpFoldResult right) {
    if (!left || !right)
      return {};
    int64_t a = knownOr(left), b = knownOr(right);
    if (!ShapedType::isDynamic(a) && !ShapedType::isDynamic(b))
      return constant(a + b);
    if (a == 0)
      return right;
    if (b == 0)
      return left;
    return builder ? nn::addIndex(*builder, left, right) : OpFoldResult();
  }

  /// Adds stride * expr to the access; false when the expression is not linear
  /// in the loops.
  bool accumulate(Access &access, AffineExpr expr, OpFoldResult stride) {
    if (auto number = dyn_cast<AffineConstantExpr>(expr)) {
      access.base = add(access.base, multiply(stride, number.getValue()));
      return true;
    }
    if (auto loop = dyn_cast<AffineDimExpr>(expr)) {
      OpFoldResult &coefficient = access.coefficients[loop.getPosition()];
      coefficient = add(coefficient, stride);
      return true;
    }
    auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
    if (!binary)
      return false;
    if (binary.getKind() == AffineExprKind::Add)
      return accumulate(access, binary.getLHS(), stride) &&
             accumulate(access, binary.getRHS(), stride);
    auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
    if (binary.getKind() != AffineExprKind::Mul || !factor)
      return false;
    return accumulate(access, binary.getLHS(),
                      multiply(stride, factor.getValue()));
  }

  FailureOr<Access> access(unsigned argument, const Layout &layout,
                           ArrayRef<AffineExpr> exprs, unsigned loops) {
    Access access;
    access.argument = argument;
    access.base = layout.offset;
    access.coefficients.assign(loops, constant(0));
    for (auto [expr, stride] : llvm::zip_equal(exprs, layout.strides))
      if (!accumulate(access, expr, stride))
        return failure();
    if (layout.isGapless)
      access.gapless = neighbours(exprs);
    return access;
  }

private:
  /// Loops that alone move along neighbouring axes.
  static SmallVector<std::pair<unsigned, unsigned>>
  neighbours(ArrayRef<AffineExpr> exprs) {
    auto loopOf = [&](AffineExpr expr) -> std::optional<unsigned> {
      auto loop = dyn_cast<AffineDimExpr>(expr);
      bool isAlone = loop && llvm::count_if(exprs, [&](AffineExpr other) {
                               return other.isFunctionOfDim(loop.getPosition());
                             }) == 1;
      return isAlone ? std::optional(loop.getPosition()) : std::nullopt;
    };
    SmallVector<std::pair<unsigned, unsigned>> pairs;
    for (size_t axis = 1; axis < exprs.size(); ++axis) {
      std::optional<unsigned> outer = loopOf(exprs[axis - 1]),
                              inner = loopOf(exprs[axis]);
      if (outer && inner)
        pairs.push_back({*outer, *inner});
    }
    return pairs;
  }

  ImplicitLocOpBuilder *builder;
  Builder attributes;
};
} // namespace

FailureOr<Access> burnish::accessOf(MLIRContext *context,
                                    ImplicitLocOpBuilder *builder,
                                    unsigned argument, const Layout &layout,
                                    ArrayRef<AffineExpr> exprs,
                                    unsigned loops) {
  return AccessBuilder(context, builder).access(argument, layout, exprs, loops);
}

std::optional<Border> Border::along(linalg::GenericOp root, AffineExpr place) {
  constexpr int64_t kMostTaps = 16;
  Builder attributes(root.getContext());
  Layout line{attributes.getIndexAttr(0), {attributes.getIndexAttr(1)}};
  FailureOr<Access> access = accessOf(root.getContext(), nullptr, 0, line,
                                      {place}, root.getNumLoops());
  if (failed(access))
    return std::nullopt;
  Border border;
  SmallVector<utils::IteratorType> iterators = root.getIteratorTypesArray();
  SmallVector<int64_t> sizes = root.getStaticLoopRanges();
  for (auto [loop, iterator] : llvm::enumerate(iterators)) {
    int64_t coefficient = access->along(loop);
    if (coefficient == 0)
      continue;
    bool isTaps = iterator == utils::IteratorType::reduction;
    int64_t &own = isTaps ? border.spacing : border.step;
    if (coefficient < 0 || own != 0)
      return std::nullopt;
    own = coefficient;
    (isTaps ? border.taps : border.windows) = loop;
  }
  int64_t taps = sizes.empty() ? 0 : sizes[border.taps];
  if (border.step == 0 || border.spacing < 2 || ShapedType::isDynamic(taps) ||
      taps > kMostTaps)
    return std::nullopt;
  border.low = -knownOr(access->base);
  return border;
}

std::optional<unsigned> burnish::excessOf(nn::KernelOp kernel) {
  Block &block = kernel.getBody().front();
  unsigned inputs = kernel.getInputs().size();
  if (!kernel.getSchedule().getAddsPairs() || inputs < 4 ||
      !block.getArgument(inputs - 1).use_empty() ||
      !block.getArgument(inputs - 2).use_empty())
    return std::nullopt;
  return inputs - 2;
}

TypedAttr burnish::fillOf(Value tensor) {
  auto fill = tensor.getDefiningOp<linalg::FillOp>();
  if (!fill)
    return {};
  Attribute value;
  return matchPattern(fill.getInputs()[0], m_Constant(&value))
             ? dyn_cast<TypedAttr>(value)
             : TypedAttr();
}

/// The loops over a result that is stored as it is given.
FailureOr<Nest> Nest::ofGiven(nn::KernelOp kernel, nn::WinogradOutputOp given,
                              LayoutOf layoutOf, SizeOf sizeOf,
                              ImplicitLocOpBuilder *builder) {
  Nest nest;
  nest.given = given;
  auto type = cast<RankedTensorType>(given.getImage().getType());
  nest.rootType = nest.outType = type.getElementType();
  unsigned out = kernel->getNumOperands() - 1;
  SmallVector<AffineExpr> exprs;
  for (unsigned axis = 0; axis < type.getRank(); ++axis) {
    nest.loops.push_back({sizeOf(out, axis), false, axis});
    exprs.push_back(getAffineDimExpr(axis, kernel.getContext()));
  }
  FailureOr<Access> access =
      AccessBuilder(kernel.getContext(), builder)
          .access(out, layoutOf(out), exprs, nest.loops.size());
  if (failed(access))
    return failure();
  nest.out = *access;
  return nest;
}

/// The loops of elementwise generics whose results lie as the loops go. A
/// result that is yielded goes to its out, or to the part of one that it is
/// inserted in.
FailureOr<Nest> Nest::ofSeveral(nn::KernelOp kernel, LayoutOf layoutOf,
                                ImplicitLocOpBuilder *builder) {
  Nest nest;
  Block &block = kernel.getBody().front();
  nest.together.assign(block.getOps<linalg::GenericOp>().begin(),
                       block.getOps<linalg::GenericOp>().end());
  if (nest.together.empty())
    return failure();
  nest.root = nest.together.front();
  MLIRContext *context = kernel.getContext();
  AccessBuilder accesses(context, builder);
  SmallVector<int64_t> sizes = nest.root.getStaticLoopRanges();
  if (ShapedType::isDynamicShape(sizes))
    return failure();
  for (auto [index, size] : llvm::enumerate(sizes))
    nest.loops.push_back(
        {accesses.constant(size), false, static_cast<unsigned>(index)});
  unsigned count = sizes.size();

  SmallVector<std::optional<AffineMap>> maps(kernel.getInputs().size());
  for (linalg::GenericOp generic : nest.together) {
    SmallVector<AffineMap> own = generic.getIndexingMapsArray();
    if (generic.getStaticLoopRanges() != sizes ||
        generic.getNumDpsInits() != 1 || generic.getNumReductionLoops() > 0 ||
        !own.back().isIdentity() ||
        !generic.getBody()->getOps<linalg::IndexOp>().empty())
      return failure();
    for (auto [input, map] : llvm::zip(generic.getDpsInputs(), own)) {
      auto argument = dyn_cast<BlockArgument>(input);
      if (!argument) {
        if (!input.getDefiningOp<linalg::GenericOp>() || !map.isIdentity())
          return failure();
        continue;
      }
      if (argument.getArgNumber() >= maps.size())
        return failure();
      std::optional<AffineMap> &known = maps[argument.getArgNumber()];
      if (known && *known != map)
        return failure();
      known = map;
    }
  }
  for (auto [argument, map] : llvm::enumerate(maps)) {
    if (!map)
      continue;
    Access scalar;
    scalar.argument = argument;
    scalar.coefficients.assign(count, accesses.constant(0));
    FailureOr<Access> access = scalar;
    if (isa<ShapedType>(block.getArgument(argument).getType()))
      access = accesses.access(argument, layoutOf(argument), map->getResults(),
                               count);
    if (failed(access))
      return failure();
    nest.inputs.push_back(*access);
  }

  auto storeTo = [&](Value value, unsigned out, ArrayRef<int64_t> offsets) {
    SmallVector<AffineExpr> exprs;
    for (unsigned axis = 0; axis < count; ++axis)
      exprs.push_back(getAffineDimExpr(axis, context) +
                      (offsets.empty() ? 0 : offsets[axis]));
    FailureOr<Access> access =
        accesses.access(out, layoutOf(out), exprs, count);
    if (failed(access) || !value.getDefiningOp<linalg::GenericOp>())
      return false;
    nest.stores.push_back({value, *access});
    return true;
  };
  for (auto [index, yielded] :
       llvm::enumerate(block.getTerminator()->getOperands())) {
    unsigned out = maps.size() + index;
    Value value = yielded;
    while (auto insert = value.getDefiningOp<tensor::InsertSliceOp>()) {
      if (ShapedType::isDynamicShape(insert.getStaticOffsets()) ||
          !storeTo(insert.getSource(), out, insert.getStaticOffsets()))
        return failure();
      value = insert.getDest();
    }
    if (value != block.getArgument(out) && !storeTo(value, out, {}))
      return failure();
  }
  nest.out = nest.stores.front().access;
  nest.rootType = nest.outType =
      getElementTypeOrSelf(nest.stores.front().value.getType());
  nest.dropUnitLoops();
  nest.mergeLoops();
  return nest;
}

FailureOr<Nest> Nest::of(nn::KernelOp kernel, LayoutOf layoutOf, SizeOf sizeOf,
                         ImplicitLocOpBuilder *builder, bool merges) {
  if (kernel.getSchedule().getAlgorithm() == kTogether)
    return ofSeveral(kernel, layoutOf, builder);
  Nest nest;
  Block &block = kernel.getBody().front();
  if (block.getTerminator()->getNumOperands() != 1)
    return failure();
  if (auto given = block.getTerminator()
                       ->getOperand(0)
                       .getDefiningOp<nn::WinogradOutputOp>())
    return ofGiven(kernel, given, layoutOf, sizeOf, builder);
  SmallVector<linalg::GenericOp> generics(block.getOps<linalg::GenericOp>());
  if (generics.empty() || generics.size() > 2)
    return failure();
  nest.root = generics[0];
  nest.epilogue = generics.size() > 1 ? generics[1] : linalg::GenericOp();
  for (linalg::GenericOp generic : generics)
    if (generic.getNumDpsInits() != 1)
      return failure();
  if (block.getTerminator()->getOperand(0) != generics.back()->getResult(0))
    return failure();
  linalg::GenericOp root = nest.root, epilogue = nest.epilogue;
  unsigned count = root.getNumLoops(),
           outArgument = block.getNumArguments() - 1;
  MLIRContext *context = kernel.getContext();
  AccessBuilder accesses(context, builder);
  nest.excess = excessOf(kernel);
  if (nest.excess)
    nest.excessCount =
        cast<ShapedType>(block.getArgument(*nest.excess).getType())
            .getDimSize(1);
  nest.rootType = getElementTypeOrSelf(root->getResult(0).getType());
  nest.outType = getElementTypeOrSelf(block.getArgument(outArgument).getType());

  for (utils::IteratorType iterator : root.getIteratorTypesArray())
    nest.loops.push_back({{},
                          iterator == utils::IteratorType::reduction,
                          static_cast<unsigned>(nest.loops.size())});
  if (nest.hasReduction()) {
    nest.init = fillOf(root.getDpsInits()[0]);
    if (!nest.init)
      return failure();
  }

  // Loops of the epilogue are those of the root through the result that lies
  // between.
  SmallVector<AffineExpr> inRootLoops;
  if (epilogue) {
    if (epilogue.getNumReductionLoops() > 0)
      return failure();
    auto inputs = epilogue.getDpsInputs();
    auto *found = llvm::find(inputs, root->getResult(0));
    if (found == inputs.end() || llvm::count(inputs, root->getResult(0)) != 1)
      return failure();
    nest.resultInput = found - inputs.begin();
    AffineMap between = epilogue.getIndexingMapsArray()[nest.resultInput],
              rootOut = root.getMatchingIndexingMap(root.getDpsInitOperand(0));
    if (!between.isPermutation() || !rootOut.isProjectedPermutation())
      return failure();
    inRootLoops.resize(epilogue.getNumLoops());
    nest.epilogueLoops.resize(epilogue.getNumLoops());
    for (auto [expr, rootExpr] :
         llvm::zip_equal(between.getResults(), rootOut.getResults())) {
      inRootLoops[cast<AffineDimExpr>(expr).getPosition()] = rootExpr;
      nest.epilogueLoops[cast<AffineDimExpr>(expr).getPosition()] =
          cast<AffineDimExpr>(rootExpr).getPosition();
    }
  }

  auto setSizes = [&](unsigned argument, ArrayRef<AffineExpr> exprs) {
    for (auto [axis, expr] : llvm::enumerate(exprs))
      if (auto loop = dyn_cast<AffineDimExpr>(expr))
        if (OpFoldResult &size = nest.loops[loop.getPosition()].size;
            !size || ShapedType::isDynamic(knownOr(size))) {
          // What the region knows, a buffer's type may not.
          auto type = cast<ShapedType>(block.getArgument(argument).getType());
          OpFoldResult found = type.isDynamicDim(axis)
                                   ? sizeOf(argument, axis)
                                   : accesses.constant(type.getDimSize(axis));
          if (!size || !ShapedType::isDynamic(knownOr(found)))
            size = found;
        }
  };
  auto argumentOf = [&](Value tensor) -> std::optional<unsigned> {
    auto argument = dyn_cast<BlockArgument>(tensor);
    if (!argument || argument.getOwner() != &block)
      return std::nullopt;
    return argument.getArgNumber();
  };
  auto inputOf = [&](Value tensor,
                     ArrayRef<AffineExpr> exprs) -> FailureOr<Access> {
    if (auto argument = argumentOf(tensor)) {
      if (!isa<ShapedType>(tensor.getType())) {
        Access scalar;
        scalar.argument = *argument;
        scalar.coefficients.assign(count, accesses.constant(0));
        return scalar;
      }
      setSizes(*argument, exprs);
      return accesses.access(*argument, layoutOf(*argument), exprs, count);
    }
    auto unpack = tensor.getDefiningOp<linalg::UnPackOp>();
    auto argument = unpack ? argumentOf(unpack.getSource()) : std::nullopt;
    // Steps of the sum, if any, are the second tile.
    size_t tiles = argument ? unpack.getInnerDimsPos().size() : 0;
    if (tiles < 1 || tiles > 2 ||
        !llvm::all_of(unpack.getStaticInnerTiles(),
                      [](int64_t tile) { return tile >= 1; }))
      return failure();
    // Tile index and place within the tile, as if they were one axis; the loop
    // must index it alone.
    int64_t axis = unpack.getInnerDimsPos()[0];
    auto loop = dyn_cast<AffineDimExpr>(exprs[axis]);
    if (!loop)
      return failure();
    for (auto [other, expr] : llvm::enumerate(exprs))
      if (static_cast<int64_t>(other) != axis &&
          expr.isFunctionOfDim(loop.getPosition()))
        return failure();
    Layout packed =
        Layout::rowMajor(cast<ShapedType>(unpack.getSource().getType()));
    auto order = unpack.getOuterDimsPerm();
    Layout unpacked{packed.offset, SmallVector<OpFoldResult>(exprs.size())};
    for (size_t place = 0; place < exprs.size(); ++place)
      unpacked.strides[order.empty() ? place : order[place]] =
          packed.strides[place];
    int64_t tileStride = knownOr(unpacked.strides[axis]);
    unpacked.strides[axis] = packed.strides[exprs.size()];
    std::optional<unsigned> stepsLoop;
    if (tiles == 2) {
      int64_t along = unpack.getInnerDimsPos()[1],
              stride = knownOr(unpacked.strides[along]);
      auto steps = dyn_cast<AffineDimExpr>(exprs[along]);
      if (!steps || ShapedType::isDynamic(stride))
        return failure();
      stepsLoop = steps.getPosition();
      unpacked.strides[along] =
          accesses.constant(stride / unpack.getStaticInnerTiles()[1]);
    }
    FailureOr<Access> access =
        accesses.access(*argument, unpacked, exprs, count);
    if (failed(access))
      return failure();
    for (auto [place, expr] : llvm::enumerate(exprs))
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        nest.loops[dim.getPosition()].size = accesses.constant(
            cast<ShapedType>(unpack.getResult().getType()).getDimSize(place));
    access->packedLoop = loop.getPosition();
    access->packedTile = unpack.getStaticInnerTiles()[0];
    access->packedStride = tileStride;
    access->stepsLoop = stepsLoop;
    return access;
  };

  SmallVector<AffineMap> maps = root.getIndexingMapsArray();
  for (auto [input, map] : llvm::zip(root.getDpsInputs(), maps)) {
    if (auto given = input.getDefiningOp<nn::WinogradOutputOp>()) {
      nest.given = given;
      nest.givenInput = nest.inputs.size();
      nest.inputs.emplace_back();
      continue;
    }
    FailureOr<Access> access = inputOf(input, map.getResults());
    if (failed(access))
      return failure();
    nest.inputs.push_back(*access);
  }
  if (auto zeros = root->getAttrOfType<ArrayAttr>(kBordersAttr))
    for (auto [input, map, own] :
         llvm::zip(root.getDpsInputs(), maps,
                   zeros.getAsRange<DenseI64ArrayAttr>())) {
      std::optional<unsigned> argument = argumentOf(input);
      for (auto [axis, place] : llvm::enumerate(map.getResults())) {
        size_t rank = map.getNumResults();
        if (!argument || own.empty() || own[axis] + own[rank + axis] == 0)
          continue;
        std::optional<Border> border = Border::along(root, place);
        if (!border)
          continue;
        auto type = cast<ShapedType>(input.getType());
        border->low += own[axis];
        border->high = own[rank + axis];
        border->size = type.isDynamicDim(axis)
                           ? sizeOf(*argument, axis)
                           : accesses.constant(type.getDimSize(axis));
        nest.borders.push_back(*border);
      }
    }
  AffineMap outMap = maps.back();
  if (!epilogue) {
    setSizes(outArgument, outMap.getResults());
    FailureOr<Access> access = accesses.access(
        outArgument, layoutOf(outArgument), outMap.getResults(), count);
    if (failed(access))
      return failure();
    nest.out = *access;
  } else {
    SmallVector<AffineMap> after = epilogue.getIndexingMapsArray();
    auto composed = [&](AffineMap map) {
      return llvm::map_to_vector(map.getResults(), [&](AffineExpr expr) {
        return expr.replaceDims(inRootLoops);
      });
    };
    for (auto [index, input] : llvm::enumerate(epilogue.getDpsInputs())) {
      if (index == nest.resultInput) {
        nest.epilogueInputs.emplace_back();
        continue;
      }
      FailureOr<Access> access = inputOf(input, composed(after[index]));
      if (failed(access))
        return failure();
      nest.epilogueInputs.push_back(*access);
    }
    SmallVector<AffineExpr> outExprs = composed(after.back());
    setSizes(outArgument, outExprs);
    FailureOr<Access> access =
        accesses.access(outArgument, layoutOf(outArgument), outExprs, count);
    if (failed(access))
      return failure();
    nest.out = *access;
  }
  if (llvm::any_of(nest.loops, [](const Loop &loop) { return !loop.size; }))
    return failure();
  if (nest.given)
    return nest;
  nest.dropUnitLoops();
  if (merges)
    nest.mergeLoops();
  if (merges && kernel.getSchedule().getAlgorithm() == "elements")
    nest.mergeOpenLoops(builder);
  return nest;
}

FailureOr<Nest> Nest::ofTypes(nn::KernelOp kernel) {
  Block &block = kernel.getBody().front();
  Builder attributes(kernel.getContext());
  auto typeOf = [&](unsigned argument) {
    return cast<ShapedType>(block.getArgument(argument).getType());
  };
  return of(
      kernel,
      [&](unsigned argument) { return Layout::rowMajor(typeOf(argument)); },
      [&](unsigned argument, unsigned axis) -> OpFoldResult {
        return attributes.getIndexAttr(typeOf(argument).getDimSize(axis));
      },
      nullptr);
}

bool Nest::hasReduction() const {
  return llvm::any_of(loops, [](const Loop &loop) { return loop.isReduction; });
}

void Nest::forEachAccess(llvm::function_ref<void(Access &)> visit) {
  for (Access &access : inputs)
    visit(access);
  for (auto [index, access] : llvm::enumerate(epilogueInputs))
    if (index != resultInput)
      visit(access);
  for (Store &store : stores)
    visit(store.access);
  visit(out);
}

void Nest::erase(unsigned loop) {
  loops.erase(loops.begin() + loop);
  forEachAccess([&](Access &access) {
    access.coefficients.erase(access.coefficients.begin() + loop);
    llvm::erase_if(access.gapless, [&](std::pair<unsigned, unsigned> pair) {
      return pair.first == loop || pair.second == loop;
    });
    for (auto &[outer, inner] : access.gapless) {
      outer -= outer > loop;
      inner -= inner > loop;
    }
    for (std::optional<unsigned> *own : {&access.packedLoop, &access.stepsLoop})
      if (*own && **own == loop)
        *own = std::nullopt;
      else if (*own && **own > loop)
        --**own;
  });
}

void Nest::dropUnitLoops() {
  for (unsigned loop = loops.size(); loop-- > 0;) {
    if (loops[loop].known() != 1)
      continue;
    // Its neighbours are each other's then.
    forEachAccess([&](Access &access) {
      auto outer = llvm::find_if(
               access.gapless, [&](auto pair) { return pair.second == loop; }),
           inner = llvm::find_if(access.gapless,
                                 [&](auto pair) { return pair.first == loop; });
      if (outer != access.gapless.end() && inner != access.gapless.end())
        outer->second = inner->second;
    });
    erase(loop);
  }
}

void Nest::fix(ImplicitLocOpBuilder *builder, unsigned loop, Value index) {
  forEachAccess([&](Access &access) {
    // What is no buffer has no place.
    if (access.base && builder)
      access.base = nn::addIndex(
          *builder, access.base,
          nn::mulIndex(*builder, index, access.coefficients[loop]));
  });
  erase(loop);
}

bool Nest::asksForIndex() const {
  for (linalg::GenericOp generic : {root, epilogue})
    if (generic && !generic.getBody()->getOps<linalg::IndexOp>().empty())
      return true;
  return false;
}

/// Whether all operands walk through two loops without a gap.
bool Nest::isOneInMemory(unsigned outer, unsigned inner) {
  if (outer == inner || loops[outer].isReduction != loops[inner].isReduction)
    return false;
  int64_t size = loops[inner].known();
  bool fits = true;
  forEachAccess([&](Access &access) {
    int64_t a = access.along(outer), b = access.along(inner);
    bool isPacked = (access.packedLoop && (*access.packedLoop == outer ||
                                           *access.packedLoop == inner)) ||
                    access.stepsLoop == outer;
    bool isKnown =
        llvm::none_of(ArrayRef<int64_t>{a, b, size}, ShapedType::isDynamic);
    fits &= !isPacked &&
            ((a == 0 && b == 0) || (isKnown && a == b * size) ||
             llvm::is_contained(access.gapless, std::pair(outer, inner)));
  });
  return fits;
}

/// Loops that are one in memory become one, in the place of the inner one.
void Nest::merge(unsigned outer, unsigned inner, OpFoldResult size) {
  loops[inner].size = size;
  loops[inner].source = std::nullopt;
  forEachAccess([&](Access &access) {
    llvm::erase_if(access.gapless, [&](std::pair<unsigned, unsigned> pair) {
      return pair.first == outer || pair.second == inner;
    });
    for (auto &pair : access.gapless)
      if (pair.second == outer)
        pair.second = inner;
  });
  erase(outer);
}

void Nest::mergeWhere(ProductOf productOf) {
  if (asksForIndex())
    return;
  auto mergeOne = [&] {
    for (unsigned outer = 0; outer < loops.size(); ++outer)
      for (unsigned inner = 0; inner < loops.size(); ++inner) {
        if (!isOneInMemory(outer, inner))
          continue;
        OpFoldResult size = productOf(loops[outer].size, loops[inner].size);
        if (!size)
          continue;
        merge(outer, inner, size);
        return true;
      }
    return false;
  };
  while (mergeOne())
    ;
}

void Nest::mergeLoops() {
  Builder attributes(root.getContext());
  mergeWhere([&](OpFoldResult outer, OpFoldResult inner) -> OpFoldResult {
    int64_t count = knownOr(outer), size = knownOr(inner);
    if (ShapedType::isDynamic(count) || ShapedType::isDynamic(size))
      return {};
    return attributes.getIndexAttr(count * size);
  });
}

void Nest::mergeOpenLoops(ImplicitLocOpBuilder *builder) {
  Builder attributes(root.getContext());
  mergeWhere([&](OpFoldResult outer, OpFoldResult inner) -> OpFoldResult {
    if (builder)
      return nn::mulIndex(*builder, outer, inner);
    return attributes.getIndexAttr(ShapedType::kDynamic);
  });
}
