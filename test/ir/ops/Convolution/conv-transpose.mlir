// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize | FileCheck %s

// A result at stride * position + phase is a sum over every stride-th tap, of elements at and before the position. The
// kernel is filled up to whole strides: before its first tap, where results begin with a whole position then.
// CHECK-DAG:   #[[X:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d4, d2 - d5 + 1)>
// CHECK-DAG:   #[[W:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d4, d1, d5, d3)>
// CHECK-DAG:   #[[Y:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d3)>
// CHECK-LABEL: func.func @overlapping(
// CHECK-DAG:     tensor.pad %arg0 low[0, 0, 0] high[0, 0, 1]
// CHECK-DAG:     tensor.pad %arg1 low[0, 0, 1] high[0, 0, 0]
// CHECK:         linalg.generic {indexing_maps = [#[[X]], #[[W]], #[[Y]]], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
// CHECK-SAME:      ins(%{{.*}} : tensor<2x3x6xf32>, tensor<3x4x2x2xf32>) outs(%{{.*}} : tensor<2x4x5x2xf32>)
// CHECK:         tensor.collapse_shape {{.*}} into tensor<2x4x10xf32>
// CHECK-NOT:     tensor.extract_slice
func.func @overlapping(%x: tensor<2x3x5xf32>, %w: tensor<3x4x3xf32>) -> tensor<2x4x10xf32> {
  %y = nn.conv_transpose %x, %w {strides = array<i64: 2>, pads = array<i64: 1, 1>, output_padding = array<i64: 1>} : (tensor<2x3x5xf32>, tensor<3x4x3xf32>) -> tensor<2x4x10xf32>
  return %y : tensor<2x4x10xf32>
}

// -----

// What is beyond the last result is cut off.
// CHECK-LABEL: func.func @beyond(
// CHECK:         tensor.collapse_shape {{.*}} into tensor<2x4x10xf32>
// CHECK:         tensor.extract_slice %{{.*}}[0, 0, 0] [2, 4, 9] [1, 1, 1]
func.func @beyond(%x: tensor<2x3x5xf32>, %w: tensor<3x4x3xf32>) -> tensor<2x4x9xf32> {
  %y = nn.conv_transpose %x, %w {strides = array<i64: 2>, pads = array<i64: 1, 1>} : (tensor<2x3x5xf32>, tensor<3x4x3xf32>) -> tensor<2x4x9xf32>
  return %y : tensor<2x4x9xf32>
}

// -----

// Where a filled kernel would have one tap more for each result, the border is cut off.
// CHECK-LABEL: func.func @border(
// CHECK:         tensor.pad %arg0 low[0, 0, 1] high[0, 0, 1]
// CHECK-NOT:     tensor.pad
// CHECK:         tensor.collapse_shape {{.*}} into tensor<2x4x10xf32>
// CHECK:         tensor.extract_slice %{{.*}}[0, 0, 1] [2, 4, 8] [1, 1, 1]
func.func @border(%x: tensor<2x3x4xf32>, %w: tensor<3x4x4xf32>) -> tensor<2x4x8xf32> {
  %y = nn.conv_transpose %x, %w {strides = array<i64: 2>, pads = array<i64: 1, 1>} : (tensor<2x3x4xf32>, tensor<3x4x4xf32>) -> tensor<2x4x8xf32>
  return %y : tensor<2x4x8xf32>
}

// -----

// Windows side by side have one tap for each result.
// CHECK-LABEL: func.func @side_by_side(
// CHECK-NOT:     tensor.pad
// CHECK-COUNT-1: linalg.generic
// CHECK-NOT:     linalg.generic
// CHECK:         tensor.collapse_shape {{.*}} into tensor<2x4x10xf32>
// CHECK-NOT:     tensor.extract_slice
func.func @side_by_side(%x: tensor<2x3x5xf32>, %w: tensor<3x4x2xf32>) -> tensor<2x4x10xf32> {
  %y = nn.conv_transpose %x, %w {strides = array<i64: 2>} : (tensor<2x3x5xf32>, tensor<3x4x2xf32>) -> tensor<2x4x10xf32>
  return %y : tensor<2x4x10xf32>
}

