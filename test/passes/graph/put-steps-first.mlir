// RUN: burnish-opt %s --pass-pipeline='builtin.module(func.func(nn-put-steps-first))' | FileCheck %s
// A scan through the second axis goes through the first: rows of the product that it reads come in that order, what it
// stacks meets a lookup of one step, or the next scan.
// CHECK-LABEL: func @layer(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<2x5x3xf32>, %[[W:[^:]*]]: tensor<3x7xf32>, %[[B:[^:]*]]: tensor<7xf32>, %[[S:[^:]*]]: tensor<2x7xf32>, %[[I:[^:]*]]: tensor<i64>
// CHECK:         %[[T:.*]] = nn.transpose %[[X]] {perm = array<i64: 1, 0, 2>} {{.*}} -> tensor<5x2x3xf32>
// CHECK:         %[[P:.*]] = nn.matmul %[[T]], %[[W]] {{.*}} -> tensor<5x2x7xf32>
// CHECK:         %[[U:.*]] = nn.add %[[P]], %[[B]] {{.*}} -> tensor<5x2x7xf32>
// CHECK:         %[[SCAN:.*]]:2 = nn.scan %[[S]], %[[U]] {num_scan_inputs = 1 : i64, scan_input_axes = array<i64: 0>, {{.*}}scan_output_axes = array<i64: 0>, {{.*}} -> (tensor<2x7xf32>, tensor<5x2x7xf32>)
// CHECK:         %[[NEXT:.*]]:2 = nn.scan %[[S]], %[[SCAN]]#1 {{.*}}scan_input_axes = array<i64: 0>
// CHECK:         %[[LAST:.*]] = nn.gather %[[NEXT]]#1, %[[I]] : (tensor<5x2x7xf32>
// CHECK:         return %[[LAST]]
func.func @layer(%x: tensor<2x5x3xf32>, %w: tensor<3x7xf32>, %b: tensor<7xf32>, %s: tensor<2x7xf32>, %i: tensor<i64>) -> tensor<2x7xf32> {
  %p = nn.matmul %x, %w : (tensor<2x5x3xf32>, tensor<3x7xf32>) -> tensor<2x5x7xf32>
  %u = nn.add %p, %b : (tensor<2x5x7xf32>, tensor<7xf32>) -> tensor<2x5x7xf32>
  %first:2 = nn.scan %s, %u {num_scan_inputs = 1 : i64, scan_input_axes = array<i64: 1>, scan_output_axes = array<i64: 1>} : (tensor<2x7xf32>, tensor<2x5x7xf32>) -> (tensor<2x7xf32>, tensor<2x5x7xf32>) {
  ^bb0(%state: tensor<2x7xf32>, %now: tensor<2x7xf32>):
    %next = nn.add %state, %now : (tensor<2x7xf32>, tensor<2x7xf32>) -> tensor<2x7xf32>
    nn.yield %next, %next : tensor<2x7xf32>, tensor<2x7xf32>
  }
  %second:2 = nn.scan %s, %first#1 {num_scan_inputs = 1 : i64, scan_input_axes = array<i64: 1>, scan_output_axes = array<i64: 1>} : (tensor<2x7xf32>, tensor<2x5x7xf32>) -> (tensor<2x7xf32>, tensor<2x5x7xf32>) {
  ^bb0(%state: tensor<2x7xf32>, %now: tensor<2x7xf32>):
    %next = nn.mul %state, %now : (tensor<2x7xf32>, tensor<2x7xf32>) -> tensor<2x7xf32>
    nn.yield %next, %next : tensor<2x7xf32>, tensor<2x7xf32>
  }
  %last = nn.gather %second#1, %i {axis = 1 : i64} : (tensor<2x5x7xf32>, tensor<i64>) -> tensor<2x7xf32>
  return %last : tensor<2x7xf32>
}

