// RUN: burnish-opt %s --nn-split-sums | FileCheck %s
#row = affine_map<(m, n, k) -> (m, k)>
#column = affine_map<(m, n, k) -> (n, k)>
#result = affine_map<(m, n, k) -> (m, n)>

// A sum that starts from a tensor starts from zero; the tensor is added after it.
// CHECK-LABEL: func @starts_from_tensor(
// CHECK-SAME:    %[[A:.*]]: tensor<2x3xf32>, %[[B:.*]]: tensor<5x3xf32>, %[[INIT:.*]]: tensor<2x5xf32>)
// CHECK:         %[[FILL:.*]] = linalg.fill ins(%{{.*}} : f32)
// CHECK:         %[[SUM:.*]] = linalg.generic {{.*}} ins(%[[A]], %[[B]] : {{.*}}) outs(%[[FILL]] : tensor<2x5xf32>)
// CHECK:         %[[ALL:.*]] = linalg.generic {{.*}} ["parallel", "parallel"]} ins(%[[SUM]], %[[INIT]] : {{.*}})
// CHECK:           arith.addf
// CHECK:         return %[[ALL]]
func.func @starts_from_tensor(%a: tensor<2x3xf32>, %b: tensor<5x3xf32>, %init: tensor<2x5xf32>) -> tensor<2x5xf32> {
  %0 = linalg.generic {indexing_maps = [#row, #column, #result], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<2x3xf32>, tensor<5x3xf32>) outs(%init : tensor<2x5xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %sum, %p : f32
    linalg.yield %s : f32
  } -> tensor<2x5xf32>
  return %0 : tensor<2x5xf32>
}

// What is no sum has no zero to start from.
// CHECK-LABEL: func @greatest(
// CHECK:         linalg.generic {{.*}} outs(%arg1 : tensor<2xf32>)
// CHECK-NOT:     linalg.generic
func.func @greatest(%a: tensor<2x3xf32>, %init: tensor<2xf32>) -> tensor<2xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(m, k) -> (m, k)>, affine_map<(m, k) -> (m)>], iterator_types = ["parallel", "reduction"]}
      ins(%a : tensor<2x3xf32>) outs(%init : tensor<2xf32>) {
  ^bb0(%x: f32, %most: f32):
    %s = arith.maximumf %most, %x : f32
    linalg.yield %s : f32
  } -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// A sum of products that is scaled in every step is more than a sum.
// CHECK-LABEL: func @scaled(
// CHECK:         linalg.generic {{.*}} outs(%arg1 : tensor<2xf32>)
func.func @scaled(%a: tensor<2x3xf32>, %init: tensor<2xf32>) -> tensor<2xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(m, k) -> (m, k)>, affine_map<(m, k) -> (m)>], iterator_types = ["parallel", "reduction"]}
      ins(%a : tensor<2x3xf32>) outs(%init : tensor<2xf32>) {
  ^bb0(%x: f32, %sum: f32):
    %p = arith.mulf %sum, %x : f32
    %s = arith.addf %sum, %p : f32
    linalg.yield %s : f32
  } -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
