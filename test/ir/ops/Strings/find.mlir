// RUN: burnish-opt %s --nn-infer-shapes --nn-lower-to-linalg | FileCheck %s

// Keys are searched by halves: they are there up to a power of two, so that no step can leave them. Five of them take three steps, and a last look whether it is the one.
// CHECK-LABEL: func.func @numbers(
// CHECK-DAG:     %[[KEYS:.*]] = arith.constant dense<[1.{{.*}}]> : tensor<8xf32>
// CHECK-DAG:     %[[PLACES:.*]] = arith.constant dense<[1, 3, 0, 2, 4, 4, 4, 4]> : tensor<8xi64>
// CHECK:         linalg.generic
// CHECK-COUNT-4:   tensor.extract %[[KEYS]]
// CHECK:           tensor.extract %[[PLACES]]
// CHECK-NOT:       tensor.extract
func.func @numbers(%x: tensor<3x7xf32>) -> tensor<?x?xi64> {
  %y = "nn.find"(%x) {numbers = dense<[5.0, 1.0, 7.0, 2.0, 9.0]> : tensor<5xf32>} : (tensor<3x7xf32>) -> tensor<?x?xi64>
  return %y : tensor<?x?xi64>
}
