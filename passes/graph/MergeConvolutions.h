// MergeConvolutions.h - sums of convolutions of one image as one convolution.
#pragma once
#include "ir/Ops.h"
#include "ir/Shapes.h"

namespace burnish {

/// The convolution that gives a sum of two of the same image whose weights are
/// constants, where the windows of one have all taps of the other's. A
/// normalisation of the image with constant statistics counts as one, of one
/// tap, and so does the image itself beside a depthwise convolution. Null
/// where they do not fit.
mlir::Value mergeConvolutions(nn::AddOp sum, nn::NetBuilder &b);

} // namespace burnish
