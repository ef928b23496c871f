// RUN: burnish-opt %s --nn-emit-kernels --canonicalize --split-input-file | FileCheck %s
// Equal kernels share one function; vectors cover what they can, exactly, and scalars what remains.

// CHECK-LABEL: func @twice(
// CHECK:         call @elements_11(%arg0, %arg1, %c0, %c1)
// CHECK:         call @elements_11(%arg1, %arg0, %c0, %c1)
// CHECK-LABEL: func private @elements_11(
// CHECK-COUNT-2: vector.load %{{.*}} : {{.*}}, vector<4xf32>
// CHECK-COUNT-1: vector.load %{{.*}} : {{.*}}, vector<2xf32>
// CHECK-COUNT-1: memref.load
#all = affine_map<(m) -> (m)>
func.func @twice(%a: memref<11xf32>, %b: memref<11xf32>) {
  nn.kernel <algorithm = "elements", lanes = 4, vectors = 4, rows = 1, packs = false, rowsOutside = false, isParallel = false>
      ins(%a : memref<11xf32>) outs(%b : memref<11xf32>) {
  ^bb0(%x: tensor<11xf32>, %y: tensor<11xf32>):
    %r = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]} ins(%x : tensor<11xf32>) outs(%y : tensor<11xf32>) {
    ^bb0(%p: f32, %q: f32):
      %s = arith.negf %p : f32
      linalg.yield %s : f32
    } -> tensor<11xf32>
    nn.kernel_yield %r : tensor<11xf32>
  }
  nn.kernel <algorithm = "elements", lanes = 4, vectors = 4, rows = 1, packs = false, rowsOutside = false, isParallel = false>
      ins(%b : memref<11xf32>) outs(%a : memref<11xf32>) {
  ^bb0(%x: tensor<11xf32>, %y: tensor<11xf32>):
    %r = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]} ins(%x : tensor<11xf32>) outs(%y : tensor<11xf32>) {
    ^bb0(%p: f32, %q: f32):
      %s = arith.negf %p : f32
      linalg.yield %s : f32
    } -> tensor<11xf32>
    nn.kernel_yield %r : tensor<11xf32>
  }
  return
}

// -----

