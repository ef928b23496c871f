// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize | FileCheck %s

// Scans the second axis from its start, and stacks along the second axis from its end.
// CHECK-LABEL: func.func @scan(
// CHECK-SAME:      -> (tensor<3xf32>, tensor<3x5xf32>)
// CHECK:         scf.for %[[I:.*]] = %c0 to %c5 step %c1
// CHECK:           %[[BACK:.*]] = arith.subi %c4, %[[I]]
// CHECK:           tensor.extract_slice %{{.*}}[0, %[[I]]] [3, 1] [1, 1]
// CHECK:           tensor.insert_slice %{{.*}} into %{{.*}}[0, %[[BACK]]] [3, 1] [1, 1]
func.func @scan(%s: tensor<3xf32>, %x: tensor<3x5xf32>) -> (tensor<?xf32>, tensor<?x?xf32>) {
  %y:2 = nn.scan %s, %x {num_scan_inputs = 1 : i64, scan_input_axes = array<i64: -1>, scan_output_axes = array<i64: 1>, scan_output_directions = array<i64: 1>}
       : (tensor<3xf32>, tensor<3x5xf32>) -> (tensor<?xf32>, tensor<?x?xf32>) {
  ^bb0(%a: tensor<3xf32>, %e: tensor<3xf32>):
    %w = nn.add %a, %e : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    nn.yield %w, %w : tensor<3xf32>, tensor<3xf32>
  }
  return %y#0, %y#1 : tensor<?xf32>, tensor<?x?xf32>
}

// -----

// An axis of size 1 that stays is not taken for the one that goes through the steps.
// CHECK-LABEL: func.func @keeps_unit_axes(
// CHECK:         tensor.collapse_shape %{{.*}} {{\[}}[0], [1, 2]] : tensor<1x3x1xf32> into tensor<1x3xf32>
func.func @keeps_unit_axes(%s: tensor<1x3xf32>, %x: tensor<1x3x1xf32>) -> tensor<1x3xf32> {
  %y = nn.scan %s, %x {num_scan_inputs = 1 : i64, scan_input_axes = array<i64: 2>} : (tensor<1x3xf32>, tensor<1x3x1xf32>) -> tensor<1x3xf32> {
  ^bb0(%a: tensor<1x3xf32>, %e: tensor<1x3xf32>):
    %w = nn.add %a, %e : (tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
    nn.yield %w : tensor<1x3xf32>
  }
  return %y : tensor<1x3xf32>
}
