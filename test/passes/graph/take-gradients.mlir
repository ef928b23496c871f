// RUN: burnish-opt %s --split-input-file --nn-take-gradients --canonicalize --cse | FileCheck %s
// The gradient of a tensor's sum, at the values that the network has.
// CHECK-LABEL: func @here(
// CHECK-SAME:    %[[A:.*]]: tensor<3xf32>, %[[B:.*]]: tensor<3xf32>
// CHECK-NOT:     nn.gradient_at
// CHECK:         %[[DY:.*]] = nn.expand
// CHECK:         %[[DA:.*]] = nn.mul %[[DY]], %[[B]]
// CHECK:         return %[[DA]]
func.func @here(%a: tensor<3xf32>, %b: tensor<3xf32>) -> tensor<3xf32> {
  %y = nn.mul %a, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %0 = "nn.gradient_at"(%y, %a, %a) {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// At other values, what depends on them is computed again.
// CHECK-LABEL: func @elsewhere(
// CHECK-SAME:    %[[A:.*]]: tensor<3xf32>, %[[P:.*]]: tensor<3xf32>
// CHECK:         nn.exp %[[P]]
// CHECK-NOT:     nn.gradient_at
func.func @elsewhere(%a: tensor<3xf32>, %p: tensor<3xf32>) -> tensor<3xf32> {
  %y = nn.exp %a : (tensor<3xf32>) -> tensor<3xf32>
  %0 = "nn.gradient_at"(%y, %a, %p) {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}
