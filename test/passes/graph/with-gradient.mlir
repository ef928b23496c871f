// RUN: burnish-opt %s --split-input-file --nn-take-gradients --canonicalize --cse | FileCheck %s
// A gradient goes through the rule alone, which sees what is around it; what computed the value gets none.
// CHECK-LABEL: func @rule(
// CHECK-SAME:    %[[X:.*]]: tensor<3xf32>, %[[W:.*]]: tensor<3xf32>
// CHECK:         %[[DY:.*]] = nn.expand
// CHECK:         %[[DX:.*]] = nn.mul %[[DY]], %[[W]]
// CHECK-NOT:     nn.floor
// CHECK:         return %[[DX]]
func.func @rule(%x: tensor<3xf32>, %w: tensor<3xf32>) -> tensor<3xf32> {
  %f = nn.floor %x : (tensor<3xf32>) -> tensor<3xf32>
  %y = nn.with_gradient %f, %x {layer = "floored", operandSegmentSizes = array<i32: 1, 1>} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32> {
  ^bb0(%dy: tensor<3xf32>):
    %d = nn.mul %dy, %w : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    nn.yield %d : tensor<3xf32>
  }
  %0 = "nn.gradient_at"(%y, %x, %x) {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// Of two values, one of which the gradient does not depend on.
// CHECK-LABEL: func @two(
// CHECK-NOT:     nn.with_gradient
// CHECK:         return
func.func @two(%x: tensor<3xf32>) -> tensor<3xf32> {
  %y:2 = nn.with_gradient %x, %x, %x {layer = "two", operandSegmentSizes = array<i32: 2, 1>} : (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  ^bb0(%first: tensor<3xf32>, %second: tensor<3xf32>):
    %d = nn.sub %second, %first : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    nn.yield %d : tensor<3xf32>
  }
  %0 = "nn.gradient_at"(%y#1, %x, %x) {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// Where no gradient is taken, a value is itself.
// CHECK-LABEL: func @none(
// CHECK-SAME:    %[[X:.*]]: tensor<3xf32>
// CHECK:         %[[F:.*]] = nn.floor %[[X]]
// CHECK-NEXT:    return %[[F]]
func.func @none(%x: tensor<3xf32>) -> tensor<3xf32> {
  %f = nn.floor %x : (tensor<3xf32>) -> tensor<3xf32>
  %y = nn.with_gradient %f, %x {layer = "floored", operandSegmentSizes = array<i32: 1, 1>} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32> {
  ^bb0(%dy: tensor<3xf32>):
    nn.yield %dy : tensor<3xf32>
  }
  return %y : tensor<3xf32>
}
