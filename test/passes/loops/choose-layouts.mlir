// RUN: burnish-opt %s --nn-choose-layouts --canonicalize --cse --split-input-file | FileCheck %s
// Output channels of a convolution with constant weights come to lie innermost, and what follows keeps that order; the
// image is read as it lies.

// CHECK-LABEL: func @convolution(
// CHECK-SAME:    %[[IMAGE:.*]]: tensor<1x3x8x8xf32>, %[[OTHER:.*]]: tensor<1x16x6x6xf32>)
// CHECK-DAG:     %[[WEIGHTS:.*]] = arith.constant {{.*}} : tensor<16x3x3x3xf32>
// CHECK:         %[[FILL:.*]] = linalg.fill {{.*}} -> tensor<1x6x6x16xf32>
// CHECK:         %[[SUM:.*]] = linalg.generic
// CHECK-SAME:      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]
// CHECK-SAME:      ins(%[[IMAGE]], %[[WEIGHTS]] : {{.*}}) outs(%[[FILL]] : tensor<1x6x6x16xf32>)
// The residual moves along the lanes, and is brought into their order, where it is wanted: an argument is there at any time.
// CHECK:         %[[MOVED:.*]] = linalg.generic {{.*}} ins(%[[OTHER]] : tensor<1x16x6x6xf32>) outs({{.*}} : tensor<1x6x6x16xf32>)
// CHECK:         %[[ADDED:.*]] = linalg.generic {{.*}} ins(%[[SUM]], %[[MOVED]] : tensor<1x6x6x16xf32>, tensor<1x6x6x16xf32>)
// CHECK:         tensor.pad %[[ADDED]] low[0, 1, 2, 0] high[0, 1, 2, 0]
// CHECK:           tensor<1x6x6x16xf32> to tensor<1x8x10x16xf32>
// The result of the model lies as it must.
// CHECK:         linalg.generic {{.*}} outs({{.*}} : tensor<1x16x8x10xf32>)
#image = affine_map<(n, o, y, x, c, i, j) -> (n, c, y + i, x + j)>
#weights = affine_map<(n, o, y, x, c, i, j) -> (o, c, i, j)>
#result = affine_map<(n, o, y, x, c, i, j) -> (n, o, y, x)>
#all = affine_map<(n, o, y, x) -> (n, o, y, x)>
func.func @convolution(%image: tensor<1x3x8x8xf32>, %other: tensor<1x16x6x6xf32>) -> tensor<1x16x8x10xf32> {
  %weights = arith.constant dense<0.5> : tensor<16x3x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<1x16x6x6xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x16x6x6xf32>) -> tensor<1x16x6x6xf32>
  %sum = linalg.generic {indexing_maps = [#image, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%image, %weights : tensor<1x3x8x8xf32>, tensor<16x3x3x3xf32>) outs(%init : tensor<1x16x6x6xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<1x16x6x6xf32>
  %added = linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%sum, %other : tensor<1x16x6x6xf32>, tensor<1x16x6x6xf32>) outs(%empty : tensor<1x16x6x6xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<1x16x6x6xf32>
  %padded = tensor.pad %added low[0, 0, 1, 2] high[0, 0, 1, 2] {
  ^bb0(%n: index, %c: index, %y: index, %x: index):
    tensor.yield %zero : f32
  } : tensor<1x16x6x6xf32> to tensor<1x16x8x10xf32>
  return %padded : tensor<1x16x8x10xf32>
}

// -----

// Without a product that gains, nothing moves; a matrix product has its weights' columns innermost already.
// CHECK-LABEL: func @matrix(
// CHECK:         linalg.generic {{.*}} outs({{.*}} : tensor<2x5x8xf32>)
// CHECK-NOT:     linalg.generic
#left = affine_map<(b, m, n, k) -> (b, m, k)>
#right = affine_map<(b, m, n, k) -> (k, n)>
#out = affine_map<(b, m, n, k) -> (b, m, n)>
func.func @matrix(%a: tensor<2x5x4xf32>) -> tensor<2x5x8xf32> {
  %b = arith.constant dense<0.5> : tensor<4x8xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2x5x8xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  %sum = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<2x5x4xf32>, tensor<4x8xf32>) outs(%init : tensor<2x5x8xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %z, %p : f32
    linalg.yield %s : f32
  } -> tensor<2x5x8xf32>
  return %sum : tensor<2x5x8xf32>
}

// -----

