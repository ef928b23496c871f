// RUN: burnish-opt %s --split-input-file --nn-infer-shapes | FileCheck %s
// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize | FileCheck %s --check-prefix=LOWER

// A known number of iterations: what is stacked has its size before the loop.
// CHECK-LABEL: func.func @counted(
// CHECK:         nn.loop {{.*}} -> (tensor<3xf32>, tensor<5x3xf32>) {
// LOWER-LABEL: func.func @counted(
// LOWER:         %[[S:.*]] = tensor.empty() : tensor<5x3xf32>
// LOWER:         scf.for %[[I:.*]] = %c0 to %c5 step %c1 iter_args(%{{.*}} = %{{.*}}, %[[T:.*]] = %[[S]])
// LOWER:           tensor.insert_slice %{{.*}} into %[[T]][%[[I]], 0] [1, 3] [1, 1]
func.func @counted(%x: tensor<3xf32>) -> (tensor<?xf32>, tensor<?x?xf32>) {
  %n = nn.constant {value = dense<5> : tensor<i64>} : () -> tensor<i64>
  %y:2 = nn.loop %n, %x {operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<i64>, tensor<3xf32>) -> (tensor<?xf32>, tensor<?x?xf32>) {
  ^bb0(%i: tensor<i64>, %c: tensor<i1>, %v: tensor<?xf32>):
    %w = nn.exp %v : (tensor<?xf32>) -> tensor<?xf32>
    nn.yield %c, %w, %w : tensor<i1>, tensor<?xf32>, tensor<?xf32>
  }
  return %y#0, %y#1 : tensor<?xf32>, tensor<?x?xf32>
}

// -----

// A carried dim that the body changes is unknown, one that it keeps is known.
// CHECK-LABEL: func.func @changing(
// CHECK:         nn.loop {{.*}} -> tensor<?x?xf32> {
// CHECK:         ^bb0(%{{.*}}: tensor<i64>, %{{.*}}: tensor<i1>, %{{.*}}: tensor<?x?xf32>):
func.func @changing(%n: tensor<i64>, %x: tensor<3x5xf32>) -> tensor<?x?xf32> {
  %y = nn.loop %n, %x {operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<i64>, tensor<3x5xf32>) -> tensor<?x?xf32> {
  ^bb0(%i: tensor<i64>, %c: tensor<i1>, %v: tensor<3x5xf32>):
    %w = nn.transpose %v : (tensor<3x5xf32>) -> tensor<?x?xf32>
    nn.yield %c, %w : tensor<i1>, tensor<?x?xf32>
  }
  return %y : tensor<?x?xf32>
}

// -----

// Without a known number of iterations what is stacked grows, twice as long each time.
// LOWER-LABEL: func.func @growing(
// LOWER:         scf.while
// LOWER:           scf.condition
// LOWER:         scf.if
// LOWER:           arith.muli %{{.*}}, %c2
// LOWER:           tensor.insert_slice
// LOWER:         tensor.insert_slice %{{.*}} into %{{.*}} [1, 3] [1, 1]
// LOWER:         tensor.extract_slice
func.func @growing(%go: tensor<i1>, %x: tensor<3xf32>, %t: tensor<f32>) -> tensor<?x3xf32> {
  %y:2 = nn.loop %go, %x {operandSegmentSizes = array<i32: 0, 1, 1>} : (tensor<i1>, tensor<3xf32>) -> (tensor<3xf32>, tensor<?x3xf32>) {
  ^bb0(%i: tensor<i64>, %c: tensor<i1>, %v: tensor<3xf32>):
    %w = nn.exp %v : (tensor<3xf32>) -> tensor<3xf32>
    %axes = nn.constant {value = dense<0> : tensor<1xi64>} : () -> tensor<1xi64>
    %m = nn.reduce_max %w, %axes {keepdims = 0 : i64} : (tensor<3xf32>, tensor<1xi64>) -> tensor<f32>
    %d = nn.less %m, %t : (tensor<f32>, tensor<f32>) -> tensor<i1>
    nn.yield %d, %w, %w : tensor<i1>, tensor<3xf32>, tensor<3xf32>
  }
  return %y#1 : tensor<?x3xf32>
}
