// RUN: burnish-opt %s --nn-allocate-in-context --split-input-file | FileCheck %s

// A buffer of run-time size comes from the context, with its size checked, and goes back to it.
// CHECK:       module attributes {nn.allocates}
// CHECK-LABEL: func.func @allocates(
// CHECK-SAME:    %[[CONTEXT:.*]]: !llvm.ptr, %[[N:.*]]: index)
// CHECK:         %[[ROW:.*]] = llvm.mlir.constant(12 : i64)
// CHECK:         %[[WIDE:.*]] = arith.index_cast %[[N]]
// CHECK:         %[[BYTES:.*]] = llvm.call @multiply_sizes(%[[ROW]], %[[WIDE]])
// CHECK:         %[[MEMORY:.*]] = llvm.call @allocate_in_context(%[[CONTEXT]], %[[BYTES]])
// CHECK:         cf.assert %{{.*}}, "3:no memory"
// CHECK:         memref.view %{{.*}}[%{{.*}}][%[[N]]] : memref<?xi8> to memref<?x3xf32>
// CHECK:         llvm.call @release_in_context(%[[CONTEXT]], %{{.*}})
func.func @allocates(%n: index) {
  %a = memref.alloc(%n) : memref<?x3xf32>
  memref.dealloc %a : memref<?x3xf32>
  return
}

// -----

// A size that leaves 64 bits when compiling is one that no allocator has.
// CHECK-LABEL: func.func @too_great(
// CHECK:         %[[ROW:.*]] = llvm.mlir.constant(-1 : i64)
// CHECK:         llvm.call @multiply_sizes(%[[ROW]], %{{.*}})
func.func @too_great(%n: index) {
  %a = memref.alloc(%n) : memref<?x4611686018427387904xf32>
  memref.dealloc %a : memref<?x4611686018427387904xf32>
  return
}
