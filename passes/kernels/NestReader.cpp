// NestReader.cpp - the loops of one generic, and perhaps one on its result.
#include "passes/kernels/NestReader.h"

using namespace mlir;
using namespace burnish;

namespace {
/// Reads the region of a kernel that is a root and perhaps an epilogue.
class NestReader {
public:
  NestReader(nn::KernelOp kernel, Nest::LayoutOf layoutOf, Nest::SizeOf sizeOf,
             ImplicitLocOpBuilder *builder)
      : kernel(kernel), block(kernel.getBody().front()), layoutOf(layoutOf),
        sizeOf(sizeOf), accesses(kernel.getContext(), builder) {}

  FailureOr<Nest> read() {
    if (failed(findGenerics()) || failed(readLoops()) ||
        failed(relateEpilogue()) || failed(readInputs()))
      return failure();
    readBorders();
    if (failed(nest.epilogue
                   ? readEpilogue()
                   : readOut(
                         nest.root.getIndexingMapsArray().back().getResults())))
      return failure();
    if (llvm::any_of(nest.loops, [](const Loop &loop) { return !loop.size; }))
      return failure();
    return std::move(nest);
  }

private:
  LogicalResult findGenerics() {
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
    count = nest.root.getNumLoops();
    nest.excess = excessOf(kernel);
    if (nest.excess)
      nest.excessCount =
          cast<ShapedType>(block.getArgument(*nest.excess).getType())
              .getDimSize(1);
    nest.rootType = getElementTypeOrSelf(nest.root->getResult(0).getType());
    nest.outType = getElementTypeOrSelf(block.getArguments().back().getType());
    return success();
  }

  LogicalResult readLoops() {
    for (utils::IteratorType iterator : nest.root.getIteratorTypesArray())
      nest.loops.push_back({{},
                            iterator == utils::IteratorType::reduction,
                            static_cast<unsigned>(nest.loops.size())});
    if (!nest.hasReduction())
      return success();
    nest.init = fillOf(nest.root.getDpsInits()[0]);
    return success(nest.init != nullptr);
  }

  /// Loops of the epilogue are those of the root through the result that lies
  /// between.
  LogicalResult relateEpilogue() {
    linalg::GenericOp root = nest.root, epilogue = nest.epilogue;
    if (!epilogue)
      return success();
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
      unsigned loop = cast<AffineDimExpr>(expr).getPosition();
      inRootLoops[loop] = rootExpr;
      nest.epilogueLoops[loop] = cast<AffineDimExpr>(rootExpr).getPosition();
    }
    return success();
  }

  LogicalResult readInputs() {
    for (auto [input, map] : llvm::zip(nest.root.getDpsInputs(),
                                       nest.root.getIndexingMapsArray())) {
      if (auto given = input.getDefiningOp<nn::WinogradOutputOp>()) {
        nest.given = given;
        nest.givenInput = nest.inputs.size();
        nest.inputs.emplace_back();
        continue;
      }
      FailureOr<Access> access = accessOfInput(input, map.getResults());
      if (failed(access))
        return failure();
      nest.inputs.push_back(*access);
    }
    return success();
  }

  void readBorders() {
    auto zeros = nest.root->getAttrOfType<ArrayAttr>(kBordersAttr);
    if (!zeros)
      return;
    for (auto [input, map, own] :
         llvm::zip(nest.root.getDpsInputs(), nest.root.getIndexingMapsArray(),
                   zeros.getAsRange<DenseI64ArrayAttr>())) {
      std::optional<unsigned> argument = argumentOf(input);
      for (auto [axis, place] : llvm::enumerate(map.getResults())) {
        size_t rank = map.getNumResults();
        if (!argument || own.empty() || own[axis] + own[rank + axis] == 0)
          continue;
        std::optional<Border> border = Border::along(nest.root, place);
        if (!border)
          continue;
        border->low += own[axis];
        border->high = own[rank + axis];
        border->size = sizeOfAxis(*argument, axis);
        nest.borders.push_back(*border);
      }
    }
  }

  LogicalResult readEpilogue() {
    SmallVector<AffineMap> maps = nest.epilogue.getIndexingMapsArray();
    auto composed = [&](AffineMap map) {
      return llvm::map_to_vector(map.getResults(), [&](AffineExpr expr) {
        return expr.replaceDims(inRootLoops);
      });
    };
    for (auto [index, input] : llvm::enumerate(nest.epilogue.getDpsInputs())) {
      if (index == nest.resultInput) {
        nest.epilogueInputs.emplace_back();
        continue;
      }
      FailureOr<Access> access = accessOfInput(input, composed(maps[index]));
      if (failed(access))
        return failure();
      nest.epilogueInputs.push_back(*access);
    }
    return readOut(composed(maps.back()));
  }

  LogicalResult readOut(ArrayRef<AffineExpr> exprs) {
    unsigned argument = block.getNumArguments() - 1;
    setSizes(argument, exprs);
    FailureOr<Access> access =
        accesses.access(argument, layoutOf(argument), exprs, count);
    if (succeeded(access))
      nest.out = *access;
    return access;
  }

  std::optional<unsigned> argumentOf(Value tensor) {
    auto argument = dyn_cast<BlockArgument>(tensor);
    if (!argument || argument.getOwner() != &block)
      return std::nullopt;
    return argument.getArgNumber();
  }

