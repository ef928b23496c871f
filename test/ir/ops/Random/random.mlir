// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize | FileCheck %s

// Every number is a function of its place: loops without an order.
// CHECK-LABEL: func.func @uniform(
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]
// CHECK:         linalg.index 0
// CHECK:         linalg.index 1
// CHECK:         arith.uitofp
func.func @uniform() -> tensor<2x3xf32> {
  %y = nn.random_uniform {shape = array<i64: 2, 3>, seed = 1.0 : f32} : () -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

// Drawing by weights is finding the greatest sum of a weight and a random number.
// CHECK-LABEL: func.func @drawn(
// CHECK-SAME:      -> tensor<2x7xi32>
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "reduction"]
func.func @drawn(%x: tensor<2x5xf32>) -> tensor<?x?xi32> {
  %y = nn.multinomial %x {sample_size = 7 : i64} : (tensor<2x5xf32>) -> tensor<?x?xi32>
  return %y : tensor<?x?xi32>
}
