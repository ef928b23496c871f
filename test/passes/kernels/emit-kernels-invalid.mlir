// RUN: burnish-opt %s --nn-emit-kernels --verify-diagnostics
// What alternates by the iterations of a loop must be in one.
#all = affine_map<(m) -> (m)>
func.func @in_no_loop(%a: memref<11xf32>, %b: memref<11xf32>) {
  // expected-error @+1 {{'nn.kernel' op goes back and forth, and is in no loop}}
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
