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

// -----

// A result whose sizes follow from an input's is computed where the caller wants it, and a function tells these sizes.
// CHECK-LABEL: func.func @follows(
// CHECK-SAME:    %[[X:[^:]*]]: memref<?xf32>, %[[OUT:[^:]*]]: memref<?x2xf32>) {
// CHECK-NOT:     memref.alloc
// CHECK:         cf.assert %{{.*}}, "1:a size is negative"
// CHECK:         call @make(%[[OUT]])
// CHECK-LABEL: func.func private @follows_result_sizes(
// CHECK-SAME:    %[[N:.*]]: index) -> index attributes {nn.placed = array<i64: 0>}
// CHECK:         %[[M:.*]] = arith.muli %[[N]], %{{.*}}
// CHECK:         return %[[M]]
module attributes {nn.signature = {inputs = [{dim_names = ["N"], name = "x", type = tensor<?xf32>}], name = "follows", outputs = [{dim_names = [""], name = "y", type = tensor<?x2xf32>}]}} {
  func.func private @make(memref<?x2xf32>)
  func.func @follows(%x: memref<?xf32>) -> memref<?x2xf32> {
    %c0 = arith.constant 0 : index
    %c3 = arith.constant 3 : index
    %n = memref.dim %x, %c0 : memref<?xf32>
    %m = arith.muli %n, %c3 : index
    %a = memref.alloc(%m) : memref<?x2xf32>
    call @make(%a) : (memref<?x2xf32>) -> ()
    return %a : memref<?x2xf32>
  }
}
