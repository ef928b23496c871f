// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize | FileCheck %s

// Products are added up where they belong, and the border is cut off.
// CHECK-DAG:   #[[ADD:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, {{d2 \+ d3 \* 2|d3 \* 2 \+ d2}})>
// CHECK-LABEL: func.func @overlapping(
// CHECK:         linalg.generic {{.*}}"reduction"]} ins(%{{.*}} : tensor<2x3x5xf32>, tensor<3x4x3xf32>) outs(%{{.*}} : tensor<2x4x3x5xf32>)
// CHECK:         linalg.generic {indexing_maps = [#{{.*}}, #[[ADD]]]{{.*}} outs(%{{.*}} : tensor<2x4x11xf32>)
// CHECK:         tensor.extract_slice %{{.*}}[0, 0, 1] [2, 4, 9] [1, 1, 1]
func.func @overlapping(%x: tensor<2x3x5xf32>, %w: tensor<3x4x3xf32>) -> tensor<2x4x9xf32> {
  %y = nn.conv_transpose %x, %w {strides = array<i64: 2>, pads = array<i64: 1, 1>} : (tensor<2x3x5xf32>, tensor<3x4x3xf32>) -> tensor<2x4x9xf32>
  return %y : tensor<2x4x9xf32>
}

// -----

// Windows side by side need no adding up: one loop nest, and a reshape.
// CHECK-LABEL: func.func @side_by_side(
// CHECK-COUNT-1: linalg.generic
// CHECK-NOT:     linalg.generic
// CHECK:         tensor.collapse_shape {{.*}} into tensor<2x4x10xf32>
func.func @side_by_side(%x: tensor<2x3x5xf32>, %w: tensor<3x4x2xf32>) -> tensor<2x4x10xf32> {
  %y = nn.conv_transpose %x, %w {strides = array<i64: 2>} : (tensor<2x3x5xf32>, tensor<3x4x2xf32>) -> tensor<2x4x10xf32>
  return %y : tensor<2x4x10xf32>
}
