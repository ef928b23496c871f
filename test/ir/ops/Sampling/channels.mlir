// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize | FileCheck %s

// What is found of a place is found once for all channels, which lie side by side for that.
// CHECK-LABEL: func.func @several(
// CHECK-SAME:    %[[X:.*]]: tensor<2x9x5x7xf32>,
// CHECK:         %[[IMAGES:.*]] = linalg.transpose ins(%[[X]] : tensor<2x9x5x7xf32>) outs(%{{.*}} : tensor<2x5x7x9xf32>) permutation = [0, 2, 3, 1]
// CHECK:         %[[SAMPLES:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<2x3x4x9xf32>)
// CHECK:           %[[IMAGE:.*]] = linalg.index 0
// CHECK:           %[[CHANNEL:.*]] = linalg.index 3
// CHECK:           tensor.extract %[[IMAGES]][%[[IMAGE]], %{{.*}}, %{{.*}}, %[[CHANNEL]]]
// CHECK:         linalg.transpose ins(%[[SAMPLES]] : tensor<2x3x4x9xf32>) outs(%{{.*}} : tensor<2x9x3x4xf32>) permutation = [0, 3, 1, 2]
func.func @several(%x: tensor<2x9x5x7xf32>, %grid: tensor<2x3x4x2xf32>) -> tensor<2x9x3x4xf32> {
  %y = nn.grid_sample %x, %grid {mode = "linear"} : (tensor<2x9x5x7xf32>, tensor<2x3x4x2xf32>) -> tensor<2x9x3x4xf32>
  return %y : tensor<2x9x3x4xf32>
}

// -----

// A few channels would fill no vector: images stay as they are.
// CHECK-LABEL: func.func @few(
// CHECK-NOT:     linalg.transpose
func.func @few(%x: tensor<2x3x5x7xf32>, %grid: tensor<2x3x4x2xf32>) -> tensor<2x3x3x4xf32> {
  %y = nn.grid_sample %x, %grid {mode = "linear"} : (tensor<2x3x5x7xf32>, tensor<2x3x4x2xf32>) -> tensor<2x3x3x4xf32>
  return %y : tensor<2x3x3x4xf32>
}

// -----

// Offsets are those of a group of channels.
// CHECK-LABEL: func.func @deformed(
// CHECK:         linalg.transpose {{.*}} permutation = [0, 2, 3, 1]
// CHECK:         %[[IMAGES:.*]] = tensor.expand_shape {{.*}} : tensor<1x5x7x6xf32> into tensor<1x5x7x2x3xf32>
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<1x4x6x2x2x2x3xf32>)
// CHECK:           tensor.extract %[[IMAGES]]
func.func @deformed(%x: tensor<1x6x5x7xf32>, %w: tensor<4x6x2x2xf32>, %offset: tensor<1x16x4x6xf32>) -> tensor<1x4x4x6xf32> {
  %y = "nn.deform_conv"(%x, %w, %offset) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>, offset_group = 2 : i64} : (tensor<1x6x5x7xf32>, tensor<4x6x2x2xf32>, tensor<1x16x4x6xf32>) -> tensor<1x4x4x6xf32>
  return %y : tensor<1x4x4x6xf32>
}
