// RUN: burnish-opt %s --nn-emit-kernels --canonicalize | FileCheck %s
// Each sweep over a row computes what depends on earlier sweeps only. What a later sweep reads stays in the frame; partial
// results of a reduction are put together half by half, and what no vector of 4 takes comes in pieces.

// CHECK-LABEL: func @rows(
// CHECK:         call @rows_3x11(%arg0, %arg1, %c0, %c3)
// CHECK-LABEL: func private @rows_3x11(
// CHECK:         %[[KEPT:.*]] = memref.alloca() {alignment = 64 : i64} : memref<11xf32>
// CHECK:         scf.for %{{.*}} = %arg2 to %arg3
// The negated elements and their sum, two vectors at a time.
// CHECK:           arith.negf %{{.*}} : vector<4xf32>
// CHECK:           vector.store %{{.*}}, %[[KEPT]]
// CHECK:           arith.addf %{{.*}} : vector<4xf32>
// CHECK:           arith.addf %{{.*}} : vector<2xf32>
// CHECK:           arith.negf %{{.*}} : vector<2xf32>
// CHECK:           arith.negf %{{.*}} : f32
// What they are divided by, and then the quotients.
// CHECK:           %[[ROOT:.*]] = math.sqrt %{{.*}} : f32
// CHECK:           %[[ROOTS:.*]] = vector.broadcast %[[ROOT]] : f32 to vector<4xf32>
// CHECK:           %[[AGAIN:.*]] = vector.load %[[KEPT]]
// CHECK:           arith.divf %[[AGAIN]], %{{.*}} : vector<4xf32>
// CHECK:           arith.divf %{{.*}} : vector<2xf32>
// CHECK:           arith.divf %{{.*}} : f32
#all = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
#each = affine_map<(m) -> (m)>
func.func @rows(%a: memref<3x11xf32>, %b: memref<3x11xf32>) {
  nn.kernel <algorithm = "rows", lanes = 4, vectors = 2, rows = 1, packs = false, rowsOutside = false, isParallel = false>
      ins(%a : memref<3x11xf32>) outs(%b : memref<3x11xf32>) {
  ^bb0(%x: tensor<3x11xf32>, %y: tensor<3x11xf32>):
    %zero = arith.constant 0.0 : f32
    %wide = ub.poison : tensor<3x11xf32>
    %narrow = ub.poison : tensor<3xf32>
    %init = linalg.fill ins(%zero : f32) outs(%narrow : tensor<3xf32>) -> tensor<3xf32>
    %n = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<3x11xf32>) outs(%wide : tensor<3x11xf32>) {
    ^bb0(%p: f32, %q: f32):
      %s = arith.negf %p : f32
      linalg.yield %s : f32
    } -> tensor<3x11xf32>
    %sum = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]} ins(%n : tensor<3x11xf32>) outs(%init : tensor<3xf32>) {
    ^bb0(%p: f32, %q: f32):
      %s = arith.addf %q, %p : f32
      linalg.yield %s : f32
    } -> tensor<3xf32>
    %root = linalg.generic {indexing_maps = [#each, #each], iterator_types = ["parallel"]} ins(%sum : tensor<3xf32>) outs(%narrow : tensor<3xf32>) {
    ^bb0(%p: f32, %q: f32):
      %s = math.sqrt %p : f32
      linalg.yield %s : f32
    } -> tensor<3xf32>
    %r = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]} ins(%n, %root : tensor<3x11xf32>, tensor<3xf32>) outs(%y : tensor<3x11xf32>) {
    ^bb0(%p: f32, %d: f32, %q: f32):
      %s = arith.divf %p, %d : f32
      linalg.yield %s : f32
    } -> tensor<3x11xf32>
    nn.kernel_yield %r : tensor<3x11xf32>
  }
  return
}
