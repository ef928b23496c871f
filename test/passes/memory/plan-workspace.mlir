// RUN: burnish-opt %s --split-input-file --nn-plan-workspace | FileCheck %s

// The third buffer takes the place of the first, which is not needed any more; the second lives beside both.
// CHECK:       module attributes {nn.workspace_bytes = 192 : i64, nn.workspace_widest = 192 : i64}
// CHECK-LABEL: func.func @reuses(
// CHECK-SAME:    %[[X:.*]]: memref<16xf32>, %[[WORKSPACE:.*]]: memref<192xi8>
// CHECK:         %[[FIRST:.*]] = arith.constant 128 : index
// CHECK:         memref.view %[[WORKSPACE]][%[[FIRST]]][] : memref<192xi8> to memref<16xf32>
// CHECK:         %[[SECOND:.*]] = arith.constant 0 : index
// CHECK:         memref.view %[[WORKSPACE]][%[[SECOND]]][] : memref<192xi8> to memref<32xf32>
// CHECK:         %[[THIRD:.*]] = arith.constant 128 : index
// CHECK:         memref.view %[[WORKSPACE]][%[[THIRD]]][] : memref<192xi8> to memref<16xf32>
func.func @reuses(%x: memref<16xf32>) {
  %a = memref.alloc() : memref<16xf32>
  memref.copy %x, %a : memref<16xf32> to memref<16xf32>
  %b = memref.alloc() : memref<32xf32>
  %half = memref.subview %b[0] [16] [1] : memref<32xf32> to memref<16xf32, strided<[1]>>
  memref.copy %a, %half : memref<16xf32> to memref<16xf32, strided<[1]>>
  %c = memref.alloc() : memref<16xf32>
  memref.copy %half, %c : memref<16xf32, strided<[1]>> to memref<16xf32>
  memref.copy %c, %x : memref<16xf32> to memref<16xf32>
  return
}

// -----

// An iteration reads what the one before it wrote into a buffer of its own, so that one place would not do.
// CHECK-LABEL: func.func @hands_on(
// CHECK:         scf.for
// CHECK-NEXT:      memref.alloc() : memref<3xf32>
func.func @hands_on(%x: memref<?xf32>, %n: index) -> memref<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> memref<?xf32> {
    %new = memref.alloc() : memref<3xf32>
    %old = memref.cast %s : memref<?xf32> to memref<3xf32>
    linalg.exp ins(%old : memref<3xf32>) outs(%new : memref<3xf32>)
    %cast = memref.cast %new : memref<3xf32> to memref<?xf32>
    scf.yield %cast : memref<?xf32>
  }
  return %r : memref<?xf32>
}

// -----

// A buffer that may have been chosen is needed as long as the choice is.
// CHECK-LABEL: func.func @chosen(
// CHECK:         %[[FIRST:.*]] = arith.constant 0 : index
// CHECK:         memref.view %{{.*}}[%[[FIRST]]][] : memref<128xi8>
// CHECK:         %[[SECOND:.*]] = arith.constant 64 : index
// CHECK:         memref.view %{{.*}}[%[[SECOND]]][] : memref<128xi8>
func.func @chosen(%x: memref<16xf32>, %y: memref<16xf32>, %condition: i1) {
  %a = memref.alloc() : memref<16xf32>
  memref.copy %x, %a : memref<16xf32> to memref<16xf32>
  %chosen = arith.select %condition, %a, %y : memref<16xf32>
  %b = memref.alloc() : memref<16xf32>
  memref.copy %y, %b : memref<16xf32> to memref<16xf32>
  memref.copy %b, %x : memref<16xf32> to memref<16xf32>
  memref.copy %chosen, %y : memref<16xf32> to memref<16xf32>
  return
}

// -----

// Largest first, the last buffer would lie in the place of the first and one of the others above it: 448 bytes. No operation needs
// more than 320.
// CHECK:       module attributes {nn.workspace_bytes = 320 : i64, nn.workspace_widest = 320 : i64}
func.func private @fills(memref<48xf32>)
func.func private @narrows(memref<48xf32>, memref<32xf32>)
func.func private @moves(memref<32xf32>, memref<32xf32>)
func.func @leaves_no_gap(%x: memref<32xf32>) {
  %a = memref.alloc() : memref<48xf32>
  %b = memref.alloc() : memref<32xf32>
  %c = memref.alloc() : memref<32xf32>
  %d = memref.alloc() : memref<48xf32>
  call @fills(%a) : (memref<48xf32>) -> ()
  call @narrows(%a, %b) : (memref<48xf32>, memref<32xf32>) -> ()
  call @moves(%b, %c) : (memref<32xf32>, memref<32xf32>) -> ()
  call @fills(%d) : (memref<48xf32>) -> ()
  call @narrows(%d, %c) : (memref<48xf32>, memref<32xf32>) -> ()
  call @narrows(%d, %x) : (memref<48xf32>, memref<32xf32>) -> ()
  return
}