// The phases of a transposed convolution stay behind their positions, so that the reshape is one still; the channels of
// the result, of which there are more, come last.
// CHECK-LABEL: func @phases(
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<3x5x2x8xf32>)
// CHECK:         tensor.collapse_shape %{{.*}} {{\[\[}}0], [1, 2], [3]] : tensor<3x5x2x8xf32> into tensor<3x10x8xf32>
func.func @phases(%x: tensor<3x7x5xf32>) -> tensor<3x8x10xf32> {
  %w = arith.constant dense_resource<taps> : tensor<7x8x2xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<3x8x5x2xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<3x8x5x2xf32>) -> tensor<3x8x5x2xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(n, m, x, p, c) -> (n, c, x)>, affine_map<(n, m, x, p, c) -> (c, m, p)>, affine_map<(n, m, x, p, c) -> (n, m, x, p)>],
                         iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x7x5xf32>, tensor<7x8x2xf32>) outs(%init : tensor<3x8x5x2xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %t = arith.addf %s, %p : f32
    linalg.yield %t : f32
  } -> tensor<3x8x5x2xf32>
  %y = tensor.collapse_shape %sum [[0], [1], [2, 3]] : tensor<3x8x5x2xf32> into tensor<3x8x10xf32>
  return %y : tensor<3x8x10xf32>
}

// -----

// What takes elements of a tensor takes them where they lie, and lies as it does; so does what a branch gives instead.
// CHECK-LABEL: func @gathered(
// CHECK:         %[[SUM:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<2x5x8xf32>)
// CHECK:         scf.if %{{.*}} -> (tensor<2x5x8xf32>) {
// CHECK-NEXT:      scf.yield %[[SUM]]
// CHECK:         } else {
// CHECK:           %[[GATHERED:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<2x5x8xf32>)
// CHECK:             %[[LANE:.*]] = linalg.index 2
// CHECK:             tensor.extract %[[SUM]][%{{.*}}, %{{.*}}, %[[LANE]]] : tensor<2x5x8xf32>
// CHECK:           scf.yield %[[GATHERED]]
func.func @gathered(%x: tensor<2x7x5xf32>, %same: i1) -> tensor<2x8x5xf32> {
  %w = arith.constant dense_resource<weights> : tensor<7x8xf32>
  %zero = arith.constant 0.0 : f32
  %four = arith.constant 4 : index
  %empty = tensor.empty() : tensor<2x8x5xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x8x5xf32>) -> tensor<2x8x5xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(n, m, x, c) -> (n, c, x)>, affine_map<(n, m, x, c) -> (c, m)>, affine_map<(n, m, x, c) -> (n, m, x)>],
                         iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2x7x5xf32>, tensor<7x8xf32>) outs(%init : tensor<2x8x5xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %t = arith.addf %s, %p : f32
    linalg.yield %t : f32
  } -> tensor<2x8x5xf32>
  %either = scf.if %same -> tensor<2x8x5xf32> {
    scf.yield %sum : tensor<2x8x5xf32>
  } else {
    %other = linalg.generic {indexing_maps = [affine_map<(n, m, x) -> (n, m, x)>], iterator_types = ["parallel", "parallel", "parallel"]}
        outs(%empty : tensor<2x8x5xf32>) {
    ^bb0(%s: f32):
      %n = linalg.index 0 : index
      %m = linalg.index 1 : index
      %i = linalg.index 2 : index
      %back = arith.subi %four, %i : index
      %e = tensor.extract %sum[%n, %m, %back] : tensor<2x8x5xf32>
      linalg.yield %e : f32
    } -> tensor<2x8x5xf32>
    scf.yield %other : tensor<2x8x5xf32>
  }
  return %either : tensor<2x8x5xf32>
}

// -----

// A convolution with too few results side by side for vectors has its lanes along the image, which is moved back for that.
// CHECK-LABEL: func @few_results(
// CHECK:         %[[SUM:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<2x22x8xf32>)
// CHECK:         %[[MOVED:.*]] = linalg.generic {{.*}} ins(%[[SUM]] : tensor<2x22x8xf32>) outs(%{{.*}} : tensor<2x8x22xf32>)
// CHECK:         linalg.generic {{.*}} ins(%[[MOVED]], %{{.*}} : tensor<2x8x22xf32>, tensor<3x8x5xf32>) outs(%{{.*}} : tensor<2x3x18xf32>)
func.func @few_results(%x: tensor<2x7x22xf32>) -> tensor<2x3x18xf32> {
  %w = arith.constant dense_resource<weights> : tensor<7x8xf32>
  %v = arith.constant dense_resource<windows> : tensor<3x8x5xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2x8x22xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x8x22xf32>) -> tensor<2x8x22xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(n, m, x, c) -> (n, c, x)>, affine_map<(n, m, x, c) -> (c, m)>, affine_map<(n, m, x, c) -> (n, m, x)>],
                         iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2x7x22xf32>, tensor<7x8xf32>) outs(%init : tensor<2x8x22xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %t = arith.addf %s, %p : f32
    linalg.yield %t : f32
  } -> tensor<2x8x22xf32>
  %few = tensor.empty() : tensor<2x3x18xf32>
  %start = linalg.fill ins(%zero : f32) outs(%few : tensor<2x3x18xf32>) -> tensor<2x3x18xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, m, x, c, k) -> (n, c, x + k)>, affine_map<(n, m, x, c, k) -> (m, c, k)>, affine_map<(n, m, x, c, k) -> (n, m, x)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%sum, %v : tensor<2x8x22xf32>, tensor<3x8x5xf32>) outs(%start : tensor<2x3x18xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %t = arith.addf %s, %p : f32
    linalg.yield %t : f32
  } -> tensor<2x3x18xf32>
  return %y : tensor<2x3x18xf32>
}

