// WinogradRewriter.cpp - a convolution with 3x3 taps in tiles.
#include "passes/loops/WinogradRewriter.h"
#include "ir/Kernel.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/kernels/Work.h"
#include "passes/loops/SumOfProducts.h"
#include "passes/loops/WinogradWeights.h"

using namespace mlir;
using namespace burnish;

nn::KernelOp burnish::startTransform(ImplicitLocOpBuilder &b,
                                     StringRef algorithm, int64_t lanes,
                                     double elements, ValueRange inputs,
                                     Value out) {
  // Fewer are not worth waking a thread.
  constexpr double kParallelElements = 20000;
  auto schedule =
      nn::ScheduleAttr::get(b.getContext(), algorithm, lanes, 1, 1, false,
                            false, elements >= kParallelElements);
  auto kernel = nn::KernelOp::create(b, TypeRange(out.getType()), inputs,
                                     ValueRange(out), schedule);
  Block *block = b.createBlock(&kernel.getBody());
  for (Value operand : kernel->getOperands())
    block->addArgument(operand.getType(), b.getLoc());
  return kernel;
}

namespace {
/// Writes a block of the convolution after the other.
class Rewriter {
public:
  Rewriter(OpBuilder &builder, TapConvolution &conv,
           const WinogradSchedule &schedule, StringAttr shape)
      : b(conv.op.getLoc(), builder), conv(conv), schedule(schedule),
        shapeText(shape), transform(schedule.tile),
        points(transform.points() * transform.points()),
        columns(conv.isOfRun()
                    ? kRestTiles
                    : llvm::divideCeil(conv.shape()[2], schedule.tile)),
        type(getElementTypeOrSelf(conv.weights.getType())) {}

  Value rewrite() {
    linalg::GenericOp last = conv.epilogue ? conv.epilogue : conv.op;
    b.setInsertionPoint(last);
    auto resultType = cast<RankedTensorType>(last->getResultTypes()[0]);
    if (schedule.outs)
      return rewriteByChannels(resultType);
    Value weights =
        conv.constant
            ? Value(arith::ConstantOp::create(
                  b, transformWeights(conv, transform, schedule.lanes)))
            : weightsInRun(conv.weights);
    if (conv.isOfRun())
      return rewriteOfRun(weights);
    SmallVector<OpFoldResult> sizes =
        getAsIndexOpFoldResult(b.getContext(), conv.shape());
    Value images = arith::ConstantIndexOp::create(b, conv.shape()[0]);
    if (resultType.isDynamicDim(0))
      sizes[0] = images =
          tensor::DimOp::create(b, Value(conv.image), int64_t(0));
    Value out = tensor::EmptyOp::create(b, sizes, resultType.getElementType());
    int64_t rows = conv.shape()[1],
            step = std::min(schedule.tileRows * schedule.tile, rows),
            whole = rows / step * step;
    return loop(images, schedule.images, out, [&](Value image, Value out) {
      out = loop(whole, step, out, [&](Value row, Value out) {
        return makeBlock({image, row, step}, weights, out);
      });
      if (whole < rows)
        out = makeBlock(
            {image, arith::ConstantIndexOp::create(b, whole), rows - whole},
            weights, out);
      return out;
    });
  }

private:
  /// What is done at a time: so many rows of results from `row` on, of the
  /// schedule's images from `image` on; of images whose size only the run
  /// knows, so many tiles from number `row` on.
  struct Part {
    Value image, row;
    int64_t rows;
  };
  int64_t tileRows(const Part &part) const {
    return conv.isOfRun() ? part.rows / columns
                          : llvm::divideCeil(part.rows, schedule.tile);
  }

  /// The tiles of all images, and some output channels after the other.
  Value rewriteByChannels(RankedTensorType resultType) {
    ArrayRef<int64_t> shape = conv.shape();
    Value zero = arith::ConstantIndexOp::create(b, 0),
          out = tensor::EmptyOp::create(b, shape, resultType.getElementType());
    Part all{zero, zero, shape[1]};
    Value tiles = makeTiles(all);
    return loop(shape[3], schedule.outs, out, [&](Value first, Value out) {
      SmallVector<OpFoldResult> from(4, b.getIndexAttr(0)), offsets(from),
          part = getAsIndexOpFoldResult(b.getContext(), conv.weightsShape()),
          sizes = getAsIndexOpFoldResult(b.getContext(), shape);
      from[conv.axes[0]] = offsets[3] = first;
      part[conv.axes[0]] = sizes[3] = b.getIndexAttr(schedule.outs);
      Value weights = weightsInRun(slice(conv.weights, from, part)),
            products = multiply(all, tiles, weights);
      return insert(makeResults(all, products, offsets, sizes,
                                slice(out, offsets, sizes)),
                    out, offsets, sizes);
    });
  }

