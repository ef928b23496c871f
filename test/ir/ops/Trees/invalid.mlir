// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @integers(%x: tensor<5x3xi32>, %n: tensor<3x4xi32>, %t: tensor<1x3xi32>) {
  // expected-error@+1 {{X is 'tensor<5x3xi32>' instead of rows of f32 or f64}}
  %0 = nn.tree_ensemble %x, %n, %t {aggregate = "sum", nan = "false", columns = 1 : i64, n_targets = 1 : i64} : (tensor<5x3xi32>, tensor<3x4xi32>, tensor<1x3xi32>) -> tensor<5x1xi32>
  return
}

// -----

func.func @columns(%x: tensor<5x3xf32>, %n: tensor<3x4xi32>, %t: tensor<1x3xi32>) {
  // expected-error@+1 {{X has 3 columns, and the trees read column 3}}
  %0 = nn.tree_ensemble %x, %n, %t {aggregate = "sum", nan = "false", columns = 4 : i64, n_targets = 1 : i64} : (tensor<5x3xf32>, tensor<3x4xi32>, tensor<1x3xi32>) -> tensor<5x1xf32>
  return
}

// -----

func.func @aggregate(%x: tensor<5x3xf32>, %n: tensor<3x4xi32>, %t: tensor<1x3xi32>) {
  // expected-error@+1 {{'aggregate' is "mean", not "sum", "min" or "max"}}
  %0 = nn.tree_ensemble %x, %n, %t {aggregate = "mean", nan = "false", columns = 3 : i64, n_targets = 1 : i64} : (tensor<5x3xf32>, tensor<3x4xi32>, tensor<1x3xi32>) -> tensor<5x1xf32>
  return
}

// -----

func.func @nan(%x: tensor<5x3xf32>, %n: tensor<3x4xi32>, %t: tensor<1x3xi32>) {
  // expected-error@+1 {{'nan' is "left", not "false", "true" or "flags"}}
  %0 = nn.tree_ensemble %x, %n, %t {aggregate = "sum", nan = "left", columns = 3 : i64, n_targets = 1 : i64} : (tensor<5x3xf32>, tensor<3x4xi32>, tensor<1x3xi32>) -> tensor<5x1xf32>
  return
}

// -----

// Nodes are as wide as the elements of X.
func.func @nodes(%x: tensor<5x3xf64>, %n: tensor<3x4xi32>, %t: tensor<1x3xi32>) {
  // expected-error@+1 {{the tables of nodes, trees or lists have other types than they should}}
  %0 = nn.tree_ensemble %x, %n, %t {aggregate = "sum", nan = "false", columns = 3 : i64, n_targets = 1 : i64} : (tensor<5x3xf64>, tensor<3x4xi32>, tensor<1x3xi32>) -> tensor<5x1xf64>
  return
}
