// RUN: burnish-opt %s --nn-share-kernels --split-input-file | FileCheck %s
// Functions of kernels that differ in numbers only become one that takes these; equal ones are one argument.

// CHECK-LABEL: func.func @layers(
// CHECK:         %[[FIRST:.*]] = arith.constant 2.500000e-01 : f32
// CHECK:         call @scale(%arg0, %[[FIRST]], %c0, %c3)
// CHECK:         %[[SECOND:.*]] = arith.constant 5.000000e-01 : f32
// CHECK:         call @scale(%arg0, %[[SECOND]], %c0, %c3)
// CHECK-LABEL: func.func private @scale(
// CHECK-SAME:    %[[A:.*]]: memref<3xf32>, %[[SCALE:.*]]: f32, %[[BEGIN:.*]]: index, %[[END:.*]]: index) attributes {nn.parallel}
// CHECK:         %[[VECTOR:.*]] = vector.broadcast %[[SCALE]] : f32 to vector<2xf32>
// CHECK:         %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK:         arith.mulf %{{.*}}, %[[VECTOR]]
// CHECK:         arith.mulf %{{.*}}, %[[SCALE]]
// CHECK:         arith.addf %{{.*}}, %[[ONE]]
// CHECK-NOT:   @scale_0
func.func @layers(%a: memref<3xf32>) {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  call @scale(%a, %c0, %c3) : (memref<3xf32>, index, index) -> ()
  call @scale_0(%a, %c0, %c3) : (memref<3xf32>, index, index) -> ()
  return
}
func.func private @scale(%a: memref<3xf32>, %begin: index, %end: index) attributes {nn.parallel} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %s = arith.constant dense<0.25> : vector<2xf32>
  %t = arith.constant 0.25 : f32
  %one = arith.constant 1.0 : f32
  %x = vector.load %a[%c0] : memref<3xf32>, vector<2xf32>
  %y = arith.mulf %x, %s : vector<2xf32>
  vector.store %y, %a[%c0] : memref<3xf32>, vector<2xf32>
  %u = memref.load %a[%c2] : memref<3xf32>
  %v = arith.mulf %u, %t : f32
  %w = arith.addf %v, %one : f32
  memref.store %w, %a[%c2] : memref<3xf32>
  return
}
func.func private @scale_0(%a: memref<3xf32>, %begin: index, %end: index) attributes {nn.parallel} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %s = arith.constant dense<0.5> : vector<2xf32>
  %t = arith.constant 0.5 : f32
  %one = arith.constant 1.0 : f32
  %x = vector.load %a[%c0] : memref<3xf32>, vector<2xf32>
  %y = arith.mulf %x, %s : vector<2xf32>
  vector.store %y, %a[%c0] : memref<3xf32>, vector<2xf32>
  %u = memref.load %a[%c2] : memref<3xf32>
  %v = arith.mulf %u, %t : f32
  %w = arith.addf %v, %one : f32
  memref.store %w, %a[%c2] : memref<3xf32>
  return
}

// -----

// A quotient of integers by a constant is a product, and indices decide how the code is: such functions stay.
// CHECK-LABEL: func.func @others(
// CHECK:         call @by_three(
// CHECK:         call @by_five(
// CHECK:         call @at_one(
// CHECK:         call @at_two(
func.func @others(%a: memref<3xi32>) {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  call @by_three(%a, %c0, %c3) : (memref<3xi32>, index, index) -> ()
  call @by_five(%a, %c0, %c3) : (memref<3xi32>, index, index) -> ()
  call @at_one(%a, %c0, %c3) : (memref<3xi32>, index, index) -> ()
  call @at_two(%a, %c0, %c3) : (memref<3xi32>, index, index) -> ()
  return
}
func.func private @by_three(%a: memref<3xi32>, %begin: index, %end: index) {
  %by = arith.constant 3 : i32
  %x = memref.load %a[%begin] : memref<3xi32>
  %y = arith.divsi %x, %by : i32
  memref.store %y, %a[%begin] : memref<3xi32>
  return
}
func.func private @by_five(%a: memref<3xi32>, %begin: index, %end: index) {
  %by = arith.constant 5 : i32
  %x = memref.load %a[%begin] : memref<3xi32>
  %y = arith.divsi %x, %by : i32
  memref.store %y, %a[%begin] : memref<3xi32>
  return
}
func.func private @at_one(%a: memref<3xi32>, %begin: index, %end: index) {
  %at = arith.constant 1 : index
  %x = memref.load %a[%at] : memref<3xi32>
  memref.store %x, %a[%begin] : memref<3xi32>
  return
}
func.func private @at_two(%a: memref<3xi32>, %begin: index, %end: index) {
  %at = arith.constant 2 : index
  %x = memref.load %a[%at] : memref<3xi32>
  memref.store %x, %a[%begin] : memref<3xi32>
  return
}
