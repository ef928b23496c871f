// RUN: burnish-opt %s --split-input-file --nn-outline-moves | FileCheck %s

// Fills that begin at different places are calls of one function, which knows the number.
// CHECK-LABEL: func.func @many(
// CHECK-NOT:     linalg.fill
// CHECK:         call @fill(%{{.*}}) : (memref<2x3xf32, strided<[5, 1], offset: ?>>) -> ()
// CHECK-NOT:     linalg.fill
// CHECK:       func.func private @fill(%[[TO:.*]]: memref<2x3xf32, strided<[5, 1], offset: ?>>) attributes {{.*}}noinline
// CHECK:         %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK:         linalg.fill ins(%[[ZERO]] : f32) outs(%[[TO]] :
// CHECK-NOT:   func.func
func.func @many(%a: memref<2x3xf32, strided<[5, 1], offset: 1>>, %b: memref<2x3xf32, strided<[5, 1], offset: 2>>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%b : memref<2x3xf32, strided<[5, 1], offset: 2>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%b : memref<2x3xf32, strided<[5, 1], offset: 2>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%b : memref<2x3xf32, strided<[5, 1], offset: 2>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%b : memref<2x3xf32, strided<[5, 1], offset: 2>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%b : memref<2x3xf32, strided<[5, 1], offset: 2>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%b : memref<2x3xf32, strided<[5, 1], offset: 2>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%b : memref<2x3xf32, strided<[5, 1], offset: 2>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%b : memref<2x3xf32, strided<[5, 1], offset: 2>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%b : memref<2x3xf32, strided<[5, 1], offset: 2>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%b : memref<2x3xf32, strided<[5, 1], offset: 2>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%b : memref<2x3xf32, strided<[5, 1], offset: 2>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%b : memref<2x3xf32, strided<[5, 1], offset: 2>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%b : memref<2x3xf32, strided<[5, 1], offset: 2>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%b : memref<2x3xf32, strided<[5, 1], offset: 2>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%b : memref<2x3xf32, strided<[5, 1], offset: 2>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%b : memref<2x3xf32, strided<[5, 1], offset: 2>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%b : memref<2x3xf32, strided<[5, 1], offset: 2>>)
  return
}

// -----

// A few stay where they are.
// CHECK-LABEL: func.func @few(
// CHECK-NOT:     call
func.func @few(%a: memref<2x3xf32, strided<[5, 1], offset: 1>>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  linalg.fill ins(%zero : f32) outs(%a : memref<2x3xf32, strided<[5, 1], offset: 1>>)
  return
}

// -----

// Elements that are repeated where only the run knows that they have to be: what the body takes from around it are arguments, but for numbers that are known.
#row = affine_map<(d0) -> (d0)>
// CHECK-LABEL: func.func @repeated(
// CHECK-SAME:    %[[FROM:.*]]: memref<?xf32>, %[[TO:.*]]: memref<?xf32>, %[[IS_ONE:.*]]: i1)
// CHECK-NOT:     linalg.generic
// CHECK:         call @elements(%[[TO]], %[[IS_ONE]], %[[FROM]])
// CHECK-NOT:     linalg.generic
// CHECK:       func.func private @elements(%[[TO2:.*]]: memref<?xf32>, %[[IS_ONE2:.*]]: i1, %[[FROM2:.*]]: memref<?xf32>) attributes {{.*}}noinline
// CHECK:         %[[FIRST:.*]] = arith.constant 0 : index
// CHECK:         linalg.generic {{.*}} outs(%[[TO2]] :
// CHECK:           arith.select %[[IS_ONE2]], %[[FIRST]]
// CHECK:           memref.load %[[FROM2]]
// CHECK-NOT:   func.func
func.func @repeated(%from: memref<?xf32>, %to: memref<?xf32>, %isOne: i1) {
  %first = arith.constant 0 : index
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%to : memref<?xf32>) { ^bb0(%o: f32): %i = linalg.index 0 : index  %p = arith.select %isOne, %first, %i : index  %v = memref.load %from[%p] : memref<?xf32>  linalg.yield %v : f32 }
  return
}
