// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize --cse | FileCheck %s

// The product says that x has 5 columns, and relu reads as many: that is checked before.
// CHECK-LABEL: func.func @product(
// CHECK-SAME:    %[[X:.*]]: tensor<?x?xf32>
// CHECK:         %[[COLUMNS:.*]] = tensor.dim %[[X]], %c1
// CHECK:         %[[FITS:.*]] = arith.cmpi eq, %[[COLUMNS]], %c5
// CHECK:         cf.assert %[[FITS]], "1:columns of A are not rows of B"
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<?x5xf32>)
func.func @product(%x: tensor<?x?xf32> {nn.dims = ["n", "m"]}, %w: tensor<5x3xf32>) -> tensor<?x3xf32> {
  %0 = nn.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %1 = nn.matmul %0, %w : (tensor<?x?xf32>, tensor<5x3xf32>) -> tensor<?x3xf32>
  return %1 : tensor<?x3xf32>
}

// -----

// A check of numbers that are computed stays behind them.
// CHECK-LABEL: func.func @numbers(
// CHECK:         linalg.generic
// CHECK:         tensor.extract
// CHECK:         cf.assert {{.*}}an index is out of range
func.func @numbers(%x: tensor<7xf32>, %at: tensor<2xi64>) -> tensor<2xf32> {
  %0 = nn.gather %x, %at {axis = 0 : i64} : (tensor<7xf32>, tensor<2xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
