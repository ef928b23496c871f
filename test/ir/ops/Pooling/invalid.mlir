// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @flat(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{X has rank 2; it needs a batch, channels and spatial axes}}
  %y = nn.max_pool %x {kernel_shape = array<i64: 3>} : (tensor<2x3xf32>) -> tensor<?x?xf32>
  return
}

// -----

func.func @kernel(%x: tensor<2x3x7xf32>) {
  // expected-error @+1 {{'kernel_shape' has 2 values for 1 spatial axes}}
  %y = nn.max_pool %x {kernel_shape = array<i64: 3, 3>} : (tensor<2x3x7xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @integers(%x: tensor<2x3x7xi8>) {
  // expected-error @+1 {{X has elements of 'i8', which are no floats}}
  %y = nn.average_pool %x {kernel_shape = array<i64: 3>} : (tensor<2x3x7xi8>) -> tensor<?x?x?xi8>
  return
}

// -----

func.func @power(%x: tensor<2x3x7xf32>) {
  // expected-error @+1 {{'p' is 0}}
  %y = nn.lp_pool %x {kernel_shape = array<i64: 3>, p = 0 : i64} : (tensor<2x3x7xf32>) -> tensor<?x?x?xf32>
  return
}
