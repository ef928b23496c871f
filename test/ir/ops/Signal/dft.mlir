// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize | FileCheck %s

// A transform of known length is a product with a constant table: (frequencies, samples, parts in, parts out).
// CHECK-LABEL: func.func @real(
// CHECK-SAME:      -> tensor<3x5x2xf32>
// CHECK:         %[[T:.*]] = arith.constant dense_resource<{{.*}}> : tensor<5x8x1x2xf64>
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %[[T]] : tensor<3x8x1xf32>, tensor<5x8x1x2xf64>) outs(%{{.*}} : tensor<3x5x2xf64>)
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

// An axis that only run time knows: one transform for each that it may be.
// CHECK-LABEL: func.func @any_axis(
// CHECK-SAME:      -> tensor<3x8x2xf32>
// CHECK:         cf.assert
// CHECK:         scf.if
// CHECK:           outs(%{{.*}} : tensor<3x8x2xf32>)
// CHECK:         } else {
// CHECK:           outs(%{{.*}} : tensor<3x8x2xf32>)
func.func @any_axis(%x: tensor<3x8x1xf32>, %axis: tensor<i64>) -> tensor<?x?x?xf32> {
  %y = "nn.dft"(%x, %axis) {operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<3x8x1xf32>, tensor<i64>) -> tensor<?x?x?xf32>
  return %y : tensor<?x?x?xf32>
}
