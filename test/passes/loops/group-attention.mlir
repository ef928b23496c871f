// RUN: burnish-opt %s --nn-group-kernels --split-input-file | FileCheck %s
// A product, passes over the rows of its result, and a product that sums up along these are one kernel, which reads its
// operands as they lie before their axes change order. A kernel before it lays out keys in panels.
#queries = affine_map<(h, q, k, d) -> (h, q, d)>
#keys = affine_map<(h, q, k, d) -> (h, k, d)>
#scores = affine_map<(h, q, k, d) -> (h, q, k)>
#all = affine_map<(h, q, k) -> (h, q, k)>
#row = affine_map<(h, q, k) -> (h, q)>
#mask = affine_map<(h, q, k) -> (0, k)>
#weights = affine_map<(h, q, k, d) -> (h, q, k)>
#values = affine_map<(h, q, k, d) -> (h, k, d)>
#out = affine_map<(h, q, k, d) -> (h, q, d)>

// CHECK-LABEL: func @softmax(
// CHECK-SAME:    %[[Q:.*]]: tensor<9x2x5xf32>, %[[K:.*]]: tensor<11x2x5xf32>, %[[V:.*]]: tensor<11x2x7xf32>, %[[M:.*]]: tensor<1x11xf32>)
// CHECK-NOT:     linalg.transpose
// CHECK:         %[[PANELS:.*]] = nn.kernel <algorithm = "panels", lanes = 4, vectors = 2,
// CHECK-SAME:      ins(%[[K]] : tensor<11x2x5xf32>) outs(%{{.*}} : tensor<2x2x5x8xf32>)
// CHECK:           linalg.pack %{{.*}} padding_value(%{{.*}} : f32) outer_dims_perm = [1, 0, 2] inner_dims_pos = [0] inner_tiles = [8]
// CHECK:         nn.kernel <algorithm = "attention", lanes = 4, vectors = 2, rows = 5,
// CHECK-SAME:      ins(%[[Q]], %[[PANELS]], %[[M]], %[[V]] :
// CHECK-SAME:      outs(%{{.*}} : tensor<9x2x7xf32>)
// CHECK:           linalg.unpack
// CHECK:           arith.mulf
// CHECK:           arith.maximumf
// CHECK:           math.exp
// CHECK:           arith.divf
// CHECK:           arith.mulf
// CHECK:         return
func.func @softmax(%q: tensor<9x2x5xf32>, %k: tensor<11x2x5xf32>, %v: tensor<11x2x7xf32>, %m: tensor<1x11xf32>) -> tensor<9x2x7xf32> {
  %zero = arith.constant 0.0 : f32
  %least = arith.constant 0xFF800000 : f32
  %placeQ = tensor.empty() : tensor<2x9x5xf32>
  %placeK = tensor.empty() : tensor<2x11x5xf32>
  %placeV = tensor.empty() : tensor<2x11x7xf32>
  %qt = linalg.transpose ins(%q : tensor<9x2x5xf32>) outs(%placeQ : tensor<2x9x5xf32>) permutation = [1, 0, 2]
  %kt = linalg.transpose ins(%k : tensor<11x2x5xf32>) outs(%placeK : tensor<2x11x5xf32>) permutation = [1, 0, 2]
  %vt = linalg.transpose ins(%v : tensor<11x2x7xf32>) outs(%placeV : tensor<2x11x7xf32>) permutation = [1, 0, 2]
  %square = tensor.empty() : tensor<2x9x11xf32>
  %column = tensor.empty() : tensor<2x9xf32>
  %place = tensor.empty() : tensor<2x9x7xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%square : tensor<2x9x11xf32>) -> tensor<2x9x11xf32>
  %s = linalg.generic {indexing_maps = [#queries, #keys, #scores], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%qt, %kt : tensor<2x9x5xf32>, tensor<2x11x5xf32>) outs(%zeros : tensor<2x9x11xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %t = arith.mulf %a, %b : f32
    %u = arith.addf %c, %t : f32
    linalg.yield %u : f32
  } -> tensor<2x9x11xf32>
  %masked = linalg.generic {indexing_maps = [#all, #mask, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %m : tensor<2x9x11xf32>, tensor<1x11xf32>) outs(%square : tensor<2x9x11xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %t = arith.addf %a, %b : f32
    linalg.yield %t : f32
  } -> tensor<2x9x11xf32>
  %leasts = linalg.fill ins(%least : f32) outs(%column : tensor<2x9xf32>) -> tensor<2x9xf32>
  %max = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%masked : tensor<2x9x11xf32>) outs(%leasts : tensor<2x9xf32>) {
  ^bb0(%a: f32, %c: f32):
    %t = arith.maximumf %c, %a : f32
    linalg.yield %t : f32
  } -> tensor<2x9xf32>
  %e = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%masked, %max : tensor<2x9x11xf32>, tensor<2x9xf32>) outs(%square : tensor<2x9x11xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %t = arith.subf %a, %b : f32
    %u = math.exp %t : f32
    linalg.yield %u : f32
  } -> tensor<2x9x11xf32>
  %nothing = linalg.fill ins(%zero : f32) outs(%column : tensor<2x9xf32>) -> tensor<2x9xf32>
  %sum = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%e : tensor<2x9x11xf32>) outs(%nothing : tensor<2x9xf32>) {
  ^bb0(%a: f32, %c: f32):
    %t = arith.addf %c, %a : f32
    linalg.yield %t : f32
  } -> tensor<2x9xf32>
  %p = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%e, %sum : tensor<2x9x11xf32>, tensor<2x9xf32>) outs(%square : tensor<2x9x11xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %t = arith.divf %a, %b : f32
    linalg.yield %t : f32
  } -> tensor<2x9x11xf32>
  %init = linalg.fill ins(%zero : f32) outs(%place : tensor<2x9x7xf32>) -> tensor<2x9x7xf32>
  %o = linalg.generic {indexing_maps = [#weights, #values, #out], iterator_types = ["parallel", "parallel", "reduction", "parallel"]} ins(%p, %vt : tensor<2x9x11xf32>, tensor<2x11x7xf32>) outs(%init : tensor<2x9x7xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %t = arith.mulf %a, %b : f32
    %u = arith.addf %c, %t : f32
    linalg.yield %u : f32
  } -> tensor<2x9x7xf32>
  %placeO = tensor.empty() : tensor<9x2x7xf32>
  %ot = linalg.transpose ins(%o : tensor<2x9x7xf32>) outs(%placeO : tensor<9x2x7xf32>) permutation = [1, 0, 2]
  return %ot : tensor<9x2x7xf32>
}

