// RUN: burnish-opt %s --pass-pipeline='builtin.module(func.func(nn-fuse-elementwise))' --split-input-file | FileCheck %s

// The products of a gradient read matrices as these lie.
// CHECK-DAG:   #[[COLUMNS:.*]] = affine_map<(d0, d1, d2) -> (d2, d0)>
// CHECK-LABEL: func.func @turned(
// CHECK-SAME:    %[[X:.*]]: tensor<64x20xf32>, %[[DY:.*]]: tensor<64x30xf32>
// CHECK-NOT:     linalg.transpose
// CHECK:         linalg.generic {indexing_maps = [#[[COLUMNS]], {{.*}} ins(%[[X]], %[[DY]] :
#left = affine_map<(i, j, k) -> (i, k)>
#right = affine_map<(i, j, k) -> (k, j)>
#out = affine_map<(i, j, k) -> (i, j)>
func.func @turned(%x: tensor<64x20xf32>, %dy: tensor<64x30xf32>) -> tensor<20x30xf32> {
  %zero = arith.constant 0.0 : f32
  %place = tensor.empty() : tensor<20x64xf32>
  %turned = linalg.transpose ins(%x : tensor<64x20xf32>) outs(%place : tensor<20x64xf32>) permutation = [1, 0]
  %empty = tensor.empty() : tensor<20x30xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<20x30xf32>) -> tensor<20x30xf32>
  %sum = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%turned, %dy : tensor<20x64xf32>, tensor<64x30xf32>) outs(%init : tensor<20x30xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<20x30xf32>
  return %sum : tensor<20x30xf32>
}

// -----

// Weights that a copy turns round are read where they lie, by sums that go the other way.
// CHECK-DAG:   #[[IMAGE:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1 - d3 + 2, d2)>
// CHECK-DAG:   #[[WEIGHTS:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-LABEL: func.func @backwards(
// CHECK-SAME:    %[[X:.*]]: tensor<4x34x8xf32>, %[[W:.*]]: tensor<8x3xf32>
// CHECK:         linalg.generic {indexing_maps = [#[[IMAGE]], #[[WEIGHTS]], {{.*}} ins(%[[X]], %[[W]] :
#image = affine_map<(n, x, c, i) -> (n, x + i, c)>
#weights = affine_map<(n, x, c, i) -> (c, i)>
#result = affine_map<(n, x, c, i) -> (n, x)>
func.func @backwards(%x: tensor<4x34x8xf32>, %w: tensor<8x3xf32>) -> tensor<4x32xf32> {
  %zero = arith.constant 0.0 : f32
  %place = tensor.empty() : tensor<8x3xf32>
  %turned = linalg.generic {indexing_maps = [affine_map<(c, i) -> (c, 2 - i)>, affine_map<(c, i) -> (c, i)>], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<8x3xf32>) outs(%place : tensor<8x3xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<8x3xf32>
  %empty = tensor.empty() : tensor<4x32xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x32xf32>) -> tensor<4x32xf32>
  %sum = linalg.generic {indexing_maps = [#image, #weights, #result], iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %turned : tensor<4x34x8xf32>, tensor<8x3xf32>) outs(%init : tensor<4x32xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x32xf32>
  return %sum : tensor<4x32xf32>
}
