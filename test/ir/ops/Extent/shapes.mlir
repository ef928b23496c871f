// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize --cse | FileCheck %s

// Expanded to the sizes of another tensor: the sum with that tensor needs no check.
// CHECK-LABEL: func.func @expand_as(
// CHECK-NOT:     cf.assert
// CHECK:         return
func.func @expand_as(%x: tensor<1x1x5xf32>, %y: tensor<?x?x5xf32> {nn.dims = ["b", "s", ""]}) -> tensor<?x?x5xf32> {
  %shape = nn.shape %y : (tensor<?x?x5xf32>) -> tensor<3xi64>
  %0 = nn.expand %x, %shape : (tensor<1x1x5xf32>, tensor<3xi64>) -> tensor<?x?x5xf32>
  %1 = nn.add %0, %y : (tensor<?x?x5xf32>, tensor<?x?x5xf32>) -> tensor<?x?x5xf32>
  return %1 : tensor<?x?x5xf32>
}

// -----

// Copies are loops of their own.
// CHECK:       #[[WITHIN:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-LABEL: func.func @tiles(
// CHECK:         linalg.generic {indexing_maps = [#[[WITHIN]],
// CHECK:         tensor.collapse_shape %{{.*}} {{\[\[}}0], [1, 2]] : tensor<2x4x3xf32> into tensor<2x12xf32>
func.func @tiles(%x: tensor<2x3xf32>) -> tensor<2x12xf32> {
  %r = nn.constant {value = dense<[1, 4]> : tensor<2xi64>} : () -> tensor<2xi64>
  %0 = nn.tile %x, %r : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x12xf32>
  return %0 : tensor<2x12xf32>
}

// -----

// CHECK-LABEL: func.func @constant_border(
// CHECK:         tensor.pad %arg0 low[0, 1] high[0, 2]
func.func @constant_border(%x: tensor<2x3xf32>) -> tensor<2x6xf32> {
  %p = nn.constant {value = dense<[0, 1, 0, 2]> : tensor<4xi64>} : () -> tensor<4xi64>
  %0 = "nn.pad"(%x, %p) {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// -----

// Widths that only run time knows are held within bounds, and the sizes they give must not be negative.
// CHECK-LABEL: func.func @run_time_border(
// CHECK:         cf.assert %{{.*}}, "2:a width is out of range"
// CHECK:         cf.assert %{{.*}}, "1:a size is negative"
func.func @run_time_border(%x: tensor<5xf32>, %p: tensor<2xi64>) -> tensor<?xf32> {
  %0 = "nn.pad"(%x, %p) {mode = "reflect", operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<5xf32>, tensor<2xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// An axis without a border is walked as it is, and a border smaller than what it reflects needs no division; only the run can know
// that of the other size.
// CHECK-LABEL: func.func @reflects_once(
// CHECK-SAME:    %[[X:.*]]: tensor<3x5x?xf32>
// CHECK:         %[[ROW:.*]] = linalg.index 0
// CHECK-NOT:     arith.remsi
// CHECK:         scf.if
// CHECK:         } else {
// CHECK:           arith.remsi
// CHECK:         tensor.extract %[[X]][%[[ROW]],
func.func @reflects_once(%x: tensor<3x5x?xf32> {nn.dims = ["", "", "w"]}) -> tensor<3x8x?xf32> {
  %p = nn.constant {value = dense<[0, 2, 4, 0, 1, 0]> : tensor<6xi64>} : () -> tensor<6xi64>
  %0 = "nn.pad"(%x, %p) {mode = "reflect", operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<3x5x?xf32>, tensor<6xi64>) -> tensor<3x8x?xf32>
  return %0 : tensor<3x8x?xf32>
}
