// RUN: burnish-opt %s --nn-group-kernels --split-input-file | FileCheck %s
// A reduction goes with the elementwise operation that alone uses its result; what a schedule says depends on the target.

// CHECK-LABEL: func @product_and_bias(
// CHECK:         nn.kernel <algorithm = "product", lanes = 8, vectors = 3, rows = 4, packs = false
// CHECK-SAME:      ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<7x5xf32>, tensor<5x19xf32>, tensor<19xf32>)
// CHECK:           linalg.fill
// CHECK:           arith.mulf
// CHECK:           arith.addf
// CHECK:           arith.addf
// CHECK:           nn.kernel_yield
// CHECK-NOT:     linalg.generic
#row = affine_map<(m, n, k) -> (m, k)>
#column = affine_map<(m, n, k) -> (k, n)>
#result = affine_map<(m, n, k) -> (m, n)>
#all = affine_map<(m, n) -> (m, n)>
#bias = affine_map<(m, n) -> (n)>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "haswell", features = "", pointerBits = 64, vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 0, cores = 2>} {
  func.func @product_and_bias(%a: tensor<7x5xf32>, %b: tensor<5x19xf32>, %c: tensor<19xf32>) -> tensor<7x19xf32> {
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty() : tensor<7x19xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<7x19xf32>) -> tensor<7x19xf32>
    %sum = linalg.generic {indexing_maps = [#row, #column, #result], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%a, %b : tensor<7x5xf32>, tensor<5x19xf32>) outs(%init : tensor<7x19xf32>) {
    ^bb0(%x: f32, %y: f32, %z: f32):
      %p = arith.mulf %x, %y : f32
      %s = arith.addf %z, %p : f32
      linalg.yield %s : f32
    } -> tensor<7x19xf32>
    %result = linalg.generic {indexing_maps = [#all, #bias, #all], iterator_types = ["parallel", "parallel"]}
        ins(%sum, %c : tensor<7x19xf32>, tensor<19xf32>) outs(%empty : tensor<7x19xf32>) {
    ^bb0(%x: f32, %y: f32, %z: f32):
      %s = arith.addf %x, %y : f32
      linalg.yield %s : f32
    } -> tensor<7x19xf32>
    return %result : tensor<7x19xf32>
  }
}

// -----

// A constant operand is packed: [tiles][rows][tile], filled up with zeros; the region unpacks it.
// CHECK-LABEL: func @packs_constant(
// CHECK:         %[[PACKED:.*]] = arith.constant dense<{{\[\[\[}}1.000000e+00, 2.000000e+00, 3.000000e+00, 0.000000e+00], [4.000000e+00, 5.000000e+00, 6.000000e+00, 0.000000e+00]]]> : tensor<1x2x4xf32>
// CHECK:         nn.kernel <algorithm = "product", lanes = 4
// CHECK-SAME:      %[[PACKED]]
// CHECK:           linalg.unpack %{{.*}} outer_dims_perm = [1, 0] inner_dims_pos = [1] inner_tiles = [4]
#row = affine_map<(m, n, k) -> (m, k)>
#column = affine_map<(m, n, k) -> (k, n)>
#result = affine_map<(m, n, k) -> (m, n)>
func.func @packs_constant(%a: tensor<5x2xf32>) -> tensor<5x3xf32> {
  %b = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<5x3xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<5x3xf32>) -> tensor<5x3xf32>
  %sum = linalg.generic {indexing_maps = [#row, #column, #result], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<5x2xf32>, tensor<2x3xf32>) outs(%init : tensor<5x3xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %z, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x3xf32>
  return %sum : tensor<5x3xf32>
}

// -----

// A machine without vectors keeps its loops.
// CHECK-LABEL: func @no_vectors(
// CHECK-NOT:     nn.kernel
#all = affine_map<(m) -> (m)>
module attributes {nn.target = #nn.target<triple = "thumbv7em-none-eabi", cpu = "cortex-m4", features = "", pointerBits = 32, vectorBits = 0, vectorRegisters = 0, l1Bytes = 0, l2Bytes = 0, l3Bytes = 0, cores = 1>} {
  func.func @no_vectors(%a: tensor<70xf32>) -> tensor<70xf32> {
    %empty = tensor.empty() : tensor<70xf32>
    %result = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]} ins(%a : tensor<70xf32>) outs(%empty : tensor<70xf32>) {
    ^bb0(%x: f32, %y: f32):
      %s = arith.negf %x : f32
      linalg.yield %s : f32
    } -> tensor<70xf32>
    return %result : tensor<70xf32>
  }
}

