// NestOfSeveral.cpp - the loops of several generics over the same elements.
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/kernels/NestReader.h"

using namespace mlir;
using namespace burnish;

/// How generics read the arguments of their kernel, each in one way; failure
/// where one is no pass over these elements.
static FailureOr<SmallVector<std::optional<AffineMap>>>
mapsOfArguments(ArrayRef<linalg::GenericOp> generics, ArrayRef<int64_t> sizes,
                size_t arguments) {
  SmallVector<std::optional<AffineMap>> maps(arguments);
  for (linalg::GenericOp generic : generics) {
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
  return maps;
}

/// What a kernel stores of its generics: a result that is yielded goes to its
/// out, or to the part of one that it is inserted in.
static FailureOr<SmallVector<Store>> storesOf(nn::KernelOp kernel,
                                              unsigned loops,
                                              Nest::LayoutOf layoutOf,
                                              AccessBuilder &accesses) {
  Block &block = kernel.getBody().front();
  SmallVector<Store> stores;
  auto storeTo = [&](Value value, unsigned out, ArrayRef<int64_t> offsets) {
    SmallVector<AffineExpr> exprs;
    for (unsigned axis = 0; axis < loops; ++axis)
      exprs.push_back(getAffineDimExpr(axis, kernel.getContext()) +
                      (offsets.empty() ? 0 : offsets[axis]));
    FailureOr<Access> access =
        accesses.access(out, layoutOf(out), exprs, loops);
    if (failed(access) || !value.getDefiningOp<linalg::GenericOp>())
      return false;
    stores.push_back({value, *access});
    return true;
  };
  for (auto [index, yielded] :
       llvm::enumerate(block.getTerminator()->getOperands())) {
    unsigned out = kernel.getInputs().size() + index;
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
  return stores;
}

FailureOr<Nest> burnish::readSeveral(nn::KernelOp kernel,
                                     Nest::LayoutOf layoutOf,
                                     ImplicitLocOpBuilder *builder) {
  Nest nest;
  Block &block = kernel.getBody().front();
  nest.together.assign(block.getOps<linalg::GenericOp>().begin(),
                       block.getOps<linalg::GenericOp>().end());
  if (nest.together.empty())
    return failure();
  nest.root = nest.together.front();
  AccessBuilder accesses(kernel.getContext(), builder);
  SmallVector<int64_t> sizes = nest.root.getStaticLoopRanges();
  if (ShapedType::isDynamicShape(sizes))
    return failure();
  for (auto [index, size] : llvm::enumerate(sizes))
    nest.loops.push_back(
        {accesses.constant(size), false, static_cast<unsigned>(index)});

  FailureOr<SmallVector<std::optional<AffineMap>>> maps =
      mapsOfArguments(nest.together, sizes, kernel.getInputs().size());
  if (failed(maps))
    return failure();
  for (auto [argument, map] : llvm::enumerate(*maps)) {
    if (!map)
      continue;
    FailureOr<Access> access = accesses.scalar(argument, sizes.size());
    if (isa<ShapedType>(block.getArgument(argument).getType()))
      access = accesses.access(argument, layoutOf(argument), map->getResults(),
                               sizes.size());
    if (failed(access))
      return failure();
    nest.inputs.push_back(*access);
  }
  FailureOr<SmallVector<Store>> stores =
      storesOf(kernel, sizes.size(), layoutOf, accesses);
  if (failed(stores))
    return failure();
  nest.stores = std::move(*stores);
  nest.out = nest.stores.front().access;
  nest.rootType = nest.outType =
      getElementTypeOrSelf(nest.stores.front().value.getType());
  return nest;
}
