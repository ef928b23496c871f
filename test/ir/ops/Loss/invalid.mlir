// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @reduction(%x: tensor<2x3xf32>, %t: tensor<2xi64>) {
  // expected-error @+1 {{'reduction' is "median", not "none", "mean" or "sum"}}
  %0 = nn.nll_loss %x, %t {reduction = "median"} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<f32>
  return
}

// -----

func.func @target(%x: tensor<2x3x5xf32>, %t: tensor<2x3xi64>) {
  // expected-error @+1 {{input is 2x3x5 and target is 2x3; target should lack axis 1 alone}}
  %0 = nn.nll_loss %x, %t {reduction = "mean"} : (tensor<2x3x5xf32>, tensor<2x3xi64>) -> tensor<f32>
  return
}

// -----

func.func @weight(%x: tensor<2x3xf32>, %t: tensor<2xi64>, %w: tensor<2xf32>) {
  // expected-error @+1 {{weight is 2, and there are 3 classes}}
  %0 = nn.nll_loss %x, %t, %w {reduction = "mean"} : (tensor<2x3xf32>, tensor<2xi64>, tensor<2xf32>) -> tensor<f32>
  return
}

// -----

func.func @weight_type(%x: tensor<2x3xf32>, %t: tensor<2xi64>, %w: tensor<3xf16>) {
  // expected-error @+1 {{input and weight have element types 'f32' and 'f16'}}
  %0 = nn.nll_loss %x, %t, %w {reduction = "mean"} : (tensor<2x3xf32>, tensor<2xi64>, tensor<3xf16>) -> tensor<f32>
  return
}
