// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @neither(%x: tensor<2x5xf32>) {
  // expected-error@+1 {{needs either 'scales' or 'sizes'}}
  %0 = "nn.resize"(%x) {operandSegmentSizes = array<i32: 1, 0, 0, 0>} : (tensor<2x5xf32>) -> tensor<?x?xf32>
  return
}

// -----

func.func @too_few(%x: tensor<2x5xf32>, %s: tensor<3xi64>) {
  // expected-error@+1 {{'sizes' has shape 3 for 2 axes}}
  %0 = "nn.resize"(%x, %s) {operandSegmentSizes = array<i32: 1, 0, 0, 1>} : (tensor<2x5xf32>, tensor<3xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @to_nothing(%x: tensor<5xf32>) {
  %s = nn.constant {value = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  // expected-error-re@+1 {{'scales' has {{0.*}}}}
  %0 = "nn.resize"(%x, %s) {operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<5xf32>, tensor<1xf32>) -> tensor<?xf32>
  return
}

// -----

func.func @other_mode(%x: tensor<5xf32>, %s: tensor<1xi64>) {
  // expected-error@+1 {{'mode' is 'area' instead of nearest, linear or cubic}}
  %0 = "nn.resize"(%x, %s) {mode = "area", operandSegmentSizes = array<i32: 1, 0, 0, 1>} : (tensor<5xf32>, tensor<1xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @no_region(%x: tensor<5xf32>, %s: tensor<1xi64>) {
  // expected-error@+1 {{'roi' needs 2 elements}}
  %0 = "nn.resize"(%x, %s) {coordinate_transformation_mode = "tf_crop_and_resize", operandSegmentSizes = array<i32: 1, 0, 0, 1>} : (tensor<5xf32>, tensor<1xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @axis_twice(%x: tensor<5x3xf32>, %s: tensor<2xi64>) {
  // expected-error@+1 {{'axes' has axis 1 twice}}
  %0 = "nn.resize"(%x, %s) {axes = array<i64: 1, -1>, operandSegmentSizes = array<i32: 1, 0, 0, 1>} : (tensor<5x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}
