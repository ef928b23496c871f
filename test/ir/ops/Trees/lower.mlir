// RUN: burnish-opt %s --nn-lower-to-linalg | FileCheck %s
// RUN: burnish-opt %s --nn-lower-to-linalg --nn-group-kernels | FileCheck %s --check-prefix=GROUPED

// An ensemble is a kernel of its own that takes one walk at a time, until a schedule for the machine takes its place; columns that
// only the run knows are counted first.
// CHECK-LABEL: func @main(
// CHECK-SAME:      %[[X:[a-z0-9]+]]: tensor<?x?xf32>
// CHECK:         cf.assert %{{.*}}, "1:the trees read columns that are not there"
// CHECK:         nn.kernel <algorithm = "trees", lanes = 1, vectors = 1, rows = 1,
// CHECK-SAME:        ins(%[[X]],
// CHECK:           %[[Y:.*]] = nn.tree_ensemble
// CHECK:           nn.kernel_yield %[[Y]]

// GROUPED:       nn.kernel <algorithm = "trees", lanes = 8, vectors = 1, rows = 128, packs = false, rowsOutside = false, isParallel = false
func.func @main(%x: tensor<?x?xf32> {nn.name = "x"}) -> (tensor<?x1xf32> {nn.name = "y"}) {
  %n = nn.constant {value = dense<[[0, 1, 4, 8], [0, 0, 4, 4], [1, 0, 8, 8]]> : tensor<3x4xi32>} : () -> tensor<3x4xi32>
  %t = nn.constant {value = dense<[[0, 1, 0], [8, 0, 0]]> : tensor<2x3xi32>} : () -> tensor<2x3xi32>
  %0 = nn.tree_ensemble %x, %n, %t {aggregate = "sum", nan = "false", columns = 2 : i64, n_targets = 1 : i64} : (tensor<?x?xf32>, tensor<3x4xi32>, tensor<2x3xi32>) -> tensor<?x1xf32>
  return %0 : tensor<?x1xf32>
}
