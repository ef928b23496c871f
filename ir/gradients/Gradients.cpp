// Gradients.cpp - what the rules of gradients are written in.
#include "ir/Gradients.h"
#include "ir/Ops.h"
#include "ir/Types.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

Value GradientBuilder::refuse(const Twine &reason, Value standIn) {
  mlir::emitError(getLoc()) << "no gradient: " << reason;
  failed = true;
  return standIn;
}

Value GradientBuilder::add(Value a, Value b) { return make<AddOp>(a, b); }
Value GradientBuilder::sub(Value a, Value b) { return make<SubOp>(a, b); }
Value GradientBuilder::mul(Value a, Value b) { return make<MulOp>(a, b); }
Value GradientBuilder::div(Value a, Value b) { return make<DivOp>(a, b); }
Value GradientBuilder::neg(Value a) { return make<NegOp>(a); }
Value GradientBuilder::exp(Value a) { return make<ExpOp>(a); }
Value GradientBuilder::sqrt(Value a) { return make<SqrtOp>(a); }
Value GradientBuilder::equal(Value a, Value b) { return make<EqualOp>(a, b); }
Value GradientBuilder::less(Value a, Value b) { return make<LessOp>(a, b); }
Value GradientBuilder::where(Value condition, Value a, Value b) {
  return make<WhereOp>(condition, a, b);
}
Value GradientBuilder::masked(Value condition, Value value) {
  return where(condition, value, number(value, 0));
}
Value GradientBuilder::indicator(Value condition, Value like) {
  return where(condition, number(like, 1), number(like, 0));
}
Value GradientBuilder::matmul(Value a, Value b) { return make<MatMulOp>(a, b); }

Value GradientBuilder::rowsProduct(Value a, Value b) {
  auto allRows = [&](Value value) {
    int64_t rank = this->rank(value);
    return rank == 2 ? value
                     : make<ReshapeOp>(value,
                                       concat({integers({-1}),
                                               shapeOf(value, rank - 1, rank)},
                                              0),
                                       /*allowzero=*/0);
  };
  return matmul(transposeMatrix(allRows(a)), allRows(b));
}

Value GradientBuilder::number(Value like, double value) {
  return scalar(getElementTypeOrSelf(like.getType()), value);
}

Value GradientBuilder::castAs(Value value, Value like) {
  Type to = getElementTypeOrSelf(like.getType());
  if (getElementTypeOrSelf(value.getType()) == to)
    return value;
  return make<CastOp>(value, onnxType(to));
}

//===- Shapes -------------------------------------------------------------===//

Value GradientBuilder::shapeOf(Value value, int64_t start, int64_t end) {
  SmallVector<int64_t> sizes;
  Dims dims = scope.dims(value);
  for (Dim dim : ArrayRef(dims).slice(start, end - start)) {
    if (!known(dim))
      return make<ShapeOp>(value, getI64IntegerAttr(start),
                           getI64IntegerAttr(end));
    sizes.push_back(*known(dim));
  }
  return integers(sizes);
}

Value GradientBuilder::count(Value value, ArrayRef<int64_t> axes, Value like) {
  int64_t product = 1;
  Value unknown;
  for (int64_t axis : axes) {
    if (std::optional<int64_t> size = known(scope.dim(value, axis))) {
      product *= *size;
      continue;
    }
    Value size = castAs(reshape(shapeOf(value, axis, axis + 1), {}), like);
    unknown = unknown ? mul(unknown, size) : size;
  }
  Value result = number(like, static_cast<double>(product));
  return unknown ? mul(unknown, result) : result;
}

Value GradientBuilder::zerosLike(Value value) {
  return expandAs(number(value, 0), value);
}

Value GradientBuilder::reshape(Value value, ArrayRef<int64_t> dims) {
  return make<ReshapeOp>(value, integers(dims));
}

Value GradientBuilder::reshapeAs(Value value, Value like) {
  if (scope.dims(value) == scope.dims(like))
    return value;
  return make<ReshapeOp>(value, shapeOf(like), /*allowzero=*/1);
}

Value GradientBuilder::expandAs(Value value, Value like) {
  return make<ExpandOp>(value, shapeOf(like));
}

Value GradientBuilder::transpose(Value value, ArrayRef<int64_t> permutation) {
  return make<TransposeOp>(value, getDenseI64ArrayAttr(permutation));
}

Value GradientBuilder::transposeMatrix(Value value) {
  SmallVector<int64_t> permutation = allAxes(value);
  std::swap(permutation.back(), permutation[permutation.size() - 2]);
  return transpose(value, permutation);
}

Value GradientBuilder::unsqueeze(Value value, ArrayRef<int64_t> axes) {
  return make<UnsqueezeOp>(value, integers(axes));
}

Value GradientBuilder::concat(ArrayRef<Value> values, int64_t axis) {
  return make<ConcatOp>(ValueRange(values), axis);
}

Value GradientBuilder::slice(Value value, int64_t axis, int64_t start,
                             int64_t end) {
  if (start == 0 && isKnown(scope.dim(value, axis), end))
    return value;
  return make<SliceOp>(value, integers({start}), integers({end}),
                       integers({axis}), Value());
}

Value GradientBuilder::reduceSum(Value value, ArrayRef<int64_t> axes,
                                 bool keepsDims) {
  if (axes.empty())
    return value;
  return make<ReduceSumOp>(value, integers(axes), keepsDims);
}

Value GradientBuilder::sumTo(Value gradient, Value operand) {
  Dims from = scope.dims(gradient), to = scope.dims(operand);
  int64_t more = static_cast<int64_t>(from.size() - to.size());
  SmallVector<int64_t> leading = llvm::to_vector(llvm::seq<int64_t>(0, more)),
                       axes;
  for (auto [axis, dim] : llvm::enumerate(to)) {
    Dim wide = from[more + axis];
    if (dim == wide)
      continue;
    if (isKnown(dim, 1))
      axes.push_back(more + axis);
    else if (!known(dim))
      return refuse("whether a tensor of " + toString(to) +
                        " is repeated to one of " + toString(from) +
                        " is known only at run time",
                    gradient);
  }
  return reduceSum(reduceSum(gradient, axes, /*keepsDims=*/true), leading,
                   /*keepsDims=*/false);
}

//===- Places -------------------------------------------------------------===//

Value GradientBuilder::positions(Value value) {
  Value total = make<ReduceProdOp>(shapeOf(value), Value(), /*keepdims=*/0),
        all = make<RangeOp>(integer(0), total, integer(1));
  return reshapeAs(all, value);
}

Value GradientBuilder::addAt(Value source, Value places, Value gradient) {
  // One more element takes what came from nowhere: position -1 is the last.
  Value zeros = flatten(zerosLike(source)),
        one = reshape(number(source, 0), {1}),
        sums = make<ScatterElementsOp>(concat({zeros, one}, 0), flatten(places),
                                       flatten(gradient), /*axis=*/0,
                                       getStringAttr("add"));
  Value kept = make<SliceOp>(sums, integers({0}), integers({-1}), integers({0}),
                             Value());
  return make<ReshapeOp>(kept, shapeOf(source), /*allowzero=*/1);
}

std::optional<SmallVector<int64_t>> GradientBuilder::knownDims(Value value) {
  SmallVector<int64_t> sizes;
  for (Dim dim : scope.dims(value)) {
    if (!known(dim)) {
      refuse("its rule needs the sizes of " + toString(scope.dims(value)) +
                 "; --dim or --shape gives them",
             value);
      return std::nullopt;
    }
    sizes.push_back(*known(dim));
  }
  return sizes;
}