// -----

#left = affine_map<(q, k, d) -> (q, d)>
#right = affine_map<(q, k, d) -> (d, k)>
#both = affine_map<(q, k, d) -> (q, k)>
#line = affine_map<(q, k) -> (q, k)>

// Whatever passes there are between the products. Rows that something else needs afterwards are a result, too; scores, and what
// is needed before the second product, are none.
// CHECK-LABEL: func @relu(
// CHECK:         algorithm = "attention"
// CHECK-LABEL: func @shows_weights(
// CHECK-SAME:    %[[Q:.*]]: tensor<9x5xf32>, %{{.*}}: tensor<5x11xf32>, %[[V:.*]]: tensor<11x7xf32>)
// CHECK:         %[[BOTH:.*]]:2 = nn.kernel <algorithm = "attention"
// CHECK-SAME:      outs(%{{.*}}, %{{.*}} : tensor<9x7xf32>, tensor<9x11xf32>)
// CHECK:           arith.maximumf
// CHECK:         %[[APART:.*]] = tensor.expand_shape %[[BOTH]]#1 {{\[\[}}0, 1], [2]]
// CHECK:         return %[[BOTH]]#0, %[[BOTH]]#1, %[[APART]]
// CHECK-LABEL: func @shows_scores(
// CHECK-NOT:     algorithm = "attention"
// CHECK-LABEL: func @needs_weights_before(
// CHECK-NOT:     algorithm = "attention"
// CHECK-LABEL: func @keeps_constant(
// CHECK-NOT:     algorithm = "attention"
func.func @relu(%q: tensor<9x5xf32>, %k: tensor<5x11xf32>, %v: tensor<11x7xf32>) -> tensor<9x7xf32> {
  %zero = arith.constant 0.0 : f32
  %square = tensor.empty() : tensor<9x11xf32>
  %place = tensor.empty() : tensor<9x7xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%square : tensor<9x11xf32>) -> tensor<9x11xf32>
  %s = linalg.generic {indexing_maps = [#left, #right, #both], iterator_types = ["parallel", "parallel", "reduction"]} ins(%q, %k : tensor<9x5xf32>, tensor<5x11xf32>) outs(%zeros : tensor<9x11xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %t = arith.mulf %a, %b : f32
    %u = arith.addf %c, %t : f32
    linalg.yield %u : f32
  } -> tensor<9x11xf32>
  %p = linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<9x11xf32>) outs(%square : tensor<9x11xf32>) {
  ^bb0(%a: f32, %c: f32):
    %t = arith.maximumf %a, %zero : f32
    linalg.yield %t : f32
  } -> tensor<9x11xf32>
  %init = linalg.fill ins(%zero : f32) outs(%place : tensor<9x7xf32>) -> tensor<9x7xf32>
  %o = linalg.generic {indexing_maps = [#left, #right, #both], iterator_types = ["parallel", "parallel", "reduction"]} ins(%p, %v : tensor<9x11xf32>, tensor<11x7xf32>) outs(%init : tensor<9x7xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %t = arith.mulf %a, %b : f32
    %u = arith.addf %c, %t : f32
    linalg.yield %u : f32
  } -> tensor<9x7xf32>
  return %o : tensor<9x7xf32>
}

