// RUN: burnish-opt %s --nn-fuse-elementwise --split-input-file | FileCheck %s
// Of attention, the scale of keys that only the run knows the number of is one of the scores: no scaled copy of the keys is made.
#rows = affine_map<(h, q, n, d) -> (h, q, d)>
#keys = affine_map<(h, q, n, d) -> (h, d, n)>
#scores = affine_map<(h, q, n, d) -> (h, q, n)>
#id = affine_map<(h, n, d) -> (h, n, d)>
// CHECK-DAG: #[[ROWS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-LABEL: func.func @keys(
// CHECK-SAME:    %[[Q:.*]]: tensor<2x3x5xf32>, %[[K:.*]]: tensor<2x?x5xf32>
// CHECK-NOT:     linalg.generic {{.*}} ins(%[[K]] :
// CHECK:         %[[T:.*]] = linalg.transpose ins(%[[K]]
// CHECK:         %[[SUM:.*]] = linalg.generic {{.*}} ins(%[[Q]], %[[T]]
// CHECK:         linalg.generic {{.*}} ins(%[[SUM]] : tensor<2x3x?xf32>)
// CHECK:           arith.mulf %{{.*}}, %cst{{.*}} : f32
func.func @keys(%q: tensor<2x3x5xf32>, %k: tensor<2x?x5xf32>, %n: index) -> tensor<2x3x?xf32> {
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %room = tensor.empty(%n) : tensor<2x?x5xf32>
  %scaled = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%k : tensor<2x?x5xf32>) outs(%room : tensor<2x?x5xf32>) {
  ^bb0(%a: f32, %b: f32):
    %c = arith.mulf %a, %half : f32
    linalg.yield %c : f32
  } -> tensor<2x?x5xf32>
  %turned = tensor.empty(%n) : tensor<2x5x?xf32>
  %transposed = linalg.transpose ins(%scaled : tensor<2x?x5xf32>) outs(%turned : tensor<2x5x?xf32>) permutation = [0, 2, 1]
  %empty = tensor.empty(%n) : tensor<2x3x?xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x3x?xf32>) -> tensor<2x3x?xf32>
  %sum = linalg.generic {indexing_maps = [#rows, #keys, #scores], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %transposed : tensor<2x3x5xf32>, tensor<2x5x?xf32>) outs(%zeros : tensor<2x3x?xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %r = arith.addf %s, %p : f32
    linalg.yield %r : f32
  } -> tensor<2x3x?xf32>
  return %sum : tensor<2x3x?xf32>
}

// -----

// Where many rows read each key, and all sizes are known, it stays where it is.
#rows = affine_map<(q, n, d) -> (q, d)>
#keys = affine_map<(q, n, d) -> (d, n)>
#scores = affine_map<(q, n, d) -> (q, n)>
#id = affine_map<(d, n) -> (d, n)>
// CHECK-LABEL: func.func @many(
// CHECK-SAME:    %[[Q:.*]]: tensor<32x5xf32>, %[[K:.*]]: tensor<5x7xf32>
// CHECK:         linalg.generic {{.*}} ins(%[[K]] :
// CHECK:           arith.mulf
func.func @many(%q: tensor<32x5xf32>, %k: tensor<5x7xf32>) -> tensor<32x7xf32> {
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %room = tensor.empty() : tensor<5x7xf32>
  %scaled = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%k : tensor<5x7xf32>) outs(%room : tensor<5x7xf32>) {
  ^bb0(%a: f32, %b: f32):
    %c = arith.mulf %a, %half : f32
    linalg.yield %c : f32
  } -> tensor<5x7xf32>
  %empty = tensor.empty() : tensor<32x7xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<32x7xf32>) -> tensor<32x7xf32>
  %sum = linalg.generic {indexing_maps = [#rows, #keys, #scores], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%q, %scaled : tensor<32x5xf32>, tensor<5x7xf32>) outs(%zeros : tensor<32x7xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %r = arith.addf %s, %p : f32
    linalg.yield %r : f32
  } -> tensor<32x7xf32>
  return %sum : tensor<32x7xf32>
}
