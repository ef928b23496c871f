// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize | FileCheck %s

// The loops are batch, output channel, positions, input channel, taps, over an input with a border of zeros.
// CHECK-DAG:   #[[X:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d4, d2 * 2 + d5, d3 + d6 * 3)>
// CHECK-DAG:   #[[W:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d4, d5, d6)>
// CHECK-DAG:   #[[Y:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d2, d3)>
// CHECK-LABEL: func.func @whole(
// CHECK:         tensor.pad %{{.*}} low[0, 0, 1, 0] high[0, 0, 2, 4]
// CHECK:         linalg.generic {indexing_maps = [#[[X]], #[[W]], #[[Y]]], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
// CHECK-SAME:      outs(%{{.*}} : tensor<2x5x5x6xf32>)
// CHECK:         arith.addf
func.func @whole(%x: tensor<2x3x9x8xf32>, %w: tensor<5x3x3x3xf32>, %b: tensor<5xf32>) -> tensor<2x5x5x6xf32> {
  %y = nn.conv %x, %w, %b {strides = array<i64: 2, 1>, dilations = array<i64: 1, 3>, pads = array<i64: 1, 0, 2, 4>}
       : (tensor<2x3x9x8xf32>, tensor<5x3x3x3xf32>, tensor<5xf32>) -> tensor<2x5x5x6xf32>
  return %y : tensor<2x5x5x6xf32>
}

// -----

// Groups are a loop of their own.
// CHECK-DAG:   #[[X:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d4, d3 + d5)>
// CHECK-DAG:   #[[W:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d1, d2, d4, d5)>
// CHECK-LABEL: func.func @grouped(
// CHECK:         tensor.expand_shape %{{.*}} output_shape [3, 2, 5, 7]
// CHECK:         linalg.generic {indexing_maps = [#[[X]], #[[W]], #{{.*}}]
// CHECK:         tensor.collapse_shape %{{.*}} : tensor<3x2x3x5xf32> into tensor<3x6x5xf32>
func.func @grouped(%x: tensor<3x10x7xf32>, %w: tensor<6x5x3xf32>) -> tensor<3x6x5xf32> {
  %y = nn.conv %x, %w {group = 2 : i64} : (tensor<3x10x7xf32>, tensor<6x5x3xf32>) -> tensor<3x6x5xf32>
  return %y : tensor<3x6x5xf32>
}

// -----

// A depthwise convolution has no loop over input channels.
// CHECK-DAG:   #[[X:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 + d3)>
// CHECK-DAG:   #[[W:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d3)>
// CHECK-LABEL: func.func @depthwise(
// CHECK:         linalg.generic {indexing_maps = [#[[X]], #[[W]], #{{.*}}]
// CHECK-NOT:     expand_shape
func.func @depthwise(%x: tensor<2x5x7xf32>, %w: tensor<5x1x3xf32>) -> tensor<2x5x5xf32> {
  %y = nn.conv %x, %w {group = 5 : i64} : (tensor<2x5x7xf32>, tensor<5x1x3xf32>) -> tensor<2x5x5xf32>
  return %y : tensor<2x5x5xf32>
}

// -----

// Sums of 16-bit floats are kept in f32.
// CHECK-LABEL: func.func @half(
// CHECK:         arith.addf %{{.*}} : f32
// CHECK:         arith.truncf %{{.*}} : f32 to f16
func.func @half(%x: tensor<2x5x7xf16>, %w: tensor<3x5x3xf16>) -> tensor<2x3x5xf16> {
  %y = nn.conv %x, %w : (tensor<2x5x7xf16>, tensor<3x5x3xf16>) -> tensor<2x3x5xf16>
  return %y : tensor<2x3x5xf16>
}

// -----

// SAME_UPPER with a stride of 1 needs a border that is known when the input's size is not.
// CHECK-LABEL: func.func @symbolic(
// CHECK:         tensor.pad %{{.*}} low[0, 0, 1] high[0, 0, 2]
// CHECK:         linalg.generic
func.func @symbolic(%x: tensor<?x3x?xf32>, %w: tensor<5x3x4xf32>) -> tensor<?x5x?xf32> {
  %y = nn.conv %x, %w {auto_pad = "SAME_UPPER"} : (tensor<?x3x?xf32>, tensor<5x3x4xf32>) -> tensor<?x5x?xf32>
  return %y : tensor<?x5x?xf32>
}

// -----

// Where only the weights say how many channels there are, the padded input is taken apart into groups all the same.
// CHECK-LABEL: func.func @grouped_channels_of_run_time(
// CHECK:         cf.assert %{{.*}}, "1:W takes another number of channels than X has"
// CHECK:         tensor.expand_shape %{{.*}} output_shape [3, 2, 5, 9] : tensor<3x10x9xf32>
func.func @grouped_channels_of_run_time(%x: tensor<3x?x7xf32>, %w: tensor<6x5x3xf32>) -> tensor<3x6x7xf32> {
  %y = nn.conv %x, %w {group = 2 : i64, pads = array<i64: 1, 1>} : (tensor<3x?x7xf32>, tensor<6x5x3xf32>) -> tensor<3x6x7xf32>
  return %y : tensor<3x6x7xf32>
}