func.func @shows_weights(%q: tensor<9x5xf32>, %k: tensor<5x11xf32>, %v: tensor<11x7xf32>) -> (tensor<9x7xf32>, tensor<9x11xf32>, tensor<1x9x11xf32>) {
  %zero = arith.constant 0.0 : f32
  %square = tensor.empty() : tensor<9x11xf32>
  %place = tensor.empty() : tensor<9x7xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%square : tensor<9x11xf32>) -> tensor<9x11xf32>
  %s = linalg.generic {indexing_maps = [#left, #right, #both], iterator_types = ["parallel", "parallel", "reduction"]} ins(%q, %k : tensor<9x5xf32>, tensor<5x11xf32>) outs(%zeros : tensor<9x11xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %t = arith.mulf %a, %b : f32
    %u = arith.addf %c, %t : f32
    linalg.yield %u : f32
  } -> tensor<9x11xf32>
  %p = linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<9x11xf32>) outs(%square : tensor<9x11xf32>) {
  ^bb0(%a: f32, %c: f32):
    %t = arith.maximumf %a, %zero : f32
    linalg.yield %t : f32
  } -> tensor<9x11xf32>
  %apart = tensor.expand_shape %p [[0, 1], [2]] output_shape [1, 9, 11] : tensor<9x11xf32> into tensor<1x9x11xf32>
  %init = linalg.fill ins(%zero : f32) outs(%place : tensor<9x7xf32>) -> tensor<9x7xf32>
  %o = linalg.generic {indexing_maps = [#left, #right, #both], iterator_types = ["parallel", "parallel", "reduction"]} ins(%p, %v : tensor<9x11xf32>, tensor<11x7xf32>) outs(%init : tensor<9x7xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %t = arith.mulf %a, %b : f32
    %u = arith.addf %c, %t : f32
    linalg.yield %u : f32
  } -> tensor<9x7xf32>
  return %o, %p, %apart : tensor<9x7xf32>, tensor<9x11xf32>, tensor<1x9x11xf32>
}

func.func @shows_scores(%q: tensor<9x5xf32>, %k: tensor<5x11xf32>, %v: tensor<11x7xf32>) -> (tensor<9x7xf32>, tensor<9x11xf32>) {
  %zero = arith.constant 0.0 : f32
  %square = tensor.empty() : tensor<9x11xf32>
  %place = tensor.empty() : tensor<9x7xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%square : tensor<9x11xf32>) -> tensor<9x11xf32>
  %s = linalg.generic {indexing_maps = [#left, #right, #both], iterator_types = ["parallel", "parallel", "reduction"]} ins(%q, %k : tensor<9x5xf32>, tensor<5x11xf32>) outs(%zeros : tensor<9x11xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %t = arith.mulf %a, %b : f32
    %u = arith.addf %c, %t : f32
    linalg.yield %u : f32
  } -> tensor<9x11xf32>
  %p = linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<9x11xf32>) outs(%square : tensor<9x11xf32>) {
  ^bb0(%a: f32, %c: f32):
    %t = arith.maximumf %a, %zero : f32
    linalg.yield %t : f32
  } -> tensor<9x11xf32>
  %init = linalg.fill ins(%zero : f32) outs(%place : tensor<9x7xf32>) -> tensor<9x7xf32>
  %o = linalg.generic {indexing_maps = [#left, #right, #both], iterator_types = ["parallel", "parallel", "reduction"]} ins(%p, %v : tensor<9x11xf32>, tensor<11x7xf32>) outs(%init : tensor<9x7xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %t = arith.mulf %a, %b : f32
    %u = arith.addf %c, %t : f32
    linalg.yield %u : f32
  } -> tensor<9x7xf32>
  return %o, %s : tensor<9x7xf32>, tensor<9x11xf32>
}

