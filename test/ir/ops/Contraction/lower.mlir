// RUN: burnish-opt %s --nn-lower-to-linalg --split-input-file | FileCheck %s

// Sums of 16-bit floats are kept in f32, and rounded once.
// CHECK-LABEL: func.func @half(
// CHECK:         linalg.generic {{.*}}["parallel", "parallel", "reduction"]{{.*}} ins(%{{.*}}, %{{.*}} : tensor<2x3xf16>, tensor<3x5xf16>) outs(%{{.*}} : tensor<2x5xf32>)
// CHECK:           %[[A:.*]] = arith.extf %{{.*}} : f16 to f32
// CHECK:           %[[B:.*]] = arith.extf %{{.*}} : f16 to f32
// CHECK:           arith.mulf %[[A]], %[[B]] : f32
// CHECK:         linalg.generic {{.*}}["parallel", "parallel"]
// CHECK:           arith.truncf %{{.*}} : f32 to f16
func.func @half(%a: tensor<2x3xf16>, %b: tensor<3x5xf16>) -> tensor<2x5xf16> {
  %y = nn.matmul %a, %b : (tensor<2x3xf16>, tensor<3x5xf16>) -> tensor<2x5xf16>
  return %y : tensor<2x5xf16>
}

// -----

// Integers are summed in their own type.
// CHECK-LABEL: func.func @integers(
// CHECK-NOT:     arith.ext
// CHECK:         arith.muli %{{.*}}, %{{.*}} : i32
func.func @integers(%a: tensor<2x3xui32>, %b: tensor<3x5xui32>) -> tensor<2x5xui32> {
  %y = nn.matmul %a, %b : (tensor<2x3xui32>, tensor<3x5xui32>) -> tensor<2x5xui32>
  return %y : tensor<2x5xui32>
}
