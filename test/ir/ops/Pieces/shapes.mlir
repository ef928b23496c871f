// RUN: burnish-opt %s --split-input-file --nn-infer-shapes | FileCheck %s

// The target of a reshape, as exporters compute it: Shape, Gather, Unsqueeze, Concat.
// CHECK-LABEL: func.func @reshape_target(
// CHECK:         nn.reshape {{.*}} -> tensor<?x?x768xf32>
func.func @reshape_target(%x: tensor<?x?x12x64xf32> {nn.dims = ["b", "s", "", ""]}) -> tensor<?x?x?xf32> {
  %zero = nn.constant {value = dense<0> : tensor<i64>} : () -> tensor<i64>
  %one = nn.constant {value = dense<1> : tensor<i64>} : () -> tensor<i64>
  %axes = nn.constant {value = dense<0> : tensor<1xi64>} : () -> tensor<1xi64>
  %left = nn.constant {value = dense<-1> : tensor<1xi64>} : () -> tensor<1xi64>
  %shape = nn.shape %x : (tensor<?x?x12x64xf32>) -> tensor<4xi64>
  %b = nn.gather %shape, %zero : (tensor<4xi64>, tensor<i64>) -> tensor<i64>
  %s = nn.gather %shape, %one : (tensor<4xi64>, tensor<i64>) -> tensor<i64>
  %b1 = nn.unsqueeze %b, %axes : (tensor<i64>, tensor<1xi64>) -> tensor<1xi64>
  %s1 = nn.unsqueeze %s, %axes : (tensor<i64>, tensor<1xi64>) -> tensor<1xi64>
  %target = nn.concat %b1, %s1, %left {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<3xi64>
  %y = nn.reshape %x, %target : (tensor<?x?x12x64xf32>, tensor<3xi64>) -> tensor<?x?x?xf32>
  return %y : tensor<?x?x?xf32>
}

// -----

// Starts and ends are clamped, and count from the end when negative.
// CHECK-LABEL: func.func @clamps(
// CHECK:         -> tensor<2x1x0xf32>
func.func @clamps(%x: tensor<3x5x7xf32>) -> tensor<?x?x?xf32> {
  %s = nn.constant {value = dense<[1, -1, 9]> : tensor<3xi64>} : () -> tensor<3xi64>
  %e = nn.constant {value = dense<[9223372036854775807, 100, 12]> : tensor<3xi64>} : () -> tensor<3xi64>
  %y = "nn.slice"(%x, %s, %e) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>} : (tensor<3x5x7xf32>, tensor<3xi64>, tensor<3xi64>) -> tensor<?x?x?xf32>
  return %y : tensor<?x?x?xf32>
}

// -----

// Backwards from beyond the end, by twos.
// CHECK-LABEL: func.func @backwards(
// CHECK:         -> tensor<3xf32>
func.func @backwards(%x: tensor<5xf32>) -> tensor<?xf32> {
  %s = nn.constant {value = dense<100> : tensor<1xi64>} : () -> tensor<1xi64>
  %e = nn.constant {value = dense<-100> : tensor<1xi64>} : () -> tensor<1xi64>
  %a = nn.constant {value = dense<0> : tensor<1xi64>} : () -> tensor<1xi64>
  %t = nn.constant {value = dense<-2> : tensor<1xi64>} : () -> tensor<1xi64>
  %y = "nn.slice"(%x, %s, %e, %a, %t) {operandSegmentSizes = array<i32: 1, 1, 1, 1, 1>} : (tensor<5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// The last piece of an uneven split is smaller.
// CHECK-LABEL: func.func @uneven(
// CHECK:         -> (tensor<3xf32>, tensor<3xf32>, tensor<1xf32>)
func.func @uneven(%x: tensor<7xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
  %y:3 = nn.split %x {num_outputs = 3 : i64} : (tensor<7xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>)
  return %y#0, %y#1, %y#2 : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
}
