// RUN: burnish-opt %s --split-input-file --nn-fold-constants --canonicalize | FileCheck %s

// What depends on constants only becomes one constant.
// CHECK-LABEL: func.func @computes(
// CHECK:         %[[Y:.*]] = nn.constant{{.*}}dense<{{\[\[}}2.000000e+00, 8.000000e+00], [4.000000e+00, 1.000000e+01], [6.000000e+00, 1.200000e+01]]>
// CHECK-NEXT:    return %[[Y]]
func.func @computes() -> tensor<3x2xf32> {
  %w = nn.constant {value = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>} : () -> tensor<2x3xf32>
  %t = nn.transpose %w : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %y = nn.add %t, %t : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// A size that follows from a known shape settles the shape of what is reshaped by it.
// CHECK-LABEL: func.func @settles_shape(
// CHECK:         nn.reshape %{{.*}}, %{{.*}} -> tensor<6xf32>
func.func @settles_shape(%x: tensor<2x3xf32>) -> tensor<?xf32> {
  %s = nn.shape %x : (tensor<2x3xf32>) -> tensor<2xi64>
  %p = nn.reduce_prod %s : (tensor<2xi64>) -> tensor<1xi64>
  %r = nn.reshape %x, %p : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<?xf32>
  return %r : tensor<?xf32>
}

// -----

// What depends on an input stays.
// CHECK-LABEL: func.func @keeps(
// CHECK:         nn.add
func.func @keeps(%x: tensor<3xf32>) -> tensor<3xf32> {
  %w = nn.constant {value = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>} : () -> tensor<3xf32>
  %y = nn.add %x, %w : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// -----

// A product reads a large constant in its own order, so another order of it is no copy; a small one is folded.
// CHECK-LABEL: func.func @keeps_large_order(
// CHECK:         nn.transpose %{{.*}} : (tensor<512x520xf32>)
// CHECK-NOT:     nn.transpose
func.func @keeps_large_order(%x: tensor<3x520xf32>) -> tensor<3x4xf32> {
  %v = nn.constant {value = dense<1.0> : tensor<512x520xf32>} : () -> tensor<512x520xf32>
  %w = nn.constant {value = dense<2.0> : tensor<4x512xf32>} : () -> tensor<4x512xf32>
  %s = nn.transpose %v : (tensor<512x520xf32>) -> tensor<520x512xf32>
  %t = nn.transpose %w : (tensor<4x512xf32>) -> tensor<512x4xf32>
  %y = nn.matmul %x, %s : (tensor<3x520xf32>, tensor<520x512xf32>) -> tensor<3x512xf32>
  %z = nn.matmul %y, %t : (tensor<3x512xf32>, tensor<512x4xf32>) -> tensor<3x4xf32>
  return %z : tensor<3x4xf32>
}

// -----

// Weights of 8 bits are dequantized when compiling, though floats are four times as large.
// CHECK-LABEL: func.func @dequantizes(
// CHECK-NOT:     nn.cast
// CHECK:         %[[W:.*]] = nn.constant {{.*}} -> tensor<513x515xf32>
// CHECK-NEXT:    nn.matmul %{{.*}}, %[[W]]
func.func @dequantizes(%x: tensor<3x513xf32>) -> tensor<3x515xf32> {
  %w = nn.constant {value = dense<2> : tensor<513x515xi8>} : () -> tensor<513x515xi8>
  %f = nn.cast %w {to = 1 : i64} : (tensor<513x515xi8>) -> tensor<513x515xf32>
  %y = nn.matmul %x, %f : (tensor<3x513xf32>, tensor<513x515xf32>) -> tensor<3x515xf32>
  return %y : tensor<3x515xf32>
}

// -----

// What is simple is computed with no code for it: sums that are broadcast, other orders, conversions of integers.
// CHECK-LABEL: func.func @simple(
// CHECK-DAG:     nn.constant{{.*}}dense<{{\[\[}}1.100000e+01, 1.200000e+01, 1.300000e+01], [2.100000e+01, 2.200000e+01, 2.300000e+01]]>
// CHECK-DAG:     nn.constant{{.*}}dense<{{\[\[\[}}0, 3], [1, 4], [2, 5]], {{\[\[}}6, 9], [7, 10], [8, 11]]]> : tensor<2x3x2xi64>
// CHECK-DAG:     nn.constant{{.*}}dense<{{\[\[}}-2.500000e-01, 0.000000e+00, 2.500000e-01], [-1.024000e+03, 0.000000e+00, 1.008000e+03]]>
// CHECK-DAG:     nn.constant{{.*}}dense<[254, 0, -2]> : tensor<3xi32>
func.func @simple() -> (tensor<2x3xf32>, tensor<2x3x2xi64>, tensor<2x3xf32>, tensor<3xi32>) {
  %a = nn.constant {value = dense<[[10.0], [20.0]]> : tensor<2x1xf32>} : () -> tensor<2x1xf32>
  %b = nn.constant {value = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>} : () -> tensor<3xf32>
  %sum = nn.add %a, %b : (tensor<2x1xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %c = nn.constant {value = dense<[[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]> : tensor<2x2x3xi64>} : () -> tensor<2x2x3xi64>
  %turned = nn.transpose %c {perm = array<i64: 0, 2, 1>} : (tensor<2x2x3xi64>) -> tensor<2x3x2xi64>
  %q = nn.constant {value = dense<[[-1, 0, 1], [-64, 0, 63]]> : tensor<2x3xi8>} : () -> tensor<2x3xi8>
  %s = nn.constant {value = dense<[0.25, 16.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %z = nn.constant {value = dense<0> : tensor<2xi8>} : () -> tensor<2xi8>
  %floats = nn.dequantize_linear %q, %s, %z {axis = 0 : i64} : (tensor<2x3xi8>, tensor<2xf32>, tensor<2xi8>) -> tensor<2x3xf32>
  %u = nn.constant {value = dense<[255, 1, 0]> : tensor<3xui8>} : () -> tensor<3xui8>
  %one = nn.constant {value = dense<1> : tensor<i32>} : () -> tensor<i32>
  %wide = nn.cast %u {to = 6 : i64} : (tensor<3xui8>) -> tensor<3xi32>
  %less = nn.sub %wide, %one : (tensor<3xi32>, tensor<i32>) -> tensor<3xi32>
  %two = nn.constant {value = dense<[0, 0, -1]> : tensor<3xi32>} : () -> tensor<3xi32>
  %end = nn.add %less, %two : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
  return %sum, %turned, %floats, %end : tensor<2x3xf32>, tensor<2x3x2xi64>, tensor<2x3xf32>, tensor<3xi32>
}

// -----

// In a body, too, which runs again and again.
// CHECK-LABEL: func.func @in_a_body(
// CHECK-DAG:     %[[SUM:.*]] = nn.constant{{.*}}dense<[4.000000e+00, 6.000000e+00]>
// CHECK:         nn.scan
// CHECK:           %[[NEXT:.*]] = nn.add %{{.*}}, %[[SUM]]
// CHECK-NEXT:      nn.yield %[[NEXT]], %[[NEXT]]
func.func @in_a_body(%state: tensor<2xf32>, %x: tensor<5x2xf32>) -> tensor<5x2xf32> {
  %a = nn.constant {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %b = nn.constant {value = dense<[3.0, 4.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %last, %all = nn.scan %state, %x {num_scan_inputs = 1 : i64} : (tensor<2xf32>, tensor<5x2xf32>) -> (tensor<2xf32>, tensor<5x2xf32>) {
  ^bb0(%before: tensor<2xf32>, %now: tensor<2xf32>):
    %sum = nn.add %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    %next = nn.add %before, %sum : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    nn.yield %next, %next : tensor<2xf32>, tensor<2xf32>
  }
  return %all : tensor<5x2xf32>
}

// -----

// What cannot be computed stays where it stands, and the rest is folded all the same.
// CHECK-LABEL: func.func @has_no_value(
// CHECK-DAG:     nn.constant{{.*}}dense<[4, 6]>
// CHECK:         nn.if
// CHECK:           nn.gather_nd
func.func @has_no_value(%condition: tensor<i1>) -> (tensor<2xi64>, tensor<2xi64>) {
  %a = nn.constant {value = dense<[1, 2]> : tensor<2xi64>} : () -> tensor<2xi64>
  %b = nn.constant {value = dense<[3, 4]> : tensor<2xi64>} : () -> tensor<2xi64>
  %place = nn.constant {value = dense<7> : tensor<2x1xi64>} : () -> tensor<2x1xi64>
  %sum = nn.add %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  %y = nn.if %condition : (tensor<i1>) -> tensor<2xi64> {
    nn.yield %a : tensor<2xi64>
  }, {
    %taken = nn.gather_nd %a, %place : (tensor<2xi64>, tensor<2x1xi64>) -> tensor<2xi64>
    nn.yield %taken : tensor<2xi64>
  }
  return %y, %sum : tensor<2xi64>, tensor<2xi64>
}

// -----

// A few weights among zeros, nine times as many, are folded where they are added to as many, and stay what they are elsewhere.
// CHECK-LABEL: func.func @adds_few(
// CHECK-SAME:    %[[X:.*]]: tensor
// CHECK:         %[[SUM:.*]] = nn.constant{{.*}} tensor<200x200x3x3xf32>
// CHECK-NOT:     nn.add
// CHECK:         nn.conv %[[X]], %[[SUM]]
// CHECK:         %[[PADDED:.*]] = nn.pad
// CHECK:         nn.conv %[[X]], %[[PADDED]]
func.func @adds_few(%x: tensor<1x200x5x6xf32>) -> (tensor<1x200x3x4xf32>, tensor<1x200x3x4xf32>) {
  %few = nn.constant {value = dense<2.0> : tensor<200x200x1x1xf32>} : () -> tensor<200x200x1x1xf32>
  %many = nn.constant {value = dense<1.0> : tensor<200x200x3x3xf32>} : () -> tensor<200x200x3x3xf32>
  %pads = nn.constant {value = dense<[0, 0, 1, 1, 0, 0, 1, 1]> : tensor<8xi64>} : () -> tensor<8xi64>
  %first = nn.pad %few, %pads {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<200x200x1x1xf32>, tensor<8xi64>) -> tensor<200x200x3x3xf32>
  %sum = nn.add %many, %first : (tensor<200x200x3x3xf32>, tensor<200x200x3x3xf32>) -> tensor<200x200x3x3xf32>
  %y = nn.conv %x, %sum : (tensor<1x200x5x6xf32>, tensor<200x200x3x3xf32>) -> tensor<1x200x3x4xf32>
  %second = nn.pad %few, %pads {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<200x200x1x1xf32>, tensor<8xi64>) -> tensor<200x200x3x3xf32>
  %z = nn.conv %x, %second : (tensor<1x200x5x6xf32>, tensor<200x200x3x3xf32>) -> tensor<1x200x3x4xf32>
  return %y, %z : tensor<1x200x3x4xf32>, tensor<1x200x3x4xf32>
}
