// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-sum-rows-first | FileCheck %s

// The mean over the places of a sequence is taken of what goes into the product, and beside it of what is added; a bias stays.
// CHECK-LABEL: func.func @mean(
// CHECK-SAME:    %[[X:[a-z0-9]*]]: tensor<2x3x5xf32>, %[[W:[a-z0-9]*]]: tensor<5x7xf32>, %[[B:[a-z0-9]*]]: tensor<7xf32>, %[[Y:[a-z0-9]*]]: tensor<2x3x7xf32>)
// CHECK-NOT:     tensor<2x3x7xf32>, tensor<7xf32>
// CHECK:         %[[OTHERS:.*]] = nn.reduce_mean %[[Y]], {{.*}} -> tensor<2x7xf32>
// CHECK:         %[[ROWS:.*]] = nn.reduce_mean %[[X]], {{.*}} -> tensor<2x5xf32>
// CHECK:         %[[PRODUCT:.*]] = nn.matmul %[[ROWS]], %[[W]] : (tensor<2x5xf32>, tensor<5x7xf32>)
// CHECK:         %[[LAYER:.*]] = nn.add %[[PRODUCT]], %[[B]]
// CHECK:         nn.add %[[OTHERS]], %[[LAYER]]
func.func @mean(%x: tensor<2x3x5xf32>, %w: tensor<5x7xf32>, %b: tensor<7xf32>, %y: tensor<2x3x7xf32>) -> tensor<2x7xf32> {
  %axis = nn.constant {value = dense<1> : tensor<1xi64>} : () -> tensor<1xi64>
  %product = nn.matmul %x, %w : (tensor<2x3x5xf32>, tensor<5x7xf32>) -> tensor<2x3x7xf32>
  %layer = nn.add %product, %b : (tensor<2x3x7xf32>, tensor<7xf32>) -> tensor<2x3x7xf32>
  %both = nn.add %y, %layer : (tensor<2x3x7xf32>, tensor<2x3x7xf32>) -> tensor<2x3x7xf32>
  %mean = nn.reduce_mean %both, %axis {keepdims = 0 : i64} : (tensor<2x3x7xf32>, tensor<1xi64>) -> tensor<2x7xf32>
  return %mean : tensor<2x7xf32>
}

// -----

// A sum has the bias once for each of the 3 x 2 rows.
// CHECK-LABEL: func.func @sum(
// CHECK-SAME:    %[[X:[a-z0-9]*]]: tensor<3x2x5xf32>, %[[W:[a-z0-9]*]]: tensor<5x7xf32>, %[[B:[a-z0-9]*]]: tensor<7xf32>)
// CHECK:         %[[SIX:.*]] = nn.constant {value = dense<6.000000e+00> : tensor<f32>}
// CHECK:         %[[SAME:.*]] = nn.mul %[[B]], %[[SIX]]
// CHECK:         %[[ROWS:.*]] = nn.reduce_sum %[[X]], {{.*}} -> tensor<1x1x5xf32>
// CHECK:         %[[PRODUCT:.*]] = nn.matmul %[[ROWS]], %[[W]]
// CHECK:         nn.add %[[SAME]], %[[PRODUCT]]
func.func @sum(%x: tensor<3x2x5xf32>, %w: tensor<5x7xf32>, %b: tensor<7xf32>) -> tensor<1x1x7xf32> {
  %axes = nn.constant {value = dense<[-2, 0]> : tensor<2xi64>} : () -> tensor<2xi64>
  %product = nn.matmul %x, %w : (tensor<3x2x5xf32>, tensor<5x7xf32>) -> tensor<3x2x7xf32>
  %layer = nn.add %b, %product : (tensor<7xf32>, tensor<3x2x7xf32>) -> tensor<3x2x7xf32>
  %sum = nn.reduce_sum %layer, %axes : (tensor<3x2x7xf32>, tensor<2xi64>) -> tensor<1x1x7xf32>
  return %sum : tensor<1x1x7xf32>
}

