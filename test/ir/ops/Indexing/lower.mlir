// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize --cse | FileCheck %s

// One known place is a view, and is not checked again.
// CHECK-LABEL: func.func @one_row(
// CHECK-NOT:     cf.assert
// CHECK:         %[[ROW:.*]] = tensor.extract_slice %arg0[4, 0] [1, 3] [1, 1]
// CHECK:         tensor.collapse_shape %[[ROW]]
func.func @one_row(%x: tensor<5x3xf32>) -> tensor<3xf32> {
  %i = nn.constant {value = dense<-1> : tensor<i64>} : () -> tensor<i64>
  %0 = nn.gather %x, %i : (tensor<5x3xf32>, tensor<i64>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// Indices that are data are checked before anything is read, and held within the tensor.
// CHECK-LABEL: func.func @rows(
// CHECK:         cf.assert %{{.*}}, "2:an index is out of range"
// CHECK:         linalg.generic
// CHECK:           arith.minsi
// CHECK:           tensor.extract %arg0
func.func @rows(%x: tensor<5x3xf32>, %i: tensor<2x7xi32>) -> tensor<2x7x3xf32> {
  %0 = nn.gather %x, %i : (tensor<5x3xf32>, tensor<2x7xi32>) -> tensor<2x7x3xf32>
  return %0 : tensor<2x7x3xf32>
}

// -----

// Updates come one after the other, so that of two at one place the later stays, and sums are exact in order.
// CHECK-LABEL: func.func @adds(
// CHECK:         scf.for {{.*}} iter_args(%[[SO:.*]] = %arg0)
// CHECK:           %[[BEFORE:.*]] = tensor.extract %[[SO]]
// CHECK:           %[[SUM:.*]] = arith.addf %[[BEFORE]],
// CHECK:           tensor.insert %[[SUM]] into %[[SO]]
func.func @adds(%x: tensor<5xf32>, %i: tensor<3xi64>, %u: tensor<3xf32>) -> tensor<5xf32> {
  %0 = nn.scatter_elements %x, %i, %u {reduction = "add"} : (tensor<5xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}
