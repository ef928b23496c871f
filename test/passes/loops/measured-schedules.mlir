// RUN: burnish-opt %s --nn-use-winograd --nn-group-kernels --split-input-file --verify-diagnostics | FileCheck %s
// A module with a table of schedules takes those, says what each kernel is called in it, and what else there was.

// CHECK:       module attributes {
// CHECK-SAME:    nn.alternatives = {"product 7x19x5r f32:5,0,1 f32:0,1,19 f32" = ["lanes=8 vectors=3 rows=4{{.*}}"lanes=8 vectors=2 rows=4"
// CHECK-LABEL: func @product(
// CHECK:         nn.kernel <algorithm = "product", lanes = 8, vectors = 2, rows = 4, packs = false
// CHECK:         nn.shape = "product 7x19x5r f32:5,0,1 f32:0,1,19 f32"
#row = affine_map<(m, n, k) -> (m, k)>
#column = affine_map<(m, n, k) -> (k, n)>
#result = affine_map<(m, n, k) -> (m, n)>
module attributes {nn.schedules = {"product 7x19x5r f32:5,0,1 f32:0,1,19 f32" = "lanes=8 vectors=2 rows=4"},
    nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "haswell", features = "", pointerBits = 64, vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 0, cores = 2>} {
  func.func @product(%a: tensor<7x5xf32>, %b: tensor<5x19xf32>) -> tensor<7x19xf32> {
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
    return %sum : tensor<7x19xf32>
  }
}

// -----

// A schedule that could not be done is refused.
#row = affine_map<(m, n, k) -> (m, k)>
#column = affine_map<(m, n, k) -> (k, n)>
#result = affine_map<(m, n, k) -> (m, n)>
module attributes {nn.schedules = {"product 7x19x5r f32:5,0,1 f32:0,1,19 f32" = "lanes=8 vectors=9 rows=7"},
    nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "haswell", features = "", pointerBits = 64, vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 0, cores = 2>} {
  func.func @unfit(%a: tensor<7x5xf32>, %b: tensor<5x19xf32>) -> tensor<7x19xf32> {
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty() : tensor<7x19xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<7x19xf32>) -> tensor<7x19xf32>
    // expected-error @below {{no schedule 'lanes=8 vectors=9 rows=7' is for 'product 7x19x5r f32:5,0,1 f32:0,1,19 f32'; what fits is one of}}
    %sum = linalg.generic {indexing_maps = [#row, #column, #result], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%a, %b : tensor<7x5xf32>, tensor<5x19xf32>) outs(%init : tensor<7x19xf32>) {
    ^bb0(%x: f32, %y: f32, %z: f32):
      %p = arith.mulf %x, %y : f32
      %s = arith.addf %z, %p : f32
      linalg.yield %s : f32
    } -> tensor<7x19xf32>
    return %sum : tensor<7x19xf32>
  }
}

// -----

// Minimal filtering is for the table to choose, too: here another tile than the one that is chosen without.
// CHECK-LABEL: func @convolution(
// CHECK:         nn.winograd_input {{.*}} tile = 2
// CHECK:         nn.part_of = "convolution 1x112x112x64x64 f32 3x3"
#image = affine_map<(n, y, x, o, c, i, j) -> (n, y + i, x + j, c)>
#weights = affine_map<(n, y, x, o, c, i, j) -> (o, c, i, j)>
#result = affine_map<(n, y, x, o, c, i, j) -> (n, y, x, o)>
module attributes {nn.schedules = {"convolution 1x112x112x64x64 f32 3x3" = "tile=2 images=1 tileRows=2"},
    nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "haswell", features = "", pointerBits = 64, vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 0, cores = 2>} {
  func.func @convolution(%image: tensor<1x114x114x64xf32>) -> tensor<1x112x112x64xf32> {
    %weights = arith.constant dense<0.5> : tensor<64x64x3x3xf32>
    %zero = arith.constant 0.0 : f32
    %empty = tensor.empty() : tensor<1x112x112x64xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x112x112x64xf32>) -> tensor<1x112x112x64xf32>
    %sum = linalg.generic {indexing_maps = [#image, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
        ins(%image, %weights : tensor<1x114x114x64xf32>, tensor<64x64x3x3xf32>) outs(%init : tensor<1x112x112x64xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<1x112x112x64xf32>
    return %sum : tensor<1x112x112x64xf32>
  }
}
