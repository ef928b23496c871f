// RUN: burnish-opt %s --nn-carry-in-stacks --canonicalize | FileCheck %s

// The stack of what iterations begin with has one row more: the next state is made where the next iteration reads it.
// CHECK-LABEL: func.func @stacks(
// CHECK-SAME:      %[[FIRST:[a-z0-9]+]]: memref<3xf32>
// CHECK-DAG:     %[[ALL:.*]] = memref.alloc() {alignment = 64 : i64} : memref<72xi8>
// CHECK-DAG:     %[[BEFORE:.*]] = memref.view %[[ALL]][%c0][] : memref<72xi8> to memref<5x3xf32>
// CHECK-DAG:     %[[AFTER:.*]] = memref.view %[[ALL]][%c12][] : memref<72xi8> to memref<5x3xf32>
// CHECK-DAG:     %[[LAST:.*]] = memref.view %[[ALL]][%c60][] : memref<72xi8> to memref<3xf32>
// CHECK:         memref.copy %[[FIRST]], %{{.*}}
// CHECK:         scf.for %[[I:[a-z0-9]+]] =
// CHECK-NEXT:      %[[HERE:.*]] = memref.subview %[[BEFORE]][%[[I]], 0]
// CHECK-NEXT:      %[[NEXT:.*]] = memref.subview %[[AFTER]][%[[I]], 0]
// CHECK-NEXT:      linalg.exp ins(%[[HERE]] {{.*}} outs(%[[NEXT]]
// CHECK-NEXT:    }
// CHECK:         linalg.exp ins(%[[BEFORE]]
// CHECK:         linalg.exp ins(%[[LAST]]
func.func @stacks(%first: memref<3xf32>, %out: memref<5x3xf32>, %last: memref<3xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %room = memref.alloc() : memref<5x3xf32>
  %r:2 = scf.for %i = %c0 to %c5 step %c1 iter_args(%s = %first, %all = %room) -> (memref<3xf32>, memref<5x3xf32>) {
    %new = memref.alloc() : memref<3xf32>
    linalg.exp ins(%s : memref<3xf32>) outs(%new : memref<3xf32>)
    %row = memref.subview %all[%i, 0] [1, 3] [1, 1] : memref<5x3xf32> to memref<3xf32, strided<[1], offset: ?>>
    memref.copy %s, %row : memref<3xf32> to memref<3xf32, strided<[1], offset: ?>>
    scf.yield %new, %all : memref<3xf32>, memref<5x3xf32>
  }
  linalg.exp ins(%r#1 : memref<5x3xf32>) outs(%out : memref<5x3xf32>)
  linalg.exp ins(%r#0 : memref<3xf32>) outs(%last : memref<3xf32>)
  return
}

// So is the stack of what they end with, from the last row to the first.
// CHECK-LABEL: func.func @stacks_both_backwards(
// CHECK-DAG:     %[[ALL:.*]] = memref.alloc() {alignment = 64 : i64} : memref<72xi8>
// CHECK-DAG:     %[[AFTER:.*]] = memref.view %[[ALL]][%c0][] : memref<72xi8> to memref<5x3xf32>
// CHECK-DAG:     %[[BEFORE:.*]] = memref.view %[[ALL]][%c12][] : memref<72xi8> to memref<5x3xf32>
// CHECK-DAG:     %[[FIRST:.*]] = memref.view %[[ALL]][%c60][] : memref<72xi8> to memref<3xf32>
// CHECK:         memref.copy %arg0, %[[FIRST]]
// CHECK:         scf.for %[[I:[a-z0-9]+]] =
// CHECK:           %[[HERE:.*]] = memref.subview %[[BEFORE]]
// CHECK:           %[[NEXT:.*]] = memref.subview %[[AFTER]]
// CHECK:           linalg.exp ins(%[[HERE]] {{.*}} outs(%[[NEXT]]
// CHECK-NOT:       memref.copy
// CHECK:         linalg.add ins(%[[BEFORE]], %[[AFTER]]
func.func @stacks_both_backwards(%first: memref<3xf32>, %out: memref<5x3xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %room = memref.alloc() : memref<5x3xf32>
  %room_after = memref.alloc() : memref<5x3xf32>
  %r:3 = scf.for %i = %c0 to %c5 step %c1 iter_args(%s = %first, %all = %room, %after = %room_after)
      -> (memref<3xf32>, memref<5x3xf32>, memref<5x3xf32>) {
    %place = arith.subi %c4, %i : index
    %made = memref.subview %after[%place, 0] [1, 3] [1, 1] : memref<5x3xf32> to memref<3xf32, strided<[1], offset: ?>>
    linalg.exp ins(%s : memref<3xf32>) outs(%made : memref<3xf32, strided<[1], offset: ?>>)
    %row = memref.subview %all[%place, 0] [1, 3] [1, 1] : memref<5x3xf32> to memref<3xf32, strided<[1], offset: ?>>
    memref.copy %s, %row : memref<3xf32> to memref<3xf32, strided<[1], offset: ?>>
    %new = memref.alloc() : memref<3xf32>
    memref.copy %made, %new : memref<3xf32, strided<[1], offset: ?>> to memref<3xf32>
    scf.yield %new, %all, %after : memref<3xf32>, memref<5x3xf32>, memref<5x3xf32>
  }
  linalg.add ins(%r#1, %r#2 : memref<5x3xf32>, memref<5x3xf32>) outs(%out : memref<5x3xf32>)
  return
}

// What is written later may not be the same memory.
// CHECK-LABEL: func.func @writes_later(
// CHECK:         memref.alloc() : memref<5x3xf32>
// CHECK:         scf.for
// CHECK:           memref.copy
func.func @writes_later(%first: memref<3xf32>, %out: memref<5x3xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %room = memref.alloc() : memref<5x3xf32>
  %r:2 = scf.for %i = %c0 to %c5 step %c1 iter_args(%s = %first, %all = %room) -> (memref<3xf32>, memref<5x3xf32>) {
    %new = memref.alloc() : memref<3xf32>
    linalg.exp ins(%s : memref<3xf32>) outs(%new : memref<3xf32>)
    %row = memref.subview %all[%i, 0] [1, 3] [1, 1] : memref<5x3xf32> to memref<3xf32, strided<[1], offset: ?>>
    memref.copy %s, %row : memref<3xf32> to memref<3xf32, strided<[1], offset: ?>>
    scf.yield %new, %all : memref<3xf32>, memref<5x3xf32>
  }
  linalg.exp ins(%out : memref<5x3xf32>) outs(%r#1 : memref<5x3xf32>)
  linalg.exp ins(%r#1 : memref<5x3xf32>) outs(%out : memref<5x3xf32>)
  return
}

// A state that changes while iterations go on is no row of the stack.
// CHECK-LABEL: func.func @changes(
// CHECK:         scf.for
// CHECK:           memref.copy
func.func @changes(%first: memref<3xf32>, %out: memref<5x3xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %room = memref.alloc() : memref<5x3xf32>
  %r:2 = scf.for %i = %c0 to %c5 step %c1 iter_args(%s = %first, %all = %room) -> (memref<3xf32>, memref<5x3xf32>) {
    %row = memref.subview %all[%i, 0] [1, 3] [1, 1] : memref<5x3xf32> to memref<3xf32, strided<[1], offset: ?>>
    memref.copy %s, %row : memref<3xf32> to memref<3xf32, strided<[1], offset: ?>>
    linalg.exp ins(%s : memref<3xf32>) outs(%s : memref<3xf32>)
    scf.yield %s, %all : memref<3xf32>, memref<5x3xf32>
  }
  linalg.exp ins(%r#1 : memref<5x3xf32>) outs(%out : memref<5x3xf32>)
  return
}
