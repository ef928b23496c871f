// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @no_booleans(%x: tensor<5xf32>, %c: tensor<5xi64>) {
  // expected-error@+1 {{'condition' is 'tensor<5xi64>' instead of a list of booleans}}
  %0 = nn.compress %x, %c : (tensor<5xf32>, tensor<5xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @no_order(%x: tensor<5xcomplex<f32>>) {
  // expected-error@+1 {{complex numbers have no order}}
  %0 = "nn.unique"(%x) {resultSegmentSizes = array<i32: 1, 0, 0, 0>} : (tensor<5xcomplex<f32>>) -> tensor<?xcomplex<f32>>
  return
}

// -----

func.func @boxes(%b: tensor<1x6x5xf32>, %s: tensor<1x1x6xf32>) {
  // expected-error@+1 {{'boxes' has shape 1x6x5 and 'scores' 1x1x6 instead of BxNx4 and BxCxN}}
  %0 = "nn.non_max_suppression"(%b, %s) {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0>} : (tensor<1x6x5xf32>, tensor<1x1x6xf32>) -> tensor<?x3xi64>
  return
}
