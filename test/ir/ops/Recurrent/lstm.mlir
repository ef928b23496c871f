// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize | FileCheck %s

// The products of the input are one loop nest over all steps; a step adds those of the state to its slice.
// CHECK-LABEL: func.func @forward(
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<7x2x3xf32>, tensor<20x3xf32>) outs(%{{.*}} : tensor<7x2x20xf32>)
// CHECK:         scf.for %[[T:.*]] = %{{.*}} iter_args(%[[H:.*]] = %{{.*}}, %{{.*}} = %{{.*}}, %[[Y:.*]] = %{{.*}})
// CHECK:           %[[AT:.*]] = tensor.extract_slice %{{.*}}[%[[T]], 0, 0] [1, 2, 20] [1, 1, 1]
// CHECK:           linalg.generic {{.*}} ins(%[[H]], %{{.*}} : tensor<2x5xf32>, tensor<20x5xf32>) outs(%[[AT]]
// CHECK:           tensor.insert_slice %{{.*}} into %[[Y]][%[[T]], 0, 0, 0] [1, 1, 2, 5]
func.func @forward(%x: tensor<7x2x3xf32>, %w: tensor<1x20x3xf32>, %r: tensor<1x20x5xf32>) -> (tensor<7x1x2x5xf32>, tensor<1x2x5xf32>) {
  %y:2 = "nn.lstm"(%x, %w, %r) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 1>}
       : (tensor<7x2x3xf32>, tensor<1x20x3xf32>, tensor<1x20x5xf32>) -> (tensor<7x1x2x5xf32>, tensor<1x2x5xf32>)
  return %y#0, %y#1 : tensor<7x1x2x5xf32>, tensor<1x2x5xf32>
}

// -----

// The reverse direction begins at the last step, and writes each result where its step is.
// CHECK-LABEL: func.func @reverse(
// CHECK:         scf.for %[[T:.*]] = %{{.*}} iter_args(%{{.*}} = %{{.*}}, %[[Y:.*]] = %{{.*}})
// CHECK:           %[[AT:.*]] = arith.subi %c6, %[[T]]
// CHECK:           tensor.extract_slice %{{.*}}[%[[AT]], 0, 0] [1, 2, 15]
// CHECK:           tensor.insert_slice %{{.*}} into %[[Y]][%[[AT]], 0, 0, 0]
func.func @reverse(%x: tensor<7x2x3xf32>, %w: tensor<1x15x3xf32>, %r: tensor<1x15x5xf32>) -> tensor<7x1x2x5xf32> {
  %y = "nn.gru"(%x, %w, %r) {direction = "reverse", linear_before_reset = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0>}
       : (tensor<7x2x3xf32>, tensor<1x15x3xf32>, tensor<1x15x5xf32>) -> tensor<7x1x2x5xf32>
  return %y : tensor<7x1x2x5xf32>
}
