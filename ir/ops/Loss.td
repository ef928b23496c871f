// Loss.td - how far results are from what they should be.
include "ir/Base.td"

def NN_NegativeLogLikelihoodLossOp : NN_PureOp<"nll_loss", "NegativeLogLikelihoodLoss", [NN_HasGradient]> {
  let summary = "-weight[target] * input[target] for each sample and place, and their mean or sum";
  let description = [{
    `input` has the classes at axis 1, `target` lacks that axis. Targets of `ignore_index` count for nothing. With
    `reduction` "mean" the sum is divided by that of the weights.
  }];
  let arguments = (ins NN_FloatTensor:$input, NN_IntegerTensor:$target, Optional<NN_FloatTensor>:$weight, OptionalAttr<I64Attr>:$ignore_index,
                   DefaultValuedAttr<StrAttr, "\"mean\"">:$reduction);
  let results = (outs AnyTensor:$loss);
}

def NN_GradientOp : NN_PureOp<"gradient", ""> {
  let summary = "the gradients of one float by some values that it may depend on";
  let description = [{
    The pass nn-differentiate puts operators in its place, so there is no lowering. `loss` is computed, and `variables` are
    defined, in the same block. A result has the type of its variable, and is 0 where `loss` does not depend on it.
  }];
  let arguments = (ins AnyTensor:$loss, Variadic<AnyTensor>:$variables);
  let results = (outs Variadic<AnyTensor>:$gradients);
}
