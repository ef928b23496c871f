// RUN: burnish-opt %s --pass-pipeline='builtin.module(nn-group-kernels,func.func(nn-join-kernels))' | FileCheck %s
// Passes over the same elements become one kernel: one reads what the other makes, and what alone it reads is no result.
// What is joined along an axis is written there.
#all = affine_map<(m, n) -> (m, n)>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "haswell", features = "", pointerBits = 64, vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 0, cores = 2>} {
  // CHECK-LABEL: func @gates(
  // CHECK:         nn.kernel <algorithm = "together", lanes = 8
  // CHECK-SAME:      ins(%{{.*}}, %{{.*}} : tensor<12x16xf32>, tensor<12x16xf32>) outs(%{{.*}}, %{{.*}} : tensor<12x16xf32>, tensor<12x32xf32>)
  // CHECK:           math.exp
  // CHECK:           arith.mulf
  // CHECK:           arith.subf
  // CHECK:           tensor.insert_slice %{{.*}} into %{{.*}}[0, 0] [12, 16] [1, 1]
  // CHECK:           tensor.insert_slice %{{.*}} into %{{.*}}[0, 16] [12, 16] [1, 1]
  // CHECK:         nn.kernel_yield
  // CHECK-NOT:     nn.kernel
  // CHECK-NOT:     tensor.insert_slice
  // CHECK:         return
  func.func @gates(%a: tensor<12x16xf32>, %b: tensor<12x16xf32>) -> (tensor<12x16xf32>, tensor<12x32xf32>) {
    %e = tensor.empty() : tensor<12x16xf32>
    %exp = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]} ins(%a : tensor<12x16xf32>) outs(%e : tensor<12x16xf32>) {
    ^bb0(%x: f32, %o: f32):
      %r = math.exp %x : f32
      linalg.yield %r : f32
    } -> tensor<12x16xf32>
    %mul = linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel"]} ins(%exp, %b : tensor<12x16xf32>, tensor<12x16xf32>) outs(%e : tensor<12x16xf32>) {
    ^bb0(%x: f32, %y: f32, %o: f32):
      %r = arith.mulf %x, %y : f32
      linalg.yield %r : f32
    } -> tensor<12x16xf32>
    %sub = linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel"]} ins(%exp, %mul : tensor<12x16xf32>, tensor<12x16xf32>) outs(%e : tensor<12x16xf32>) {
    ^bb0(%x: f32, %y: f32, %o: f32):
      %r = arith.subf %x, %y : f32
      linalg.yield %r : f32
    } -> tensor<12x16xf32>
    %neg = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]} ins(%sub : tensor<12x16xf32>) outs(%e : tensor<12x16xf32>) {
    ^bb0(%x: f32, %o: f32):
      %r = arith.negf %x : f32
      linalg.yield %r : f32
    } -> tensor<12x16xf32>
    %whole = tensor.empty() : tensor<12x32xf32>
    %one = tensor.insert_slice %mul into %whole[0, 0] [12, 16] [1, 1] : tensor<12x16xf32> into tensor<12x32xf32>
    %two = tensor.insert_slice %neg into %one[0, 16] [12, 16] [1, 1] : tensor<12x16xf32> into tensor<12x32xf32>
    return %sub, %two : tensor<12x16xf32>, tensor<12x32xf32>
  }

  // The second pass wants what is made of the first by something else.
  // CHECK-LABEL: func @between(
  // CHECK-NOT:     "together"
  func.func @between(%a: tensor<12x12xf32>) -> tensor<12x12xf32> {
    %e = tensor.empty() : tensor<12x12xf32>
    %exp = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]} ins(%a : tensor<12x12xf32>) outs(%e : tensor<12x12xf32>) {
    ^bb0(%x: f32, %o: f32):
      %r = math.exp %x : f32
      linalg.yield %r : f32
    } -> tensor<12x12xf32>
    %turned = linalg.transpose ins(%exp : tensor<12x12xf32>) outs(%e : tensor<12x12xf32>) permutation = [1, 0]
    %sub = linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel"]} ins(%exp, %turned : tensor<12x12xf32>, tensor<12x12xf32>) outs(%e : tensor<12x12xf32>) {
    ^bb0(%x: f32, %y: f32, %o: f32):
      %r = arith.subf %x, %y : f32
      linalg.yield %r : f32
    } -> tensor<12x12xf32>
    return %sub : tensor<12x12xf32>
  }
}
