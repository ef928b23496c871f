// RUN: burnish-opt %s --nn-check-bounds | FileCheck %s
// An access beyond the end, or before the start, of any axis ends the program; a vector is as long as it is.

// CHECK-LABEL: func @read(
// CHECK-SAME:    %[[X:.*]]: memref<5x7xf32>, %[[I:.*]]: index, %[[J:.*]]: index
// CHECK-DAG:     arith.cmpi sge, %[[I]]
// CHECK-DAG:     %[[ROW:.*]] = arith.addi %[[I]], %[[ONE:.*]] : index
// CHECK-DAG:     arith.cmpi sle, %[[ROW]], %[[FIVE:.*]] : index
// CHECK-DAG:     arith.cmpi sge, %[[J]]
// CHECK-DAG:     %[[END:.*]] = arith.addi %[[J]], %[[FOUR:.*]] : index
// CHECK-DAG:     arith.cmpi sle, %[[END]], %[[SEVEN:.*]] : index
// CHECK:         call @nn.check_bounds(%{{.*}})
// CHECK:         vector.load %[[X]][%[[I]], %[[J]]]
// CHECK-LABEL: func private @nn.check_bounds(
// CHECK-SAME:    passthrough = ["noinline"]
// CHECK:         scf.if
// CHECK-NEXT:      llvm.intr.trap
func.func @read(%x: memref<5x7xf32>, %i: index, %j: index) -> vector<4xf32> {
  %v = vector.load %x[%i, %j] : memref<5x7xf32>, vector<4xf32>
  return %v : vector<4xf32>
}