// Rows of a product: sums stay in registers over the depth, tiles of three rows and then one of two, panels are tasks.
// CHECK-LABEL: func @product(
// CHECK:         call @product_5x6x8(%arg0, %arg1, %arg2, %c0, %c2)
// CHECK-LABEL: func private @product_5x6x8(
// CHECK-SAME:    attributes {llvm.linkage = #llvm.linkage<internal>, nn.parallel}
// CHECK:         scf.for %{{.*}} = %c0 to %c6 step %c1 iter_args(%{{.*}} = %cst, %{{.*}} = %cst, %{{.*}} = %cst) -> (vector<4xf32>, vector<4xf32>, vector<4xf32>)
// CHECK:         scf.for %{{.*}} = %c0 to %c6 step %c1 iter_args(%{{.*}} = %cst, %{{.*}} = %cst) -> (vector<4xf32>, vector<4xf32>)
#row = affine_map<(m, k, n) -> (m, k)>
#column = affine_map<(m, k, n) -> (k, n)>
#result = affine_map<(m, k, n) -> (m, n)>
func.func @product(%a: memref<5x6xf32>, %b: memref<6x8xf32>, %c: memref<5x8xf32>) {
  nn.kernel <algorithm = "product", lanes = 4, vectors = 1, rows = 3, packs = false, rowsOutside = false, isParallel = true>
      ins(%a, %b : memref<5x6xf32>, memref<6x8xf32>) outs(%c : memref<5x8xf32>) {
  ^bb0(%x: tensor<5x6xf32>, %y: tensor<6x8xf32>, %z: tensor<5x8xf32>):
    %zero = arith.constant 0.0 : f32
    %init = linalg.fill ins(%zero : f32) outs(%z : tensor<5x8xf32>) -> tensor<5x8xf32>
    %r = linalg.generic {indexing_maps = [#row, #column, #result], iterator_types = ["parallel", "reduction", "parallel"]}
        ins(%x, %y : tensor<5x6xf32>, tensor<6x8xf32>) outs(%init : tensor<5x8xf32>) {
    ^bb0(%p: f32, %q: f32, %s: f32):
      %m = arith.mulf %p, %q : f32
      %t = arith.addf %s, %m : f32
      linalg.yield %t : f32
    } -> tensor<5x8xf32>
    nn.kernel_yield %r : tensor<5x8xf32>
  }
  return
}

// -----

// In every other iteration of the loop around it the tasks come in the opposite order.
// CHECK-LABEL: func @back_and_forth(
// CHECK:         scf.for %[[STEP:.*]] = %c0 to %c9
// CHECK:           func.call @product_6x8(%arg0, %arg1, %arg2, %[[STEP]], %c0, %c2)
// CHECK-LABEL: func private @product_6x8(
// CHECK-SAME:    %[[TURN:[^:]*]]: index, %[[BEGIN:[^:]*]]: index, %[[END:[^:]*]]: index)
// CHECK:         scf.for %[[TASK:.*]] = %[[BEGIN]] to %[[END]]
// CHECK:           %[[BOTH:.*]] = arith.addi %[[BEGIN]], %[[END]]
// CHECK:           %[[LAST:.*]] = arith.subi %[[BOTH]], %c1
// CHECK:           %[[OPPOSITE:.*]] = arith.subi %[[LAST]], %[[TASK]]
// CHECK:           arith.select %{{.*}}, %[[OPPOSITE]], %[[TASK]]
#vector = affine_map<(k, n) -> (k)>
#column = affine_map<(k, n) -> (k, n)>
#result = affine_map<(k, n) -> (n)>
func.func @back_and_forth(%a: memref<6xf32>, %b: memref<6x8xf32>, %c: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  scf.for %step = %c0 to %c9 step %c1 {
    nn.kernel <algorithm = "product", lanes = 4, vectors = 1, rows = 1, packs = false, rowsOutside = false, isParallel = false, backAndForth = true>
        ins(%a, %b : memref<6xf32>, memref<6x8xf32>) outs(%c : memref<8xf32>) {
    ^bb0(%x: tensor<6xf32>, %y: tensor<6x8xf32>, %z: tensor<8xf32>):
      %zero = arith.constant 0.0 : f32
      %init = linalg.fill ins(%zero : f32) outs(%z : tensor<8xf32>) -> tensor<8xf32>
      %r = linalg.generic {indexing_maps = [#vector, #column, #result], iterator_types = ["reduction", "parallel"]}
          ins(%x, %y : tensor<6xf32>, tensor<6x8xf32>) outs(%init : tensor<8xf32>) {
      ^bb0(%p: f32, %q: f32, %s: f32):
        %m = arith.mulf %p, %q : f32
        %t = arith.addf %s, %m : f32
        linalg.yield %t : f32
      } -> tensor<8xf32>
      nn.kernel_yield %r : tensor<8xf32>
    }
  }
  return
}

// -----

// Results of a short loop that lie between those of the lanes are computed beside them and woven.
// CHECK-LABEL: func private @product_3x8x2x5(
// CHECK:         scf.for {{.*}} iter_args(%{{.*}} = %cst, %{{.*}} = %cst, %{{.*}} = %cst, %{{.*}} = %cst) -> (vector<4xf32>, vector<4xf32>, vector<4xf32>, vector<4xf32>)
// CHECK:         vector.interleave %{{.*}}, %{{.*}} : vector<4xf32> -> vector<8xf32>
// CHECK:         vector.store %{{.*}} vector<8xf32>
#image = affine_map<(m, x, w, k) -> (k, x)>
#weights = affine_map<(m, x, w, k) -> (k, m, w)>
#result = affine_map<(m, x, w, k) -> (m, x, w)>
func.func @woven(%a: memref<5x8xf32>, %b: memref<5x3x2xf32>, %c: memref<3x8x2xf32>) {
  nn.kernel <algorithm = "product", lanes = 4, vectors = 1, rows = 2, packs = false, rowsOutside = false, isParallel = false>
      ins(%a, %b : memref<5x8xf32>, memref<5x3x2xf32>) outs(%c : memref<3x8x2xf32>) {
  ^bb0(%x: tensor<5x8xf32>, %y: tensor<5x3x2xf32>, %z: tensor<3x8x2xf32>):
    %zero = arith.constant 0.0 : f32
    %init = linalg.fill ins(%zero : f32) outs(%z : tensor<3x8x2xf32>) -> tensor<3x8x2xf32>
    %r = linalg.generic {indexing_maps = [#image, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
        ins(%x, %y : tensor<5x8xf32>, tensor<5x3x2xf32>) outs(%init : tensor<3x8x2xf32>) {
    ^bb0(%p: f32, %q: f32, %s: f32):
      %m = arith.mulf %p, %q : f32
      %t = arith.addf %s, %m : f32
      linalg.yield %t : f32
    } -> tensor<3x8x2xf32>
    nn.kernel_yield %r : tensor<3x8x2xf32>
  }
  return
}

// -----

// Bytes: four steps of the sum at once, of which the left operand's are one word; the last lanes are beyond the result.
// CHECK-LABEL: func private @llvm.x86.avx512.vpdpbusd.128(vector<4xi32>, vector<16xi8>, vector<16xi8>) -> vector<4xi32>
// CHECK-LABEL: func @bytes(
// CHECK-LABEL: func private @product_2x8x3(
// CHECK:         scf.for %{{.*}} = %c0 to %c8 step %c4 iter_args(%[[FIRST:.*]] = %cst, %{{.*}} = %cst)
// CHECK:           %[[RIGHT:.*]] = vector.load %{{.*}} : {{.*}}, vector<16xi8>
// CHECK:           %[[STEPS:.*]] = vector.load %{{.*}} : {{.*}}, vector<4xi8>
// CHECK:           %[[WORD:.*]] = vector.bitcast %[[STEPS]] : vector<4xi8> to vector<1xi32>
// CHECK:           %[[LEFT:.*]] = vector.bitcast %{{.*}} : vector<4xi32> to vector<16xi8>
// CHECK:           func.call @llvm.x86.avx512.vpdpbusd.128(%[[FIRST]], %[[LEFT]], %[[RIGHT]])
#row = affine_map<(m, k, n) -> (m, k)>
#column = affine_map<(m, k, n) -> (k, n)>
#result = affine_map<(m, k, n) -> (m, n)>
func.func @bytes(%a: memref<2x8xi8>, %b: memref<1x2x4x4xi8>, %c: memref<2x3xi32>) {
  nn.kernel <algorithm = "product", lanes = 4, vectors = 1, rows = 2, packs = false, rowsOutside = false, isParallel = false, steps = 4>
      ins(%a, %b : memref<2x8xi8>, memref<1x2x4x4xi8>) outs(%c : memref<2x3xi32>) {
  ^bb0(%x: tensor<2x8xi8>, %packed: tensor<1x2x4x4xi8>, %z: tensor<2x3xi32>):
    %plain = ub.poison : tensor<8x3xi8>
    %y = linalg.unpack %packed outer_dims_perm = [1, 0] inner_dims_pos = [1, 0] inner_tiles = [4, 4] into %plain
        : tensor<1x2x4x4xi8> -> tensor<8x3xi8>
    %zero = arith.constant 0 : i32
    %init = linalg.fill ins(%zero : i32) outs(%z : tensor<2x3xi32>) -> tensor<2x3xi32>
    %r = linalg.generic {indexing_maps = [#row, #column, #result], iterator_types = ["parallel", "reduction", "parallel"]}
        ins(%x, %y : tensor<2x8xi8>, tensor<8x3xi8>) outs(%init : tensor<2x3xi32>) {
    ^bb0(%p: i8, %q: i8, %s: i32):
      %u = arith.extui %p : i8 to i32
      %v = arith.extsi %q : i8 to i32
      %m = arith.muli %u, %v : i32
      %t = arith.addi %s, %m : i32
      linalg.yield %t : i32
    } -> tensor<2x3xi32>
    nn.kernel_yield %r : tensor<2x3xi32>
  }
  return
}

// -----

// Pairs of products of bytes in 16 bits, then what was taken from the weights: for each vector of lanes as many entries as there
// are, each at a step of its own.
// CHECK-LABEL: func @byte_pairs(
// CHECK-LABEL: func private @product_2x8x3
// CHECK:         %[[SUMS:.*]]:2 = scf.for %{{.*}} = %c0 to %c8 step %c4
// CHECK:           %[[PAIRS:.*]] = func.call @llvm.x86.ssse3.pmadd.ub.sw.128(
// CHECK:           func.call @llvm.x86.sse2.pmadd.wd(%[[PAIRS]], %cst
// CHECK:         %[[COUNT:.*]] = memref.load %{{.*}}
// CHECK:         %[[END:.*]] = arith.index_castui %[[COUNT]]
// CHECK:         scf.for %{{.*}} = %c0 to %[[END]] step %c1 iter_args(%{{.*}} = %[[SUMS]]#0, %{{.*}} = %[[SUMS]]#1)
// CHECK:           %[[PLACE:.*]] = memref.load %{{.*}}
// CHECK:           %[[STEP:.*]] = arith.index_castui %[[PLACE]]
// CHECK:           %[[TAKEN:.*]] = vector.load %{{.*}} : {{.*}}, vector<16xi8>
// CHECK:           vector.load %{{.*}}[%[[STEP]]] : {{.*}}, vector<4xi8>
// CHECK:           func.call @llvm.x86.ssse3.pmadd.ub.sw.128(%{{.*}}, %[[TAKEN]])
#row = affine_map<(m, k, n) -> (m, k)>
#column = affine_map<(m, k, n) -> (k, n)>
#result = affine_map<(m, k, n) -> (m, n)>
func.func @byte_pairs(%a: memref<2x8xi8>, %b: memref<1x2x4x4xi8>, %excess: memref<1x3x4x4xi8>, %places: memref<1x4xi32>, %c: memref<2x3xi32>) {
  nn.kernel <algorithm = "product", lanes = 4, vectors = 1, rows = 2, packs = false, rowsOutside = false, isParallel = false, steps = 4, addsPairs = true>
      ins(%a, %b, %excess, %places : memref<2x8xi8>, memref<1x2x4x4xi8>, memref<1x3x4x4xi8>, memref<1x4xi32>) outs(%c : memref<2x3xi32>) {
  ^bb0(%x: tensor<2x8xi8>, %packed: tensor<1x2x4x4xi8>, %taken: tensor<1x3x4x4xi8>, %at: tensor<1x4xi32>, %z: tensor<2x3xi32>):
    %plain = ub.poison : tensor<8x3xi8>
    %y = linalg.unpack %packed outer_dims_perm = [1, 0] inner_dims_pos = [1, 0] inner_tiles = [4, 4] into %plain
        : tensor<1x2x4x4xi8> -> tensor<8x3xi8>
    %zero = arith.constant 0 : i32
    %init = linalg.fill ins(%zero : i32) outs(%z : tensor<2x3xi32>) -> tensor<2x3xi32>
    %r = linalg.generic {indexing_maps = [#row, #column, #result], iterator_types = ["parallel", "reduction", "parallel"]}
        ins(%x, %y : tensor<2x8xi8>, tensor<8x3xi8>) outs(%init : tensor<2x3xi32>) {
    ^bb0(%p: i8, %q: i8, %s: i32):
      %u = arith.extui %p : i8 to i32
      %v = arith.extsi %q : i8 to i32
      %m = arith.muli %u, %v : i32
      %t = arith.addi %s, %m : i32
      linalg.yield %t : i32
    } -> tensor<2x3xi32>
    nn.kernel_yield %r : tensor<2x3xi32>
  }
  return
}

// -----

// While the first rows meet a panel of packed weights, the lines of the next panel are fetched; a panel has 32 elements a step, two lines.
// CHECK-LABEL: func private @product_6x4096x64(
// CHECK-DAG:     %[[TILE:.*]] = arith.divui %{{.*}}, %c3
// CHECK:         %[[FIRST:.*]] = arith.cmpi ult, %[[TILE]], %c2
// CHECK:         %[[LINE:.*]] = arith.muli %[[TILE]], %c16
// CHECK:         %[[AHEAD:.*]] = arith.addi %[[LINE]], %c131072
// CHECK:         %[[SHIFT:.*]] = arith.select %[[FIRST]], %[[AHEAD]], %c0
// CHECK:         scf.for %{{.*}} = %c0 to %c4096
// CHECK:           %[[AT:.*]] = arith.addi %{{.*}}, %[[SHIFT]]
// CHECK:           memref.prefetch %{{.*}}[%[[AT]]], read, locality<2>, data
#row = affine_map<(m, k, n) -> (m, k)>
#column = affine_map<(m, k, n) -> (k, n)>
#result = affine_map<(m, k, n) -> (m, n)>
func.func @fetched_ahead(%a: memref<6x4096xf32>, %b: memref<2x4096x32xf32>, %c: memref<6x64xf32>) {
  nn.kernel <algorithm = "product", lanes = 16, vectors = 2, rows = 3, packs = false, rowsOutside = false, isParallel = false>
      ins(%a, %b : memref<6x4096xf32>, memref<2x4096x32xf32>) outs(%c : memref<6x64xf32>) {
  ^bb0(%x: tensor<6x4096xf32>, %packed: tensor<2x4096x32xf32>, %z: tensor<6x64xf32>):
    %plain = ub.poison : tensor<4096x64xf32>
    %y = linalg.unpack %packed outer_dims_perm = [1, 0] inner_dims_pos = [1] inner_tiles = [32] into %plain
        : tensor<2x4096x32xf32> -> tensor<4096x64xf32>
    %zero = arith.constant 0.0 : f32
    %init = linalg.fill ins(%zero : f32) outs(%z : tensor<6x64xf32>) -> tensor<6x64xf32>
    %r = linalg.generic {indexing_maps = [#row, #column, #result], iterator_types = ["parallel", "reduction", "parallel"]}
        ins(%x, %y : tensor<6x4096xf32>, tensor<4096x64xf32>) outs(%init : tensor<6x64xf32>) {
    ^bb0(%p: f32, %q: f32, %s: f32):
      %m = arith.mulf %p, %q : f32
      %t = arith.addf %s, %m : f32
      linalg.yield %t : f32
    } -> tensor<6x64xf32>
    nn.kernel_yield %r : tensor<6x64xf32>
  }
  return
}

// -----

// Large matrices are turned in squares, each through registers; what is left over, element by element.
#cpu = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "", features = "", pointerBits = 64, vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 0, cores = 2>
module attributes {nn.target = #cpu} {
// CHECK-LABEL: func @turn(
// CHECK:         call @turn_100x64(%arg0, %arg1, %c0, %c4)
// CHECK-LABEL: func private @turn_100x64(
// CHECK-COUNT-8: vector.load %{{.*}} : {{.*}}, vector<8xf32>
// CHECK-COUNT-24: vector.shuffle
// CHECK-COUNT-8: vector.store
// CHECK:         memref.load
func.func @turn(%from: memref<64x100xf32>, %to: memref<100x64xf32>) {
  linalg.transpose ins(%from : memref<64x100xf32>) outs(%to : memref<100x64xf32>) permutation = [1, 0]
  return
}
}

// -----

// Rows that stay rows are copied by threads if there are many; what is small stays in the cache anyway.
#cpu = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "", features = "", pointerBits = 64, vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 0, cores = 2>
module attributes {nn.target = #cpu} {
// CHECK-LABEL: func @rows(
// CHECK:         call @elements_100x64x32(
// CHECK:         linalg.transpose
// CHECK:         linalg.transpose
// CHECK-LABEL: func private @elements_100x64x32(
func.func @rows(%from: memref<64x100x32xf32>, %to: memref<100x64x32xf32>, %fewer: memref<8x10x32xf32>, %there: memref<10x8x32xf32>, %few: memref<8x10xf32>, %turned: memref<10x8xf32>) {
  linalg.transpose ins(%from : memref<64x100x32xf32>) outs(%to : memref<100x64x32xf32>) permutation = [1, 0, 2]
  linalg.transpose ins(%fewer : memref<8x10x32xf32>) outs(%there : memref<10x8x32xf32>) permutation = [1, 0, 2]
  linalg.transpose ins(%few : memref<8x10xf32>) outs(%turned : memref<10x8xf32>) permutation = [1, 0]
  return
}
}

// -----

// What alternates by the iterations of a loop that is gone goes forwards.
// CHECK-LABEL: func.func @in_no_loop(
// CHECK:         %[[FIRST:.*]] = arith.constant 0 : index
// CHECK:         call @elements{{.*}}(%{{.*}}, %{{.*}}, %[[FIRST]], %{{.*}}, %{{.*}})
#all = affine_map<(m) -> (m)>
func.func @in_no_loop(%a: memref<11xf32>, %b: memref<11xf32>) {
  nn.kernel <algorithm = "elements", lanes = 4, vectors = 4, rows = 1, packs = false, rowsOutside = false, isParallel = false, backAndForth = true>
      ins(%a : memref<11xf32>) outs(%b : memref<11xf32>) {
  ^bb0(%x: tensor<11xf32>, %y: tensor<11xf32>):
    %r = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]} ins(%x : tensor<11xf32>) outs(%y : tensor<11xf32>) {
    ^bb0(%p: f32, %q: f32):
      %s = arith.negf %p : f32
      linalg.yield %s : f32
    } -> tensor<11xf32>
    nn.kernel_yield %r : tensor<11xf32>
  }
  return
}

// -----

// Much that comes after sums is not written out for each vector of a tile: these lie in the frame for a loop over rows.
// CHECK-LABEL: func private @product_4x6x8(
// CHECK:         %[[SUMS:.*]] = memref.alloca() {alignment = 64 : i64} : memref<8xf32>
// CHECK:         scf.for %{{.*}} = %c0 to %c6 step %c1 iter_args(%{{.*}} = %cst, %{{.*}} = %cst) -> (vector<4xf32>, vector<4xf32>)
// CHECK-COUNT-2: vector.store %{{.*}}, %[[SUMS]]
// CHECK:         scf.for %{{.*}} = %c0 to %c2 step %c1 {
// CHECK:           vector.load %[[SUMS]]
// CHECK-COUNT-1:   math.erf
// CHECK-NOT:     math.erf
#row = affine_map<(m, k, n) -> (m, k)>
#column = affine_map<(m, k, n) -> (k, n)>
#result = affine_map<(m, k, n) -> (m, n)>
#all = affine_map<(m, n) -> (m, n)>
func.func @long_after(%a: memref<4x6xf32>, %b: memref<6x8xf32>, %c: memref<4x8xf32>) {
  nn.kernel <algorithm = "product", lanes = 4, vectors = 1, rows = 2, packs = false, rowsOutside = false, isParallel = false>
      ins(%a, %b : memref<4x6xf32>, memref<6x8xf32>) outs(%c : memref<4x8xf32>) {
  ^bb0(%x: tensor<4x6xf32>, %y: tensor<6x8xf32>, %z: tensor<4x8xf32>):
    %zero = arith.constant 0.0 : f32
    %poison = ub.poison : tensor<4x8xf32>
    %init = linalg.fill ins(%zero : f32) outs(%poison : tensor<4x8xf32>) -> tensor<4x8xf32>
    %r = linalg.generic {indexing_maps = [#row, #column, #result], iterator_types = ["parallel", "reduction", "parallel"]}
        ins(%x, %y : tensor<4x6xf32>, tensor<6x8xf32>) outs(%init : tensor<4x8xf32>) {
    ^bb0(%p: f32, %q: f32, %s: f32):
      %m = arith.mulf %p, %q : f32
      %t = arith.addf %s, %m : f32
      linalg.yield %t : f32
    } -> tensor<4x8xf32>
    %e = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
        ins(%r : tensor<4x8xf32>) outs(%z : tensor<4x8xf32>) {
    ^bb0(%p: f32, %q: f32):
      %m = math.erf %p : f32
      linalg.yield %m : f32
    } -> tensor<4x8xf32>
    nn.kernel_yield %e : tensor<4x8xf32>
  }
  return
}

// -----

// A product for each lane: both operands are read in vectors, the one with the rows once for each of these.
// CHECK-LABEL: func private @product_3x9x4(
// CHECK:         scf.for %{{.*}} = %c0 to %c9 step %c1 iter_args(%{{.*}} = %cst, %{{.*}} = %cst, %{{.*}} = %cst)
// CHECK-COUNT-4:   vector.load %{{.*}} vector<4xf32>
// CHECK-NOT:       vector.load
// CHECK:           scf.yield
#window = affine_map<(r, k, n) -> (r + k, n)>
#lane = affine_map<(r, k, n) -> (k, n)>
#sum = affine_map<(r, k, n) -> (r, n)>
func.func @of_lanes(%a: memref<11x4xf32>, %b: memref<9x4xf32>, %c: memref<3x4xf32>) {
  nn.kernel <algorithm = "product", lanes = 4, vectors = 1, rows = 3, packs = false, rowsOutside = false, isParallel = false>
      ins(%a, %b : memref<11x4xf32>, memref<9x4xf32>) outs(%c : memref<3x4xf32>) {
  ^bb0(%x: tensor<11x4xf32>, %y: tensor<9x4xf32>, %z: tensor<3x4xf32>):
    %zero = arith.constant 0.0 : f32
    %init = linalg.fill ins(%zero : f32) outs(%z : tensor<3x4xf32>) -> tensor<3x4xf32>
    %r = linalg.generic {indexing_maps = [#window, #lane, #sum], iterator_types = ["parallel", "reduction", "parallel"]}
        ins(%x, %y : tensor<11x4xf32>, tensor<9x4xf32>) outs(%init : tensor<3x4xf32>) {
    ^bb0(%p: f32, %q: f32, %s: f32):
      %m = arith.mulf %p, %q : f32
      %t = arith.addf %s, %m : f32
      linalg.yield %t : f32
    } -> tensor<3x4xf32>
    nn.kernel_yield %r : tensor<3x4xf32>
  }
  return
}

// -----

// Passes that go together: what one makes the other takes from registers, all is read before anything is written, and what
// is a part of an out is written where it lies there.
// CHECK-LABEL: func @passes(
// CHECK:         call @together_4x8(%arg0, %arg0, %arg1, %c0, %c4)
// CHECK-LABEL: func private @together_4x8(
// CHECK:         %[[X:.*]] = vector.load {{.*}} vector<8xf32>
// CHECK:         %[[E:.*]] = math.exp %[[X]]
// CHECK:         %[[N:.*]] = arith.negf %[[E]]
// CHECK:         %[[P:.*]] = arith.mulf %[[E]], %[[N]]
// CHECK-DAG:     vector.store %[[N]]
// CHECK-DAG:     vector.store %[[E]]
// CHECK-DAG:     vector.store %[[P]]
#same = affine_map<(m, n) -> (m, n)>
func.func @passes(%a: memref<4x8xf32>, %b: memref<4x16xf32>) {
  nn.kernel <algorithm = "together", lanes = 8, vectors = 1, rows = 1, packs = false, rowsOutside = false, isParallel = false>
      ins(%a : memref<4x8xf32>) outs(%a, %b : memref<4x8xf32>, memref<4x16xf32>) {
  ^bb0(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>, %z: tensor<4x16xf32>):
    %room = ub.poison : tensor<4x8xf32>
    %exp = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x8xf32>) outs(%room : tensor<4x8xf32>) {
    ^bb0(%p: f32, %q: f32):
      %s = math.exp %p : f32
      linalg.yield %s : f32
    } -> tensor<4x8xf32>
    %neg = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]} ins(%exp : tensor<4x8xf32>) outs(%room : tensor<4x8xf32>) {
    ^bb0(%p: f32, %q: f32):
      %s = arith.negf %p : f32
      linalg.yield %s : f32
    } -> tensor<4x8xf32>
    %mul = linalg.generic {indexing_maps = [#same, #same, #same], iterator_types = ["parallel", "parallel"]} ins(%exp, %neg : tensor<4x8xf32>, tensor<4x8xf32>) outs(%room : tensor<4x8xf32>) {
    ^bb0(%p: f32, %r: f32, %q: f32):
      %s = arith.mulf %p, %r : f32
      linalg.yield %s : f32
    } -> tensor<4x8xf32>
    %first = tensor.insert_slice %exp into %z[0, 0] [4, 8] [1, 1] : tensor<4x8xf32> into tensor<4x16xf32>
    %second = tensor.insert_slice %mul into %first[0, 8] [4, 8] [1, 1] : tensor<4x8xf32> into tensor<4x16xf32>
    nn.kernel_yield %neg, %second : tensor<4x8xf32>, tensor<4x16xf32>
  }
  return
}

// -----

// Loops that are one in memory are one of as many iterations, which threads share, also where only the run knows how many.
// CHECK-LABEL: func.func @open_loops(
// CHECK-SAME:    %[[A:[a-z0-9]+]]: memref<?x?x16xf32>, %[[B:[a-z0-9]+]]: memref<?x?x16xf32>)
// CHECK-DAG:     %[[I:.*]] = memref.dim %[[A]], %c0
// CHECK-DAG:     %[[J:.*]] = memref.dim %[[A]], %c1
// CHECK:         %[[ROWS:.*]] = arith.muli %[[I]], %[[J]]
// CHECK:         %[[ALL:.*]] = arith.muli %[[ROWS]], %c16
// CHECK:         %[[TASKS:.*]] = arith.ceildivui %[[ALL]], %c1024
// CHECK:         call @[[NAME:elements[a-z_0-9]*]](%[[A]], %[[B]], %c0, %[[TASKS]])
// CHECK:       func.func private @[[NAME]](
// CHECK-COUNT-1: scf.for
// CHECK-COUNT-4:   vector.load %{{.*}} : {{.*}}, vector<4xf32>
// CHECK-NOT:     vector.load
// CHECK:         scf.if
// CHECK:           scf.for
// CHECK:             vector.load
// CHECK:           scf.for
// CHECK:             memref.load
#all = affine_map<(i, j, k) -> (i, j, k)>
func.func @open_loops(%a: memref<?x?x16xf32>, %b: memref<?x?x16xf32>) {
  nn.kernel <algorithm = "elements", lanes = 4, vectors = 4, rows = 1, packs = false, rowsOutside = false, isParallel = true>
      ins(%a : memref<?x?x16xf32>) outs(%b : memref<?x?x16xf32>) {
  ^bb0(%x: tensor<?x?x16xf32>, %y: tensor<?x?x16xf32>):
    %r = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x : tensor<?x?x16xf32>) outs(%y : tensor<?x?x16xf32>) {
    ^bb0(%p: f32, %q: f32):
      %s = arith.negf %p : f32
      linalg.yield %s : f32
    } -> tensor<?x?x16xf32>
    nn.kernel_yield %r : tensor<?x?x16xf32>
  }
  return
}

// -----

// Rows of a product, too: tasks are panels of columns alone, and tiles go from one outer row to the next.
// CHECK-LABEL: func.func @open_rows(
// CHECK-SAME:    %[[A:[a-z0-9]+]]: memref<?x?x16xf32>, %[[W:[a-z0-9]+]]: memref<16x32xf32>, %[[C:[a-z0-9]+]]: memref<?x?x32xf32>)
// CHECK:         call @[[NAME:product[a-z_0-9]*]](%[[A]], %[[W]], %[[C]], %c0, %c4)
// CHECK:       func.func private @[[NAME]](
// CHECK-DAG:     %[[I:.*]] = memref.dim %{{.*}}, %c0
// CHECK-DAG:     %[[J:.*]] = memref.dim %{{.*}}, %c1
// CHECK:         %[[ROWS:.*]] = arith.muli %[[I]], %[[J]]
// CHECK-NOT:     arith.remui %{{.*}}, %[[J]]
// CHECK:         return
#left = affine_map<(i, j, n, k) -> (i, j, k)>
#right = affine_map<(i, j, n, k) -> (k, n)>
#sums = affine_map<(i, j, n, k) -> (i, j, n)>
func.func @open_rows(%a: memref<?x?x16xf32>, %w: memref<16x32xf32>, %c: memref<?x?x32xf32>) {
  nn.kernel <algorithm = "product", lanes = 4, vectors = 2, rows = 3, packs = false, rowsOutside = false, isParallel = true>
      ins(%a, %w : memref<?x?x16xf32>, memref<16x32xf32>) outs(%c : memref<?x?x32xf32>) {
  ^bb0(%x: tensor<?x?x16xf32>, %y: tensor<16x32xf32>, %z: tensor<?x?x32xf32>):
    %zero = arith.constant 0.0 : f32
    %f = linalg.fill ins(%zero : f32) outs(%z : tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
    %r = linalg.generic {indexing_maps = [#left, #right, #sums], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%x, %y : tensor<?x?x16xf32>, tensor<16x32xf32>) outs(%f : tensor<?x?x32xf32>) {
    ^bb0(%p: f32, %q: f32, %s: f32):
      %m = arith.mulf %p, %q : f32
      %t = arith.addf %s, %m : f32
      linalg.yield %t : f32
    } -> tensor<?x?x32xf32>
    nn.kernel_yield %r : tensor<?x?x32xf32>
  }
  return
}
