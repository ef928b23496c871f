// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @inner_dims(%a: tensor<2x400xf32>, %b: tensor<256x3xf32>) {
  // expected-error@+1 {{A has 400 columns and B has 256 rows}}
  %0 = nn.matmul %a, %b : (tensor<2x400xf32>, tensor<256x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @no_broadcast(%a: tensor<2x3xf32>, %b: tensor<5xf32>) {
  // expected-error@+1 {{operands do not broadcast: 2x3 and 5}}
  %0 = nn.add %a, %b : (tensor<2x3xf32>, tensor<5xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @declared_otherwise(%a: tensor<2x3xf32>) {
  // expected-error@+1 {{result 0 has 4 at axis 1, its operands give 3}}
  %0 = nn.exp %a : (tensor<2x3xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @declared_type(%a: tensor<2x3xf32>) {
  // expected-error@+1 {{result 0 is 'tensor<2x3xi1>', its operands give 'tensor<2x3xf32>'}}
  %0 = nn.exp %a : (tensor<2x3xf32>) -> tensor<2x3xi1>
  return
}

// -----

func.func @element_count(%a: tensor<2x3xf32>) {
  %s = nn.constant {value = dense<[4, 2]> : tensor<2xi64>} : () -> tensor<2xi64>
  // expected-error@+1 {{2x3 has 6 elements and cannot become 4x2}}
  %0 = nn.reshape %a, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @no_order(%a: tensor<2x3xf32>) {
  // expected-error@+1 {{'perm' is no order of the 2 axes of 'data'}}
  %0 = nn.transpose %a {perm = array<i64: 0, 0>} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @axis(%a: tensor<2x3xf32>) {
  // expected-error@+1 {{axis 2 is outside [-2, 2)}}
  %0 = nn.softmax %a {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}
