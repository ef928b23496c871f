// RUN: burnish-opt %s --pass-pipeline='builtin.module(func.func(nn-scale-weights,canonicalize))' | FileCheck %s
// Factors of channels are multiplied into constant weights, where these are fewer than the elements of the image.

// CHECK-LABEL: func @scales(
// CHECK-SAME:    %[[IMAGE:.*]]: tensor<1x5x7x6xf32>, %[[FACTORS:.*]]: tensor<1x1x1x6xf32>
// CHECK:         %[[WEIGHTS:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %[[FACTORS]] : tensor<4x6xf32>, tensor<1x1x1x6xf32>) outs(%{{.*}} : tensor<6x4xf32>)
// CHECK:           arith.mulf
// CHECK:         linalg.generic {{.*}} ins(%[[IMAGE]], %[[WEIGHTS]] : tensor<1x5x7x6xf32>, tensor<6x4xf32>)
// CHECK-LABEL: func @few_places(
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<1x1x3x6xf32>, tensor<1x1x1x6xf32>)
// CHECK-LABEL: func @each_its_own(
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<2x5x7x6xf32>, tensor<2x1x1x6xf32>)
#all = affine_map<(n, y, x, c) -> (n, y, x, c)>
#channel = affine_map<(n, y, x, c) -> (0, 0, 0, c)>
#own = affine_map<(n, y, x, c) -> (n, 0, 0, c)>
#left = affine_map<(n, y, x, o, c) -> (n, y, x, c)>
#right = affine_map<(n, y, x, o, c) -> (o, c)>
#out = affine_map<(n, y, x, o, c) -> (n, y, x, o)>
func.func @scales(%image: tensor<1x5x7x6xf32>, %factors: tensor<1x1x1x6xf32>) -> tensor<1x5x7x4xf32> {
  %weights = arith.constant dense<0.5> : tensor<4x6xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x5x7x6xf32>
  %scaled = linalg.generic {indexing_maps = [#all, #channel, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%image, %factors : tensor<1x5x7x6xf32>, tensor<1x1x1x6xf32>) outs(%e : tensor<1x5x7x6xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
  } -> tensor<1x5x7x6xf32>
  %o = tensor.empty() : tensor<1x5x7x4xf32>
  %init = linalg.fill ins(%zero : f32) outs(%o : tensor<1x5x7x4xf32>) -> tensor<1x5x7x4xf32>
  %sum = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%scaled, %weights : tensor<1x5x7x6xf32>, tensor<4x6xf32>) outs(%init : tensor<1x5x7x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<1x5x7x4xf32>
  return %sum : tensor<1x5x7x4xf32>
}
func.func @few_places(%image: tensor<1x1x3x6xf32>, %factors: tensor<1x1x1x6xf32>) -> tensor<1x1x3x4xf32> {
  %weights = arith.constant dense<0.5> : tensor<4x6xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x1x3x6xf32>
  %scaled = linalg.generic {indexing_maps = [#all, #channel, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%image, %factors : tensor<1x1x3x6xf32>, tensor<1x1x1x6xf32>) outs(%e : tensor<1x1x3x6xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
  } -> tensor<1x1x3x6xf32>
  %o = tensor.empty() : tensor<1x1x3x4xf32>
  %init = linalg.fill ins(%zero : f32) outs(%o : tensor<1x1x3x4xf32>) -> tensor<1x1x3x4xf32>
  %sum = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%scaled, %weights : tensor<1x1x3x6xf32>, tensor<4x6xf32>) outs(%init : tensor<1x1x3x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<1x1x3x4xf32>
  return %sum : tensor<1x1x3x4xf32>
}
func.func @each_its_own(%image: tensor<2x5x7x6xf32>, %factors: tensor<2x1x1x6xf32>) -> tensor<2x5x7x4xf32> {
  %weights = arith.constant dense<0.5> : tensor<4x6xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x5x7x6xf32>
  %scaled = linalg.generic {indexing_maps = [#all, #own, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%image, %factors : tensor<2x5x7x6xf32>, tensor<2x1x1x6xf32>) outs(%e : tensor<2x5x7x6xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
  } -> tensor<2x5x7x6xf32>
  %o = tensor.empty() : tensor<2x5x7x4xf32>
  %init = linalg.fill ins(%zero : f32) outs(%o : tensor<2x5x7x4xf32>) -> tensor<2x5x7x4xf32>
  %sum = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%scaled, %weights : tensor<2x5x7x6xf32>, tensor<4x6xf32>) outs(%init : tensor<2x5x7x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<2x5x7x4xf32>
  return %sum : tensor<2x5x7x4xf32>
}