// -----

// With a stride of 1 it is a convolution over the padded elements, with the taps backwards.
// CHECK-DAG:   #[[X:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d3, d2 - d4 * 2 + 4)>
// CHECK-LABEL: func.func @dilated(
// CHECK:         tensor.pad %arg0 low[0, 0, 4] high[0, 0, 4]
// CHECK:         linalg.generic {indexing_maps = [#[[X]], {{.*}} outs(%{{.*}} : tensor<2x4x9xf32>)
func.func @dilated(%x: tensor<2x3x5xf32>, %w: tensor<3x4x3xf32>) -> tensor<2x4x9xf32> {
  %y = nn.conv_transpose %x, %w {dilations = array<i64: 2>} : (tensor<2x3x5xf32>, tensor<3x4x3xf32>) -> tensor<2x4x9xf32>
  return %y : tensor<2x4x9xf32>
}

// -----

// Strided and dilated: products are added up where they belong.
// CHECK-DAG:   #[[ADD:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, {{d2 \* 3 \+ d3 \* 2|d3 \* 2 \+ d2 \* 3}})>
// CHECK-LABEL: func.func @strided_and_dilated(
// CHECK:         linalg.generic {{.*}}"reduction"]} ins(%{{.*}} : tensor<2x3x5xf32>, tensor<3x4x3xf32>) outs(%{{.*}} : tensor<2x4x3x5xf32>)
// CHECK:         linalg.generic {indexing_maps = [#{{.*}}, #[[ADD]]]{{.*}} outs(%{{.*}} : tensor<2x4x15xf32>)
func.func @strided_and_dilated(%x: tensor<2x3x5xf32>, %w: tensor<3x4x3xf32>) -> tensor<2x4x15xf32> {
  %y = nn.conv_transpose %x, %w {strides = array<i64: 2>, dilations = array<i64: 3>} : (tensor<2x3x5xf32>, tensor<3x4x3xf32>) -> tensor<2x4x15xf32>
  return %y : tensor<2x4x15xf32>
}

// -----

// Phases with fewer taps than others are summed up by themselves where channels fill vectors: of three taps in steps of two, one for
// the results in even places and two for those in odd ones.
// CHECK-LABEL: func @each_phase(
// CHECK:         %[[EVEN:.*]] = tensor.extract_slice %arg1[0, 0, 1] [5, 24, 1] [1, 1, 2] : tensor<5x24x3xf32> to tensor<5x24x1xf32>
// CHECK:         %[[FIRST:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %[[EVEN]] :
// CHECK:         tensor.insert_slice %{{.*}} into %{{.*}}[0, 0, 0, 0] [2, 24, 7, 1] [1, 1, 1, 1] : tensor<2x24x7x1xf32> into tensor<2x24x7x2xf32>
// CHECK:         %[[ODD:.*]] = tensor.extract_slice %arg1[0, 0, 0] [5, 24, 2] [1, 1, 2] : tensor<5x24x3xf32> to tensor<5x24x2xf32>
// CHECK:         tensor.insert_slice %{{.*}} into %{{.*}}[0, 0, 0, 1] [2, 24, 7, 1] [1, 1, 1, 1] : tensor<2x24x7x1xf32> into tensor<2x24x7x2xf32>
func.func @each_phase(%x: tensor<2x5x7xf32>, %w: tensor<5x24x3xf32>) -> tensor<2x24x14xf32> {
  %y = nn.conv_transpose %x, %w {strides = array<i64: 2>, pads = array<i64: 1, 1>, output_padding = array<i64: 1>} : (tensor<2x5x7xf32>, tensor<5x24x3xf32>) -> tensor<2x24x14xf32>
  return %y : tensor<2x24x14xf32>
}
