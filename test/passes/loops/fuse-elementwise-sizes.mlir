// RUN: burnish-opt %s --pass-pipeline='builtin.module(func.func(nn-fuse-elementwise))' | FileCheck %s

// An expansion stays behind a padding that stands before the sizes it gives.
// CHECK-LABEL: func.func @sizes_behind(
// CHECK:         %[[PADDED:.*]] = tensor.pad
// CHECK:         %[[SIZE:.*]] = tensor.dim %arg1
// CHECK:         tensor.expand_shape %[[PADDED]] {{.*}} output_shape [3, 3, %[[SIZE]], 18]
func.func @sizes_behind(%x: tensor<9x?x16xf32>, %w: tensor<6x?xf32>) -> tensor<3x3x?x18xf32> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1 : index
  %padded = tensor.pad %x low[0, 0, 2] high[0, 0, 0] {
  ^bb0(%i: index, %j: index, %k: index):
    tensor.yield %zero : f32
  } : tensor<9x?x16xf32> to tensor<9x?x18xf32>
  %size = tensor.dim %w, %one : tensor<6x?xf32>
  %expanded = tensor.expand_shape %padded [[0, 1], [2], [3]] output_shape [3, 3, %size, 18] : tensor<9x?x18xf32> into tensor<3x3x?x18xf32>
  return %expanded : tensor<3x3x?x18xf32>
}

// So it does where the sizes stand behind what is padded.
// CHECK-LABEL: func.func @sizes_between(
// CHECK:         %[[SIZE:.*]] = tensor.dim %arg1
// CHECK:         %[[PADDED:.*]] = tensor.pad
// CHECK:         tensor.expand_shape %[[PADDED]] {{.*}} output_shape [3, 3, %[[SIZE]], 18]
func.func @sizes_between(%x: tensor<9x?x16xf32>, %w: tensor<6x?xf32>) -> (tensor<9x?x16xf32>, tensor<3x3x?x18xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1 : index
  %many = tensor.dim %x, %one : tensor<9x?x16xf32>
  %place = tensor.empty(%many) : tensor<9x?x16xf32>
  %squares = linalg.square ins(%x : tensor<9x?x16xf32>) outs(%place : tensor<9x?x16xf32>) -> tensor<9x?x16xf32>
  %size = tensor.dim %w, %one : tensor<6x?xf32>
  %padded = tensor.pad %squares low[0, 0, 2] high[0, 0, 0] {
  ^bb0(%i: index, %j: index, %k: index):
    tensor.yield %zero : f32
  } : tensor<9x?x16xf32> to tensor<9x?x18xf32>
  %expanded = tensor.expand_shape %padded [[0, 1], [2], [3]] output_shape [3, 3, %size, 18] : tensor<9x?x18xf32> into tensor<3x3x?x18xf32>
  return %squares, %expanded : tensor<9x?x16xf32>, tensor<3x3x?x18xf32>
}
