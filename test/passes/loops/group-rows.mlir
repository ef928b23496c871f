// RUN: burnish-opt %s --nn-group-kernels | FileCheck %s
// Passes over the same rows are one kernel: reductions, what is made of their results, and elementwise ones, also through
// reshapes that add axes of length 1.
#all = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
#mean = affine_map<(m, n) -> (m, 0)>

// CHECK-LABEL: func @centred(
// CHECK:         nn.kernel <algorithm = "rows", lanes = 4, vectors = 4, rows = 1, packs = false, rowsOutside = false, isParallel = false>
// CHECK-SAME:      ins(%arg0 : tensor<3x70xf32>)
// CHECK:           linalg.fill
// CHECK:           arith.addf
// CHECK:           tensor.expand_shape
// CHECK:           arith.divf
// CHECK:           arith.subf
// CHECK:           nn.kernel_yield
// CHECK-NOT:     linalg.generic
// CHECK:         return
func.func @centred(%x: tensor<3x70xf32>) -> tensor<3x70xf32> {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 70.0 : f32
  %empty = tensor.empty() : tensor<3xf32>
  %one = tensor.empty() : tensor<3x1xf32>
  %out = tensor.empty() : tensor<3x70xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<3xf32>) -> tensor<3xf32>
  %sum = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<3x70xf32>) outs(%init : tensor<3xf32>) {
  ^bb0(%a: f32, %s: f32):
    %t = arith.addf %s, %a : f32
    linalg.yield %t : f32
  } -> tensor<3xf32>
  %sums = tensor.expand_shape %sum [[0, 1]] output_shape [3, 1] : tensor<3xf32> into tensor<3x1xf32>
  %mean = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]} ins(%sums : tensor<3x1xf32>) outs(%one : tensor<3x1xf32>) {
  ^bb0(%a: f32, %s: f32):
    %t = arith.divf %a, %count : f32
    linalg.yield %t : f32
  } -> tensor<3x1xf32>
  %result = linalg.generic {indexing_maps = [#all, #mean, #all], iterator_types = ["parallel", "parallel"]} ins(%x, %mean : tensor<3x70xf32>, tensor<3x1xf32>) outs(%out : tensor<3x70xf32>) {
  ^bb0(%a: f32, %m: f32, %s: f32):
    %t = arith.subf %a, %m : f32
    linalg.yield %t : f32
  } -> tensor<3x70xf32>
  return %result : tensor<3x70xf32>
}

// What lies between is used elsewhere, too.
// CHECK-LABEL: func @shows_sums(
// CHECK-NOT:     "rows"
// CHECK:         return
func.func @shows_sums(%x: tensor<3x70xf32>) -> (tensor<3xf32>, tensor<3x70xf32>) {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<3xf32>
  %out = tensor.empty() : tensor<3x70xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<3xf32>) -> tensor<3xf32>
  %sum = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<3x70xf32>) outs(%init : tensor<3xf32>) {
  ^bb0(%a: f32, %s: f32):
    %t = arith.addf %s, %a : f32
    linalg.yield %t : f32
  } -> tensor<3xf32>
  %result = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]} ins(%x, %sum : tensor<3x70xf32>, tensor<3xf32>) outs(%out : tensor<3x70xf32>) {
  ^bb0(%a: f32, %m: f32, %s: f32):
    %t = arith.subf %a, %m : f32
    linalg.yield %t : f32
  } -> tensor<3x70xf32>
  return %sum, %result : tensor<3xf32>, tensor<3x70xf32>
}

// The sum of a column is none of the row's.
// CHECK-LABEL: func @columns(
// CHECK-NOT:     "rows"
// CHECK:         return
func.func @columns(%x: tensor<70x70xf32>) -> tensor<70x70xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<70xf32>
  %out = tensor.empty() : tensor<70x70xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<70xf32>) -> tensor<70xf32>
  %sum = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<70x70xf32>) outs(%init : tensor<70xf32>) {
  ^bb0(%a: f32, %s: f32):
    %t = arith.addf %s, %a : f32
    linalg.yield %t : f32
  } -> tensor<70xf32>
  %result = linalg.generic {indexing_maps = [#all, affine_map<(m, n) -> (n)>, #all], iterator_types = ["parallel", "parallel"]} ins(%x, %sum : tensor<70x70xf32>, tensor<70xf32>) outs(%out : tensor<70x70xf32>) {
  ^bb0(%a: f32, %m: f32, %s: f32):
    %t = arith.subf %a, %m : f32
    linalg.yield %t : f32
  } -> tensor<70x70xf32>
  return %result : tensor<70x70xf32>
}