  /// A block of tiles after the other, whatever rows and images they belong
  /// to: only what moves tiles has sizes of the run, the products have none.
  Value rewriteOfRun(Value weights) {
    linalg::GenericOp last = conv.epilogue ? conv.epilogue : conv.op;
    SmallVector<OpFoldResult> results =
        tensor::getMixedSizes(b, b.getLoc(), last.getDpsInits()[0]);
    auto valueAt = [&](OpFoldResult size) {
      return getValueOrCreateConstantIndexOp(b, b.getLoc(), size);
    };
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(b, b.getLoc(), conv.image);
    for (unsigned axis : {0u, 1u, 2u})
      extents.push_back(valueAt(sizes[axis]));
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, value);
    };
    Value all = extents[0];
    for (unsigned axis : {1u, 2u}) {
      Value more = b.createOrFold<arith::AddIOp>(valueAt(results[axis]),
                                                 constant(schedule.tile - 1));
      extents.push_back(
          b.createOrFold<arith::DivUIOp>(more, constant(schedule.tile)));
      all = b.createOrFold<arith::MulIOp>(all, extents.back());
    }
    Value out = tensor::EmptyOp::create(
        b, results, getElementTypeOrSelf(last->getResultTypes()[0]));
    int64_t step = schedule.tileRows;
    Value zero = constant(0),
          rest = b.createOrFold<arith::RemUIOp>(all, constant(step)),
          whole = b.createOrFold<arith::SubIOp>(all, rest);
    out = loop(zero, whole, step, out, [&](Value tile, Value out) {
      return makeBlock({zero, tile, step}, weights, out);
    });
    return loop(whole, all, kRestTiles, out, [&](Value tile, Value out) {
      return makeBlock({zero, tile, kRestTiles}, weights, out);
    });
  }
  int64_t tiles(const Part &part) const {
    return schedule.images * tileRows(part) * columns;
  }

  Value weightsInRun(Value weights) {
    return transformInRun(b, conv, transform, weights, schedule.lanes);
  }

  /// for index in [0, size) by step, handing the tensor on.
  Value loop(int64_t size, int64_t step, Value tensor,
             llvm::function_ref<Value(Value, Value)> body) {
    if (step >= size)
      return body(arith::ConstantIndexOp::create(b, 0), tensor);
    return loop(arith::ConstantIndexOp::create(b, size), step, tensor, body);
  }
  Value loop(Value size, int64_t step, Value tensor,
             llvm::function_ref<Value(Value, Value)> body) {
    Value zero = arith::ConstantIndexOp::create(b, 0);
    return loop(zero, size, step, tensor, body);
  }
  Value loop(Value from, Value to, int64_t step, Value tensor,
             llvm::function_ref<Value(Value, Value)> body) {
    auto loop = scf::ForOp::create(
        b, from, to, Value(arith::ConstantIndexOp::create(b, step)), tensor);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value next = body(loop.getInductionVar(), loop.getRegionIterArg(0));
    scf::YieldOp::create(b, next);
    return loop.getResult(0);
  }

  Value makeBlock(const Part &part, Value weights, Value out) {
    if (conv.isOfRun()) {
      SmallVector<OpFoldResult> sizes =
          tensor::getMixedSizes(b, b.getLoc(), out);
      return makeResults(part, multiply(part, makeTiles(part), weights),
                         SmallVector<OpFoldResult>(4, b.getIndexAttr(0)), sizes,
                         out);
    }
    ArrayRef<int64_t> shape = conv.shape();
    SmallVector<OpFoldResult> offsets{part.image, part.row, b.getIndexAttr(0),
                                      b.getIndexAttr(0)},
        sizes = getAsIndexOpFoldResult(
            b.getContext(), {schedule.images, part.rows, shape[2], shape[3]});
    Value products = multiply(part, makeTiles(part), weights),
          done = makeResults(part, products, offsets, sizes,
                             slice(out, offsets, sizes));
    return insert(done, out, offsets, sizes);
  }

  Value insert(Value part, Value tensor, ArrayRef<OpFoldResult> offsets,
               ArrayRef<OpFoldResult> sizes) {
    return tensor::InsertSliceOp::create(
        b, part, tensor, offsets, sizes,
        SmallVector<OpFoldResult>(sizes.size(), b.getIndexAttr(1)));
  }

  Value slice(Value tensor, ArrayRef<OpFoldResult> offsets,
              ArrayRef<OpFoldResult> sizes) {
    return tensor::ExtractSliceOp::create(
        b, tensor, offsets, sizes,
        SmallVector<OpFoldResult>(sizes.size(), b.getIndexAttr(1)));
  }

  nn::KernelOp kernel(const Part &part, StringRef algorithm, ValueRange inputs,
                      Value out) {
    nn::KernelOp kernel = startTransform(
        b, algorithm, schedule.lanes,
        double(tiles(part)) * points * conv.shape()[3], inputs, out);
    kernel->setAttr(kPartOfAttr, shapeText);
    return kernel;
  }

  /// The image's tiles at the points: [points][C / lanes][tiles][lanes].
  Value makeTiles(const Part &part) {
    OpBuilder::InsertionGuard guard(b);
    auto tilesType =
        RankedTensorType::get({points, conv.imageShape()[3] / schedule.lanes,
                               tiles(part), schedule.lanes},
                              type);
    Value empty = tensor::EmptyOp::create(b, tilesType.getShape(), type);
    SmallVector<Value> inputs{conv.image, part.image, part.row};
    llvm::append_range(inputs, extents);
    nn::KernelOp made = kernel(part, "winograd_input", inputs, empty);
    Block &block = made.getBody().front();
    Value result = nn::WinogradInputOp::create(
        b, tilesType, block.getArgument(0), block.getArgument(1),
        block.getArgument(2),
        ValueRange(block.getArguments()).slice(3, extents.size()),
        schedule.tile, conv.top, conv.left, tileRows(part), columns);
    nn::KernelYieldOp::create(b, result);
    return made->getResult(0);
  }

  /// A product for each point: [points][tiles][O].
  Value multiply(const Part &part, Value tensor, Value weights) {
    SmallVector<int64_t> shape{
        points, tiles(part),
        cast<RankedTensorType>(weights.getType()).getShape().back()};
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type)),
          init = linalg::FillOp::create(
                     b, zero, Value(tensor::EmptyOp::create(b, shape, type)))
                     .getResult(0);
    AffineExpr point, tile, out, block, lane;
    bindDims(b.getContext(), point, tile, out, block, lane);
    auto mapOf = [&](ArrayRef<AffineExpr> exprs) {
      return AffineMap::get(5, 0, exprs, b.getContext());
    };
    Value products = makeSumOfProducts(b, tensor, weights, init,
                                       {mapOf({point, block, tile, lane}),
                                        mapOf({point, block, lane, out}),
                                        mapOf({point, tile, out})},
                                       /*reductions=*/2);
    products.getDefiningOp()->setAttr(kPartOfAttr, shapeText);
    return products;
  }

  /// Results of a block, through the elementwise operation that follows.
  Value makeResults(const Part &part, Value products,
                    ArrayRef<OpFoldResult> offsets,
                    ArrayRef<OpFoldResult> sizes, Value out) {
    SmallVector<Value> inputs{products};
    if (conv.isOfRun())
      llvm::append_values(inputs, part.row, extents[3], extents[4]);
    unsigned next = inputs.size();
    if (conv.epilogue)
      for (OpOperand *input : conv.epilogue.getDpsInputOperands()) {
        if (input->get() == conv.op->getResult(0))
          continue;
        AffineMap map = conv.epilogue.getMatchingIndexingMap(input);
        // Where results go among all of them, so do what they are made with.
        if (map.getNumResults() == 0 || conv.isOfRun() ||
            !isa<TensorType>(input->get().getType())) {
          inputs.push_back(input->get());
          continue;
        }
        SmallVector<OpFoldResult> from, length;
        for (AffineExpr expr : map.getResults()) {
          unsigned loop = cast<AffineDimExpr>(expr).getPosition();
          from.push_back(offsets[loop]);
          length.push_back(sizes[loop]);
        }
        inputs.push_back(slice(input->get(), from, length));
      }
    OpBuilder::InsertionGuard guard(b);
    nn::KernelOp made = kernel(part, "winograd_output", inputs, out);
    made->setAttr(kProductsAttr, b.getI64IntegerAttr(9 * conv.imageShape()[3]));
    Block &block = made.getBody().front();
    auto outType = cast<RankedTensorType>(out.getType());
    Value result = nn::WinogradOutputOp::create(
        b, RankedTensorType::get(outType.getShape(), type),
        block.getArgument(0),
        ValueRange(block.getArguments()).slice(1, next - 1), schedule.tile);
    Value outArgument = block.getArguments().back();
    if (!conv.epilogue) {
      nn::KernelYieldOp::create(b, result);
      return made->getResult(0);
    }
    SmallVector<Value> operands;
    for (Value input : conv.epilogue.getDpsInputs())
      operands.push_back(
          input == conv.op->getResult(0) ? result : block.getArgument(next++));
    operands.push_back(outArgument);
    // What the body uses of the outside are constants.
    IRMapping values;
    conv.epilogue.getBody()->walk([&](Operation *inside) {
      for (Value operand : inside->getOperands())
        if (operand.getParentRegion() != &conv.epilogue.getRegion() &&
            !values.contains(operand))
          values.map(operand, b.clone(*operand.getDefiningOp())->getResult(0));
    });
    Operation *copy = b.clone(*conv.epilogue, values);
    copy->setOperands(operands);
    copy->getResult(0).setType(outType);
    nn::KernelYieldOp::create(b, copy->getResult(0));
    return made->getResult(0);
  }

  ImplicitLocOpBuilder b;
  TapConvolution &conv;
  const WinogradSchedule &schedule;
  StringAttr shapeText;
  WinogradTransform transform;
  int64_t points, columns;
  Type type;
  /// Of images whose size only the run knows: see nn.winograd_input.
  SmallVector<Value> extents;
};
} // namespace

Value burnish::rewriteByTiles(OpBuilder &builder, TapConvolution &conv,
                              const WinogradSchedule &schedule,
                              StringAttr shape) {
  return Rewriter(builder, conv, schedule, shape).rewrite();
}
