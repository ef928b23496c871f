// RUN: burnish-opt %s --nn-copy-in-loops | FileCheck %s

// CHECK-LABEL: func.func @copies(
// CHECK-SAME:    %[[A:.*]]: memref<2x3xf32>, %[[B:.*]]: memref<2x3xf32>, %[[C:.*]]: memref<2x3xf32, strided<[5, 1]>>)
func.func @copies(%a: memref<2x3xf32>, %b: memref<2x3xf32>, %c: memref<2x3xf32, strided<[5, 1]>>) {
  // One piece of memory is copied as one.
  // CHECK:         memref.copy %[[A]], %[[B]]
  memref.copy %a, %b : memref<2x3xf32> to memref<2x3xf32>
  // Rows with gaps between them are not.
  // CHECK-NEXT:    linalg.generic {{.*}} ins(%[[A]] : {{.*}}) outs(%[[C]] :
  memref.copy %a, %c : memref<2x3xf32> to memref<2x3xf32, strided<[5, 1]>>
  // Onto itself there is nothing to do.
  // CHECK-NOT:     memref.copy
  memref.copy %c, %c : memref<2x3xf32, strided<[5, 1]>> to memref<2x3xf32, strided<[5, 1]>>
  return
}

// Of many short rows, only the elements of one may be unrolled.
// CHECK-LABEL: func.func @rows(
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK:             memref.store
// CHECK-NEXT:      }
// CHECK-NEXT:    } {llvm.loop_annotation = #[[ONCE:.*]]}
// CHECK:         linalg.fill
func.func @rows(%many: memref<65x3xf32, strided<[5, 1]>>, %few: memref<64x3xf32, strided<[5, 1]>>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%many : memref<65x3xf32, strided<[5, 1]>>)
  linalg.fill ins(%zero : f32) outs(%few : memref<64x3xf32, strided<[5, 1]>>)
  return
}
