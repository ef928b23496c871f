// RUN: burnish-opt %s --pass-pipeline='builtin.module(nn-group-kernels,func.func(nn-cascade-kernels))' --split-input-file | FileCheck %s
// Where what lies between a product and windows, or between these and the next product, is large, all go together line by
// line; a border belongs to the lines, and what is added up of an image is added up of each line first.

// CHECK-LABEL: func @all_of_it(
// CHECK-NOT:     tensor.pad
// CHECK:         nn.kernel <algorithm = "cascade", lanes = 16, {{.*}} isParallel = true>
// CHECK-SAME:      outs(%{{.*}} : tensor<2x20x37x9xf32>)
// CHECK:           nn.kernel <algorithm = "product", lanes = 16, vectors = 3, rows = {{[0-9]+}}, packs = false, rowsOutside = {{true|false}}, isParallel = false>
// CHECK:           tensor.pad
// CHECK:           nn.kernel <algorithm = "windows", lanes = 16, vectors = 1, rows = 13,
// CHECK:           nn.kernel <algorithm = "product"
// CHECK:           nn.kernel_yield %{{.*}} : tensor<2x20x37x9xf32>
// CHECK-NOT:     nn.kernel <
#point = affine_map<(n, y, x, o, c) -> (n, y, x, c)>
#weights = affine_map<(n, y, x, o, c) -> (c, o)>
#result = affine_map<(n, y, x, o, c) -> (n, y, x, o)>
#window = affine_map<(n, y, x, c, i, j) -> (n, y + i, x + j, c)>
#taps = affine_map<(n, y, x, c, i, j) -> (i, j, c)>
#each = affine_map<(n, y, x, c, i, j) -> (n, y, x, c)>
#all = affine_map<(n, y, x, c) -> (n, y, x, c)>
#channel = affine_map<(n, y, x, c) -> (n, c)>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "skylake-avx512", features = "", pointerBits = 64, vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 262144, l3Bytes = 0, cores = 2>} {
  func.func @all_of_it(%image: tensor<2x20x37x5xf32>) -> (tensor<2x20x37x9xf32>) {
    %first = arith.constant dense<0.5> : tensor<5x48xf32>
    %taps = arith.constant dense<0.25> : tensor<3x3x48xf32>
    %second = arith.constant dense<0.75> : tensor<48x9xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<2x20x37x48xf32>
    %ei = linalg.fill ins(%zero : f32) outs(%e : tensor<2x20x37x48xf32>) -> tensor<2x20x37x48xf32>
    %expanded = linalg.generic {indexing_maps = [#point, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
        ins(%image, %first : tensor<2x20x37x5xf32>, tensor<5x48xf32>) outs(%ei : tensor<2x20x37x48xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<2x20x37x48xf32>
    %padded = tensor.pad %expanded low[0, 1, 1, 0] high[0, 1, 1, 0] {
    ^bb0(%n: index, %y: index, %x: index, %c: index):
      tensor.yield %zero : f32
    } : tensor<2x20x37x48xf32> to tensor<2x22x39x48xf32>
    %windows = linalg.generic {indexing_maps = [#window, #taps, #each], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
        ins(%padded, %taps : tensor<2x22x39x48xf32>, tensor<3x3x48xf32>) outs(%ei : tensor<2x20x37x48xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<2x20x37x48xf32>
    %o = tensor.empty() : tensor<2x20x37x9xf32>
    %oi = linalg.fill ins(%zero : f32) outs(%o : tensor<2x20x37x9xf32>) -> tensor<2x20x37x9xf32>
    %projected = linalg.generic {indexing_maps = [#point, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
        ins(%windows, %second : tensor<2x20x37x48xf32>, tensor<48x9xf32>) outs(%oi : tensor<2x20x37x9xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<2x20x37x9xf32>
    return %projected : tensor<2x20x37x9xf32>
  }
}

// -----

// Sums over an image read each line while it is near.
// CHECK-LABEL: func @sums(
// CHECK:         %[[BOTH:.*]]:2 = nn.kernel <algorithm = "cascade"
// CHECK-SAME:      outs(%{{.*}}, %{{.*}} : tensor<2x20x37x48xf32>, tensor<2x20x48xf32>)
// CHECK:           nn.kernel <algorithm = "elements", {{.*}} outs(%{{.*}} : tensor<2x20x48xf32>)
// CHECK:         %[[SUMS:.*]] = nn.kernel <algorithm = "elements", {{.*}} ins(%[[BOTH]]#1 : tensor<2x20x48xf32>) outs(%{{.*}} : tensor<2x48xf32>)
// CHECK:         %[[OUT:.*]] = nn.kernel <algorithm = "product", {{.*}} ins(%[[BOTH]]#0,
// CHECK:         return %[[OUT]], %[[SUMS]]
#point = affine_map<(n, y, x, o, c) -> (n, y, x, c)>
#weights = affine_map<(n, y, x, o, c) -> (c, o)>
#result = affine_map<(n, y, x, o, c) -> (n, y, x, o)>
#window = affine_map<(n, y, x, c, i, j) -> (n, y + i, x + j, c)>
#taps = affine_map<(n, y, x, c, i, j) -> (i, j, c)>
#each = affine_map<(n, y, x, c, i, j) -> (n, y, x, c)>
#all = affine_map<(n, y, x, c) -> (n, y, x, c)>
#channel = affine_map<(n, y, x, c) -> (n, c)>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "skylake-avx512", features = "", pointerBits = 64, vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 262144, l3Bytes = 0, cores = 2>} {
  func.func @sums(%image: tensor<2x20x37x5xf32>) -> (tensor<2x20x37x9xf32>, tensor<2x48xf32>) {
    %first = arith.constant dense<0.5> : tensor<5x48xf32>
    %taps = arith.constant dense<0.25> : tensor<3x3x48xf32>
    %second = arith.constant dense<0.75> : tensor<48x9xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<2x20x37x48xf32>
    %ei = linalg.fill ins(%zero : f32) outs(%e : tensor<2x20x37x48xf32>) -> tensor<2x20x37x48xf32>
    %expanded = linalg.generic {indexing_maps = [#point, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
        ins(%image, %first : tensor<2x20x37x5xf32>, tensor<5x48xf32>) outs(%ei : tensor<2x20x37x48xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<2x20x37x48xf32>
    %padded = tensor.pad %expanded low[0, 1, 1, 0] high[0, 1, 1, 0] {
    ^bb0(%n: index, %y: index, %x: index, %c: index):
      tensor.yield %zero : f32
    } : tensor<2x20x37x48xf32> to tensor<2x22x39x48xf32>
    %windows = linalg.generic {indexing_maps = [#window, #taps, #each], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
        ins(%padded, %taps : tensor<2x22x39x48xf32>, tensor<3x3x48xf32>) outs(%ei : tensor<2x20x37x48xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<2x20x37x48xf32>
    %m = tensor.empty() : tensor<2x48xf32>
    %mi = linalg.fill ins(%zero : f32) outs(%m : tensor<2x48xf32>) -> tensor<2x48xf32>
    %sums = linalg.generic {indexing_maps = [#all, #channel], iterator_types = ["parallel", "reduction", "reduction", "parallel"]}
        ins(%windows : tensor<2x20x37x48xf32>) outs(%mi : tensor<2x48xf32>) {
    ^bb0(%a: f32, %b: f32):
      %s = arith.addf %b, %a : f32
      linalg.yield %s : f32
    } -> tensor<2x48xf32>
    %o = tensor.empty() : tensor<2x20x37x9xf32>
    %oi = linalg.fill ins(%zero : f32) outs(%o : tensor<2x20x37x9xf32>) -> tensor<2x20x37x9xf32>
    %projected = linalg.generic {indexing_maps = [#point, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
        ins(%windows, %second : tensor<2x20x37x48xf32>, tensor<48x9xf32>) outs(%oi : tensor<2x20x37x9xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<2x20x37x9xf32>
    return %projected, %sums : tensor<2x20x37x9xf32>, tensor<2x48xf32>
  }
}

// -----

// What is used elsewhere too must be whole, and what stays in the second cache may be.
// CHECK-LABEL: func @used_twice(
// CHECK:         nn.kernel <algorithm = "product"
// CHECK:         tensor.pad
// CHECK:         nn.kernel <algorithm = "cascade"
// CHECK-LABEL: func @small(
// CHECK-NOT:     cascade
// CHECK:         nn.kernel <algorithm = "windows", lanes = 16, vectors = 1, rows = 9, {{.*}} isParallel = true>
// CHECK-NOT:     cascade
#point = affine_map<(n, y, x, o, c) -> (n, y, x, c)>
#weights = affine_map<(n, y, x, o, c) -> (c, o)>
#result = affine_map<(n, y, x, o, c) -> (n, y, x, o)>
#window = affine_map<(n, y, x, c, i, j) -> (n, y + i, x + j, c)>
#taps = affine_map<(n, y, x, c, i, j) -> (i, j, c)>
#each = affine_map<(n, y, x, c, i, j) -> (n, y, x, c)>
#all = affine_map<(n, y, x, c) -> (n, y, x, c)>
#channel = affine_map<(n, y, x, c) -> (n, c)>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "skylake-avx512", features = "", pointerBits = 64, vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 262144, l3Bytes = 0, cores = 2>} {
  func.func @used_twice(%image: tensor<2x20x37x5xf32>) -> (tensor<2x20x37x9xf32>, tensor<2x20x37x48xf32>) {
    %first = arith.constant dense<0.5> : tensor<5x48xf32>
    %taps = arith.constant dense<0.25> : tensor<3x3x48xf32>
    %second = arith.constant dense<0.75> : tensor<48x9xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<2x20x37x48xf32>
    %ei = linalg.fill ins(%zero : f32) outs(%e : tensor<2x20x37x48xf32>) -> tensor<2x20x37x48xf32>
    %expanded = linalg.generic {indexing_maps = [#point, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
        ins(%image, %first : tensor<2x20x37x5xf32>, tensor<5x48xf32>) outs(%ei : tensor<2x20x37x48xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<2x20x37x48xf32>
    %padded = tensor.pad %expanded low[0, 1, 1, 0] high[0, 1, 1, 0] {
    ^bb0(%n: index, %y: index, %x: index, %c: index):
      tensor.yield %zero : f32
    } : tensor<2x20x37x48xf32> to tensor<2x22x39x48xf32>
    %windows = linalg.generic {indexing_maps = [#window, #taps, #each], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
        ins(%padded, %taps : tensor<2x22x39x48xf32>, tensor<3x3x48xf32>) outs(%ei : tensor<2x20x37x48xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<2x20x37x48xf32>
    %o = tensor.empty() : tensor<2x20x37x9xf32>
    %oi = linalg.fill ins(%zero : f32) outs(%o : tensor<2x20x37x9xf32>) -> tensor<2x20x37x9xf32>
    %projected = linalg.generic {indexing_maps = [#point, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
        ins(%windows, %second : tensor<2x20x37x48xf32>, tensor<48x9xf32>) outs(%oi : tensor<2x20x37x9xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<2x20x37x9xf32>
    return %projected, %expanded : tensor<2x20x37x9xf32>, tensor<2x20x37x48xf32>
  }
  func.func @small(%image: tensor<1x13x9x5xf32>) -> (tensor<1x13x9x9xf32>) {
    %first = arith.constant dense<0.5> : tensor<5x48xf32>
    %taps = arith.constant dense<0.25> : tensor<3x3x48xf32>
    %second = arith.constant dense<0.75> : tensor<48x9xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<1x13x9x48xf32>
    %ei = linalg.fill ins(%zero : f32) outs(%e : tensor<1x13x9x48xf32>) -> tensor<1x13x9x48xf32>
    %expanded = linalg.generic {indexing_maps = [#point, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
        ins(%image, %first : tensor<1x13x9x5xf32>, tensor<5x48xf32>) outs(%ei : tensor<1x13x9x48xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<1x13x9x48xf32>
    %padded = tensor.pad %expanded low[0, 1, 1, 0] high[0, 1, 1, 0] {
    ^bb0(%n: index, %y: index, %x: index, %c: index):
      tensor.yield %zero : f32
    } : tensor<1x13x9x48xf32> to tensor<1x15x11x48xf32>
    %windows = linalg.generic {indexing_maps = [#window, #taps, #each], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
        ins(%padded, %taps : tensor<1x15x11x48xf32>, tensor<3x3x48xf32>) outs(%ei : tensor<1x13x9x48xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<1x13x9x48xf32>
    %o = tensor.empty() : tensor<1x13x9x9xf32>
    %oi = linalg.fill ins(%zero : f32) outs(%o : tensor<1x13x9x9xf32>) -> tensor<1x13x9x9xf32>
    %projected = linalg.generic {indexing_maps = [#point, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
        ins(%windows, %second : tensor<1x13x9x48xf32>, tensor<48x9xf32>) outs(%oi : tensor<1x13x9x9xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<1x13x9x9xf32>
    return %projected : tensor<1x13x9x9xf32>
  }
}
