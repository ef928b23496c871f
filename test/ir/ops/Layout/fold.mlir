// RUN: burnish-opt %s --split-input-file --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @there_and_back(
// CHECK-NEXT:    return %arg0
func.func @there_and_back(%x: tensor<2x3x5xf32>) -> tensor<2x3x5xf32> {
  %0 = nn.transpose %x {perm = array<i64: 1, 2, 0>} : (tensor<2x3x5xf32>) -> tensor<3x5x2xf32>
  %1 = nn.transpose %0 {perm = array<i64: 2, 0, 1>} : (tensor<3x5x2xf32>) -> tensor<2x3x5xf32>
  return %1 : tensor<2x3x5xf32>
}

// -----

// Two orders of axes are one.
// CHECK-LABEL: func.func @two_orders(
// CHECK-NEXT:    nn.transpose %arg0 {perm = array<i64: 2, 0, 1>}
// CHECK-NEXT:    return
func.func @two_orders(%x: tensor<2x3x5xf32>) -> tensor<5x2x3xf32> {
  %0 = nn.transpose %x {perm = array<i64: 1, 2, 0>} : (tensor<2x3x5xf32>) -> tensor<3x5x2xf32>
  %1 = nn.transpose %0 {perm = array<i64: 1, 2, 0>} : (tensor<3x5x2xf32>) -> tensor<5x2x3xf32>
  return %1 : tensor<5x2x3xf32>
}

// -----

// The transposed product of a transposed matrix has one transpose.
// CHECK-LABEL: func.func @product(
// CHECK:         %[[B:.*]] = nn.transpose %arg1
// CHECK-NEXT:    %[[Y:.*]] = nn.matmul %[[B]], %arg0 : (tensor<2x7xf32>, tensor<7x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT:    return %[[Y]]
func.func @product(%a: tensor<7x3xf32>, %b: tensor<7x2xf32>) -> tensor<2x3xf32> {
  %0 = nn.transpose %a {perm = array<i64: 1, 0>} : (tensor<7x3xf32>) -> tensor<3x7xf32>
  %1 = nn.matmul %0, %b : (tensor<3x7xf32>, tensor<7x2xf32>) -> tensor<3x2xf32>
  %2 = nn.transpose %1 {perm = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  return %2 : tensor<2x3xf32>
}

// -----

// Not so where a constant would come to stand on the left.
// CHECK-LABEL: func.func @product_with_constant(
// CHECK:         nn.matmul
// CHECK-NEXT:    nn.transpose
func.func @product_with_constant(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %b = nn.constant {value = dense<1.0> : tensor<2x2xf32>} : () -> tensor<2x2xf32>
  %0 = nn.transpose %a {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = nn.matmul %0, %b : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %2 = nn.transpose %1 {perm = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  return %2 : tensor<2x3xf32>
}

// -----

// The last of two reshapes says all, unless it copies dims.
// CHECK-LABEL: func.func @last_reshape(
// CHECK:         %[[ROWS:.*]] = nn.reshape %arg0,
// CHECK:         nn.reshape %arg0,
// CHECK:         nn.reshape %[[ROWS]],
func.func @last_reshape(%x: tensor<2x3x5xf32>) -> (tensor<5x6xf32>, tensor<6x1x5xf32>) {
  %rows = nn.constant {value = dense<[6, 5]> : tensor<2xi64>} : () -> tensor<2xi64>
  %other = nn.constant {value = dense<[5, 6]> : tensor<2xi64>} : () -> tensor<2xi64>
  %copies = nn.constant {value = dense<[0, 1, 5]> : tensor<3xi64>} : () -> tensor<3xi64>
  %0 = nn.reshape %x, %rows : (tensor<2x3x5xf32>, tensor<2xi64>) -> tensor<6x5xf32>
  %1 = nn.reshape %0, %other : (tensor<6x5xf32>, tensor<2xi64>) -> tensor<5x6xf32>
  %2 = nn.reshape %0, %copies : (tensor<6x5xf32>, tensor<3xi64>) -> tensor<6x1x5xf32>
  return %1, %2 : tensor<5x6xf32>, tensor<6x1x5xf32>
}

// -----

// CHECK-LABEL: func.func @squeeze_of_unsqueeze(
// CHECK-NEXT:    return %arg0
func.func @squeeze_of_unsqueeze(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %axes = nn.constant {value = dense<[0, 2]> : tensor<2xi64>} : () -> tensor<2xi64>
  %0 = nn.unsqueeze %x, %axes : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<1x2x1x3xf32>
  %1 = nn.squeeze %0, %axes : (tensor<1x2x1x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @nothing_to_do(
// CHECK-NEXT:    return %arg0
func.func @nothing_to_do(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %zero = nn.constant {value = dense<0> : tensor<1xi64>} : () -> tensor<1xi64>
  %end = nn.constant {value = dense<9> : tensor<1xi64>} : () -> tensor<1xi64>
  %shape = nn.constant {value = dense<[1, 3]> : tensor<2xi64>} : () -> tensor<2xi64>
  %pads = nn.constant {value = dense<0> : tensor<4xi64>} : () -> tensor<4xi64>
  %0 = nn.concat %x {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = "nn.slice"(%0, %zero, %end) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>} : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x3xf32>
  %2 = nn.expand %1, %shape : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  %3 = "nn.pad"(%2, %pads) {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<2x3xf32>
  return %3 : tensor<2x3xf32>
}

// -----

// Equal sizes can hide a shift.
// CHECK-LABEL: func.func @shifts(
// CHECK:         nn.pad
func.func @shifts(%x: tensor<3xf32>) -> tensor<3xf32> {
  %pads = nn.constant {value = dense<[1, -1]> : tensor<2xi64>} : () -> tensor<2xi64>
  %0 = "nn.pad"(%x, %pads) {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<3xf32>, tensor<2xi64>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// Without axes a squeeze of sizes that only the run knows is left, which is refused where one of them is 1.
// CHECK-LABEL: func @squeeze_of_unknown(
// CHECK: nn.squeeze
func.func @squeeze_of_unknown(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %0 = "nn.squeeze"(%x) : (tensor<?x3xf32>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}
