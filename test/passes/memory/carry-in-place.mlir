// RUN: burnish-opt %s --nn-carry-in-place | FileCheck %s

// What an iteration yields is copied to where the next one reads it.
// CHECK-LABEL: func.func @carries(
// CHECK:         %[[PLACE:.*]] = memref.alloc() : memref<3xf32>
// CHECK:         scf.for {{.*}} iter_args(%[[CARRIED:.*]] = %[[PLACE]])
// CHECK:           %[[NEW:.*]] = memref.alloc()
// CHECK:           memref.copy %[[NEW]], %[[CARRIED]]
// CHECK:           scf.yield %[[CARRIED]]
func.func @carries(%x: memref<3xf32>, %n: index) -> memref<3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> memref<3xf32> {
    %new = memref.alloc() : memref<3xf32>
    linalg.exp ins(%s : memref<3xf32>) outs(%new : memref<3xf32>)
    scf.yield %new : memref<3xf32>
  }
  return %r : memref<3xf32>
}

// Two that change places are both read before either is written.
// CHECK-LABEL: func.func @swaps(
// CHECK:         scf.for {{.*}} iter_args(%[[A:.*]] = %{{.*}}, %[[B:.*]] = %{{.*}})
// CHECK:           memref.copy %[[B]], %[[OLD_B:.*]] :
// CHECK:           memref.copy %[[A]], %[[OLD_A:.*]] :
// CHECK:           memref.copy %[[OLD_B]], %[[A]]
// CHECK:           memref.copy %[[OLD_A]], %[[B]]
func.func @swaps(%x: memref<3xf32>, %y: memref<3xf32>, %n: index) -> (memref<3xf32>, memref<3xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %b = %y) -> (memref<3xf32>, memref<3xf32>) {
    scf.yield %b, %a : memref<3xf32>, memref<3xf32>
  }
  return %r#0, %r#1 : memref<3xf32>, memref<3xf32>
}

// What lies in buffers of its own, or in part of one, is no other's place: it is copied once.
// CHECK-LABEL: func.func @carries_two(
// CHECK:         scf.for {{.*}} iter_args(%[[A:.*]] = %{{.*}}, %[[B:.*]] = %{{.*}}, %[[C:.*]] = %{{.*}})
// CHECK:           %[[NEW:.*]] = memref.alloc() : memref<6xf32>
// CHECK:           %[[PART:.*]] = memref.subview %[[NEW]]
// CHECK:           memref.copy %[[A]], %[[OLD_A:.*]] :
// CHECK-NEXT:      memref.copy %[[PART]], %[[A]]
// CHECK-NEXT:      memref.copy %[[OLD_A]], %[[B]]
// CHECK-NEXT:      memref.copy %[[NEW]], %[[C]]
// CHECK-NEXT:      scf.yield %[[A]], %[[B]], %[[C]]
func.func @carries_two(%x: memref<3xf32>, %y: memref<3xf32>, %z: memref<6xf32>, %n: index)
    -> (memref<3xf32>, memref<3xf32>, memref<6xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r:3 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %b = %y, %c = %z) -> (memref<3xf32>, memref<3xf32>, memref<6xf32>) {
    %new = memref.alloc() : memref<6xf32>
    linalg.exp ins(%c : memref<6xf32>) outs(%new : memref<6xf32>)
    %part = memref.subview %new[0] [3] [1] : memref<6xf32> to memref<3xf32>
    scf.yield %part, %a, %new : memref<3xf32>, memref<3xf32>, memref<6xf32>
  }
  return %r#0, %r#1, %r#2 : memref<3xf32>, memref<3xf32>, memref<6xf32>
}

// The regions of a while loop do not see each other's arguments: the place is named from outside.
// CHECK-LABEL: func.func @while(
// CHECK:         %[[PLACE:.*]] = memref.alloc() : memref<3xf32>
// CHECK:         scf.while (%{{.*}} = %{{.*}}, %{{.*}} = %[[PLACE]])
// CHECK:           %[[NEW:.*]] = memref.alloc()
// CHECK:           memref.copy %[[NEW]], %[[PLACE]]
// CHECK:           scf.yield %{{.*}}, %[[PLACE]]
func.func @while(%x: memref<3xf32>, %n: index) -> memref<3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r:2 = scf.while (%i = %c0, %s = %x) : (index, memref<3xf32>) -> (index, memref<3xf32>) {
    %more = arith.cmpi slt, %i, %n : index
    scf.condition(%more) %i, %s : index, memref<3xf32>
  } do {
  ^bb0(%i: index, %s: memref<3xf32>):
    %new = memref.alloc() : memref<3xf32>
    linalg.exp ins(%s : memref<3xf32>) outs(%new : memref<3xf32>)
    %next = arith.addi %i, %c1 : index
    scf.yield %next, %new : index, memref<3xf32>
  }
  return %r#1 : memref<3xf32>
}

// A loop within that carries the buffer in place gives it back: there is nothing to copy.
// CHECK-LABEL: func.func @nested(
// CHECK-NOT:     memref.copy
// CHECK:         return
func.func @nested(%x: memref<3xf32>, %n: index, %f: f32) -> memref<3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> memref<3xf32> {
    %q = scf.for %j = %c0 to %n step %c1 iter_args(%t = %s) -> memref<3xf32> {
      memref.store %f, %t[%j] : memref<3xf32>
      scf.yield %t : memref<3xf32>
    }
    scf.yield %q : memref<3xf32>
  }
  return %r : memref<3xf32>
}

