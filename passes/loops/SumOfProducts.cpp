// SumOfProducts.cpp - contractions as linalg has them: sums of products.
#include "passes/loops/SumOfProducts.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace burnish;

bool burnish::isConstant(Value value) {
  return matchPattern(value, m_Constant());
}

bool burnish::isSumOfProducts(linalg::GenericOp op) {
  Block *body = op.getBody();
  auto yielded = body->getTerminator()->getOperand(0);
  auto sum = yielded.getDefiningOp<arith::AddFOp>();
  if (!sum || llvm::range_size(body->getOperations()) != 3)
    return false;
  auto product = sum.getLhs().getDefiningOp<arith::MulFOp>();
  Value other = sum.getRhs();
  if (!product) {
    product = sum.getRhs().getDefiningOp<arith::MulFOp>();
    other = sum.getLhs();
  }
  return product && other == body->getArgument(2) &&
         product.getLhs() != product.getRhs() &&
         isa<BlockArgument>(product.getLhs()) &&
         isa<BlockArgument>(product.getRhs()) && product.getLhs() != other &&
         product.getRhs() != other;
}

bool burnish::startsFromZero(linalg::GenericOp op) {
  auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  return fill && matchPattern(fill.getInputs()[0], m_AnyZeroFloat());
}

Value burnish::makeSumOfProducts(ImplicitLocOpBuilder &b, Value left,
                                 Value right, Value init,
                                 ArrayRef<AffineMap> maps,
                                 unsigned reductions) {
  SmallVector<utils::IteratorType> iterators(maps[0].getNumDims(),
                                             utils::IteratorType::parallel);
  std::fill_n(iterators.rbegin(), reductions, utils::IteratorType::reduction);
  return linalg::GenericOp::create(
             b, init.getType(), ValueRange{left, right}, init, maps, iterators,
             [](OpBuilder &inside, Location loc, ValueRange values) {
               Value product =
                   arith::MulFOp::create(inside, loc, values[0], values[1]);
               Value sum =
                   arith::AddFOp::create(inside, loc, values[2], product);
               linalg::YieldOp::create(inside, loc, sum);
             })
      .getResult(0);
}
