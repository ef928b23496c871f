// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @scalar(%x: tensor<f32>, %s: tensor<3xf32>, %c: tensor<3xf32>) {
  // expected-error @+1 {{X is a scalar}}
  %0 = "nn.batch_normalization"(%x, %s, %c, %c, %c) <{resultSegmentSizes = array<i32: 1, 0, 0>}> : (tensor<f32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<f32>
  return
}

// -----

func.func @channels(%x: tensor<2x3x5xf32>, %s: tensor<5xf32>, %c: tensor<3xf32>) {
  // expected-error @+1 {{scale is 5, and X has 3 channels}}
  %0 = "nn.batch_normalization"(%x, %s, %c, %c, %c) <{resultSegmentSizes = array<i32: 1, 0, 0>}> : (tensor<2x3x5xf32>, tensor<5xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x5xf32>
  return
}

// -----

func.func @statistics(%x: tensor<2x3x5xf32>, %s: tensor<3xf32>, %c: tensor<3xf32>) {
  // expected-error @+1 {{running statistics are results in training mode only}}
  %0:3 = "nn.batch_normalization"(%x, %s, %c, %c, %c) <{resultSegmentSizes = array<i32: 1, 1, 1>}> : (tensor<2x3x5xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<2x3x5xf32>, tensor<3xf32>, tensor<3xf32>)
  return
}
