// Normalization.cpp - gradients of batch normalisation.
#include "ir/Gradients.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

// With n = (X - mean) / deviation: Y = n * scale + B. In training the
// statistics are those of X, and the gradient by X loses its mean and its part
// along n (S. Ioffe, C. Szegedy, "Batch Normalization", 2015, section 3).
SmallVector<Value> BatchNormalizationOp::differentiate(GradientBuilder &b,
                                                       ValueRange dy) {
  if (!dy[0]) {
    b.refuse("running statistics have none", getX());
    return {};
  }
  Value x = getX();
  SmallVector<int64_t> axes{0}, channel;
  for (int64_t axis = 2; axis < b.rank(x); ++axis) {
    axes.push_back(axis);
    channel.push_back(axis - 1);
  }
  // (C) as (C, 1, 1, ...), which lies along axis 1 of X.
  auto byChannel = [&](Value value) {
    value = b.castAs(value, x);
    return channel.empty() ? value : b.unsqueeze(value, channel);
  };
  auto sums = [&](Value value) {
    return b.reduceSum(value, axes, /*keepsDims=*/false);
  };
  bool isTraining = getTrainingMode() != 0;
  Value count = b.count(x, axes, x), mean = getInputMean(),
        variance = getInputVar();
  // X - mean and n are kept nowhere: each of the sums, and dx, has a form of
  // its own, which is computed where X is read.
  if (isTraining) {
    mean = b.div(sums(x), count);
    Value off = b.sub(x, byChannel(mean)), back = b.sub(byChannel(mean), x);
    variance = b.neg(b.div(sums(b.mul(off, back)), count));
  }
  double epsilon = getEpsilon().convertToDouble();
  Value inverse = b.div(b.number(x, 1),
                        b.sqrt(b.add(b.castAs(variance, x), epsilon))),
        scaledMean = b.mul(b.castAs(mean, x), inverse),
        normal = b.sub(b.mul(x, byChannel(inverse)), byChannel(scaledMean)),
        sumOfDy = sums(dy[0]), sumAlong = sums(b.mul(dy[0], normal)),
        factor = b.mul(b.castAs(getScale(), x), inverse),
        dx = b.mul(dy[0], byChannel(factor));
  if (isTraining) {
    // (dy - sum(dy) / count - n * sum(dy * n) / count) * factor
    Value slope = b.mul(b.mul(inverse, factor), b.div(sumAlong, count)),
          shift = b.sub(b.mul(b.castAs(mean, x), slope),
                        b.mul(factor, b.div(sumOfDy, count)));
    dx = b.add(b.sub(dx, b.mul(x, byChannel(slope))), byChannel(shift));
  }
  SmallVector<Value> gradients{dx, b.castAs(sumAlong, getScale()),
                               b.castAs(sumOfDy, getB())};
  if (!isTraining) {
    Value byMean = b.neg(b.mul(sumOfDy, factor)),
          byVariance = b.mul(b.mul(sumAlong, factor), b.mul(inverse, -0.5));
    gradients.push_back(b.castAs(byMean, getInputMean()));
    gradients.push_back(b.castAs(byVariance, getInputVar()));
  }
  return gradients;
}
