// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @known_index(%x: tensor<5x3xf32>) {
  %i = nn.constant {value = dense<[0, -6]> : tensor<2xi64>} : () -> tensor<2xi64>
  // expected-error@+1 {{index -6 is outside [-5, 5)}}
  %0 = nn.gather %x, %i : (tensor<5x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return
}

// -----

func.func @float_index(%x: tensor<5x3xf32>, %i: tensor<2xf32>) {
  // expected-error@+1 {{'indices' has element type 'f32' instead of i32 or i64}}
  %0 = nn.gather %x, %i : (tensor<5x3xf32>, tensor<2xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @more_indices(%x: tensor<5x3xf32>, %i: tensor<2x4xi64>) {
  // expected-error@+1 {{'indices' has shape 2x4, which does not fit in 5x3 along axis 0}}
  %0 = nn.gather_elements %x, %i : (tensor<5x3xf32>, tensor<2x4xi64>) -> tensor<2x4xf32>
  return
}

// -----

func.func @long_rows(%x: tensor<5x3xf32>, %i: tensor<2x3xi64>) {
  // expected-error@+1 {{a row of 'indices' has 3 elements for 2 axes of 'data'}}
  %0 = nn.gather_nd %x, %i : (tensor<5x3xf32>, tensor<2x3xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @unknown_rows(%x: tensor<5x3xf32>, %i: tensor<2x?xi64>) {
  // expected-error@+1 {{the length of a row of 'indices' is not known when compiling}}
  %0 = nn.gather_nd %x, %i : (tensor<5x3xf32>, tensor<2x?xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @batches(%x: tensor<5x3xf32>, %i: tensor<2x1xi64>) {
  // expected-error@+1 {{batches of 5x3 and 2x1 differ}}
  %0 = nn.gather_nd %x, %i {batch_dims = 1 : i64} : (tensor<5x3xf32>, tensor<2x1xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @batch_dims(%x: tensor<5x3xf32>, %i: tensor<5x1xi64>) {
  // expected-error@+1 {{'batch_dims' is 2 for ranks 2 and 2}}
  %0 = nn.gather_nd %x, %i {batch_dims = 2 : i64} : (tensor<5x3xf32>, tensor<5x1xi64>) -> tensor<5xf32>
  return
}

// -----

func.func @updates(%x: tensor<5xf32>, %i: tensor<3xi64>, %u: tensor<2xf32>) {
  // expected-error@+1 {{'indices' has shape 3 and 'updates' 2}}
  %0 = nn.scatter_elements %x, %i, %u : (tensor<5xf32>, tensor<3xi64>, tensor<2xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @reduction(%x: tensor<5xf32>, %i: tensor<3xi64>, %u: tensor<3xf32>) {
  // expected-error@+1 {{'reduction' is 'mean' instead of none, add, mul, min or max}}
  %0 = nn.scatter_elements %x, %i, %u {reduction = "mean"} : (tensor<5xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @update_type(%x: tensor<5xf32>, %i: tensor<3x1xi64>, %u: tensor<3xf64>) {
  // expected-error@+1 {{'data' has element type 'f32' and 'updates' 'f64'}}
  %0 = nn.scatter_nd %x, %i, %u : (tensor<5xf32>, tensor<3x1xi64>, tensor<3xf64>) -> tensor<5xf32>
  return
}

// -----

func.func @update_shape(%x: tensor<5x2xf32>, %i: tensor<3x1xi64>, %u: tensor<3x4xf32>) {
  // expected-error@+1 {{'updates' has shape 3x4 instead of 3x2}}
  %0 = nn.scatter_nd %x, %i, %u : (tensor<5x2xf32>, tensor<3x1xi64>, tensor<3x4xf32>) -> tensor<5x2xf32>
  return
}

// -----

func.func @batch_axis(%c: tensor<2x5x3xf32>, %u: tensor<2x1x3xf32>) {
  // expected-error@+1 {{'axis' is that of the batch}}
  %0 = nn.tensor_scatter %c, %u {axis = 0 : i64} : (tensor<2x5x3xf32>, tensor<2x1x3xf32>) -> tensor<2x5x3xf32>
  return
}

// -----

func.func @too_long(%c: tensor<2x5x3xf32>, %u: tensor<2x6x3xf32>) {
  // expected-error@+1 {{'update' is 'tensor<2x6x3xf32>', which does not fit in 'tensor<2x5x3xf32>' along axis 1}}
  %0 = nn.tensor_scatter %c, %u : (tensor<2x5x3xf32>, tensor<2x6x3xf32>) -> tensor<2x5x3xf32>
  return
}

// -----

func.func @scatter_mode(%c: tensor<2x5x3xf32>, %u: tensor<2x1x3xf32>) {
  // expected-error@+1 {{'mode' is 'ring' instead of linear or circular}}
  %0 = nn.tensor_scatter %c, %u {mode = "ring"} : (tensor<2x5x3xf32>, tensor<2x1x3xf32>) -> tensor<2x5x3xf32>
  return
}
