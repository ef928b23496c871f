// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize --cse | FileCheck %s

// A known scale makes a size an expression: what is twice as large adds to what else is, without a check.
// CHECK-LABEL: func.func @doubles(
// CHECK-NOT:     operands do not broadcast
// CHECK:         return
func.func @doubles(%x: tensor<1x3x?x?xf32> {nn.dims = ["", "", "h", "w"]}, %y: tensor<1x3x?x?xf32> {nn.dims = ["", "", "h", "w"]}) -> tensor<1x3x?x?xf32> {
  %s = nn.constant {value = dense<[1.0, 1.0, 2.0, 0.5]> : tensor<4xf32>} : () -> tensor<4xf32>
  %0 = "nn.resize"(%x, %s) {operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x3x?x?xf32>, tensor<4xf32>) -> tensor<1x3x?x?xf32>
  %1 = "nn.resize"(%y, %s) {mode = "linear", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x3x?x?xf32>, tensor<4xf32>) -> tensor<1x3x?x?xf32>
  %2 = nn.add %0, %1 : (tensor<1x3x?x?xf32>, tensor<1x3x?x?xf32>) -> tensor<1x3x?x?xf32>
  return %2 : tensor<1x3x?x?xf32>
}

// -----

// Axes that keep their size are not touched.
// CHECK:       #[[PLACE:.*]] = affine_map<(d0, d1, d2) -> (d1)>
// CHECK-LABEL: func.func @one_axis(
// CHECK:         linalg.generic {{.*}} ins(%{{.*}} : tensor<10xi64>) outs(%{{.*}} : tensor<2x10x3xf32>)
func.func @one_axis(%x: tensor<2x5x3xf32>) -> tensor<2x10x3xf32> {
  %s = nn.constant {value = dense<[2, 10, 3]> : tensor<3xi64>} : () -> tensor<3xi64>
  %0 = "nn.resize"(%x, %s) {operandSegmentSizes = array<i32: 1, 0, 0, 1>} : (tensor<2x5x3xf32>, tensor<3xi64>) -> tensor<2x10x3xf32>
  return %0 : tensor<2x10x3xf32>
}

// -----

// All samples of a place are taken in one pass, with their weights from tables.
// CHECK-LABEL: func.func @samples(
// CHECK-SAME:    %[[X:.*]]: tensor<2x5x3xf32>)
// CHECK-NOT:     "reduction"
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<10xi64>, tensor<10xf32>, tensor<10xf32>) outs(%{{.*}} : tensor<2x10x3xf32>)
// CHECK-COUNT-2:   tensor.extract %[[X]]
// CHECK-NOT:       tensor.extract
func.func @samples(%x: tensor<2x5x3xf32>) -> tensor<2x10x3xf32> {
  %s = nn.constant {value = dense<[2, 10, 3]> : tensor<3xi64>} : () -> tensor<3xi64>
  %0 = "nn.resize"(%x, %s) {mode = "linear", operandSegmentSizes = array<i32: 1, 0, 0, 1>} : (tensor<2x5x3xf32>, tensor<3xi64>) -> tensor<2x10x3xf32>
  return %0 : tensor<2x10x3xf32>
}
