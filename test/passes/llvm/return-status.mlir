// RUN: burnish-opt %s --split-input-file --nn-return-status | FileCheck %s

// What does not hold returns its status at once, from a loop as well.
// CHECK-LABEL: func.func @checks(
// CHECK-SAME:    -> (i32, memref<?xf32>)
// CHECK:         %[[STATUS:.*]] = arith.constant 1 : i32
// CHECK:         cf.cond_br %{{.*}}, ^[[REST:.*]], ^[[FAIL:.*]](%[[STATUS]] : i32)
// CHECK:       ^[[REST]]:
// CHECK:         %[[OK:.*]] = arith.constant 0 : i32
// CHECK:         return %[[OK]], %{{.*}} : i32, memref<?xf32>
// CHECK:       ^[[FAIL]](%[[CODE:.*]]: i32):
// CHECK:         return %[[CODE]], %{{.*}}
func.func @checks(%x: memref<?xf32>, %c: i1) -> memref<?xf32> {
  cf.assert %c, "1:operands do not broadcast"
  return %x : memref<?xf32>
}

// -----

// Where there is a context, it is told which sizes do not fit, and whose they are.
// CHECK-LABEL: func.func @tells(
// CHECK-SAME:    %[[CONTEXT:.*]]: !llvm.ptr, %{{.*}}: memref<?xf32>, %[[N:.*]]: index, %[[M:.*]]: index)
// CHECK:         cf.cond_br %{{.*}}, ^{{.*}}, ^[[TELL:.*]]
// CHECK:       ^[[TELL]]:
// CHECK:         %[[WORDS:.*]] = llvm.mlir.addressof @tells_misfit_0
// CHECK:         %[[LEFT:.*]] = arith.index_cast %[[N]]
// CHECK:         %[[RIGHT:.*]] = arith.index_cast %[[M]]
// CHECK:         %[[COUNT:.*]] = arith.constant 2
// CHECK:         llvm.call @tell_misfit(%[[CONTEXT]], %[[WORDS]], %[[LEFT]], %[[RIGHT]], %[[COUNT]])
// CHECK:       llvm.mlir.global internal constant @tells_misfit_0("node 'a': operands do not fit\00")
func.func @tells(%context: !llvm.ptr, %x: memref<?xf32>, %n: index, %m: index) -> memref<?xf32> {
  %0 = arith.cmpi eq, %n, %m : index
  cf.assert %0, "1:operands do not fit" loc("node 'a'")
  return %x : memref<?xf32>
}