// -----

// A mask of whole rows goes before the product, and before the bias.
// CHECK-LABEL: func.func @masked(
// CHECK-SAME:    %[[X:[a-z0-9]*]]: tensor<2x3x5xf32>, %[[W:[a-z0-9]*]]: tensor<5x7xf32>, %[[B:[a-z0-9]*]]: tensor<7xf32>, %[[MASK:[a-z0-9]*]]: tensor<2x3x1xi1>)
// CHECK:         %[[KEPT:.*]] = nn.where %[[MASK]], %[[X]]
// CHECK:         %[[ROWS:.*]] = nn.reduce_sum %[[KEPT]]
// CHECK:         nn.matmul %[[ROWS]], %[[W]]
// CHECK:         %[[EACH:.*]] = nn.expand %[[B]]
// CHECK:         %[[SAME:.*]] = nn.where %[[MASK]], %[[EACH]]
// CHECK:         nn.reduce_sum %[[SAME]]
func.func @masked(%x: tensor<2x3x5xf32>, %w: tensor<5x7xf32>, %b: tensor<7xf32>, %mask: tensor<2x3x1xi1>) -> tensor<2x7xf32> {
  %axis = nn.constant {value = dense<1> : tensor<1xi64>} : () -> tensor<1xi64>
  %zero = nn.constant {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
  %product = nn.matmul %x, %w : (tensor<2x3x5xf32>, tensor<5x7xf32>) -> tensor<2x3x7xf32>
  %layer = nn.add %product, %b : (tensor<2x3x7xf32>, tensor<7xf32>) -> tensor<2x3x7xf32>
  %kept = nn.where %mask, %layer, %zero : (tensor<2x3x1xi1>, tensor<2x3x7xf32>, tensor<f32>) -> tensor<2x3x7xf32>
  %sum = nn.reduce_sum %kept, %axis {keepdims = 0 : i64} : (tensor<2x3x7xf32>, tensor<1xi64>) -> tensor<2x7xf32>
  return %sum : tensor<2x7xf32>
}

// -----

// What others need is computed whatever is summed up; sums along the product's columns are none over rows.
// CHECK-LABEL: func.func @kept(
// CHECK:         nn.matmul {{.*}} -> tensor<2x3x7xf32>
// CHECK:         nn.reduce_sum {{.*}} -> tensor<2x7xf32>
// CHECK:         nn.matmul {{.*}} -> tensor<2x3x7xf32>
// CHECK:         nn.reduce_sum {{.*}} -> tensor<2x3xf32>
func.func @kept(%x: tensor<2x3x5xf32>, %w: tensor<5x7xf32>, %v: tensor<5x7xf32>) -> (tensor<2x3x7xf32>, tensor<2x7xf32>, tensor<2x3xf32>) {
  %rows = nn.constant {value = dense<1> : tensor<1xi64>} : () -> tensor<1xi64>
  %columns = nn.constant {value = dense<2> : tensor<1xi64>} : () -> tensor<1xi64>
  %product = nn.matmul %x, %w : (tensor<2x3x5xf32>, tensor<5x7xf32>) -> tensor<2x3x7xf32>
  %sum = nn.reduce_sum %product, %rows {keepdims = 0 : i64} : (tensor<2x3x7xf32>, tensor<1xi64>) -> tensor<2x7xf32>
  %other = nn.matmul %x, %v : (tensor<2x3x5xf32>, tensor<5x7xf32>) -> tensor<2x3x7xf32>
  %across = nn.reduce_sum %other, %columns {keepdims = 0 : i64} : (tensor<2x3x7xf32>, tensor<1xi64>) -> tensor<2x3xf32>
  return %product, %sum, %across : tensor<2x3x7xf32>, tensor<2x7xf32>, tensor<2x3xf32>
}
