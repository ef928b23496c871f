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