// -----

// One row takes the panels of a constant several at a time; a loop that reads a large one in every iteration goes through
// it in turns forwards and backwards.
// CHECK-LABEL: func @recurrence(
// CHECK:         nn.kernel <algorithm = "product", lanes = 4, vectors = 8, rows = 1, packs = false, rowsOutside = false, isParallel = true, streams = 4, backAndForth = true>
// CHECK-SAME:      tensor<64x512x8xf32>
#row = affine_map<(m, n, k) -> (m, k)>
#column = affine_map<(m, n, k) -> (k, n)>
#result = affine_map<(m, n, k) -> (m, n)>
func.func @recurrence(%a: tensor<1x512xf32>) -> tensor<1x512xf32> {
  %b = arith.constant dense<1.0> : tensor<512x512xf32>
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  %empty = tensor.empty() : tensor<1x512xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x512xf32>) -> tensor<1x512xf32>
  %last = scf.for %step = %c0 to %c9 step %c1 iter_args(%state = %a) -> tensor<1x512xf32> {
    %sum = linalg.generic {indexing_maps = [#row, #column, #result], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%state, %b : tensor<1x512xf32>, tensor<512x512xf32>) outs(%init : tensor<1x512xf32>) {
    ^bb0(%x: f32, %y: f32, %z: f32):
      %p = arith.mulf %x, %y : f32
      %s = arith.addf %z, %p : f32
      linalg.yield %s : f32
    } -> tensor<1x512xf32>
    scf.yield %sum : tensor<1x512xf32>
  }
  return %last : tensor<1x512xf32>
}

// -----

// A loop of one iteration has no turns.
// CHECK-LABEL: func @one_step(
// CHECK:         nn.kernel <algorithm = "product", lanes = 4, vectors = 8, rows = 1, packs = false, rowsOutside = false, isParallel = true, streams = 4>
// CHECK-SAME:      tensor<64x512x8xf32>
#row = affine_map<(m, n, k) -> (m, k)>
#column = affine_map<(m, n, k) -> (k, n)>
#result = affine_map<(m, n, k) -> (m, n)>
func.func @one_step(%a: tensor<1x512xf32>) -> tensor<1x512xf32> {
  %b = arith.constant dense<1.0> : tensor<512x512xf32>
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c1_too = arith.constant 1 : index
  %empty = tensor.empty() : tensor<1x512xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x512xf32>) -> tensor<1x512xf32>
  %last = scf.for %step = %c0 to %c1_too step %c1 iter_args(%state = %a) -> tensor<1x512xf32> {
    %sum = linalg.generic {indexing_maps = [#row, #column, #result], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%state, %b : tensor<1x512xf32>, tensor<512x512xf32>) outs(%init : tensor<1x512xf32>) {
    ^bb0(%x: f32, %y: f32, %z: f32):
      %p = arith.mulf %x, %y : f32
      %s = arith.addf %z, %p : f32
      linalg.yield %s : f32
    } -> tensor<1x512xf32>
    scf.yield %sum : tensor<1x512xf32>
  }
  return %last : tensor<1x512xf32>
}

// -----

