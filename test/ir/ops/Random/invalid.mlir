// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @integers(%x: tensor<2x3xi32>) {
  // expected-error @+1 {{gives floats, and not what 'dtype' says or its operand has}}
  %y = nn.random_normal_like %x : (tensor<2x3xi32>) -> tensor<2x3xi32>
  return
}

// -----

func.func @classes(%x: tensor<3xf32>) {
  // expected-error @+1 {{'input' has rank 1, not 2}}
  %y = nn.multinomial %x : (tensor<3xf32>) -> tensor<?x?xi32>
  return
}

// -----

func.func @weights(%x: tensor<2x3xi32>) {
  // expected-error @+1 {{'input' has elements of 'i32', which are no floats}}
  %y = nn.multinomial %x : (tensor<2x3xi32>) -> tensor<?x?xi32>
  return
}

// -----

func.func @drawn_type(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'dtype' is 1, neither int32 nor int64}}
  %y = nn.multinomial %x {dtype = 1 : i64} : (tensor<2x3xf32>) -> tensor<?x?xf32>
  return
}
