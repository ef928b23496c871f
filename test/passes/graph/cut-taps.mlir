// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-cut-taps --canonicalize | FileCheck %s

// Three taps 6 apart on an image of 5x9: along the first axis the middle one alone meets elements, along the second all do.
// CHECK-LABEL: func.func @far_apart(
// CHECK-SAME:    %[[X:.*]]: tensor<1x2x5x9xf32>, %[[W:.*]]: tensor<3x2x3x3xf32>)
// CHECK:         %[[CUT:.*]] = nn.slice %[[W]], {{.*}} -> tensor<3x2x1x3xf32>
// CHECK:         nn.conv %[[X]], %[[CUT]]
// CHECK-SAME:      kernel_shape = array<i64: 1, 3>
// CHECK-SAME:      pads = array<i64: 0, 6, 0, 6>
func.func @far_apart(%x: tensor<1x2x5x9xf32>, %w: tensor<3x2x3x3xf32>) -> tensor<1x3x5x9xf32> {
  %y = nn.conv %x, %w {dilations = array<i64: 6, 6>, pads = array<i64: 6, 6, 6, 6>} : (tensor<1x2x5x9xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x5x9xf32>
  return %y : tensor<1x3x5x9xf32>
}

// -----

// No more taps go than there is padding for: one window begins with the image, whatever its length.
// CHECK-LABEL: func.func @beyond_end(
// CHECK:         nn.slice {{.*}} -> tensor<3x2x2xf32>
// CHECK:         nn.conv
// CHECK-SAME:      pads = array<i64: 0, 1>
func.func @beyond_end(%x: tensor<1x2x3xf32>, %w: tensor<3x2x4xf32>) -> tensor<1x3x1xf32> {
  %y = nn.conv %x, %w {dilations = array<i64: 3>, pads = array<i64: 0, 7>} : (tensor<1x2x3xf32>, tensor<3x2x4xf32>) -> tensor<1x3x1xf32>
  return %y : tensor<1x3x1xf32>
}

// -----

// Padding that some window sees elements behind stays.
// CHECK-LABEL: func.func @keeps(
// CHECK-NOT:     nn.slice
func.func @keeps(%x: tensor<1x2x7xf32>, %w: tensor<3x2x3xf32>) -> tensor<1x3x7xf32> {
  %y = nn.conv %x, %w {dilations = array<i64: 6>, pads = array<i64: 6, 6>} : (tensor<1x2x7xf32>, tensor<3x2x3xf32>) -> tensor<1x3x7xf32>
  return %y : tensor<1x3x7xf32>
}