// A convolution of few output channels reads its image in place; more of them use a panel often enough.
// CHECK-LABEL: func @few_channels(
// CHECK:         nn.kernel <algorithm = "product", lanes = 4, vectors = 2, rows = 6, packs = false
// CHECK-LABEL: func @many_channels(
// CHECK:         nn.kernel <algorithm = "product", lanes = 4, vectors = 2, rows = {{.*}}, packs = true
#image = affine_map<(m, y, x, ky, kx) -> (y + ky, x + kx)>
#weights = affine_map<(m, y, x, ky, kx) -> (m, ky, kx)>
#result = affine_map<(m, y, x, ky, kx) -> (m, y, x)>
func.func @few_channels(%a: tensor<12x30xf32>, %w: tensor<6x3x3xf32>) -> tensor<6x10x28xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<6x10x28xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<6x10x28xf32>) -> tensor<6x10x28xf32>
  %sum = linalg.generic {indexing_maps = [#image, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%a, %w : tensor<12x30xf32>, tensor<6x3x3xf32>) outs(%init : tensor<6x10x28xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %z, %p : f32
    linalg.yield %s : f32
  } -> tensor<6x10x28xf32>
  return %sum : tensor<6x10x28xf32>
}
func.func @many_channels(%a: tensor<12x30xf32>, %w: tensor<60x3x3xf32>) -> tensor<60x10x28xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<60x10x28xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<60x10x28xf32>) -> tensor<60x10x28xf32>
  %sum = linalg.generic {indexing_maps = [#image, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%a, %w : tensor<12x30xf32>, tensor<60x3x3xf32>) outs(%init : tensor<60x10x28xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %z, %p : f32
    linalg.yield %s : f32
  } -> tensor<60x10x28xf32>
  return %sum : tensor<60x10x28xf32>
}
// -----

// A large table that a product and lookups read is there once, in the order of the product's tiles.
// CHECK-LABEL: func @shares_table(
// CHECK:         arith.constant {{.*}} : tensor<64x520x8xf32>
// CHECK:         nn.kernel <algorithm = "product"
// CHECK:         nn.kernel_yield
// CHECK:           %[[ROW:.*]] = linalg.index 0
// CHECK:           %[[TILE:.*]] = arith.constant 8 : index
// CHECK:           %[[PLACE:.*]] = arith.divui %[[ROW]], %[[TILE]]
// CHECK:           %[[LANE:.*]] = arith.remui %[[ROW]], %[[TILE]]
// CHECK:           tensor.extract %{{.*}}[%[[PLACE]], %{{.*}}, %[[LANE]]] : tensor<64x520x8xf32>
#row = affine_map<(m, n, k) -> (m, k)>
#column = affine_map<(m, n, k) -> (n, k)>
#result = affine_map<(m, n, k) -> (m, n)>
#all = affine_map<(m, n) -> (m, n)>
func.func @shares_table(%a: tensor<5x520xf32>) -> (tensor<5x512xf32>, tensor<7x520xf32>) {
  %b = arith.constant dense<1.0> : tensor<512x520xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<5x512xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<5x512xf32>) -> tensor<5x512xf32>
  %sum = linalg.generic {indexing_maps = [#row, #column, #result], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<5x520xf32>, tensor<512x520xf32>) outs(%init : tensor<5x512xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %z, %p : f32
    linalg.yield %s : f32
  } -> tensor<5x512xf32>
  %rows = tensor.empty() : tensor<7x520xf32>
  %found = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel"]} outs(%rows : tensor<7x520xf32>) {
  ^bb0(%x: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %e = tensor.extract %b[%i, %j] : tensor<512x520xf32>
    linalg.yield %e : f32
  } -> tensor<7x520xf32>
  return %sum, %found : tensor<5x512xf32>, tensor<7x520xf32>
}

// -----

