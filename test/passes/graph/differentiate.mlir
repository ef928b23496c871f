// RUN: burnish-opt %s --split-input-file --nn-differentiate="loss=loss" --canonicalize | FileCheck %s

// The loss and its gradient by every input of floats; other outputs go.
// CHECK-LABEL: func.func @squares(
// CHECK-SAME: %[[X:.*]]: tensor<4xf32> {nn.name = "x"}, %[[N:.*]]: tensor<i64> {nn.name = "n"})
// CHECK-SAME: -> (tensor<f32> {nn.name = "loss"}, tensor<4xf32> {nn.name = "grad.x"})
// CHECK: %[[SUM:.*]] = nn.reduce_sum
// CHECK-DAG: %[[ONES:.*]] = nn.expand
// CHECK-DAG: %[[HALF:.*]] = nn.mul %[[ONES]], %[[X]]
// CHECK: %[[DX:.*]] = nn.add
// CHECK: return %[[SUM]], %[[DX]]
func.func @squares(%x: tensor<4xf32> {nn.name = "x"}, %n: tensor<i64> {nn.name = "n"})
    -> (tensor<4xf32> {nn.name = "y"}, tensor<f32> {nn.name = "loss"}) {
  %y = nn.mul %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %loss = nn.reduce_sum %y {keepdims = 0 : i64} : (tensor<4xf32>) -> tensor<f32>
  return %y, %loss : tensor<4xf32>, tensor<f32>
}

// -----

// A matrix that a scan multiplies with gets its gradient in one product over all iterations.
// What the products give is stacked beside the states, and not computed again.
// CHECK-LABEL: func.func @recurrence(
// CHECK: %[[ALL:.*]]:4 = nn.scan
// The transposed matrix does not change from iteration to iteration.
// CHECK: %[[ACROSS:.*]] = nn.transpose %{{.*}} {perm = array<i64: 1, 0>} : (tensor<3x3xf32>)
// Factors that are stacked as they are, states and gradients by what was scanned, are not stacked again.
// CHECK: %[[BACK:.*]]:2 = nn.scan
// CHECK: nn.matmul %{{.*}}, %[[ACROSS]]
// CHECK: nn.reshape %[[ALL]]#2
// CHECK: %[[ROWS:.*]] = nn.transpose
// CHECK: nn.reshape %[[BACK]]#1
// CHECK: nn.matmul %[[ROWS]]
func.func @recurrence(%w: tensor<3x3xf32> {nn.name = "w"}, %h: tensor<2x3xf32> {nn.name = "h"}, %x: tensor<5x2x3xf32> {nn.name = "x"})
    -> (tensor<f32> {nn.name = "loss"}) {
  %last, %out = nn.scan %h, %x {num_scan_inputs = 1 : i64} : (tensor<2x3xf32>, tensor<5x2x3xf32>) -> (tensor<2x3xf32>, tensor<5x2x3xf32>) {
  ^bb0(%s: tensor<2x3xf32>, %now: tensor<2x3xf32>):
    %p = nn.matmul %s, %w : (tensor<2x3xf32>, tensor<3x3xf32>) -> tensor<2x3xf32>
    %n = nn.add %p, %now : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
    nn.yield %n, %n : tensor<2x3xf32>, tensor<2x3xf32>
  }
  %loss = nn.reduce_sum %last {keepdims = 0 : i64} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// Sums that end in functions whose gradient follows from their results are not kept, but these are.
// CHECK-LABEL: func.func @functions(
// CHECK: %[[ALL:.*]]:4 = nn.scan
// CHECK: ^bb0(%[[STATE:[^:]*]]:
// CHECK: %[[G:.*]] = nn.tanh
// CHECK: nn.yield %[[G]], %[[G]], %[[STATE]], %[[G]] :
// CHECK: nn.scan %{{.*}}, %[[ALL]]#2, %[[ALL]]#3,
// CHECK-NOT: nn.tanh
// CHECK: return
func.func @functions(%w: tensor<3x3xf32> {nn.name = "w"}, %h: tensor<2x3xf32> {nn.name = "h"}, %x: tensor<5x2x3xf32> {nn.name = "x"})
    -> (tensor<f32> {nn.name = "loss"}) {
  %last, %out = nn.scan %h, %x {num_scan_inputs = 1 : i64} : (tensor<2x3xf32>, tensor<5x2x3xf32>) -> (tensor<2x3xf32>, tensor<5x2x3xf32>) {
  ^bb0(%s: tensor<2x3xf32>, %now: tensor<2x3xf32>):
    %p = nn.matmul %s, %w : (tensor<2x3xf32>, tensor<3x3xf32>) -> tensor<2x3xf32>
    %n = nn.add %p, %now : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
    %g = nn.tanh %n : (tensor<2x3xf32>) -> tensor<2x3xf32>
    nn.yield %g, %g : tensor<2x3xf32>, tensor<2x3xf32>
  }
  %loss = nn.reduce_sum %last {keepdims = 0 : i64} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// An empty list of axes or directions stands for zeros.
// CHECK-LABEL: func.func @empty_lists(
// CHECK: nn.scan
// CHECK: nn.scan {{.*}} scan_input_axes = array<i64: 0, 0>, scan_input_directions = array<i64: 1, 1>
func.func @empty_lists(%x: tensor<2xf32> {nn.name = "x"}, %xs: tensor<3x2xf32>) -> (tensor<f32> {nn.name = "loss"}) {
  %last = nn.scan %x, %xs {num_scan_inputs = 1 : i64, scan_input_axes = array<i64>, scan_input_directions = array<i64>} : (tensor<2xf32>, tensor<3x2xf32>) -> tensor<2xf32> {
  ^bb0(%s: tensor<2xf32>, %now: tensor<2xf32>):
    %n = nn.mul %s, %now : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    nn.yield %n : tensor<2xf32>
  }
  %loss = nn.reduce_sum %last {keepdims = 0 : i64} : (tensor<2xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
