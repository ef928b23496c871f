// Recurrent.td - layers that go through time step by step.
include "ir/Base.td"

class NN_RecurrentOp<string mnemonic, string onnxName, dag moreOperands, dag own, dag all>
    : NN_PureOp<mnemonic, onnxName, [AttrSizedOperandSegments, AttrSizedResultSegments]> {
  let description = [{
    X is (steps, batch, features), W (directions, gates * hidden, features), R (directions, gates * hidden, hidden), B
    (directions, 2 * gates * hidden); states are (directions, batch, hidden) and Y (steps, directions, batch, hidden).
    With `layout` 1 the batch comes first. Steps at or after an entry of `sequence_lens` leave the state as it is, and
    zeros in Y; the reverse direction begins at the last step before it.
  }];
  let arguments = !con((ins AnyTensor:$X, AnyTensor:$W, AnyTensor:$R, Optional<AnyTensor>:$B, Optional<AnyTensor>:$sequence_lens,
    Optional<AnyTensor>:$initial_h), moreOperands, own, (ins
    OptionalAttr<DenseF32ArrayAttr>:$activation_alpha, OptionalAttr<DenseF32ArrayAttr>:$activation_beta,
    OptionalAttr<StrArrayAttr>:$activations, OptionalAttr<F32Attr>:$clip, DefaultValuedAttr<StrAttr, "\"forward\"">:$direction,
    OptionalAttr<I64Attr>:$hidden_size, DefaultValuedAttr<I64Attr, "0">:$layout));
  let results = all;
}

def NN_LstmOp : NN_RecurrentOp<"lstm", "LSTM", (ins Optional<AnyTensor>:$initial_c, Optional<AnyTensor>:$P),
    (ins DefaultValuedAttr<I64Attr, "0">:$input_forget),
    (outs Optional<AnyTensor>:$Y, Optional<AnyTensor>:$Y_h, Optional<AnyTensor>:$Y_c)> {
  let summary = "long short-term memory; gates are input, output, forget, cell";
}

def NN_GruOp : NN_RecurrentOp<"gru", "GRU", (ins), (ins DefaultValuedAttr<I64Attr, "0">:$linear_before_reset),
    (outs Optional<AnyTensor>:$Y, Optional<AnyTensor>:$Y_h)> {
  let summary = "gated recurrent unit; gates are update, reset, hidden";
}

def NN_RnnOp : NN_RecurrentOp<"rnn", "RNN", (ins), (ins), (outs Optional<AnyTensor>:$Y, Optional<AnyTensor>:$Y_h)> {
  let summary = "a state that an activation of input and state becomes";
}