func.func @needs_weights_before(%q: tensor<9x5xf32>, %k: tensor<5x11xf32>, %v: tensor<11x7xf32>) -> (tensor<9x7xf32>, tensor<9x11xf32>) {
  %first = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %square = tensor.empty() : tensor<9x11xf32>
  %place = tensor.empty() : tensor<9x7xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%square : tensor<9x11xf32>) -> tensor<9x11xf32>
  %s = linalg.generic {indexing_maps = [#left, #right, #both], iterator_types = ["parallel", "parallel", "reduction"]} ins(%q, %k : tensor<9x5xf32>, tensor<5x11xf32>) outs(%zeros : tensor<9x11xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %t = arith.mulf %a, %b : f32
    %u = arith.addf %c, %t : f32
    linalg.yield %u : f32
  } -> tensor<9x11xf32>
  %p = linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<9x11xf32>) outs(%square : tensor<9x11xf32>) {
  ^bb0(%a: f32, %c: f32):
    %t = arith.maximumf %a, %zero : f32
    linalg.yield %t : f32
  } -> tensor<9x11xf32>
  %init = linalg.fill ins(%zero : f32) outs(%place : tensor<9x7xf32>) -> tensor<9x7xf32>
  %t1 = tensor.extract %p[%first, %first] : tensor<9x11xf32>
  %other = tensor.splat %t1 : tensor<11x7xf32>
  %o = linalg.generic {indexing_maps = [#left, #right, #both], iterator_types = ["parallel", "parallel", "reduction"]} ins(%p, %other : tensor<9x11xf32>, tensor<11x7xf32>) outs(%init : tensor<9x7xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %t = arith.mulf %a, %b : f32
    %u = arith.addf %c, %t : f32
    linalg.yield %u : f32
  } -> tensor<9x7xf32>
  return %o, %p : tensor<9x7xf32>, tensor<9x11xf32>
}

// Two layers with constant weights: these are packed when compiling.
func.func @keeps_constant(%q: tensor<9x5xf32>, %v: tensor<11x7xf32>) -> tensor<9x7xf32> {
  %zero = arith.constant 0.0 : f32
  %k = arith.constant dense<0.5> : tensor<5x11xf32>
  %square = tensor.empty() : tensor<9x11xf32>
  %place = tensor.empty() : tensor<9x7xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%square : tensor<9x11xf32>) -> tensor<9x11xf32>
  %s = linalg.generic {indexing_maps = [#left, #right, #both], iterator_types = ["parallel", "parallel", "reduction"]} ins(%q, %k : tensor<9x5xf32>, tensor<5x11xf32>) outs(%zeros : tensor<9x11xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %t = arith.mulf %a, %b : f32
    %u = arith.addf %c, %t : f32
    linalg.yield %u : f32
  } -> tensor<9x11xf32>
  %p = linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<9x11xf32>) outs(%square : tensor<9x11xf32>) {
  ^bb0(%a: f32, %c: f32):
    %t = arith.maximumf %a, %zero : f32
    linalg.yield %t : f32
  } -> tensor<9x11xf32>
  %init = linalg.fill ins(%zero : f32) outs(%place : tensor<9x7xf32>) -> tensor<9x7xf32>
  %o = linalg.generic {indexing_maps = [#left, #right, #both], iterator_types = ["parallel", "parallel", "reduction"]} ins(%p, %v : tensor<9x11xf32>, tensor<11x7xf32>) outs(%init : tensor<9x7xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %t = arith.mulf %a, %b : f32
    %u = arith.addf %c, %t : f32
    linalg.yield %u : f32
  } -> tensor<9x7xf32>
  return %o : tensor<9x7xf32>
}
