// Samples.cpp - samples of images, and the gradients by images and coordinates.
#include "ir/gradients/Samples.h"
#include "ir/Ops.h"
#include "ir/Types.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void Samples::forEach(llvm::function_ref<void(const Choice &)> visit) {
  size_t count = 1;
  for (ArrayRef<Tap> taps : axes)
    count *= taps.size();
  for (size_t index = 0; index < count; ++index) {
    Choice choice;
    choice.index = index;
    size_t rest = index;
    for (auto [taps, size] : llvm::zip_equal(axes, sizes)) {
      const Tap &tap = taps[rest % taps.size()];
      rest /= taps.size();
      choice.taps.push_back(&tap);
      Value zero = b.number(tap.place, 0),
            last = b.number(tap.place, static_cast<double>(size - 1)),
            nearest = b.make<ClipOp>(tap.place, zero, last),
            whole = b.make<CastOp>(nearest, onnxType(b.getI64Type()));
      choice.position =
          choice.position
              ? b.add(b.mul(choice.position, b.integer(size)), whole)
              : whole;
      if (!dropsOutside)
        continue;
      Value is = b.equal(nearest, tap.place);
      choice.isInside =
          choice.isInside ? b.make<AndOp>(choice.isInside, is) : is;
    }
    visit(choice);
  }
}

Value Samples::positions(const Choice &choice) {
  Dims dims = b.scope.dims(images);
  return b.make<ExpandOp>(
      b.unsqueeze(choice.position, {1}),
      b.integers({*known(dims[0]), *known(dims[1]),
                  *known(b.scope.dim(choice.position, 1))}));
}

Value Samples::elements(const Choice &choice) {
  return b.make<GatherElementsOp>(images, positions(choice), /*axis=*/2);
}

Value Samples::factor(const Choice &choice, int64_t sloped) {
  Value product;
  for (auto [axis, tap] : llvm::enumerate(choice.taps)) {
    Value each =
        static_cast<int64_t>(axis) == sloped ? tap->slope : tap->weight;
    if (!each)
      return {};
    product = product ? b.mul(product, each) : each;
  }
  return choice.isInside ? b.masked(choice.isInside, product) : product;
}

SmallVector<Value> Samples::parts() {
  SmallVector<Value> all;
  forEach([&](const Choice &choice) {
    all.push_back(b.mul(elements(choice), b.unsqueeze(factor(choice), {1})));
  });
  return all;
}

Value Samples::values() {
  Value total;
  for (Value part : parts())
    total = total ? b.add(total, part) : part;
  return total;
}

Value Samples::byImages(Value dy) {
  Value sums = b.zerosLike(images);
  forEach([&](const Choice &choice) {
    sums = b.make<ScatterElementsOp>(
        sums, positions(choice),
        b.mul(gradientOf(choice, dy), b.unsqueeze(factor(choice), {1})),
        /*axis=*/2, "add");
  });
  return sums;
}

SmallVector<Value> Samples::byCoordinates(Value dy) {
  SmallVector<Value> sums(axes.size());
  forEach([&](const Choice &choice) {
    Value along;
    for (auto [axis, sum] : llvm::enumerate(sums)) {
      Value slope = factor(choice, static_cast<int64_t>(axis));
      if (!slope)
        continue;
      if (!along)
        along =
            b.reduceSum(b.mul(gradientOf(choice, dy), elements(choice)), {1},
                        /*keepsDims=*/false);
      Value part = b.mul(along, slope);
      sum = sum ? b.add(sum, part) : part;
    }
  });
  return sums;
}

SmallVector<Tap> nn::linearTaps(GradientBuilder &b, Value coordinate) {
  Value first = b.make<FloorOp>(coordinate), rest = b.sub(coordinate, first);
  return {{first, b.sub(1, rest), b.number(rest, -1)},
          {b.add(first, 1), rest, b.number(rest, 1)}};
}

Value nn::wide(GradientBuilder &b, Value value) {
  Type type = getElementTypeOrSelf(value.getType());
  if (type.isF64() || type.isF32())
    return value;
  return b.make<CastOp>(value, onnxType(b.getF32Type()));
}
