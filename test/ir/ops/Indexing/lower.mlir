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

// -----

// Where a row of indices points to is found once, before the elements there are gone through.
// CHECK-LABEL: func.func @rows(
// CHECK-SAME:    %{{.*}}: tensor<5x7xf32>, %[[I:.*]]: tensor<3x1xi64>, %[[U:.*]]: tensor<3x7xf32>)
// CHECK:         scf.for %[[ROW:[a-z0-9]+]] = {{.*}} -> (tensor<5x7xf32>)
// CHECK:           tensor.extract %[[I]][%[[ROW]], %{{.*}}]
// CHECK:           scf.for %[[AT:[a-z0-9]+]] = {{.*}} -> (tensor<5x7xf32>)
// CHECK-NOT:         %[[I]]
// CHECK:             tensor.extract %[[U]][%[[ROW]], %[[AT]]]
// CHECK-NOT:         %[[I]]
// CHECK:             tensor.insert
func.func @rows(%x: tensor<5x7xf32>, %i: tensor<3x1xi64>, %u: tensor<3x7xf32>) -> tensor<5x7xf32> {
  %0 = nn.scatter_nd %x, %i, %u {reduction = "add"} : (tensor<5x7xf32>, tensor<3x1xi64>, tensor<3x7xf32>) -> tensor<5x7xf32>
  return %0 : tensor<5x7xf32>
}
