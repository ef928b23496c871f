// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize | FileCheck %s

// Half floats are computed with in f32 and rounded once.
// CHECK-LABEL: func.func @half(
// CHECK:         linalg.generic
// CHECK:           %[[X:.*]] = arith.extf {{.*}} : f16 to f32
// CHECK:           %[[Y:.*]] = math.exp %[[X]] : f32
// CHECK:           arith.truncf %[[Y]] : f32 to f16
func.func @half(%x: tensor<2x3xf16>) -> tensor<2x3xf16> {
  %0 = nn.exp %x : (tensor<2x3xf16>) -> tensor<2x3xf16>
  return %0 : tensor<2x3xf16>
}

// -----

// What does not fit an integer is replaced before the conversion, which would be undefined.
// CHECK-LABEL: func.func @to_integer(
// CHECK:           %[[IN:.*]] = arith.select
// CHECK:           arith.fptosi %[[IN]] : f32 to i32
// CHECK:           arith.select
func.func @to_integer(%x: tensor<2x3xf32>) -> tensor<2x3xi32> {
  %0 = nn.cast %x {to = 6 : i64} : (tensor<2x3xf32>) -> tensor<2x3xi32>
  return %0 : tensor<2x3xi32>
}

// -----

// Floats of 8 bits are bytes in memory.
// CHECK-LABEL: func.func @small(
// CHECK-SAME:    tensor<2x3xf32>) -> tensor<2x3xi8>
// CHECK:           arith.bitcast {{.*}} : f32 to i32
// CHECK:           arith.trunci {{.*}} : i32 to i8
func.func @small(%x: tensor<2x3xf32>) -> tensor<2x3xf8E4M3FN> {
  %0 = nn.cast %x {to = 17 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf8E4M3FN>
  return %0 : tensor<2x3xf8E4M3FN>
}

// -----

// An f64 is rounded to an odd f32 on its way to 16 bits, so that it is not rounded twice.
// CHECK-LABEL: func.func @once(
// CHECK:           %[[ODD:.*]] = arith.bitcast {{.*}} : i32 to f32
// CHECK:           arith.truncf %[[ODD]] : f32 to f16
func.func @once(%x: tensor<3xf64>) -> tensor<3xf16> {
  %0 = nn.cast %x {to = 10 : i64} : (tensor<3xf64>) -> tensor<3xf16>
  return %0 : tensor<3xf16>
}
