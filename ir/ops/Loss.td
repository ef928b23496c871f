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