// A place in the middle of another buffer: the copy lies the same way.
// CHECK-LABEL: func.func @carries_a_view(
// CHECK:         %[[PLACE:.*]] = memref.alloc() : memref<3xf32>
// CHECK:         %[[LAID:.*]] = memref.reinterpret_cast %[[PLACE]] to offset: [1], sizes: [2], strides: [1]
// CHECK:         memref.copy %{{.*}}, %[[LAID]]
// CHECK:         scf.for {{.*}} iter_args(%{{.*}} = %[[LAID]])
func.func @carries_a_view(%x: memref<5xf32>, %y: memref<2xf32, strided<[1], offset: 1>>, %n: index) -> memref<2xf32, strided<[1], offset: 1>> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %view = memref.subview %x[1] [2] [1] : memref<5xf32> to memref<2xf32, strided<[1], offset: 1>>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %view) -> memref<2xf32, strided<[1], offset: 1>> {
    scf.yield %y : memref<2xf32, strided<[1], offset: 1>>
  }
  return %r : memref<2xf32, strided<[1], offset: 1>>
}

// A branch that ends with what the loop carries on either side is that buffer, and nothing is copied.
// CHECK-LABEL: func.func @branches(
// CHECK:         scf.for {{.*}} iter_args(%[[CARRIED:.*]] = %{{.*}})
// CHECK:           scf.if
// CHECK-NOT:       memref.copy
// CHECK:           scf.yield %[[CARRIED]]
// CHECK-NEXT:    }
func.func @branches(%x: memref<3xf32>, %n: index, %yes: i1) -> memref<3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> memref<3xf32> {
    %t = scf.if %yes -> memref<3xf32> {
      linalg.exp ins(%s : memref<3xf32>) outs(%s : memref<3xf32>)
      scf.yield %s : memref<3xf32>
    } else {
      scf.yield %s : memref<3xf32>
    }
    scf.yield %t : memref<3xf32>
  }
  return %r : memref<3xf32>
}

// One that may end with another is copied.
// CHECK-LABEL: func.func @chooses(
// CHECK:         scf.for {{.*}} iter_args(%[[CARRIED:.*]] = %{{.*}})
// CHECK:           %[[EITHER:.*]] = scf.if
// CHECK:           memref.copy %[[EITHER]], %[[CARRIED]]
// CHECK:           scf.yield %[[CARRIED]]
func.func @chooses(%x: memref<3xf32>, %y: memref<3xf32>, %n: index, %yes: i1) -> memref<3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> memref<3xf32> {
    %t = scf.if %yes -> memref<3xf32> {
      scf.yield %y : memref<3xf32>
    } else {
      scf.yield %s : memref<3xf32>
    }
    scf.yield %t : memref<3xf32>
  }
  return %r : memref<3xf32>
}

// So is a while loop within that changes what it carries where it is.
// CHECK-LABEL: func.func @waits(
// CHECK:         scf.for {{.*}} iter_args(%[[CARRIED:.*]] = %{{.*}})
// CHECK:           scf.while
// CHECK-NOT:       memref.copy
// CHECK:           scf.yield %[[CARRIED]]
// CHECK-NEXT:    }
func.func @waits(%x: memref<3xf32>, %n: index) -> memref<3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> memref<3xf32> {
    %t = scf.while (%a = %s) : (memref<3xf32>) -> memref<3xf32> {
      %first = memref.load %a[%c0] : memref<3xf32>
      %goes = arith.cmpf olt, %first, %first : f32
      scf.condition(%goes) %a : memref<3xf32>
    } do {
    ^bb0(%b: memref<3xf32>):
      linalg.exp ins(%b : memref<3xf32>) outs(%b : memref<3xf32>)
      scf.yield %b : memref<3xf32>
    }
    scf.yield %t : memref<3xf32>
  }
  return %r : memref<3xf32>
}

// What is made when nothing reads the old any more is made in its place.
// CHECK-LABEL: func.func @makes_in_place(
// CHECK:         scf.for {{.*}} iter_args(%[[CARRIED:.*]] = %{{.*}})
// CHECK-NEXT:      %[[OTHER:.*]] = memref.alloc()
// CHECK-NEXT:      linalg.exp ins(%[[CARRIED]] {{.*}} outs(%[[OTHER]]
// CHECK-NEXT:      linalg.abs ins(%[[OTHER]] {{.*}} outs(%[[CARRIED]]
// CHECK-NEXT:      scf.yield %[[CARRIED]]
func.func @makes_in_place(%x: memref<3xf32>, %n: index) -> memref<3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> memref<3xf32> {
    %other = memref.alloc() : memref<3xf32>
    linalg.exp ins(%s : memref<3xf32>) outs(%other : memref<3xf32>)
    %new = memref.alloc() : memref<3xf32>
    linalg.abs ins(%other : memref<3xf32>) outs(%new : memref<3xf32>)
    scf.yield %new : memref<3xf32>
  }
  return %r : memref<3xf32>
}

// Here the old is read once more.
// CHECK-LABEL: func.func @reads_once_more(
// CHECK:         scf.for {{.*}} iter_args(%[[CARRIED:.*]] = %{{.*}})
// CHECK:           %[[NEW:.*]] = memref.alloc()
// CHECK:           linalg.exp ins(%[[CARRIED]] {{.*}} outs(%[[NEW]]
// CHECK:           linalg.add
// CHECK:           memref.copy %[[NEW]], %[[CARRIED]]
func.func @reads_once_more(%x: memref<3xf32>, %y: memref<3xf32>, %n: index) -> memref<3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> memref<3xf32> {
    %new = memref.alloc() : memref<3xf32>
    linalg.exp ins(%s : memref<3xf32>) outs(%new : memref<3xf32>)
    linalg.add ins(%s, %new : memref<3xf32>, memref<3xf32>) outs(%y : memref<3xf32>)
    scf.yield %new : memref<3xf32>
  }
  return %r : memref<3xf32>
}
