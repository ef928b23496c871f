// RUN: burnish-opt %s --nn-time-kernels | FileCheck %s
// Kernels are timed one by one, also those in loops; a loop without kernels is timed as a whole. What each did is in the table.

// CHECK-LABEL: func @net(
// CHECK:         %[[FIRST:.*]] = call @burnish_profile_begin() : () -> i64
// CHECK-NEXT:    call @kernel(
// CHECK:         %[[TABLE:.*]] = llvm.mlir.addressof @burnish_profile_table
// CHECK:         %[[ZERO:.*]] = arith.constant 0 : i64
// CHECK:         call @burnish_profile_end(%[[TABLE]], %[[ZERO]], %[[FIRST]])
// CHECK:         scf.for
// CHECK-NEXT:      %[[SECOND:.*]] = func.call @burnish_profile_begin()
// CHECK-NEXT:      func.call @kernel(
// CHECK:           func.call @burnish_profile_end(%{{.*}}, %{{.*}}, %[[SECOND]])
// CHECK:         }
// CHECK:         call @burnish_profile_begin()
// CHECK-NEXT:    scf.for
// CHECK-NEXT:      linalg.fill
// CHECK-NEXT:    }
// CHECK:         call @burnish_profile_end(
// CHECK:         call @burnish_profile_begin()
// CHECK-NEXT:    memref.copy
// CHECK:         call @burnish_profile_end(
// CHECK-NOT:     call
// CHECK:         return
// CHECK-LABEL: func private @kernel(
// CHECK-NOT:     burnish_profile
// CHECK:         llvm.mlir.global internal constant @burnish_profile_facts("\22port_bytes\22:0,\22weights_bytes\22:96,\22workspace_bytes\22:128\00")
// CHECK:         @burnish_profile_facts_0("\22bytes\22:72,\22constant_bytes\22:0,\22kernel\22:\22kernel\22,\22operations\22:14,\22where\22:\22node 'a' (Relu), node 'b' (Add)\22\00")
// CHECK:         @burnish_profile_facts_1(
// Five times seven elements are written in the loop.
// CHECK:         @burnish_profile_facts_2("\22bytes\22:140,\22constant_bytes\22:0,\22kernel\22:\22for\22,\22operations\22:0,
// CHECK:         @burnish_profile_facts_3("\22bytes\22:56,\22constant_bytes\22:0,\22kernel\22:\22copy_7\22,
// CHECK:         llvm.mlir.global internal @burnish_profile_table() {{.*}}alignment = 16 : i64} : !llvm.struct<(ptr, i64, i64, i64, i64, array<4 x struct<(ptr, i64, i64, i64)>>)>
module attributes {nn.signature = {inputs = [], name = "net", outputs = []}, nn.weights_bytes = 96 : i64, nn.workspace_bytes = 128 : i64} {
  func.func @net(%a: memref<7xf32>, %b: memref<7xf32>) {
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c5 = arith.constant 5 : index
    call @kernel(%a, %b, %c0, %c1) {nn.work = {bytes = 72 : i64, operations = 14 : i64}} : (memref<7xf32>, memref<7xf32>, index, index) -> () loc(fused["node 'a' (Relu)", "node 'b' (Add)"])
    scf.for %i = %c0 to %c5 step %c1 {
      func.call @kernel(%a, %b, %c0, %c1) : (memref<7xf32>, memref<7xf32>, index, index) -> ()
    }
    scf.for %i = %c0 to %c5 step %c1 {
      linalg.fill ins(%zero : f32) outs(%a : memref<7xf32>)
    }
    memref.copy %a, %b : memref<7xf32> to memref<7xf32>
    return
  }
  func.func private @kernel(%a: memref<7xf32>, %b: memref<7xf32>, %begin: index, %end: index) {
    memref.copy %a, %b : memref<7xf32> to memref<7xf32>
    return
  }
}
