// RUN: burnish-opt %s --split-input-file --burnish-linalg | FileCheck %s

// One loop nest for a chain.
// CHECK-LABEL: func.func @chain(
// CHECK:         linalg.generic
// CHECK:           math.exp
// CHECK:           arith.mulf
// CHECK-NOT:     linalg.generic
func.func @chain(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = nn.exp %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = nn.mul %0, %y : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// -----

// A matrix product reads each element many times: its operand is computed before, and it stays a product.
// CHECK-LABEL: func.func @keeps_product(
// CHECK:         linalg.generic {{.*}}["parallel", "parallel"]
// CHECK:           math.exp
// CHECK:         linalg.generic {{.*}}["parallel", "parallel", "reduction"]
// CHECK-NOT:       math.exp
func.func @keeps_product(%x: tensor<2x3xf32>, %w: tensor<3x5xf32>) -> tensor<2x5xf32> {
  %0 = nn.exp %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = nn.matmul %0, %w : (tensor<2x3xf32>, tensor<3x5xf32>) -> tensor<2x5xf32>
  return %1 : tensor<2x5xf32>
}

// -----

// A sum reads each element once.
// CHECK-LABEL: func.func @sum(
// CHECK:         linalg.generic {{.*}}["parallel", "reduction"]
// CHECK:           math.exp
// CHECK:           arith.addf
func.func @sum(%x: tensor<2x3xf32>) -> tensor<2x1xf32> {
  %axes = nn.constant {value = dense<1> : tensor<1xi64>} : () -> tensor<1xi64>
  %0 = nn.exp %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = nn.reduce_sum %0, %axes : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  return %1 : tensor<2x1xf32>
}

// -----

// Loops read a constant as it is, whatever order of its axes they want.
// CHECK-DAG:   #[[ORDER:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-LABEL: func.func @reads_constant_in_place(
// CHECK:         %[[W:.*]] = arith.constant {{.*}} : tensor<2x3xf32>
// CHECK-NOT:     linalg.transpose
// CHECK:         linalg.generic {indexing_maps = [#{{.*}}, #[[ORDER]], #{{.*}}]
// CHECK-SAME:      ins(%{{.*}}, %[[W]] :
func.func @reads_constant_in_place(%a: tensor<5x3xf32>) -> tensor<5x2xf32> {
  %w = nn.constant {value = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>} : () -> tensor<2x3xf32>
  %t = nn.transpose %w : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %y = nn.matmul %a, %t : (tensor<5x3xf32>, tensor<3x2xf32>) -> tensor<5x2xf32>
  return %y : tensor<5x2xf32>
}

// -----

// What follows a product stays with it, whatever shape and order of axes come between.
// CHECK-LABEL: func.func @stays_with_product(
// CHECK:         linalg.generic {{.*}}["parallel", "parallel", "reduction"]
// CHECK:         linalg.generic {{.*}}["parallel", "parallel"]
// CHECK:           arith.addf
// CHECK:           arith.mulf
// CHECK:         %[[HEADS:.*]] = tensor.expand_shape
// CHECK:         %[[RESULT:.*]] = linalg.transpose ins(%[[HEADS]] :
// CHECK-NOT:     linalg.generic
// CHECK:         return %[[RESULT]]
func.func @stays_with_product(%x: tensor<13x20xf32>, %w: tensor<20x15xf32>, %b: tensor<15xf32>) -> tensor<3x13x5xf32> {
  %sizes = nn.constant {value = dense<[13, 3, 5]> : tensor<3xi64>} : () -> tensor<3xi64>
  %scale = nn.constant {value = dense<0.5> : tensor<f32>} : () -> tensor<f32>
  %0 = nn.matmul %x, %w : (tensor<13x20xf32>, tensor<20x15xf32>) -> tensor<13x15xf32>
  %1 = nn.add %0, %b : (tensor<13x15xf32>, tensor<15xf32>) -> tensor<13x15xf32>
  %2 = nn.reshape %1, %sizes : (tensor<13x15xf32>, tensor<3xi64>) -> tensor<13x3x5xf32>
  %3 = nn.transpose %2 {perm = array<i64: 1, 0, 2>} : (tensor<13x3x5xf32>) -> tensor<3x13x5xf32>
  %4 = nn.mul %3, %scale : (tensor<3x13x5xf32>, tensor<f32>) -> tensor<3x13x5xf32>
  return %4 : tensor<3x13x5xf32>
}

// -----

// Elements taken at computed places are no part of a kernel, so a function of them is computed by itself.
// CHECK-LABEL: func.func @keeps_functions_of_gathered(
// CHECK:         linalg.generic
// CHECK:           tensor.extract
// CHECK:         linalg.generic
// CHECK:           math.exp
func.func @keeps_functions_of_gathered(%x: tensor<2x5x3xf32>) -> tensor<2x10x3xf32> {
  %sizes = nn.constant {value = dense<[2, 10, 3]> : tensor<3xi64>} : () -> tensor<3xi64>
  %0 = "nn.resize"(%x, %sizes) {operandSegmentSizes = array<i32: 1, 0, 0, 1>} : (tensor<2x5x3xf32>, tensor<3xi64>) -> tensor<2x10x3xf32>
  %1 = nn.exp %0 : (tensor<2x10x3xf32>) -> tensor<2x10x3xf32>
  return %1 : tensor<2x10x3xf32>
}
