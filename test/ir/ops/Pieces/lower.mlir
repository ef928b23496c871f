// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize --cse | FileCheck %s

// Positive steps are a view; the others are read one by one.
// CHECK-LABEL: func.func @views(
// CHECK:         tensor.extract_slice %arg0[1] [2] [2]
// CHECK-NOT:     linalg.generic
func.func @views(%x: tensor<5xf32>) -> tensor<2xf32> {
  %s = nn.constant {value = dense<1> : tensor<1xi64>} : () -> tensor<1xi64>
  %e = nn.constant {value = dense<5> : tensor<1xi64>} : () -> tensor<1xi64>
  %a = nn.constant {value = dense<0> : tensor<1xi64>} : () -> tensor<1xi64>
  %t = nn.constant {value = dense<2> : tensor<1xi64>} : () -> tensor<1xi64>
  %y = "nn.slice"(%x, %s, %e, %a, %t) {operandSegmentSizes = array<i32: 1, 1, 1, 1, 1>} : (tensor<5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

// Two slices of equal bounds are equal in size, so that their sum needs no check.
// CHECK-LABEL: func.func @equal_slices(
// CHECK-NOT:     cf.assert
// CHECK:         linalg.generic
func.func @equal_slices(%x: tensor<?xf32> {nn.dims = ["n"]}, %y: tensor<?xf32> {nn.dims = ["n"]}) -> tensor<?xf32> {
  %s = nn.constant {value = dense<1> : tensor<1xi64>} : () -> tensor<1xi64>
  %e = nn.constant {value = dense<-1> : tensor<1xi64>} : () -> tensor<1xi64>
  %a = "nn.slice"(%x, %s, %e) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>} : (tensor<?xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
  %b = "nn.slice"(%y, %s, %e) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>} : (tensor<?xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
  %c = nn.add %a, %b : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %c : tensor<?xf32>
}

// -----

// A declared size that the bounds give only at run time is checked there.
// CHECK-LABEL: func.func @declared(
// CHECK:         cf.assert %{{.*}}, "1:a size is not what was declared"
func.func @declared(%x: tensor<5xf32>, %s: tensor<1xi64>, %e: tensor<1xi64>) -> tensor<3xf32> {
  %y = "nn.slice"(%x, %s, %e) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>} : (tensor<5xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// -----

// CHECK-LABEL: func.func @joins(
// CHECK:         %[[FIRST:.*]] = tensor.insert_slice %arg0 into %{{.*}}[0, 0] [2, 3] [1, 1]
// CHECK:         tensor.insert_slice %arg1 into %[[FIRST]][0, 3] [2, 5] [1, 1]
func.func @joins(%x: tensor<2x3xf32>, %y: tensor<2x5xf32>) -> tensor<2x8xf32> {
  %0 = nn.concat %x, %y {axis = -1 : i64} : (tensor<2x3xf32>, tensor<2x5xf32>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

// A table of positions cut to the length of a sequence: the lengths are compared, but nothing is written out.
// CHECK-LABEL: func.func @positions(
// CHECK:         cf.assert %{{.*}}, "1:operands do not broadcast along axis {{[01]}}"
// CHECK-NOT:     tensor.extract %
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<?x?x5xf32>, tensor<1x?x5xf32>)
func.func @positions(%x: tensor<?x?x5xf32> {nn.dims = ["b", "s", ""]}, %table: tensor<1x512x5xf32>) -> tensor<?x?x5xf32> {
  %one = nn.constant {value = dense<1> : tensor<1xi64>} : () -> tensor<1xi64>
  %zero = nn.constant {value = dense<0> : tensor<1xi64>} : () -> tensor<1xi64>
  %shape = nn.shape %x : (tensor<?x?x5xf32>) -> tensor<3xi64>
  %s = nn.gather %shape, %one : (tensor<3xi64>, tensor<1xi64>) -> tensor<1xi64>
  %0 = "nn.slice"(%table, %zero, %s, %one) {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0>} : (tensor<1x512x5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x?x5xf32>
  %1 = nn.add %x, %0 : (tensor<?x?x5xf32>, tensor<1x?x5xf32>) -> tensor<?x?x5xf32>
  return %1 : tensor<?x?x5xf32>
}

// -----

// Pieces of nothing, whose sizes only run time knows, are checked and empty.
// CHECK-LABEL: func.func @splits_nothing(
// CHECK:         cf.assert
// CHECK-NOT:     tensor.extract_slice
// CHECK:         tensor.empty
func.func @splits_nothing(%x: tensor<0xf32>, %s: tensor<2xi64>) -> (tensor<?xf32>, tensor<?xf32>) {
  %a, %b = nn.split %x, %s : (tensor<0xf32>, tensor<2xi64>) -> (tensor<?xf32>, tensor<?xf32>)
  return %a, %b : tensor<?xf32>, tensor<?xf32>
}

// -----

// Of nothing there are no views, along whatever axis.
// CHECK-LABEL: func.func @joins_nothing(
// CHECK-NOT:     tensor.insert_slice
// CHECK:         return %{{.*}} : tensor<0x5xf32>
func.func @joins_nothing(%x: tensor<0x2xf32>, %y: tensor<0x3xf32>) -> tensor<0x5xf32> {
  %z = nn.concat %x, %y {axis = 1 : i64} : (tensor<0x2xf32>, tensor<0x3xf32>) -> tensor<0x5xf32>
  return %z : tensor<0x5xf32>
}

// -----

// A piece of nothing is nothing, though only run time says where it ends.
// CHECK-LABEL: func.func @of_nothing(
// CHECK-NOT:     tensor.extract_slice
// CHECK:         tensor.empty
func.func @of_nothing(%x: tensor<3x0xf32>, %e: tensor<2xi64>) -> tensor<?x?xf32> {
  %s = nn.constant {value = dense<0> : tensor<2xi64>} : () -> tensor<2xi64>
  %y = "nn.slice"(%x, %s, %e) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>} : (tensor<3x0xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

// What goes forwards is cut first: the loops that go backwards then run over whole axes.
// CHECK-LABEL: func.func @both_ways(
// CHECK:         tensor.extract_slice %arg0[0, 0] [3, 2] [1, 1]
// CHECK:         linalg.generic
func.func @both_ways(%x: tensor<3x5xf32>) -> tensor<2x2xf32> {
  %s = nn.constant {value = dense<[2, 0]> : tensor<2xi64>} : () -> tensor<2xi64>
  %e = nn.constant {value = dense<[-9, 2]> : tensor<2xi64>} : () -> tensor<2xi64>
  %a = nn.constant {value = dense<[0, 1]> : tensor<2xi64>} : () -> tensor<2xi64>
  %t = nn.constant {value = dense<[-2, 1]> : tensor<2xi64>} : () -> tensor<2xi64>
  %y = "nn.slice"(%x, %s, %e, %a, %t) {operandSegmentSizes = array<i32: 1, 1, 1, 1, 1>} : (tensor<3x5xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}
