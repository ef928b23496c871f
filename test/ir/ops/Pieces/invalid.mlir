// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @does_not_fit(%x: tensor<2x3xf32>, %y: tensor<3x3xf32>) {
  // expected-error@+1 {{input 1 has shape 3x3, which does not fit 2x3 along axis 1}}
  %0 = nn.concat %x, %y {axis = 1 : i64} : (tensor<2x3xf32>, tensor<3x3xf32>) -> tensor<?x?xf32>
  return
}

// -----

func.func @types_differ(%x: tensor<2xf32>, %y: tensor<3xi32>) {
  // expected-error@+1 {{input 1 has element type 'i32' and input 0 'f32'}}
  %0 = nn.concat %x, %y {axis = 0 : i64} : (tensor<2xf32>, tensor<3xi32>) -> tensor<5xf32>
  return
}

// -----

func.func @no_inputs() {
  // expected-error@+1 {{has no inputs}}
  %0 = "nn.concat"() {axis = 0 : i64} : () -> tensor<5xf32>
  return
}

// -----

func.func @adds_up(%x: tensor<7xf32>) {
  %s = nn.constant {value = dense<[3, 5]> : tensor<2xi64>} : () -> tensor<2xi64>
  // expected-error@+1 {{'split' adds up to 8 of 7}}
  %0:2 = nn.split %x, %s : (tensor<7xf32>, tensor<2xi64>) -> (tensor<3xf32>, tensor<5xf32>)
  return
}

// -----

func.func @too_many_sizes(%x: tensor<7xf32>) {
  %s = nn.constant {value = dense<[3, 4]> : tensor<2xi64>} : () -> tensor<2xi64>
  // expected-error@+1 {{'split' has 2 sizes for 1 outputs}}
  %0 = nn.split %x, %s : (tensor<7xf32>, tensor<2xi64>) -> tensor<3xf32>
  return
}

// -----

func.func @too_many_pieces(%x: tensor<5xf32>) {
  // expected-error@+1 {{5 cannot be split into 4 pieces of 2}}
  %0:4 = nn.split %x {num_outputs = 4 : i64} : (tensor<5xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>)
  return
}

// -----

func.func @stands_still(%x: tensor<5xf32>) {
  %s = nn.constant {value = dense<0> : tensor<1xi64>} : () -> tensor<1xi64>
  // expected-error@+1 {{the step along axis 0 is 0}}
  %0 = "nn.slice"(%x, %s, %s, %s, %s) {operandSegmentSizes = array<i32: 1, 1, 1, 1, 1>} : (tensor<5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @numbers_differ(%x: tensor<5x5xf32>, %s: tensor<1xi64>, %e: tensor<2xi64>) {
  // expected-error@+1 {{'starts', 'ends', 'axes' and 'steps' have different numbers of elements}}
  %0 = "nn.slice"(%x, %s, %e) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>} : (tensor<5x5xf32>, tensor<1xi64>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @one_axis(%x: tensor<5x3xf32>, %l: tensor<3xi64>) {
  // expected-error@+1 {{'batch_axis' is 1 and 'time_axis' 1 instead of 0 and 1 in either order}}
  %0 = nn.reverse_sequence %x, %l {time_axis = 1 : i64} : (tensor<5x3xf32>, tensor<3xi64>) -> tensor<5x3xf32>
  return
}

// -----

func.func @other_batch(%x: tensor<5x3xf32>, %l: tensor<4xi64>) {
  // expected-error@+1 {{'sequence_lens' has shape 4 for a batch of 3}}
  %0 = nn.reverse_sequence %x, %l : (tensor<5x3xf32>, tensor<4xi64>) -> tensor<5x3xf32>
  return
}