// What others want too is transposed as it is, and a batch of one element is left alone.
// CHECK-LABEL: func @shared(
// CHECK:         %[[U:.*]] = nn.exp
// CHECK:         %[[T:.*]] = nn.transpose %[[U]] {perm = array<i64: 1, 0, 2>}
// CHECK:         %[[SCAN:.*]]:2 = nn.scan %{{.*}}, %[[T]]
// CHECK:         %[[BACK:.*]] = nn.transpose %[[SCAN]]#1 {perm = array<i64: 1, 0, 2>}
// CHECK:         return %[[BACK]], %[[U]]
func.func @shared(%x: tensor<2x5x7xf32>, %s: tensor<2x7xf32>) -> (tensor<2x5x7xf32>, tensor<2x5x7xf32>) {
  %u = nn.exp %x : (tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %r:2 = nn.scan %s, %u {num_scan_inputs = 1 : i64, scan_input_axes = array<i64: 1>, scan_output_axes = array<i64: 1>} : (tensor<2x7xf32>, tensor<2x5x7xf32>) -> (tensor<2x7xf32>, tensor<2x5x7xf32>) {
  ^bb0(%state: tensor<2x7xf32>, %now: tensor<2x7xf32>):
    %next = nn.add %state, %now : (tensor<2x7xf32>, tensor<2x7xf32>) -> tensor<2x7xf32>
    nn.yield %next, %next : tensor<2x7xf32>, tensor<2x7xf32>
  }
  return %r#1, %u : tensor<2x5x7xf32>, tensor<2x5x7xf32>
}

// CHECK-LABEL: func @one(
// CHECK-NOT:     nn.transpose
// CHECK:         scan_input_axes = array<i64: 1>
func.func @one(%u: tensor<1x5x7xf32>, %s: tensor<1x7xf32>) -> tensor<1x5x7xf32> {
  %r:2 = nn.scan %s, %u {num_scan_inputs = 1 : i64, scan_input_axes = array<i64: 1>, scan_output_axes = array<i64: 1>} : (tensor<1x7xf32>, tensor<1x5x7xf32>) -> (tensor<1x7xf32>, tensor<1x5x7xf32>) {
  ^bb0(%state: tensor<1x7xf32>, %now: tensor<1x7xf32>):
    %next = nn.add %state, %now : (tensor<1x7xf32>, tensor<1x7xf32>) -> tensor<1x7xf32>
    nn.yield %next, %next : tensor<1x7xf32>, tensor<1x7xf32>
  }
  return %r#1 : tensor<1x5x7xf32>
}

// Rows of a table come in that order too, and what a product makes of the stack, which is less, is put back in the end.
// CHECK-LABEL: func @words(
// CHECK-SAME:    %[[TABLE:[^:]*]]: tensor<9x7xf32>, %[[WORDS:[^:]*]]: tensor<2x5xi64>
// CHECK:         %[[ORDER:.*]] = nn.transpose %[[WORDS]] {perm = array<i64: 1, 0>} : (tensor<2x5xi64>) -> tensor<5x2xi64>
// CHECK:         %[[ROWS:.*]] = nn.gather %[[TABLE]], %[[ORDER]] : (tensor<9x7xf32>, tensor<5x2xi64>) -> tensor<5x2x7xf32>
// CHECK:         %[[SCAN:.*]]:2 = nn.scan %{{.*}}, %[[ROWS]]
// CHECK:         %[[P:.*]] = nn.matmul %[[SCAN]]#1, %{{.*}} -> tensor<5x2x3xf32>
// CHECK:         %[[Y:.*]] = nn.add %[[P]], %{{.*}} -> tensor<5x2x3xf32>
// CHECK:         %[[BACK:.*]] = nn.transpose %[[Y]] {perm = array<i64: 1, 0, 2>} {{.*}} -> tensor<2x5x3xf32>
// CHECK:         return %[[BACK]]
func.func @words(%table: tensor<9x7xf32>, %words: tensor<2x5xi64>, %s: tensor<2x7xf32>, %w: tensor<7x3xf32>, %b: tensor<3xf32>) -> tensor<2x5x3xf32> {
  %u = nn.gather %table, %words : (tensor<9x7xf32>, tensor<2x5xi64>) -> tensor<2x5x7xf32>
  %r:2 = nn.scan %s, %u {num_scan_inputs = 1 : i64, scan_input_axes = array<i64: 1>, scan_output_axes = array<i64: 1>} : (tensor<2x7xf32>, tensor<2x5x7xf32>) -> (tensor<2x7xf32>, tensor<2x5x7xf32>) {
  ^bb0(%state: tensor<2x7xf32>, %now: tensor<2x7xf32>):
    %next = nn.add %state, %now : (tensor<2x7xf32>, tensor<2x7xf32>) -> tensor<2x7xf32>
    nn.yield %next, %next : tensor<2x7xf32>, tensor<2x7xf32>
  }
  %p = nn.matmul %r#1, %w : (tensor<2x5x7xf32>, tensor<7x3xf32>) -> tensor<2x5x3xf32>
  %y = nn.add %p, %b : (tensor<2x5x3xf32>, tensor<3xf32>) -> tensor<2x5x3xf32>
  return %y : tensor<2x5x3xf32>
}

// A product that makes more of it reads the stack in its old order.
// CHECK-LABEL: func @wider(
// CHECK:         %[[BACK:.*]] = nn.transpose %{{.*}}#1
// CHECK:         %[[P:.*]] = nn.matmul %[[BACK]]
// CHECK:         return %[[P]]
func.func @wider(%u: tensor<2x5x7xf32>, %s: tensor<2x7xf32>, %w: tensor<7x8xf32>) -> tensor<2x5x8xf32> {
  %r:2 = nn.scan %s, %u {num_scan_inputs = 1 : i64, scan_input_axes = array<i64: 1>, scan_output_axes = array<i64: 1>} : (tensor<2x7xf32>, tensor<2x5x7xf32>) -> (tensor<2x7xf32>, tensor<2x5x7xf32>) {
  ^bb0(%state: tensor<2x7xf32>, %now: tensor<2x7xf32>):
    %next = nn.add %state, %now : (tensor<2x7xf32>, tensor<2x7xf32>) -> tensor<2x7xf32>
    nn.yield %next, %next : tensor<2x7xf32>, tensor<2x7xf32>
  }
  %p = nn.matmul %r#1, %w : (tensor<2x5x7xf32>, tensor<7x8xf32>) -> tensor<2x5x8xf32>
  return %p : tensor<2x5x8xf32>
}