  /// What the region knows, a buffer's type may not.
  OpFoldResult sizeOfAxis(unsigned argument, unsigned axis) {
    auto type = cast<ShapedType>(block.getArgument(argument).getType());
    return type.isDynamicDim(axis) ? sizeOf(argument, axis)
                                   : accesses.constant(type.getDimSize(axis));
  }

  /// Sets the sizes of loops that walk along an axis of an operand.
  void setSizes(unsigned argument, ArrayRef<AffineExpr> exprs) {
    for (auto [axis, expr] : llvm::enumerate(exprs)) {
      auto loop = dyn_cast<AffineDimExpr>(expr);
      if (!loop)
        continue;
      OpFoldResult &size = nest.loops[loop.getPosition()].size;
      if (size && !ShapedType::isDynamic(knownOr(size)))
        continue;
      OpFoldResult found = sizeOfAxis(argument, axis);
      if (!size || !ShapedType::isDynamic(knownOr(found)))
        size = found;
    }
  }

  FailureOr<Access> accessOfInput(Value tensor, ArrayRef<AffineExpr> exprs) {
    std::optional<unsigned> argument = argumentOf(tensor);
    if (!argument) {
      auto unpack = tensor.getDefiningOp<linalg::UnPackOp>();
      return unpack ? accessOfPacked(unpack, exprs)
                    : FailureOr<Access>(failure());
    }
    if (!isa<ShapedType>(tensor.getType()))
      return accesses.scalar(*argument, count);
    setSizes(*argument, exprs);
    return accesses.access(*argument, layoutOf(*argument), exprs, count);
  }

  /// The access of an operand that is packed: tile index and place within the
  /// tile are as if they were one axis, which its loop must index alone. Steps
  /// of the sum, if any, are the second tile.
  FailureOr<Access> accessOfPacked(linalg::UnPackOp unpack,
                                   ArrayRef<AffineExpr> exprs) {
    std::optional<unsigned> argument = argumentOf(unpack.getSource());
    ArrayRef<int64_t> tiles = unpack.getStaticInnerTiles(),
                      axes = unpack.getInnerDimsPos();
    if (!argument || axes.empty() || axes.size() > 2 ||
        !llvm::all_of(tiles, [](int64_t tile) { return tile >= 1; }))
      return failure();
    int64_t axis = axes[0];
    auto loop = dyn_cast<AffineDimExpr>(exprs[axis]);
    if (!loop)
      return failure();
    for (auto [other, expr] : llvm::enumerate(exprs))
      if (static_cast<int64_t>(other) != axis &&
          expr.isFunctionOfDim(loop.getPosition()))
        return failure();
    Layout packed =
        Layout::rowMajor(cast<ShapedType>(unpack.getSource().getType()));
    ArrayRef<int64_t> order = unpack.getOuterDimsPerm();
    Layout unpacked{packed.offset, SmallVector<OpFoldResult>(exprs.size())};
    for (size_t place = 0; place < exprs.size(); ++place)
      unpacked.strides[order.empty() ? place : order[place]] =
          packed.strides[place];
    int64_t tileStride = knownOr(unpacked.strides[axis]);
    unpacked.strides[axis] = packed.strides[exprs.size()];
    std::optional<unsigned> stepsLoop;
    if (axes.size() == 2) {
      int64_t stride = knownOr(unpacked.strides[axes[1]]);
      auto steps = dyn_cast<AffineDimExpr>(exprs[axes[1]]);
      if (!steps || ShapedType::isDynamic(stride))
        return failure();
      stepsLoop = steps.getPosition();
      unpacked.strides[axes[1]] = accesses.constant(stride / tiles[1]);
    }
    FailureOr<Access> access =
        accesses.access(*argument, unpacked, exprs, count);
    if (failed(access))
      return failure();
    auto type = cast<ShapedType>(unpack.getResult().getType());
    for (auto [place, expr] : llvm::enumerate(exprs))
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        nest.loops[dim.getPosition()].size =
            accesses.constant(type.getDimSize(place));
    access->packedLoop = loop.getPosition();
    access->packedTile = tiles[0];
    access->packedStride = tileStride;
    access->stepsLoop = stepsLoop;
    return access;
  }

  nn::KernelOp kernel;
  Block &block;
  Nest::LayoutOf layoutOf;
  Nest::SizeOf sizeOf;
  AccessBuilder accesses;
  Nest nest;
  /// Loops of the root.
  unsigned count = 0;
  /// The epilogue's loops as expressions of these.
  SmallVector<AffineExpr> inRootLoops;
};
} // namespace

FailureOr<Nest> burnish::readRoot(nn::KernelOp kernel, Nest::LayoutOf layoutOf,
                                  Nest::SizeOf sizeOf,
                                  ImplicitLocOpBuilder *builder) {
  return NestReader(kernel, layoutOf, sizeOf, builder).read();
}

FailureOr<Nest> burnish::readGiven(nn::KernelOp kernel,
                                   nn::WinogradOutputOp given,
                                   Nest::LayoutOf layoutOf, Nest::SizeOf sizeOf,
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
  FailureOr<Access> access = accessOf(kernel.getContext(), builder, out,
                                      layoutOf(out), exprs, nest.loops.size());
  if (failed(access))
    return failure();
  nest.out = *access;
  return nest;
}
