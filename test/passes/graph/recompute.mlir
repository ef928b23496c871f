// RUN: burnish-opt %s --split-input-file --nn-differentiate="loss=loss wrt=x" --canonicalize --cse | FileCheck %s

// What is marked is computed again just before the gradient needs it, from an input that waits for the gradient that is there.
// CHECK-LABEL: func.func @again(
// CHECK-SAME:    %[[X:.*]]: tensor<3xf32>
// CHECK:         %[[E:.*]] = nn.exp %[[X]]
// CHECK:         %[[S:.*]] = nn.sin %[[E]]
// CHECK:         nn.mul %[[S]], %[[S]]
// CHECK:         nn.reduce_sum
// The output of the marked operators is used by nothing that is marked: it is computed again as well.
// CHECK:         %[[DY:.*]] = nn.expand
// CHECK:         %[[HELD:.*]] = nn.barrier %[[X]], %[[DY]]
// CHECK:         %[[E2:.*]] = nn.exp %[[HELD]] : 
// CHECK:         %[[S2:.*]] = nn.sin %[[E2]] : 
// CHECK:         nn.mul %[[DY]], %[[S2]]
// CHECK:         nn.cos %[[E2]]
// CHECK-NOT:     nn.exp
// CHECK:         nn.mul %{{.*}}, %[[E2]]
func.func @again(%x: tensor<3xf32> {nn.name = "x"}) -> (tensor<f32> {nn.name = "loss"}) {
  %e = nn.exp %x {nn.recompute = array<i64: 0>} : (tensor<3xf32>) -> tensor<3xf32>
  %s = nn.sin %e {nn.recompute = array<i64: 0>} : (tensor<3xf32>) -> tensor<3xf32>
  %y = nn.mul %s, %s : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %loss = nn.reduce_sum %y {keepdims = 0 : i64} : (tensor<3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// Between two marked calls the tensor that goes from one to the other is kept. The second is computed again before the first.
// CHECK-LABEL: func.func @between(
// CHECK-SAME:    %[[X:.*]]: tensor<3xf32>
// CHECK:         %[[A:.*]] = nn.sin %[[X]]
// CHECK:         %[[B:.*]] = nn.sin %[[A]]
// CHECK:         %[[K:.*]] = nn.exp %[[B]]
// CHECK:         nn.barrier %[[K]], %[[DY:.*]] :
// CHECK:         nn.sin
// CHECK:         nn.barrier %[[X]], %{{.*}} :
// CHECK:         nn.sin
// CHECK-NOT:     nn.exp
func.func @between(%x: tensor<3xf32> {nn.name = "x"}) -> (tensor<f32> {nn.name = "loss"}) {
  %a = nn.sin %x {nn.recompute = array<i64: 0>} : (tensor<3xf32>) -> tensor<3xf32>
  %b = nn.sin %a {nn.recompute = array<i64: 0>} : (tensor<3xf32>) -> tensor<3xf32>
  %k = nn.exp %b {nn.recompute = array<i64: 0>} : (tensor<3xf32>) -> tensor<3xf32>
  %c = nn.sin %k {nn.recompute = array<i64: 1>} : (tensor<3xf32>) -> tensor<3xf32>
  %d = nn.sin %c {nn.recompute = array<i64: 1>} : (tensor<3xf32>) -> tensor<3xf32>
  %loss = nn.reduce_sum %d {keepdims = 0 : i64} : (tensor<3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// Marked calls in another: what that one needs is computed again, with what goes from call to call, and their insides once more.
// CHECK-LABEL: func.func @nested(
// CHECK-SAME:    %[[X:.*]]: tensor<3xf32>
// CHECK-COUNT-2: nn.exp
// CHECK-COUNT-2: nn.sin
// CHECK:         nn.reduce_sum
// CHECK:         %[[HELD:.*]] = nn.barrier %[[X]],
// CHECK:         %[[A:.*]] = nn.exp %[[HELD]] {nn.recompute = array<i64: 1>}
// CHECK:         %[[B:.*]] = nn.exp %[[A]] {nn.recompute = array<i64: 1>}
// CHECK:         %[[INSIDE:.*]] = nn.barrier %[[B]],
// CHECK:         nn.sin %[[INSIDE]] :
// CHECK:         %[[FIRST:.*]] = nn.barrier %[[HELD]],
// CHECK:         nn.exp %[[FIRST]] :
// CHECK-NOT:     nn.exp
// CHECK:         return
func.func @nested(%x: tensor<3xf32> {nn.name = "x"}) -> (tensor<f32> {nn.name = "loss"}) {
  %a = nn.exp %x {nn.recompute = array<i64: 0, 1>} : (tensor<3xf32>) -> tensor<3xf32>
  %b = nn.exp %a {nn.recompute = array<i64: 0, 1>} : (tensor<3xf32>) -> tensor<3xf32>
  %c = nn.sin %b {nn.recompute = array<i64: 0, 2>} : (tensor<3xf32>) -> tensor<3xf32>
  %d = nn.sin %c {nn.recompute = array<i64: 0, 2>} : (tensor<3xf32>) -> tensor<3xf32>
  %loss = nn.reduce_sum %d {keepdims = 0 : i64} : (tensor<3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// Random numbers are drawn again from the same key, and not kept.
// CHECK-LABEL: func.func @draws(
// CHECK-SAME:    %[[X:.*]]: tensor<3xf32> {nn.name = "x"}, %[[KEY:.*]]: tensor<i64>
// CHECK:         nn.draw %[[KEY]] {nn.recompute = array<i64: 0>, shape = array<i64: 3>, stream = 7 : i64}
// CHECK:         %[[HELD:.*]] = nn.barrier %[[KEY]], 
// CHECK:         nn.draw %[[HELD]] {shape = array<i64: 3>, stream = 7 : i64}
func.func @draws(%x: tensor<3xf32> {nn.name = "x"}, %key: tensor<i64> {nn.name = "key"}) -> (tensor<f32> {nn.name = "loss"}) {
  %d = nn.draw %key {nn.recompute = array<i64: 0>, shape = array<i64: 3>, stream = 7 : i64} : (tensor<i64>) -> tensor<3xf32>
  %y = nn.mul %x, %d {nn.recompute = array<i64: 0>} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %loss = nn.reduce_sum %y {keepdims = 0 : i64} : (tensor<3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
