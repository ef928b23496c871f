// RUN: burnish-opt %s --split-input-file --verify-diagnostics --nn-differentiate="loss=loss wrt=x"

// expected-error @+1 {{has no output 'loss' to take a gradient of; its outputs are y, z}}
func.func @no_loss(%x: tensor<2xf32> {nn.name = "x"}) -> (tensor<2xf32> {nn.name = "y"}, tensor<2xf32> {nn.name = "z"}) {
  return %x, %x : tensor<2xf32>, tensor<2xf32>
}

// -----

// expected-error @+1 {{the loss 'loss' is a 'tensor<2xf32>', and a gradient is that of one float}}
func.func @not_one(%x: tensor<2xf32> {nn.name = "x"}) -> (tensor<2xf32> {nn.name = "loss"}) {
  return %x : tensor<2xf32>
}

// -----

// expected-error @+1 {{the loss 'loss' is a 'tensor<1xi32>', and a gradient is that of one float}}
func.func @not_float(%x: tensor<1xi32> {nn.name = "x"}) -> (tensor<1xi32> {nn.name = "loss"}) {
  return %x : tensor<1xi32>
}

// -----

// expected-error @+1 {{has no input or parameter 'x' to take a gradient by}}
func.func @no_variable(%y: tensor<1xf32> {nn.name = "y"}) -> (tensor<1xf32> {nn.name = "loss"}) {
  return %y : tensor<1xf32>
}

// -----

// expected-error @+1 {{'x' has elements of 'i64', and gradients are taken by floats}}
func.func @by_integers(%x: tensor<1xi64> {nn.name = "x"}, %y: tensor<1xf32> {nn.name = "y"}) -> (tensor<1xf32> {nn.name = "loss"}) {
  return %y : tensor<1xf32>
}

// -----

func.func @no_rule(%x: tensor<f32> {nn.name = "x"}, %n: tensor<i64>, %length: tensor<i64>, %rate: tensor<i64>, %high: tensor<f32>) -> (tensor<f32> {nn.name = "loss"}) {
  // expected-error @+1 {{'nn.mel_weight_matrix' has no gradient, and the loss depends on it}}
  %y = nn.mel_weight_matrix %n, %length, %rate, %x, %high : (tensor<i64>, tensor<i64>, tensor<i64>, tensor<f32>, tensor<f32>) -> tensor<?x?xf32>
  %loss = nn.reduce_sum %y {keepdims = 0 : i64} : (tensor<?x?xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

func.func @repeated(%x: tensor<?xf32> {nn.name = "x"}, %z: tensor<?xf32> {nn.name = "z"}) -> (tensor<f32> {nn.name = "loss"}) {
  // expected-error @+1 {{no gradient: whether a tensor of ? is repeated to one of ? is known only at run time}}
  %y = nn.mul %x, %z : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %loss = nn.reduce_sum %y {keepdims = 0 : i64} : (tensor<?xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

func.func @adaptive(%x: tensor<1x1x4x5xf32> {nn.name = "x"}, %r: tensor<1x4xf32>, %i: tensor<1xi64>) -> (tensor<f32> {nn.name = "loss"}) {
  // expected-error @+1 {{no gradient: how many samples it takes depends on the regions ('sampling_ratio' is 0)}}
  %y = nn.roi_align %x, %r, %i : (tensor<1x1x4x5xf32>, tensor<1x4xf32>, tensor<1xi64>) -> tensor<1x1x1x1xf32>
  %loss = nn.reduce_sum %y {keepdims = 0 : i64} : (tensor<1x1x1x1xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
