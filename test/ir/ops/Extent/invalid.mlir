// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @negative_size(%x: tensor<1x3xf32>) {
  %s = nn.constant {value = dense<[-2, 3]> : tensor<2xi64>} : () -> tensor<2xi64>
  // expected-error@+1 {{'shape' has -2}}
  %0 = nn.expand %x, %s : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<?x3xf32>
  return
}

// -----

func.func @no_broadcast(%x: tensor<2x3xf32>) {
  %s = nn.constant {value = dense<[5, 3]> : tensor<2xi64>} : () -> tensor<2xi64>
  // expected-error@+1 {{operands do not broadcast: 2x3 and 5x3}}
  %0 = nn.expand %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<5x3xf32>
  return
}

// -----

func.func @too_few_repeats(%x: tensor<2x3xf32>, %r: tensor<1xi64>) {
  // expected-error@+1 {{'repeats' has 1 elements for 2 axes}}
  %0 = nn.tile %x, %r : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x?xf32>
  return
}

// -----

func.func @negative_repeats(%x: tensor<2xf32>) {
  %r = nn.constant {value = dense<-1> : tensor<1xi64>} : () -> tensor<1xi64>
  // expected-error@+1 {{'repeats' has -1}}
  %0 = nn.tile %x, %r : (tensor<2xf32>, tensor<1xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @other_mode(%x: tensor<3xf32>, %p: tensor<2xi64>) {
  // expected-error@+1 {{'mode' is 'mirror' instead of constant, reflect, edge or wrap}}
  %0 = "nn.pad"(%x, %p) {mode = "mirror", operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<3xf32>, tensor<2xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @too_few_pads(%x: tensor<3x3xf32>, %p: tensor<2xi64>) {
  // expected-error@+1 {{'pads' has 2 elements for 2 axes}}
  %0 = "nn.pad"(%x, %p) {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<3x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @cut_away(%x: tensor<3xf32>) {
  %p = nn.constant {value = dense<[-2, -2]> : tensor<2xi64>} : () -> tensor<2xi64>
  // expected-error@+1 {{result 0 would have a dim of -1}}
  %0 = "nn.pad"(%x, %p) {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<3xf32>, tensor<2xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @far_too_wide(%x: tensor<3xf32>) {
  %p = nn.constant {value = dense<[0, 9223372036854775807]> : tensor<2xi64>} : () -> tensor<2xi64>
  // expected-error@+1 {{'pads' has 9223372036854775807}}
  %0 = "nn.pad"(%x, %p) {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<3xf32>, tensor<2xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @other_type(%x: tensor<3xf32>, %p: tensor<2xi64>, %v: tensor<i32>) {
  // expected-error@+1 {{'constant_value' has element type 'i32'}}
  %0 = "nn.pad"(%x, %p, %v) {operandSegmentSizes = array<i32: 1, 1, 1, 0>} : (tensor<3xf32>, tensor<2xi64>, tensor<i32>) -> tensor<?xf32>
  return
}

// -----

func.func @crop_sizes(%x: tensor<3x5xf32>, %s: tensor<3xi64>) {
  // expected-error@+1 {{'shape' has 3 elements for 2 axes}}
  %0 = nn.center_crop_pad %x, %s : (tensor<3x5xf32>, tensor<3xi64>) -> tensor<?x?xf32>
  return
}
