// RUN: burnish-opt %s --nn-fuse-elementwise | FileCheck %s
// Two keys, each of which is there for three queries: they are read where they lie once, and queries are taken apart instead.
#once = affine_map<(k, g, n, d) -> (k, n, d)>
#twice = affine_map<(k, g, n, d) -> (k, g, n, d)>
#rows = affine_map<(h, n, d) -> (h, d)>
#keys = affine_map<(h, n, d) -> (h, n, d)>
#scores = affine_map<(h, n, d) -> (h, n)>
// CHECK-DAG: #[[ROWS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[KEYS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
// CHECK-DAG: #[[SCORES:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-LABEL: func.func @grouped(
// CHECK-SAME:    %[[Q:.*]]: tensor<6x5xf32>, %[[K:.*]]: tensor<2x?x5xf32>
// CHECK:         %[[APART:.*]] = tensor.expand_shape %[[Q]] {{\[\[}}0, 1], [2]] output_shape [2, 3, 5]
// CHECK:         %[[SUM:.*]] = linalg.generic {indexing_maps = [#[[ROWS]], #[[KEYS]], #[[SCORES]]]
// CHECK-SAME:      ins(%[[APART]], %[[K]] : tensor<2x3x5xf32>, tensor<2x?x5xf32>)
// CHECK:         %[[JOINED:.*]] = tensor.collapse_shape %[[SUM]] {{\[\[}}0, 1], [2]] : tensor<2x3x?xf32> into tensor<6x?xf32>
// CHECK:         return %[[JOINED]]
func.func @grouped(%q: tensor<6x5xf32>, %k: tensor<2x?x5xf32>, %n: index) -> tensor<6x?xf32> {
  %zero = arith.constant 0.0 : f32
  %room = tensor.empty(%n) : tensor<2x3x?x5xf32>
  %repeated = linalg.generic {indexing_maps = [#once, #twice], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%k : tensor<2x?x5xf32>) outs(%room : tensor<2x3x?x5xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<2x3x?x5xf32>
  %all = tensor.collapse_shape %repeated [[0, 1], [2], [3]] : tensor<2x3x?x5xf32> into tensor<6x?x5xf32>
  %empty = tensor.empty(%n) : tensor<6x?xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<6x?xf32>) -> tensor<6x?xf32>
  %sum = linalg.generic {indexing_maps = [#rows, #keys, #scores], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%q, %all : tensor<6x5xf32>, tensor<6x?x5xf32>) outs(%zeros : tensor<6x?xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %r = arith.addf %s, %p : f32
    linalg.yield %r : f32
  } -> tensor<6x?xf32>
  return %sum : tensor<6x?xf32>
}
