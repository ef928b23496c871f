// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @rank(%x: tensor<8xf32>) {
  // expected-error @+1 {{'input' has rank 1; it needs an axis to transform and one of parts}}
  %y = "nn.dft"(%x) {operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<8xf32>) -> tensor<?xf32>
  return
}

// -----

func.func @parts(%x: tensor<8x3xf32>) {
  // expected-error @+1 {{the last axis has 3 elements, not a real and an imaginary part}}
  %y = "nn.dft"(%x) {operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<8x3xf32>) -> tensor<?x?xf32>
  return
}

// -----

func.func @integers(%x: tensor<8x2xi32>) {
  // expected-error @+1 {{'input' has elements of 'i32', which are no floats}}
  %y = "nn.dft"(%x) {operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<8x2xi32>) -> tensor<?x?xi32>
  return
}

// -----

func.func @axis_of_parts(%x: tensor<8x2xf32>) {
  %axis = nn.constant {value = dense<-1> : tensor<i64>} : () -> tensor<i64>
  // expected-error @+1 {{axis -1 is that of the parts}}
  %y = "nn.dft"(%x, %axis) {operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<8x2xf32>, tensor<i64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @no_length(%x: tensor<8x2xf32>) {
  %length = nn.constant {value = dense<0> : tensor<i64>} : () -> tensor<i64>
  // expected-error @+1 {{the transform has length 0}}
  %y = "nn.dft"(%x, %length) {operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<8x2xf32>, tensor<i64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @bands(%n: tensor<2xi64>, %s: tensor<i64>, %f: tensor<f32>) {
  // expected-error @+1 {{'num_mel_bins' is 2, not one element}}
  %y = nn.mel_weight_matrix %n, %s, %s, %f, %f : (tensor<2xi64>, tensor<i64>, tensor<i64>, tensor<f32>, tensor<f32>) -> tensor<?x?xf32>
  return
}

// -----

func.func @edges(%s: tensor<i64>, %f: tensor<f32>) {
  // expected-error @+1 {{an edge has elements of 'i64', which are no floats}}
  %y = nn.mel_weight_matrix %s, %s, %s, %f, %s : (tensor<i64>, tensor<i64>, tensor<i64>, tensor<f32>, tensor<i64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @mel_type(%s: tensor<i64>, %f: tensor<f32>) {
  // expected-error @+1 {{'output_datatype' is 8}}
  %y = nn.mel_weight_matrix %s, %s, %s, %f, %f {output_datatype = 8 : i64} : (tensor<i64>, tensor<i64>, tensor<i64>, tensor<f32>, tensor<f32>) -> tensor<?x?xf32>
  return
}
