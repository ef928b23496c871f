// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize | FileCheck %s

// A transform of known length is a product with a constant table: samples and their parts by frequencies and theirs.
// CHECK-LABEL: func.func @real(
// CHECK-SAME:      -> tensor<3x5x2xf32>
// CHECK:         %[[T:.*]] = arith.constant dense_resource<{{.*}}> : tensor<8x10xf64>
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %[[T]] : tensor<3x8xf32>, tensor<8x10xf64>) outs(%{{.*}} : tensor<3x10xf64>)
// CHECK:         arith.truncf
func.func @real(%x: tensor<3x8x1xf32>) -> tensor<?x?x?xf32> {
  %y = "nn.dft"(%x) {onesided = 1 : i64, operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<3x8x1xf32>) -> tensor<?x?x?xf32>
  return %y : tensor<?x?x?xf32>
}

// -----

// The first half of a spectrum gives twice as many real samples, less the two ends that have no mirror image.
// CHECK-LABEL: func.func @back(
// CHECK-SAME:      -> tensor<3x8x1xf32>
func.func @back(%x: tensor<3x5x2xf32>) -> tensor<?x?x?xf32> {
  %y = "nn.dft"(%x) {inverse = 1 : i64, onesided = 1 : i64, operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<3x5x2xf32>) -> tensor<?x?x?xf32>
  return %y : tensor<?x?x?xf32>
}

// -----

// Another axis than the one before the parts is turned there and back. Of a length that only run time knows, sines and cosines are taken once around the circle.
// CHECK-LABEL: func.func @turned(
// CHECK:         linalg.transpose {{.*}} permutation = [0, 2, 1, 3]
// CHECK:         math.sin
// CHECK:         math.cos
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<2x5x?xf32>, tensor<?x?xf64>) outs(%{{.*}} : tensor<2x5x?xf64>)
// CHECK:         linalg.transpose {{.*}} permutation = [0, 2, 1, 3]
func.func @turned(%x: tensor<2x?x5x2xf32>) -> tensor<?x?x?x?xf32> {
  %one = "nn.constant"() {value = dense<1> : tensor<i64>} : () -> tensor<i64>
  %y = "nn.dft"(%x, %one) {operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<2x?x5x2xf32>, tensor<i64>) -> tensor<?x?x?x?xf32>
  return %y : tensor<?x?x?x?xf32>
}

// -----

// An axis that only run time knows: one transform for each that it may be.
// CHECK-LABEL: func.func @any_axis(
// CHECK-SAME:      -> tensor<3x8x2xf32>
// CHECK:         cf.assert
// CHECK:         scf.if
// CHECK:           ins(%{{.*}}, %{{.*}} : tensor<8x3xf32>, tensor<3x6xf64>)
// CHECK:         } else {
// CHECK:           ins(%{{.*}}, %{{.*}} : tensor<3x8xf32>, tensor<8x16xf64>)
func.func @any_axis(%x: tensor<3x8x1xf32>, %axis: tensor<i64>) -> tensor<?x?x?xf32> {
  %y = "nn.dft"(%x, %axis) {operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<3x8x1xf32>, tensor<i64>) -> tensor<?x?x?xf32>
  return %y : tensor<?x?x?xf32>
}
