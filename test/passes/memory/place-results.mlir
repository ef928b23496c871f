// RUN: burnish-opt %s --split-input-file --nn-place-results | FileCheck %s

// A result is computed where the caller wants it, also when its shape changes on the way.
// CHECK-LABEL: func.func @in_place(
// CHECK-SAME:    %[[X:.*]]: memref<6xf32>, %[[OUT:.*]]: memref<2x3xf32>) {
// CHECK:         %[[FLAT:.*]] = memref.reinterpret_cast %[[OUT]] to offset: [0], sizes: [6], strides: [1]
// CHECK:         linalg.exp ins(%[[X]] : memref<6xf32>) outs(%[[FLAT]] : memref<6xf32>)
// CHECK-NOT:     memref.copy
func.func @in_place(%x: memref<6xf32>) -> memref<2x3xf32> {
  %a = memref.alloc() : memref<6xf32>
  linalg.exp ins(%x : memref<6xf32>) outs(%a : memref<6xf32>)
  %r = memref.expand_shape %a [[0, 1]] output_shape [2, 3] : memref<6xf32> into memref<2x3xf32>
  return %r : memref<2x3xf32>
}

// -----

// One buffer returned twice is written once and copied once; a result of run-time size stays a result.
// CHECK-LABEL: func.func @twice(
// CHECK-SAME:    memref<6xf32>, %{{.*}}: memref<?xf32>, %[[FIRST:[^:]*]]: memref<6xf32>, %[[SECOND:[^:]*]]: memref<6xf32>) -> memref<?xf32>
// CHECK:         memref.copy %[[FIRST]], %[[SECOND]]
func.func @twice(%x: memref<6xf32>, %d: memref<?xf32>) -> (memref<6xf32>, memref<6xf32>, memref<?xf32>) {
  %a = memref.alloc() : memref<6xf32>
  linalg.exp ins(%x : memref<6xf32>) outs(%a : memref<6xf32>)
  return %a, %a, %d : memref<6xf32>, memref<6xf32>, memref<?xf32>
}
