// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize --cse | FileCheck %s

// Count first, then fill.
// CHECK-LABEL: func.func @non_zero(
// CHECK:         %[[COUNT:.*]] = scf.for
// CHECK:         bufferization.alloc_tensor(%{{.*}}) : tensor<2x?xi64>
// CHECK:         scf.for
// CHECK:           scf.if
func.func @non_zero(%x: tensor<3x5xf32>) -> tensor<2x?xi64> {
  %0 = nn.non_zero %x : (tensor<3x5xf32>) -> tensor<2x?xi64>
  return %0 : tensor<2x?xi64>
}

// -----

// A complex number is no zero unless both its parts are.
// CHECK-LABEL: func.func @non_zero_complex(
// CHECK:         %[[ZERO:.*]] = complex.constant [0.000000e+00 : f32, 0.000000e+00 : f32]
// CHECK:         complex.neq %{{.*}}, %[[ZERO]]
func.func @non_zero_complex(%x: tensor<3xcomplex<f32>>) -> tensor<1x?xi64> {
  %0 = nn.non_zero %x : (tensor<3xcomplex<f32>>) -> tensor<1x?xi64>
  return %0 : tensor<1x?xi64>
}

// -----

// Results that have one size have one symbol.
// CHECK-LABEL: func.func @one_symbol(
// CHECK-NOT:     cf.assert
// CHECK:         return
func.func @one_symbol(%x: tensor<5xi64>) -> tensor<?xi64> {
  %0:3 = "nn.unique"(%x) {resultSegmentSizes = array<i32: 1, 1, 0, 1>} : (tensor<5xi64>) -> (tensor<?xi64>, tensor<?xi64>, tensor<?xi64>)
  %1 = nn.add %0#0, %0#2 : (tensor<?xi64>, tensor<?xi64>) -> tensor<?xi64>
  return %1 : tensor<?xi64>
}
