// RUN: burnish-opt %s --split-input-file --nn-group-kernels | FileCheck %s
// Products of a stack read and write heads where they lie, in lines of the lanes.

// Scores by values, which lie with their heads between the places; so do the results.
// CHECK-LABEL: func.func @values(
// CHECK-SAME:    %[[P:.*]]: tensor<2x3x32x48xf32>, %[[V:.*]]: tensor<2x48x3x16xf32>)
// CHECK-NOT:     linalg.transpose
// CHECK:         %[[Y:.*]] = nn.kernel <algorithm = "product"{{.*}}> ins(%[[P]], %[[V]]
// CHECK-NOT:     linalg.transpose
// CHECK:         return %[[Y]] : tensor<2x32x3x16xf32>
func.func @values(%p: tensor<2x3x32x48xf32>, %v: tensor<2x48x3x16xf32>) -> tensor<2x32x3x16xf32> {
  %zero = arith.constant 0.0 : f32
  %heads = tensor.empty() : tensor<2x3x48x16xf32>
  %apart = linalg.transpose ins(%v : tensor<2x48x3x16xf32>) outs(%heads : tensor<2x3x48x16xf32>) permutation = [0, 2, 1, 3]
  %place = tensor.empty() : tensor<2x3x32x16xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%place : tensor<2x3x32x16xf32>) -> tensor<2x3x32x16xf32>
  %product = linalg.generic {
    indexing_maps = [affine_map<(n, h, t, d, k) -> (n, h, t, k)>, affine_map<(n, h, t, d, k) -> (n, h, k, d)>, affine_map<(n, h, t, d, k) -> (n, h, t, d)>],
    iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]
  } ins(%p, %apart : tensor<2x3x32x48xf32>, tensor<2x3x48x16xf32>) outs(%zeros : tensor<2x3x32x16xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<2x3x32x16xf32>
  %side = tensor.empty() : tensor<2x32x3x16xf32>
  %together = linalg.transpose ins(%product : tensor<2x3x32x16xf32>) outs(%side : tensor<2x32x3x16xf32>) permutation = [0, 2, 1, 3]
  return %together : tensor<2x32x3x16xf32>
}

// -----

// A gradient that is turned afterwards has the other axis along the lanes, where the operand with it lies in lines, too.
// CHECK-LABEL: func.func @turned(
// CHECK-SAME:    %[[Q:.*]]: tensor<2x48x3x16xf32>, %[[S:.*]]: tensor<2x3x48x32xf32>)
// CHECK-NOT:     linalg.transpose
// CHECK:         %[[Y:.*]] = nn.kernel <algorithm = "product"{{.*}}> ins(%[[Q]], %[[S]]
// CHECK-NOT:     linalg.transpose
// CHECK:         return %[[Y]] : tensor<2x32x3x16xf32>
func.func @turned(%q: tensor<2x48x3x16xf32>, %s: tensor<2x3x48x32xf32>) -> tensor<2x32x3x16xf32> {
  %zero = arith.constant 0.0 : f32
  %heads = tensor.empty() : tensor<2x3x16x48xf32>
  %apart = linalg.transpose ins(%q : tensor<2x48x3x16xf32>) outs(%heads : tensor<2x3x16x48xf32>) permutation = [0, 2, 3, 1]
  %place = tensor.empty() : tensor<2x3x16x32xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%place : tensor<2x3x16x32xf32>) -> tensor<2x3x16x32xf32>
  %product = linalg.generic {
    indexing_maps = [affine_map<(n, h, d, t, k) -> (n, h, d, k)>, affine_map<(n, h, d, t, k) -> (n, h, k, t)>, affine_map<(n, h, d, t, k) -> (n, h, d, t)>],
    iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]
  } ins(%apart, %s : tensor<2x3x16x48xf32>, tensor<2x3x48x32xf32>) outs(%zeros : tensor<2x3x16x32xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<2x3x16x32xf32>
  %side = tensor.empty() : tensor<2x32x3x16xf32>
  %together = linalg.transpose ins(%product : tensor<2x3x16x32xf32>) outs(%side : tensor<2x32x3x16xf32>) permutation = [0, 3, 1, 2]
  return %together : tensor<2x32x3x16xf32>
}

// -----

// Keys that the lanes would cross stay turned.
// CHECK-LABEL: func.func @keys(
// CHECK:         linalg.transpose
// CHECK:         nn.kernel <algorithm = "product"
func.func @keys(%q: tensor<2x3x32x16xf32>, %k: tensor<2x48x3x16xf32>) -> tensor<2x3x32x48xf32> {
  %zero = arith.constant 0.0 : f32
  %heads = tensor.empty() : tensor<2x3x16x48xf32>
  %apart = linalg.transpose ins(%k : tensor<2x48x3x16xf32>) outs(%heads : tensor<2x3x16x48xf32>) permutation = [0, 2, 3, 1]
  %place = tensor.empty() : tensor<2x3x32x48xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%place : tensor<2x3x32x48xf32>) -> tensor<2x3x32x48xf32>
  %product = linalg.generic {
    indexing_maps = [affine_map<(n, h, t, k, d) -> (n, h, t, d)>, affine_map<(n, h, t, k, d) -> (n, h, d, k)>, affine_map<(n, h, t, k, d) -> (n, h, t, k)>],
    iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]
  } ins(%q, %apart : tensor<2x3x32x16xf32>, tensor<2x3x16x48xf32>) outs(%zeros : tensor<2x3x32x48xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<2x3x32x48xf32>
  return %product : tensor<2x3x32x48xf32>
}

// -----

// Keys of whose number only the run knows lie along the sum: squares of them are turned on the way to a panel, and no copy is made.
// CHECK-LABEL: func.func @along_sum(
// CHECK-SAME:    %[[Q:.*]]: tensor<3x2x16xf32>, %[[K:.*]]: tensor<3x?x16xf32>
// CHECK-NOT:     linalg.transpose
// CHECK:         nn.kernel <algorithm = "product"{{.*}} packs = true{{.*}}> ins(%[[Q]], %[[K]]
func.func @along_sum(%q: tensor<3x2x16xf32>, %k: tensor<3x?x16xf32>, %n: index) -> tensor<3x2x?xf32> {
  %zero = arith.constant 0.0 : f32
  %columns = tensor.empty(%n) : tensor<3x16x?xf32>
  %turned = linalg.transpose ins(%k : tensor<3x?x16xf32>) outs(%columns : tensor<3x16x?xf32>) permutation = [0, 2, 1]
  %place = tensor.empty(%n) : tensor<3x2x?xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%place : tensor<3x2x?xf32>) -> tensor<3x2x?xf32>
  %product = linalg.generic {
    indexing_maps = [affine_map<(h, q, n, d) -> (h, q, d)>, affine_map<(h, q, n, d) -> (h, d, n)>, affine_map<(h, q, n, d) -> (h, q, n)>],
    iterator_types = ["parallel", "parallel", "parallel", "reduction"]
  } ins(%q, %turned : tensor<3x2x16xf32>, tensor<3x16x?xf32>) outs(%zeros : tensor<3x2x?xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<3x2x?xf32>
  return %product : tensor<3x2x?xf32>
}
