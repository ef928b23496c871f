// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @det(%x: tensor<5x2x3xf32>) {
  // expected-error @+1 {{X is 5x2x3, whose last two axes are no square matrix}}
  %0 = nn.det %x : (tensor<5x2x3xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @scalar(%x: tensor<f32>, %y: tensor<3x2xf32>) {
  // expected-error @+1 {{operands have ranks 0 and 2; a scalar is no matrix}}
  %0 = nn.matmul %x, %y : (tensor<f32>, tensor<3x2xf32>) -> tensor<2xf32>
  return
}
