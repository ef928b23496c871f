// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @direction(%x: tensor<7x2x3xf32>, %w: tensor<1x5x3xf32>, %r: tensor<1x5x5xf32>) {
  // expected-error @+1 {{'direction' is "both", not forward, reverse or bidirectional}}
  %y = "nn.rnn"(%x, %w, %r) {direction = "both", operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0>}
       : (tensor<7x2x3xf32>, tensor<1x5x3xf32>, tensor<1x5x5xf32>) -> tensor<?x?x?x?xf32>
  return
}

// -----

func.func @rank(%x: tensor<2x3xf32>, %w: tensor<1x5x3xf32>, %r: tensor<1x5x5xf32>) {
  // expected-error @+1 {{X has rank 2, not 3}}
  %y = "nn.rnn"(%x, %w, %r) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0>}
       : (tensor<2x3xf32>, tensor<1x5x3xf32>, tensor<1x5x5xf32>) -> tensor<?x?x?x?xf32>
  return
}

// -----

func.func @hidden_size(%x: tensor<7x2x3xf32>, %w: tensor<1x5x3xf32>, %r: tensor<1x5x5xf32>) {
  // expected-error @+1 {{'hidden_size' is 4, R has 5 columns}}
  %y = "nn.rnn"(%x, %w, %r) {hidden_size = 4 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0>}
       : (tensor<7x2x3xf32>, tensor<1x5x3xf32>, tensor<1x5x5xf32>) -> tensor<?x?x?x?xf32>
  return
}

// -----

func.func @weights(%x: tensor<7x2x3xf32>, %w: tensor<1x5x4xf32>, %r: tensor<1x5x5xf32>) {
  // expected-error @+1 {{W is 1x5x4, not 1x5x3}}
  %y = "nn.rnn"(%x, %w, %r) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0>}
       : (tensor<7x2x3xf32>, tensor<1x5x4xf32>, tensor<1x5x5xf32>) -> tensor<?x?x?x?xf32>
  return
}

// -----

func.func @lengths(%x: tensor<7x2x3xf32>, %w: tensor<1x5x3xf32>, %r: tensor<1x5x5xf32>, %l: tensor<2xf32>) {
  // expected-error @+1 {{'sequence_lens' has elements of 'f32'}}
  %y = "nn.rnn"(%x, %w, %r, %l) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>, resultSegmentSizes = array<i32: 1, 0>}
       : (tensor<7x2x3xf32>, tensor<1x5x3xf32>, tensor<1x5x5xf32>, tensor<2xf32>) -> tensor<?x?x?x?xf32>
  return
}

// -----

func.func @integers(%x: tensor<7x2x3xi32>, %w: tensor<1x5x3xi32>, %r: tensor<1x5x5xi32>) {
  // expected-error @+1 {{X has elements of 'i32', which are no floats}}
  %y = "nn.rnn"(%x, %w, %r) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0>}
       : (tensor<7x2x3xi32>, tensor<1x5x3xi32>, tensor<1x5x5xi32>) -> tensor<?x?x?x?xi32>
  return
}

// -----

func.func @activation(%x: tensor<7x2x3xf32>, %w: tensor<1x5x3xf32>, %r: tensor<1x5x5xf32>) {
  // expected-error @+1 {{there is no activation "Cosine"}}
  %y = "nn.rnn"(%x, %w, %r) {activations = ["Cosine"], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0>}
       : (tensor<7x2x3xf32>, tensor<1x5x3xf32>, tensor<1x5x5xf32>) -> tensor<?x?x?x?xf32>
  return
}

// -----

func.func @activations(%x: tensor<7x2x3xf32>, %w: tensor<1x15x3xf32>, %r: tensor<1x15x5xf32>) {
  // expected-error @+1 {{'activations' has 1 names, not 2}}
  %y = "nn.gru"(%x, %w, %r) {activations = ["Tanh"], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0>}
       : (tensor<7x2x3xf32>, tensor<1x15x3xf32>, tensor<1x15x5xf32>) -> tensor<?x?x?x?xf32>
  return
}