// Steps of which only the run knows the length are in nobody's way.
// CHECK-LABEL: func @unknown_steps(
// CHECK:         nn.kernel <algorithm = "product", {{.*}}, packs = false
#row = affine_map<(m, n, k) -> (m, k)>
#column = affine_map<(m, n, k) -> (k, n)>
#result = affine_map<(m, n, k) -> (m, n)>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "haswell", features = "", pointerBits = 64, vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 0, cores = 2>} {
  func.func @unknown_steps(%a: tensor<64x64xf32>, %b: tensor<64x?xf32>, %n: index) -> tensor<64x?xf32> {
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty(%n) : tensor<64x?xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<64x?xf32>) -> tensor<64x?xf32>
    %sum = linalg.generic {indexing_maps = [#row, #column, #result], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%a, %b : tensor<64x64xf32>, tensor<64x?xf32>) outs(%init : tensor<64x?xf32>) {
    ^bb0(%x: f32, %y: f32, %z: f32):
      %p = arith.mulf %x, %y : f32
      %s = arith.addf %z, %p : f32
      linalg.yield %s : f32
    } -> tensor<64x?xf32>
    return %sum : tensor<64x?xf32>
  }
}

// -----

// Bytes: where the machine adds four products to a lane, weights are packed with four steps of the sum side by side.
// CHECK-LABEL: func @bytes(
// CHECK:         %[[W:.*]] = arith.constant {{.*}} : tensor<1x4x32x4xi8>
// CHECK:         nn.kernel <algorithm = "product", lanes = 16, vectors = 2, rows = 7, {{.*}}steps = 4>
// CHECK-SAME:      ins(%{{.*}}, %[[W]]
// CHECK:           linalg.unpack %{{.*}} outer_dims_perm = [1, 0] inner_dims_pos = [1, 0] inner_tiles = [32, 4]
#left = affine_map<(m, n, k) -> (m, k)>
#right = affine_map<(m, n, k) -> (k, n)>
#out = affine_map<(m, n, k) -> (m, n)>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "znver4", features = "+avx512vl,+avx512vnni", pointerBits = 64, vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 0, cores = 2>} {
  func.func @bytes(%a: tensor<7x16xi8>) -> tensor<7x31xi32> {
    %b = arith.constant dense<3> : tensor<16x31xi8>
    %zero = arith.constant 0 : i32
    %empty = tensor.empty() : tensor<7x31xi32>
    %init = linalg.fill ins(%zero : i32) outs(%empty : tensor<7x31xi32>) -> tensor<7x31xi32>
    %sum = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%a, %b : tensor<7x16xi8>, tensor<16x31xi8>) outs(%init : tensor<7x31xi32>) {
    ^bb0(%x: i8, %y: i8, %z: i32):
      %u = arith.extui %x : i8 to i32
      %s = arith.extsi %y : i8 to i32
      %p = arith.muli %u, %s : i32
      %t = arith.addi %z, %p : i32
      linalg.yield %t : i32
    } -> tensor<7x31xi32>
    return %sum : tensor<7x31xi32>
  }
}

// -----

