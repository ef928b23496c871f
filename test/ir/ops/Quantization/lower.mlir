// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize | FileCheck %s

// One number of the scale for each block of 4 places, the last of which is shorter.
// CHECK-DAG:   #[[BLOCKS:.*]] = affine_map<(d0, d1) -> (d0, d1 floordiv 4)>
// CHECK-LABEL: func.func @blocks(
// CHECK:         linalg.generic {indexing_maps = [#{{.*}}, #[[BLOCKS]], #{{.*}}]
func.func @blocks(%x: tensor<3x7xi8>, %s: tensor<3x2xf32>) -> tensor<3x7xf32> {
  %0 = nn.dequantize_linear %x, %s {block_size = 4 : i64} : (tensor<3x7xi8>, tensor<3x2xf32>) -> tensor<3x7xf32>
  return %0 : tensor<3x7xf32>
}

// -----

// The quotient is rounded to the type of the scale, and halves to even; the result is kept within its type.
// CHECK-LABEL: func.func @by_axis(
// CHECK:           %[[Q:.*]] = arith.divf {{.*}} : f32
// CHECK:           arith.truncf %[[Q]] : f32 to f16
// CHECK:           math.roundeven
// CHECK:           arith.maxsi
// CHECK:           arith.minsi
// CHECK:           arith.trunci {{.*}} : i32 to i4
func.func @by_axis(%x: tensor<2x3xf32>, %s: tensor<3xf16>, %z: tensor<3xi4>) -> tensor<2x3xi4> {
  %0 = nn.quantize_linear %x, %s, %z : (tensor<2x3xf32>, tensor<3xf16>, tensor<3xi4>) -> tensor<2x3xi4>
  return %0 : tensor<2x3xi4>
}