// -----

// With weights of the run and few channels, what lies innermost are the images, where they fill vectors.
// CHECK-LABEL: func @images(
// CHECK:         %[[X:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<3x7x9x16xf32>)
// CHECK:         %[[SUM:.*]] = linalg.generic {{.*}} ins(%[[X]], %{{.*}} : tensor<3x7x9x16xf32>, tensor<6x3x3x3xf32>) outs(%{{.*}} : tensor<6x5x7x16xf32>)
// CHECK:         linalg.generic {{.*}} ins(%[[SUM]] : {{.*}} outs(%{{.*}} : tensor<16x6x5x7xf32>)

// So do those of the gradient by the weights: each image has sums of its own, which are added up.
// CHECK-LABEL: func @by_weights(
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<3x7x9x16xf32>)
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<6x5x7x16xf32>)
// CHECK:         %[[APART:.*]] = linalg.generic
// CHECK-SAME:      iterator_types = ["parallel", "parallel", "reduction", "reduction", "parallel", "parallel", "parallel"]
// CHECK-SAME:      ins(%{{.*}}, %{{.*}} : tensor<3x7x9x16xf32>, tensor<6x5x7x16xf32>) outs(%{{.*}} : tensor<3x6x3x3x16xf32>)
// CHECK:         linalg.generic {{.*}} ins(%[[APART]] : {{.*}} outs(%{{.*}} : tensor<3x6x3x3xf32>)

// Images that fill no vectors stay as they are.
// CHECK-LABEL: func @few_images(
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<15x6x5x7xf32>)
// CHECK-NOT:     linalg.generic

