// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @negative() {
  %s = nn.constant {value = dense<[2, -3]> : tensor<2xi64>} : () -> tensor<2xi64>
  // expected-error@+1 {{'input' has -3}}
  %0 = nn.constant_of_shape %s : (tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @two_values(%s: tensor<2xi64>) {
  // expected-error@+1 {{'value' has 2 elements instead of 1}}
  %0 = nn.constant_of_shape %s {value = dense<1> : tensor<2xi64>} : (tensor<2xi64>) -> tensor<?x?xi64>
  return
}

// -----

func.func @stands_still(%a: tensor<i64>) {
  %d = nn.constant {value = dense<0> : tensor<i64>} : () -> tensor<i64>
  // expected-error@+1 {{'delta' is 0}}
  %0 = nn.range %a, %a, %d : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  return
}

// -----

func.func @types_differ(%a: tensor<i64>, %b: tensor<i32>) {
  // expected-error@+1 {{operands have element types 'i64' and 'i32'}}
  %0 = nn.range %a, %a, %b : (tensor<i64>, tensor<i64>, tensor<i32>) -> tensor<?xi64>
  return
}

// -----

func.func @negative_depth(%i: tensor<3xi64>, %v: tensor<2xf32>) {
  %d = nn.constant {value = dense<-5> : tensor<i64>} : () -> tensor<i64>
  // expected-error@+1 {{'depth' is -5}}
  %0 = nn.one_hot %i, %d, %v : (tensor<3xi64>, tensor<i64>, tensor<2xf32>) -> tensor<3x?xf32>
  return
}

// -----

func.func @three_values(%i: tensor<3xi64>, %d: tensor<i64>, %v: tensor<3xf32>) {
  // expected-error@+1 {{'values' has shape 3 instead of 2}}
  %0 = nn.one_hot %i, %d, %v : (tensor<3xi64>, tensor<i64>, tensor<3xf32>) -> tensor<3x?xf32>
  return
}

// -----

func.func @no_matrix(%x: tensor<3xf32>) {
  // expected-error@+1 {{'input' has rank 1 instead of 2 or more}}
  %0 = nn.trilu %x : (tensor<3xf32>) -> tensor<3xf32>
  return
}
