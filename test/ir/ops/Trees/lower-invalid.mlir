// RUN: burnish-opt %s --nn-lower-to-linalg --split-input-file --verify-diagnostics

// Walks go where tables say, so these are known, and name only what is there: children, columns, roots, targets and lists.
func.func @main(%x: tensor<5x2xf32> {nn.name = "x"}, %n: tensor<2x4xi32> {nn.name = "n"}) -> (tensor<5x1xf32> {nn.name = "y"}) {
  %t = nn.constant {value = dense<[[0, 1, 0]]> : tensor<1x3xi32>} : () -> tensor<1x3xi32>
  // expected-error@+1 {{has tables that are not known when compiling}}
  %0 = nn.tree_ensemble %x, %n, %t {aggregate = "sum", nan = "false", columns = 2 : i64, n_targets = 1 : i64} : (tensor<5x2xf32>, tensor<2x4xi32>, tensor<1x3xi32>) -> tensor<5x1xf32>
  return %0 : tensor<5x1xf32>
}

// -----

func.func @main(%x: tensor<5x2xf32> {nn.name = "x"}) -> (tensor<5x1xf32> {nn.name = "y"}) {
  %n = nn.constant {value = dense<[[0, 1, 4, 8], [0, 0, 4, 4]]> : tensor<2x4xi32>} : () -> tensor<2x4xi32>
  %t = nn.constant {value = dense<[[0, 1, 0]]> : tensor<1x3xi32>} : () -> tensor<1x3xi32>
  // expected-error@+1 {{has tables that name what is not there}}
  %0 = nn.tree_ensemble %x, %n, %t {aggregate = "sum", nan = "false", columns = 2 : i64, n_targets = 1 : i64} : (tensor<5x2xf32>, tensor<2x4xi32>, tensor<1x3xi32>) -> tensor<5x1xf32>
  return %0 : tensor<5x1xf32>
}

// -----

func.func @main(%x: tensor<5x2xf32> {nn.name = "x"}) -> (tensor<5x1xf32> {nn.name = "y"}) {
  %n = nn.constant {value = dense<[[0, 1, 3, 4], [0, 0, 4, 4]]> : tensor<2x4xi32>} : () -> tensor<2x4xi32>
  %t = nn.constant {value = dense<[[0, 1, 0]]> : tensor<1x3xi32>} : () -> tensor<1x3xi32>
  // expected-error@+1 {{has tables that name what is not there}}
  %0 = nn.tree_ensemble %x, %n, %t {aggregate = "sum", nan = "false", columns = 2 : i64, n_targets = 1 : i64} : (tensor<5x2xf32>, tensor<2x4xi32>, tensor<1x3xi32>) -> tensor<5x1xf32>
  return %0 : tensor<5x1xf32>
}

// -----

func.func @main(%x: tensor<5x2xf32> {nn.name = "x"}) -> (tensor<5x1xf32> {nn.name = "y"}) {
  %n = nn.constant {value = dense<[[0, 2, 4, 4], [0, 0, 4, 4]]> : tensor<2x4xi32>} : () -> tensor<2x4xi32>
  %t = nn.constant {value = dense<[[0, 1, 0]]> : tensor<1x3xi32>} : () -> tensor<1x3xi32>
  // expected-error@+1 {{has tables that name what is not there}}
  %0 = nn.tree_ensemble %x, %n, %t {aggregate = "sum", nan = "false", columns = 2 : i64, n_targets = 1 : i64} : (tensor<5x2xf32>, tensor<2x4xi32>, tensor<1x3xi32>) -> tensor<5x1xf32>
  return %0 : tensor<5x1xf32>
}

// -----

func.func @main(%x: tensor<5x2xf32> {nn.name = "x"}) -> (tensor<5x1xf32> {nn.name = "y"}) {
  %n = nn.constant {value = dense<[[0, 4, 4, 4], [0, 0, 4, 4]]> : tensor<2x4xi32>} : () -> tensor<2x4xi32>
  %t = nn.constant {value = dense<[[0, 1, 0]]> : tensor<1x3xi32>} : () -> tensor<1x3xi32>
  // expected-error@+1 {{has tables that name what is not there}}
  %0 = nn.tree_ensemble %x, %n, %t {aggregate = "sum", nan = "flags", columns = 2 : i64, n_targets = 1 : i64} : (tensor<5x2xf32>, tensor<2x4xi32>, tensor<1x3xi32>) -> tensor<5x1xf32>
  return %0 : tensor<5x1xf32>
}

// -----

func.func @main(%x: tensor<5x2xf32> {nn.name = "x"}) -> (tensor<5x1xf32> {nn.name = "y"}) {
  %n = nn.constant {value = dense<[[0, 1, 4, 4], [0, 0, 4, 4]]> : tensor<2x4xi32>} : () -> tensor<2x4xi32>
  %t = nn.constant {value = dense<[[-4, 1, 0]]> : tensor<1x3xi32>} : () -> tensor<1x3xi32>
  // expected-error@+1 {{has tables that name what is not there}}
  %0 = nn.tree_ensemble %x, %n, %t {aggregate = "sum", nan = "false", columns = 2 : i64, n_targets = 1 : i64} : (tensor<5x2xf32>, tensor<2x4xi32>, tensor<1x3xi32>) -> tensor<5x1xf32>
  return %0 : tensor<5x1xf32>
}

// -----

func.func @main(%x: tensor<5x2xf32> {nn.name = "x"}) -> (tensor<5x1xf32> {nn.name = "y"}) {
  %n = nn.constant {value = dense<[[0, 1, 4, 4], [0, 0, 4, 4]]> : tensor<2x4xi32>} : () -> tensor<2x4xi32>
  %t = nn.constant {value = dense<[[0, 1, 1]]> : tensor<1x3xi32>} : () -> tensor<1x3xi32>
  // expected-error@+1 {{has tables that name what is not there}}
  %0 = nn.tree_ensemble %x, %n, %t {aggregate = "sum", nan = "false", columns = 2 : i64, n_targets = 1 : i64} : (tensor<5x2xf32>, tensor<2x4xi32>, tensor<1x3xi32>) -> tensor<5x1xf32>
  return %0 : tensor<5x1xf32>
}

// -----

func.func @main(%x: tensor<5x2xf32> {nn.name = "x"}) -> (tensor<5x1xf32> {nn.name = "y"}) {
  %n = nn.constant {value = dense<[[0, 1, 4, 4], [0, 0, 4, 4]]> : tensor<2x4xi32>} : () -> tensor<2x4xi32>
  %t = nn.constant {value = dense<[[0, 1, 0]]> : tensor<1x3xi32>} : () -> tensor<1x3xi32>
  %s = nn.constant {value = dense<[0, 3]> : tensor<2xi32>} : () -> tensor<2xi32>
  %i = nn.constant {value = dense<[0, 0]> : tensor<2xi32>} : () -> tensor<2xi32>
  %w = nn.constant {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  // expected-error@+1 {{has tables that name what is not there}}
  %0 = nn.tree_ensemble %x, %n, %t, %s, %i, %w {aggregate = "sum", nan = "false", columns = 2 : i64, n_targets = 1 : i64} : (tensor<5x2xf32>, tensor<2x4xi32>, tensor<1x3xi32>, tensor<2xi32>, tensor<2xi32>, tensor<2xf32>) -> tensor<5x1xf32>
  return %0 : tensor<5x1xf32>
}
