// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize | FileCheck %s

// A pool reads one input, with a border that cannot win; its window is a shape that nothing reads.
// CHECK-DAG:   #[[X:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2 * 2 + d3)>
// CHECK-LABEL: func.func @greatest(
// CHECK:         %[[LOW:.*]] = arith.constant 0xFF800000 : f32
// CHECK:         tensor.pad %{{.*}} low[0, 0, 1] high[0, 0, 1]
// CHECK:         tensor.yield %[[LOW]]
// CHECK:         linalg.generic {indexing_maps = [#[[X]], #{{.*}}, #{{.*}}]
// CHECK:         arith.maximumf
func.func @greatest(%x: tensor<2x3x7xf32>) -> tensor<2x3x4xf32> {
  %y = nn.max_pool %x {kernel_shape = array<i64: 3>, strides = array<i64: 2>, pads = array<i64: 1, 1>} : (tensor<2x3x7xf32>) -> tensor<2x3x4xf32>
  return %y : tensor<2x3x4xf32>
}

// -----

// With ceil_mode a last window may hang over, but none begins in the border at the end.
// CHECK-LABEL: func.func @hanging_over(
// CHECK-SAME:    -> (tensor<2x3x4xi8>, tensor<2x3x3xi8>)
func.func @hanging_over(%x: tensor<2x3x7xui8>) -> (tensor<?x?x?xui8>, tensor<?x?x?xui8>) {
  %y = nn.max_pool %x {kernel_shape = array<i64: 2>, strides = array<i64: 2>, ceil_mode = 1 : i64} : (tensor<2x3x7xui8>) -> tensor<?x?x?xui8>
  %z = nn.max_pool %x {kernel_shape = array<i64: 1>, strides = array<i64: 3>, pads = array<i64: 0, 3>, ceil_mode = 1 : i64} : (tensor<2x3x7xui8>) -> tensor<?x?x?xui8>
  return %y, %z : tensor<?x?x?xui8>, tensor<?x?x?xui8>
}

// -----

// Where the border does not count, windows that reach into it are divided by less.
// CHECK-LABEL: func.func @means(
// CHECK:         linalg.generic
// CHECK:         %[[COUNTS:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<7xf32>)
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %[[COUNTS]] :
// CHECK:         arith.divf
func.func @means(%x: tensor<2x3x7xf32>) -> tensor<2x3x7xf32> {
  %y = nn.average_pool %x {kernel_shape = array<i64: 3>, pads = array<i64: 1, 1>} : (tensor<2x3x7xf32>) -> tensor<2x3x7xf32>
  return %y : tensor<2x3x7xf32>
}

// -----

// With auto_pad there are as many windows as strides; ceil_mode hangs none over, so that all of a border counts where it shall.
// CHECK-LABEL: func.func @as_many_as_strides(
// CHECK:         %[[TAPS:.*]] = arith.constant 3.000000e+00 : f32
// CHECK:         arith.divf %{{.*}}, %[[TAPS]]
func.func @as_many_as_strides(%x: tensor<2x3x7xf32>) -> tensor<2x3x4xf32> {
  %y = nn.average_pool %x {kernel_shape = array<i64: 3>, strides = array<i64: 2>, auto_pad = "SAME_LOWER", ceil_mode = 1 : i64, count_include_pad = 1 : i64} : (tensor<2x3x7xf32>) -> tensor<2x3x4xf32>
  return %y : tensor<2x3x4xf32>
}

// -----

// Where that reads fewer elements, windows are combined along one axis after the other: 5 + 3 of 5x3 here, with one border around both.
// CHECK-DAG:   #[[ROWS:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2 + d4 * 2, d3)>
// CHECK-DAG:   #[[COLUMNS:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3 + d4)>
// CHECK-LABEL: func.func @by_axis(
// CHECK:         %[[X:.*]] = tensor.pad %{{.*}} low[0, 0, 4, 1] high[0, 0, 4, 1]
// CHECK:         %[[PART:.*]] = linalg.generic {indexing_maps = [#[[ROWS]], #{{.*}}, #{{.*}}], iterator_types = {{.*}}} ins(%[[X]], %{{.*}} outs(%{{.*}} : tensor<2x3x11x15xf32>)
// CHECK:         linalg.generic {indexing_maps = [#[[COLUMNS]], #{{.*}}, #{{.*}}], iterator_types = {{.*}}} ins(%[[PART]], %{{.*}} outs(%{{.*}} : tensor<2x3x11x13xf32>)
func.func @by_axis(%x: tensor<2x3x11x13xf32>) -> tensor<2x3x11x13xf32> {
  %y = nn.max_pool %x {kernel_shape = array<i64: 5, 3>, pads = array<i64: 4, 1, 4, 1>, dilations = array<i64: 2, 1>} : (tensor<2x3x11x13xf32>) -> tensor<2x3x11x13xf32>
  return %y : tensor<2x3x11x13xf32>
}

// -----

// Of windows of 3x3 that move by 2 whole ones are read.
// CHECK-LABEL: func.func @whole(
// CHECK:         linalg.generic
// CHECK-NOT:     linalg.generic
func.func @whole(%x: tensor<2x3x11x13xf32>) -> tensor<2x3x5x6xf32> {
  %y = nn.max_pool %x {kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>} : (tensor<2x3x11x13xf32>) -> tensor<2x3x5x6xf32>
  return %y : tensor<2x3x5x6xf32>
}
