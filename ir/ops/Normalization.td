// Normalization.td - means and variances taken out.
include "ir/Base.td"

def NN_BatchNormalizationOp : NN_PureOp<"batch_normalization", "BatchNormalization", [NN_HasGradient, AttrSizedResultSegments]> {
  let summary = "(X - mean) / sqrt(var + epsilon) * scale + B, by channel (axis 1)";
  let description = [{
    Mean and variance are operands; in training mode they are those of X over all axes but the channel's, and the other
    results blend them into the operands: momentum * operand + (1 - momentum) * statistic.
  }];
  let arguments = (ins NN_FloatTensor:$X, NN_FloatTensor:$scale, NN_FloatTensor:$B, NN_FloatTensor:$input_mean, NN_FloatTensor:$input_var,
                   DefaultValuedAttr<F32Attr, "9.99999974E-6f">:$epsilon, DefaultValuedAttr<F32Attr, "0.899999976f">:$momentum,
                   DefaultValuedAttr<I64Attr, "0">:$training_mode);
  let results = (outs AnyTensor:$Y, Optional<AnyTensor>:$running_mean, Optional<AnyTensor>:$running_var);
}
