// RUN: burnish-opt %s --nn-emit-kernels --split-input-file | FileCheck %s
// Calls of kernels say what these do: operations on elements, and bytes of each operand and result once, constants among them.

// 5x6x8 products and sums; 5x6 + 6x8 + 5x8 elements, of which 6x8 are constant.
// CHECK-LABEL: func @product(
// CHECK:         call @product_5x6x8({{.*}}) {nn.work = {bytes = 472 : i64, constant_bytes = 192 : i64, operations = 480 : i64}}
#row = affine_map<(m, k, n) -> (m, k)>
#column = affine_map<(m, k, n) -> (k, n)>
#result = affine_map<(m, k, n) -> (m, n)>
memref.global "private" constant @weights : memref<6x8xf32> = dense<2.0>
func.func @product(%a: memref<5x6xf32>, %c: memref<5x8xf32>) {
  %b = memref.get_global @weights : memref<6x8xf32>
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

// Every second element is read, and an exp is what its polynomial takes.
// CHECK-LABEL: func @strided(
// CHECK:         call @elements_11({{.*}}) {nn.work = {bytes = 88 : i64, operations = 220 : i64}}
#every = affine_map<(m) -> (m * 2)>
#all = affine_map<(m) -> (m)>
func.func @strided(%a: memref<22xf32>, %b: memref<11xf32>) {
  nn.kernel <algorithm = "elements", lanes = 4, vectors = 2, rows = 1, packs = false, rowsOutside = false, isParallel = false>
      ins(%a : memref<22xf32>) outs(%b : memref<11xf32>) {
  ^bb0(%x: tensor<22xf32>, %y: tensor<11xf32>):
    %r = linalg.generic {indexing_maps = [#every, #all], iterator_types = ["parallel"]} ins(%x : tensor<22xf32>) outs(%y : tensor<11xf32>) {
    ^bb0(%p: f32, %q: f32):
      %s = math.exp %p : f32
      linalg.yield %s : f32
    } -> tensor<11xf32>
    nn.kernel_yield %r : tensor<11xf32>
  }
  return
}
