// RUN: burnish-opt %s --nn-expand-shapes | FileCheck %s

// Two unknown sizes in one group: the outer stride is the inner stride times the inner size.
// CHECK-LABEL: func.func @two(
// CHECK-SAME:    %[[X:.*]]: memref<?x32xf32>, %[[N:.*]]: index, %[[T:.*]]: index)
// CHECK:         %[[BASE:.*]], %{{.*}}, %{{.*}}:2, %[[STRIDES:.*]]:2 = memref.extract_strided_metadata %[[X]]
// CHECK:         %[[STRIDE:.*]] = arith.muli %[[STRIDES]]#0, %[[T]]
// CHECK:         memref.reinterpret_cast %[[BASE]] to offset: [0], sizes: [%[[N]], %[[T]], 32], strides: [%[[STRIDE]], 32, 1]
func.func @two(%x: memref<?x32xf32>, %n: index, %t: index) -> memref<?x?x32xf32> {
  %y = memref.expand_shape %x [[0, 1], [2]] output_shape [%n, %t, 32] : memref<?x32xf32> into memref<?x?x32xf32>
  return %y : memref<?x?x32xf32>
}

// One is upstream's.
// CHECK-LABEL: func.func @one(
// CHECK:         memref.expand_shape
func.func @one(%x: memref<?x32xf32>, %n: index) -> memref<?x4x32xf32> {
  %y = memref.expand_shape %x [[0, 1], [2]] output_shape [%n, 4, 32] : memref<?x32xf32> into memref<?x4x32xf32>
  return %y : memref<?x4x32xf32>
}