// Where it adds pairs of products in 16 bits, four steps lie side by side too. Two weights of 100 are too much for a pair; what is
// taken from them, four bytes for each lane of a vector, and where it belongs are two more inputs: here, for two pairs each.
// CHECK-LABEL: func @pairs(
// CHECK:         nn.kernel <algorithm = "product", lanes = 8, {{.*}}steps = 4, addsPairs = true>
// CHECK-SAME:      ins(%{{[a-z0-9]+}}, %{{[a-z0-9_]+}} :
// CHECK-LABEL: func @excess(
// CHECK:         nn.kernel <algorithm = "product", lanes = 8, {{.*}}steps = 4, addsPairs = true>
// CHECK-SAME:      tensor<{{[0-9]+}}x4x8x4xi8>, tensor<{{[0-9]+}}x5xi32>) outs(
#left = affine_map<(m, n, k) -> (m, k)>
#right = affine_map<(m, n, k) -> (k, n)>
#out = affine_map<(m, n, k) -> (m, n)>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "+avx2", pointerBits = 64, vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 0, cores = 2>} {
  func.func @pairs(%a: tensor<7x16xi8>) -> tensor<7x31xi32> {
    %b = arith.constant dense<64> : tensor<16x31xi8>
    %zero = arith.constant 0 : i32
    %empty = tensor.empty() : tensor<7x31xi32>
    %init = linalg.fill ins(%zero : i32) outs(%empty : tensor<7x31xi32>) -> tensor<7x31xi32>
    %sum = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%a, %b : tensor<7x16xi8>, tensor<16x31xi8>) outs(%init : tensor<7x31xi32>) {
    ^bb0(%x: i8, %y: i8, %z: i32):
      %u = arith.extui %x : i8 to i32
      %s = arith.extsi %y : i8 to i32
      %p = arith.muli %u, %s : i32
      %t = arith.addi %z, %p : i32
      linalg.yield %t : i32
    } -> tensor<7x31xi32>
    return %sum : tensor<7x31xi32>
  }
  func.func @excess(%a: tensor<7x16xi8>) -> tensor<7x31xi32> {
    %b = arith.constant dense<100> : tensor<16x31xi8>
    %zero = arith.constant 0 : i32
    %empty = tensor.empty() : tensor<7x31xi32>
    %init = linalg.fill ins(%zero : i32) outs(%empty : tensor<7x31xi32>) -> tensor<7x31xi32>
    %sum = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%a, %b : tensor<7x16xi8>, tensor<16x31xi8>) outs(%init : tensor<7x31xi32>) {
    ^bb0(%x: i8, %y: i8, %z: i32):
      %u = arith.extui %x : i8 to i32
      %s = arith.extsi %y : i8 to i32
      %p = arith.muli %u, %s : i32
      %t = arith.addi %z, %p : i32
      linalg.yield %t : i32
    } -> tensor<7x31xi32>
    return %sum : tensor<7x31xi32>
  }
}

// -----

// Rows that lie whole pages apart meet in a few lines of the first cache, so a tile has no more of them than that has ways.
// CHECK-LABEL: func @rows_apart(
// CHECK:         nn.kernel <algorithm = "product", lanes = 16, vectors = 2, rows = 13, {{.*}}tensor<64x1000xf32>
// CHECK:         nn.kernel <algorithm = "product", lanes = 16, vectors = 2, rows = 8, {{.*}}tensor<64x1024xf32>
#row = affine_map<(m, n, k) -> (m, k)>
#column = affine_map<(m, n, k) -> (k, n)>
#result = affine_map<(m, n, k) -> (m, n)>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "", pointerBits = 64, vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 0, cores = 2>} {
  func.func @rows_apart(%a: tensor<64x1000xf32>, %b: tensor<1000x32xf32>, %c: tensor<64x1024xf32>, %d: tensor<1024x32xf32>) -> (tensor<64x32xf32>, tensor<64x32xf32>) {
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty() : tensor<64x32xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<64x32xf32>) -> tensor<64x32xf32>
    %0 = linalg.generic {indexing_maps = [#row, #column, #result], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%a, %b : tensor<64x1000xf32>, tensor<1000x32xf32>) outs(%init : tensor<64x32xf32>) {
    ^bb0(%x: f32, %y: f32, %z: f32):
      %p = arith.mulf %x, %y : f32
      %s = arith.addf %z, %p : f32
      linalg.yield %s : f32
    } -> tensor<64x32xf32>
    %1 = linalg.generic {indexing_maps = [#row, #column, #result], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%c, %d : tensor<64x1024xf32>, tensor<1024x32xf32>) outs(%init : tensor<64x32xf32>) {
    ^bb0(%x: f32, %y: f32, %z: f32):
      %p = arith.mulf %x, %y : f32
      %s = arith.addf %z, %p : f32
      linalg.yield %s : f32
    } -> tensor<64x32xf32>
    return %0, %1 : tensor<64x32xf32>, tensor<64x32xf32>
  }
}

