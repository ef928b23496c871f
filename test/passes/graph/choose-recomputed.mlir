// RUN: burnish-opt %s --nn-differentiate="loss=loss wrt=v,w recompute=0" | FileCheck %s --check-prefix=NONE
// RUN: burnish-opt %s --nn-differentiate="loss=loss wrt=v,w recompute=1" | FileCheck %s --check-prefix=CHEAP
// RUN: burnish-opt %s --nn-differentiate="loss=loss wrt=v,w recompute=2" | FileCheck %s --check-prefix=SEGMENT

// What stands between contractions comes first (tanh and its double, of which one is kept instead of three), then what lies
// between narrow places, contractions and all.
// NONE:      module attributes {nn.recompute_steps = array<i64: 1, 2>}
// NONE-NOT:  nn.recompute =
// CHEAP:     nn.matmul %{{.*}} : (tensor<8x4xf32>, tensor<4x6xf32>)
// CHEAP:     nn.tanh %{{.*}} {nn.recompute = array<i64: 0>}
// CHEAP:     nn.mul %{{.*}} {nn.recompute = array<i64: 0>}
// CHEAP:     nn.matmul %{{.*}} : (tensor<8x6xf32>, tensor<6x2xf32>)
// CHEAP:     nn.barrier
// SEGMENT:   nn.matmul %{{.*}} {nn.recompute = array<i64: 1>} : (tensor<8x4xf32>, tensor<4x6xf32>)
// SEGMENT:   nn.tanh %{{.*}} {nn.recompute = array<i64: 1>}
// SEGMENT:   nn.matmul %{{.*}} : (tensor<8x6xf32>, tensor<6x2xf32>)
// SEGMENT:   nn.barrier %arg0
func.func @two(%x: tensor<8x4xf32> {nn.name = "x"}, %v: tensor<4x6xf32> {nn.name = "v"}, %w: tensor<6x2xf32> {nn.name = "w"})
    -> (tensor<f32> {nn.name = "loss"}) {
  %a = nn.matmul %x, %v : (tensor<8x4xf32>, tensor<4x6xf32>) -> tensor<8x6xf32>
  %b = nn.tanh %a : (tensor<8x6xf32>) -> tensor<8x6xf32>
  %c = nn.mul %b, %b : (tensor<8x6xf32>, tensor<8x6xf32>) -> tensor<8x6xf32>
  %d = nn.matmul %c, %w : (tensor<8x6xf32>, tensor<6x2xf32>) -> tensor<8x2xf32>
  %loss = nn.reduce_sum %d {keepdims = 0 : i64} : (tensor<8x2xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
