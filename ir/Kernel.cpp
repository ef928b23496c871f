// Kernel.cpp - groups of loops that become one function.
#include "ir/Kernel.h"

#define GET_OP_CLASSES
#include "ir/Kernel.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerKernel(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/Kernel.cpp.inc"
      >();
}

void KernelOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &operand : getInputsMutable())
    if (isa<BaseMemRefType>(operand.get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  for (OpOperand &operand : getOutsMutable())
    if (isa<BaseMemRefType>(operand.get().getType()))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
}

LogicalResult KernelOp::verify() {
  Block &block = getBody().front();
  if (block.getNumArguments() != getNumOperands())
    return emitOpError() << "has " << getNumOperands()
                         << " operands and a region of "
                         << block.getNumArguments() << " arguments";
  for (auto [index, type, argument] :
       llvm::enumerate(getOperandTypes(), block.getArguments())) {
    auto shaped = dyn_cast<ShapedType>(type),
         inside = dyn_cast<ShapedType>(argument.getType());
    bool fits = shaped && inside
                    ? shaped.getElementType() == inside.getElementType() &&
                          succeeded(verifyCompatibleShape(shaped, inside))
                    : type == argument.getType();
    if (!fits)
      return emitOpError() << "operand " << index << " is " << type
                           << " and its argument is " << argument.getType();
  }
  if (block.getTerminator()->getNumOperands() != getOuts().size())
    return emitOpError() << "yields " << block.getTerminator()->getNumOperands()
                         << " values for " << getOuts().size() << " outs";
  return success();
}

bool KernelOp::writesPart() {
  for (auto output : getBody().getOps<WinogradOutputOp>())
    if (!output.getExtents().empty())
      return true;
  return false;
}

LogicalResult WinogradInputOp::verify() {
  auto image = cast<RankedTensorType>(getImage().getType()),
       tiles = cast<RankedTensorType>(getTiles().getType());
  int64_t points = (getTile() + 2) * (getTile() + 2);
  bool isOfRun = !getExtents().empty();
  bool isKnown = image.getRank() == 4 &&
                 !ShapedType::isDynamicShape(
                     image.getShape().drop_front(isOfRun ? 3 : 1)) &&
                 tiles.hasStaticShape() &&
                 (tiles.getRank() == 4 || (tiles.getRank() == 3 && !isOfRun)) &&
                 (!isOfRun || (getExtents().size() == 5 && !getIsGradient()));
  if (!isKnown || tiles.getDimSize(0) != points ||
      tiles.getNumElements() != points * tileCount() * image.getDimSize(3) ||
      tileCount() % (getRows() * getColumns()) != 0)
    return emitOpError() << "of tile " << getTile() << ", " << getRows()
                         << " rows and " << getColumns() << " columns makes "
                         << tiles << " of " << image;
  return success();
}

LogicalResult WinogradOutputOp::verify() {
  auto products = cast<RankedTensorType>(getProducts().getType()),
       image = cast<RankedTensorType>(getImage().getType());
  int64_t tile = getTile();
  auto tilesAlong = [&](unsigned axis) -> int64_t {
    return llvm::divideCeil(image.getDimSize(axis), tile);
  };
  bool isOfRun = !getExtents().empty();
  bool isKnown = products.getRank() == 3 && image.getRank() == 4 &&
                 products.hasStaticShape() &&
                 (isOfRun ? getExtents().size() == 3 : image.hasStaticShape());
  if (!isKnown || products.getDimSize(0) != (tile + 2) * (tile + 2) ||
      products.getDimSize(2) != image.getDimSize(3) ||
      (!isOfRun && products.getDimSize(1) !=
                       image.getDimSize(0) * tilesAlong(1) * tilesAlong(2)))
    return emitOpError() << "of tile " << tile << " makes " << image << " of "
                         << products;
  return success();
}