// Sums whose number only the run knows stay together.
// CHECK-LABEL: func @open_weights(
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<3x?x3x3xf32>)
// CHECK-NOT:     linalg.generic
#image = affine_map<(n, o, y, x, c, i, j) -> (n, c, y + i, x + j)>
#weights = affine_map<(n, o, y, x, c, i, j) -> (o, c, i, j)>
#result = affine_map<(n, o, y, x, c, i, j) -> (n, o, y, x)>
#gradient = affine_map<(n, o, y, x, c, i, j) -> (c, o, i, j)>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "znver4", features = "+avx512f", pointerBits = 64, vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 33554432, cores = 2>} {
  func.func @images(%x: tensor<16x3x7x9xf32>, %w: tensor<6x3x3x3xf32>) -> tensor<16x6x5x7xf32> {
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty() : tensor<16x6x5x7xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<16x6x5x7xf32>) -> tensor<16x6x5x7xf32>
    %sum = linalg.generic {indexing_maps = [#image, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
        ins(%x, %w : tensor<16x3x7x9xf32>, tensor<6x3x3x3xf32>) outs(%init : tensor<16x6x5x7xf32>) {
    ^bb0(%a: f32, %b: f32, %s: f32):
      %p = arith.mulf %a, %b : f32
      %t = arith.addf %s, %p : f32
      linalg.yield %t : f32
    } -> tensor<16x6x5x7xf32>
    return %sum : tensor<16x6x5x7xf32>
  }
  func.func @by_weights(%x: tensor<16x3x7x9xf32>, %dy: tensor<16x6x5x7xf32>) -> tensor<3x6x3x3xf32> {
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty() : tensor<3x6x3x3xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<3x6x3x3xf32>) -> tensor<3x6x3x3xf32>
    %sum = linalg.generic {indexing_maps = [#image, #result, #gradient], iterator_types = ["reduction", "parallel", "reduction", "reduction", "parallel", "parallel", "parallel"]}
        ins(%x, %dy : tensor<16x3x7x9xf32>, tensor<16x6x5x7xf32>) outs(%init : tensor<3x6x3x3xf32>) {
    ^bb0(%a: f32, %b: f32, %s: f32):
      %p = arith.mulf %a, %b : f32
      %t = arith.addf %s, %p : f32
      linalg.yield %t : f32
    } -> tensor<3x6x3x3xf32>
    return %sum : tensor<3x6x3x3xf32>
  }
  func.func @few_images(%x: tensor<15x3x7x9xf32>, %w: tensor<6x3x3x3xf32>) -> tensor<15x6x5x7xf32> {
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty() : tensor<15x6x5x7xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<15x6x5x7xf32>) -> tensor<15x6x5x7xf32>
    %sum = linalg.generic {indexing_maps = [#image, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
        ins(%x, %w : tensor<15x3x7x9xf32>, tensor<6x3x3x3xf32>) outs(%init : tensor<15x6x5x7xf32>) {
    ^bb0(%a: f32, %b: f32, %s: f32):
      %p = arith.mulf %a, %b : f32
      %t = arith.addf %s, %p : f32
      linalg.yield %t : f32
    } -> tensor<15x6x5x7xf32>
    return %sum : tensor<15x6x5x7xf32>
  }
  func.func @open_weights(%x: tensor<16x3x7x9xf32>, %dy: tensor<16x?x5x7xf32>, %n: index) -> tensor<3x?x3x3xf32> {
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty(%n) : tensor<3x?x3x3xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<3x?x3x3xf32>) -> tensor<3x?x3x3xf32>
    %sum = linalg.generic {indexing_maps = [#image, #result, #gradient], iterator_types = ["reduction", "parallel", "reduction", "reduction", "parallel", "parallel", "parallel"]}
        ins(%x, %dy : tensor<16x3x7x9xf32>, tensor<16x?x5x7xf32>) outs(%init : tensor<3x?x3x3xf32>) {
    ^bb0(%a: f32, %b: f32, %s: f32):
      %p = arith.mulf %a, %b : f32
      %t = arith.addf %s, %p : f32
      linalg.yield %t : f32
    } -> tensor<3x?x3x3xf32>
    return %sum : tensor<3x?x3x3xf32>
  }
}

// -----

// A depthwise convolution, with its border, reads an image that was put into another order for it as it was before, and its
// result lies so too.
// CHECK-LABEL: func @tokens(
// CHECK-SAME:    %[[TOKENS:.*]]: tensor<1x5x7x32xf32>
// CHECK-NOT:     linalg.transpose
// CHECK:         %[[PADDED:.*]] = tensor.pad %[[TOKENS]] low[0, 1, 1, 0] high[0, 1, 1, 0]
// CHECK:         %[[SUM:.*]] = linalg.generic {{.*}} ins(%[[PADDED]], {{.*}}) outs({{.*}} : tensor<1x5x7x32xf32>)
// CHECK:         return %[[SUM]] : tensor<1x5x7x32xf32>
#window = affine_map<(n, c, y, x, i, j) -> (n, c, y + i, x + j)>
#taps = affine_map<(n, c, y, x, i, j) -> (c, i, j)>
#channels = affine_map<(n, c, y, x, i, j) -> (n, c, y, x)>
func.func @tokens(%tokens: tensor<1x5x7x32xf32>) -> tensor<1x5x7x32xf32> {
  %weights = arith.constant dense<0.5> : tensor<32x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<1x32x5x7xf32>
  %image = linalg.transpose ins(%tokens : tensor<1x5x7x32xf32>) outs(%empty : tensor<1x32x5x7xf32>) permutation = [0, 3, 1, 2]
  %padded = tensor.pad %image low[0, 0, 1, 1] high[0, 0, 1, 1] {
  ^bb0(%n: index, %c: index, %y: index, %x: index):
    tensor.yield %zero : f32
  } : tensor<1x32x5x7xf32> to tensor<1x32x7x9xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x32x5x7xf32>) -> tensor<1x32x5x7xf32>
  %sum = linalg.generic {indexing_maps = [#window, #taps, #channels], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%padded, %weights : tensor<1x32x7x9xf32>, tensor<32x3x3xf32>) outs(%init : tensor<1x32x5x7xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<1x32x5x7xf32>
  %place = tensor.empty() : tensor<1x5x7x32xf32>
  %back = linalg.transpose ins(%sum : tensor<1x32x5x7xf32>) outs(%place : tensor<1x5x7x32xf32>) permutation = [0, 2, 3, 1]
  return %back : tensor<1x5x7x32xf32>
}

// -----

// One that no convolution reads stays.
// CHECK-LABEL: func @turned(
// CHECK:         linalg.transpose
func.func @turned(%tokens: tensor<1x5x7x32xf32>) -> tensor<1x32x5x7xf32> {
  %empty = tensor.empty() : tensor<1x32x5x7xf32>
  %image = linalg.transpose ins(%tokens : tensor<1x5x7x32xf32>) outs(%empty : tensor<1x32x5x7xf32>) permutation = [0, 3, 1, 2]
  return %image : tensor<1x32x5x7xf32>
}
