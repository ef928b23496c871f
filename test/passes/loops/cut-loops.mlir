// RUN: burnish-opt %s --nn-cut-loops --canonicalize | FileCheck %s
// A sum of which only the beginning is read is computed no further, slice by slice.

#image = affine_map<(i, j, c, o, n, y, x) -> (n, y * 2 + i, x * 2 + j, c)>
#dy = affine_map<(i, j, c, o, n, y, x) -> (n, y, x, o)>
#taps = affine_map<(i, j, c, o, n, y, x) -> (i, j, c, o)>

// CHECK-LABEL: func @taps(
// CHECK:         %[[EMPTY:.*]] = tensor.empty() : tensor<3x3x8x16xf32>
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<3x3x8x16xf32>)
// CHECK-NOT:     tensor.extract_slice
// CHECK:         return
func.func @taps(%image: tensor<2x10x10x8xf32>, %dy: tensor<2x4x4x16xf32>) -> tensor<3x3x8x16xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x4x8x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x4x8x16xf32>) -> tensor<4x4x8x16xf32>
  %sums = linalg.generic {indexing_maps = [#image, #dy, #taps], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%image, %dy : tensor<2x10x10x8xf32>, tensor<2x4x4x16xf32>) outs(%init : tensor<4x4x8x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x4x8x16xf32>
  %rows = tensor.extract_slice %sums[0, 0, 0, 0] [3, 4, 8, 16] [1, 1, 1, 1] : tensor<4x4x8x16xf32> to tensor<3x4x8x16xf32>
  %both = tensor.extract_slice %rows[0, 0, 0, 0] [3, 3, 8, 16] [1, 1, 1, 1] : tensor<3x4x8x16xf32> to tensor<3x3x8x16xf32>
  return %both : tensor<3x3x8x16xf32>
}

// What an input has along with the result would have to become smaller too; a middle begins nowhere; and what is left out may be read elsewhere.
// CHECK-LABEL: func @as_they_are(
// CHECK-COUNT-3: tensor.extract_slice
// CHECK:         return
#left = affine_map<(m, n, k) -> (m, k)>
#window = affine_map<(m, n, k) -> (n + k)>
#result = affine_map<(m, n, k) -> (m, n)>
func.func @as_they_are(%left: tensor<4x3xf32>, %right: tensor<10xf32>) -> (tensor<2x8xf32>, tensor<4x4xf32>, tensor<4x2xf32>, tensor<4x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x8xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x8xf32>) -> tensor<4x8xf32>
  %first = linalg.generic {indexing_maps = [#left, #window, #result], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%left, %right : tensor<4x3xf32>, tensor<10xf32>) outs(%init : tensor<4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x8xf32>
  %second = linalg.generic {indexing_maps = [#left, #window, #result], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%left, %right : tensor<4x3xf32>, tensor<10xf32>) outs(%init : tensor<4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.subf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x8xf32>
  %third = linalg.generic {indexing_maps = [#left, #window, #result], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%left, %right : tensor<4x3xf32>, tensor<10xf32>) outs(%init : tensor<4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.addf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x8xf32>
  %along = tensor.extract_slice %first[0, 0] [2, 8] [1, 1] : tensor<4x8xf32> to tensor<2x8xf32>
  %middle = tensor.extract_slice %second[0, 2] [4, 4] [1, 1] : tensor<4x8xf32> to tensor<4x4xf32>
  %part = tensor.extract_slice %third[0, 0] [4, 2] [1, 1] : tensor<4x8xf32> to tensor<4x2xf32>
  return %along, %middle, %part, %third : tensor<2x8xf32>, tensor<4x4xf32>, tensor<4x2xf32>, tensor<4x8xf32>
}