// -----

// What only the run knows, is large and meets many rows is laid out by a kernel of its own, in panels as tiles read them,
// before the loop that leaves it as it is. A transpose of it is read as it was before.
// CHECK-LABEL: func @packs_in_run(
// CHECK-SAME:      %{{.*}}: tensor<16x80xf32>, %[[B:.*]]: tensor<208x80xf32>)
// CHECK:         %[[PANELS:.*]] = nn.kernel <algorithm = "panels", lanes = 4
// CHECK-SAME:      ins(%[[B]] : tensor<208x80xf32>) outs(%{{.*}} : tensor<[[PANELS_OF_16:[0-9]+]]x80x[[TILE:[0-9]+]]xf32>)
// CHECK:           linalg.pack %{{.*}} padding_value({{.*}}) outer_dims_perm = [0, 1] inner_dims_pos = [0] inner_tiles = [[[TILE]]]
// CHECK:         scf.for
// CHECK:           nn.kernel <algorithm = "product"
// CHECK-SAME:        packs = false
// CHECK-SAME:        %[[PANELS]] : tensor<16x80xf32>, tensor<[[PANELS_OF_16]]x80x[[TILE]]xf32>
// CHECK:             linalg.unpack %{{.*}} outer_dims_perm = [1, 0] inner_dims_pos = [1] inner_tiles = [[[TILE]]]
#row = affine_map<(m, n, k) -> (m, k)>
#column = affine_map<(m, n, k) -> (k, n)>
#result = affine_map<(m, n, k) -> (m, n)>
func.func @packs_in_run(%a: tensor<16x80xf32>, %b: tensor<208x80xf32>) -> tensor<16x208xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c40 = arith.constant 40 : index
  %zero = arith.constant 0.0 : f32
  %turned = tensor.empty() : tensor<80x208xf32>
  %t = linalg.transpose ins(%b : tensor<208x80xf32>) outs(%turned : tensor<80x208xf32>) permutation = [1, 0]
  %empty = tensor.empty() : tensor<16x208xf32>
  %last = scf.for %i = %c0 to %c40 step %c1 iter_args(%x = %empty) -> (tensor<16x208xf32>) {
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<16x208xf32>) -> tensor<16x208xf32>
    %sum = linalg.generic {indexing_maps = [#row, #column, #result], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%a, %t : tensor<16x80xf32>, tensor<80x208xf32>) outs(%init : tensor<16x208xf32>) {
    ^bb0(%p: f32, %q: f32, %r: f32):
      %m = arith.mulf %p, %q : f32
      %s = arith.addf %r, %m : f32
      linalg.yield %s : f32
    } -> tensor<16x208xf32>
    scf.yield %sum : tensor<16x208xf32>
  }
  return %last : tensor<16x208xf32>
}

// -----

// Axes that lie side by side before and after count as one: weights of 3x3 taps are turned in squares.
// CHECK-LABEL: func @turns_taps(
// CHECK:         linalg.transpose ins(%{{.*}} : tensor<70x486xf32>)
#from = affine_map<(i, y, x, o) -> (o, i, y, x)>
#to = affine_map<(i, y, x, o) -> (i, y, x, o)>
func.func @turns_taps(%w: tensor<70x54x3x3xf32>) -> tensor<54x3x3x70xf32> {
  %empty = tensor.empty() : tensor<54x3x3x70xf32>
  %r = linalg.generic {indexing_maps = [#from, #to], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%w : tensor<70x54x3x3xf32>) outs(%empty : tensor<54x3x3x70xf32>) {
  ^bb0(%x: f32, %y: f32):
    linalg.yield %x : f32
  } -> tensor<54x3x3x70xf32>
  return %r : tensor<54x3x3x70xf32>
}
