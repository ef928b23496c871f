// RUN: burnish-opt %s --nn-narrow-contractions --canonicalize --split-input-file | FileCheck %s
// An operand is rounded where it arises, through views, when only products read it; constants are rounded now.

// CHECK-LABEL: func @fused(
// CHECK-DAG:     %[[WEIGHTS:.*]] = arith.constant dense_resource<narrow> : tensor<32x24xbf16>
// CHECK:         %[[HALF:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<18x32xbf16>)
// CHECK:           arith.maximumf
// CHECK-NEXT:      arith.truncf %{{.*}} : f32 to bf16
// CHECK:         %[[VIEW:.*]] = tensor.expand_shape %[[HALF]] {{.*}} : tensor<18x32xbf16> into tensor<3x6x32xbf16>
// CHECK:         linalg.generic {{.*}} ins(%[[VIEW]], %[[WEIGHTS]] : tensor<3x6x32xbf16>, tensor<32x24xbf16>) outs(%{{.*}} : tensor<3x6x24xf32>)
// CHECK:           %[[A:.*]] = arith.extf %{{.*}} : bf16 to f32
// CHECK:           %[[B:.*]] = arith.extf %{{.*}} : bf16 to f32
// CHECK:           %[[P:.*]] = arith.mulf %[[A]], %[[B]] : f32
// CHECK:           arith.addf %{{.*}}, %[[P]] : f32
#rows = affine_map<(r, l) -> (r, l)>
#left = affine_map<(n, r, l, d) -> (n, r, d)>
#right = affine_map<(n, r, l, d) -> (d, l)>
#out = affine_map<(n, r, l, d) -> (n, r, l)>
#bf16 = #nn.target<triple = "x86_64-linux-gnu", cpu = "znver4", features = "+avx512bf16", pointerBits = 64, vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 0, cores = 2>
module attributes {nn.target = #bf16} {
  func.func @fused(%x: tensor<18x32xf32>) -> tensor<3x6x24xf32> {
    %weights = arith.constant dense<1.5> : tensor<32x24xf32>
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty() : tensor<18x32xf32>
    %relu = linalg.generic {indexing_maps = [#rows, #rows], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<18x32xf32>) outs(%empty : tensor<18x32xf32>) {
    ^bb0(%a: f32, %b: f32):
      %m = arith.maximumf %a, %zero : f32
      linalg.yield %m : f32
    } -> tensor<18x32xf32>
    %view = tensor.expand_shape %relu [[0, 1], [2]] output_shape [3, 6, 32] : tensor<18x32xf32> into tensor<3x6x32xf32>
    %place = tensor.empty() : tensor<3x6x24xf32>
    %init = linalg.fill ins(%zero : f32) outs(%place : tensor<3x6x24xf32>) -> tensor<3x6x24xf32>
    %sum = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
        ins(%view, %weights : tensor<3x6x32xf32>, tensor<32x24xf32>) outs(%init : tensor<3x6x24xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<3x6x24xf32>
    return %sum : tensor<3x6x24xf32>
  }
}

// -----

// What others read too stays f32, and is rounded once for all products that read it.
// CHECK-LABEL: func @shared(
// CHECK-SAME:    %[[X:.*]]: tensor<18x32xf32>
// CHECK:         linalg.generic {{.*}} ins(%[[X]] : tensor<18x32xf32>) outs(%{{.*}} : tensor<18x32xbf16>)
// CHECK-COUNT-1: arith.truncf
// CHECK-COUNT-2: ins(%{{.*}}, %{{.*}} : tensor<18x32xbf16>, tensor<32x24xbf16>)
// CHECK-NOT:     arith.truncf
#left = affine_map<(r, l, d) -> (r, d)>
#right = affine_map<(r, l, d) -> (d, l)>
#out = affine_map<(r, l, d) -> (r, l)>
#bf16 = #nn.target<triple = "x86_64-linux-gnu", cpu = "znver4", features = "+avx512bf16", pointerBits = 64, vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 0, cores = 2>
module attributes {nn.target = #bf16} {
  func.func @shared(%x: tensor<18x32xf32>) -> (tensor<18x24xf32>, tensor<18x24xf32>) {
    %a = arith.constant dense<2.0> : tensor<32x24xf32>
    %b = arith.constant dense<3.0> : tensor<32x24xf32>
    %zero = arith.constant 0.0 : f32
    %place = tensor.empty() : tensor<18x24xf32>
    %init = linalg.fill ins(%zero : f32) outs(%place : tensor<18x24xf32>) -> tensor<18x24xf32>
    %first = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %a : tensor<18x32xf32>, tensor<32x24xf32>) outs(%init : tensor<18x24xf32>) {
    ^bb0(%l: f32, %r: f32, %c: f32):
      %p = arith.mulf %l, %r : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<18x24xf32>
    %second = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %b : tensor<18x32xf32>, tensor<32x24xf32>) outs(%init : tensor<18x24xf32>) {
    ^bb0(%l: f32, %r: f32, %c: f32):
      %p = arith.mulf %l, %r : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<18x24xf32>
    return %first, %second : tensor<18x24xf32>, tensor<18x24xf32>
  }
}

// -----

// Without an instruction for pairs the rows' operand is rounded and stays f32: only constants are bf16.
// CHECK-LABEL: func @plain(
// CHECK:           %[[HALF:.*]] = arith.truncf %{{.*}} : f32 to bf16
// CHECK-NEXT:      arith.extf %[[HALF]] : bf16 to f32
// CHECK:         ins(%{{.*}}, %{{.*}} : tensor<18x32xf32>, tensor<32x24xbf16>)
#left = affine_map<(r, l, d) -> (r, d)>
#right = affine_map<(r, l, d) -> (d, l)>
#out = affine_map<(r, l, d) -> (r, l)>
func.func @plain(%x: tensor<18x32xf32>) -> tensor<18x24xf32> {
  %a = arith.constant dense<2.0> : tensor<32x24xf32>
  %zero = arith.constant 0.0 : f32
  %place = tensor.empty() : tensor<18x24xf32>
  %init = linalg.fill ins(%zero : f32) outs(%place : tensor<18x24xf32>) -> tensor<18x24xf32>
  %first = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %a : tensor<18x32xf32>, tensor<32x24xf32>) outs(%init : tensor<18x24xf32>) {
  ^bb0(%l: f32, %r: f32, %c: f32):
    %p = arith.mulf %l, %r : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<18x24xf32>
  return %first : tensor<18x24xf32>
}

// -----

// An odd number of steps has no pairs.
// CHECK-LABEL: func @odd(
// CHECK-NOT:     bf16
#left = affine_map<(r, l, d) -> (r, d)>
#right = affine_map<(r, l, d) -> (d, l)>
#out = affine_map<(r, l, d) -> (r, l)>
func.func @odd(%x: tensor<18x33xf32>) -> tensor<18x24xf32> {
  %a = arith.constant dense<2.0> : tensor<33x24xf32>
  %zero = arith.constant 0.0 : f32
  %place = tensor.empty() : tensor<18x24xf32>
  %init = linalg.fill ins(%zero : f32) outs(%place : tensor<18x24xf32>) -> tensor<18x24xf32>
  %first = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %a : tensor<18x33xf32>, tensor<33x24xf32>) outs(%init : tensor<18x24xf32>) {
  ^bb0(%l: f32, %r: f32, %c: f32):
    %p = arith.mulf %l, %r : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<18x24xf32>
  return %first : tensor<18x24xf32>
}
