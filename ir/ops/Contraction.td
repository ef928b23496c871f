// Contraction.td - sums of products: matrix products.
include "ir/Base.td"

def NN_MatMulOp : NN_PureOp<"matmul", "MatMul", [NN_HasGradient]> {
  let summary = "matrix product over the last two axes, broadcast over the others (numpy.matmul)";
  let description = "Integers of 8 bits, which may differ in sign, give i32.";
  let arguments = (ins AnyTensor:$A, AnyTensor:$B);
  let results = (outs AnyTensor:$Y);
}

def NN_DetOp : NN_PureOp<"det", "Det", [NN_HasGradient]> {
  let summary = "the determinant of each square matrix in the last two axes";
  let arguments = (ins NN_FloatTensor:$X);
  let results = (outs AnyTensor:$Y);
}
