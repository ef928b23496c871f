// RUN: burnish-opt %s --nn-return-status | FileCheck %s

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
