// RUN: burnish-opt %s --pass-pipeline='builtin.module(func.func(nn-update-in-place))' | FileCheck %s

#one = affine_map<(i) -> (i)>
#all = affine_map<(i) -> ()>

// An update is done as soon as its gradient is there and nothing reads the old contents any more, by a view either; the
// rate, which stands beside the updates, goes before them.
// CHECK-LABEL: func @step(
// CHECK-SAME:    %[[W:[^:]*]]: tensor<96xf32>, %[[V:[^:]*]]: tensor<96xf32>, %[[X:[^:]*]]: tensor<96xf32>, %[[GIVEN:[^:]*]]: tensor<f64>)
// CHECK:         %[[RATE:.*]] = linalg.generic {{.*}} ins(%[[GIVEN]] :
// CHECK:         %[[G:.*]] = linalg.exp ins(%[[X]] :
// CHECK:         %[[NEW_W:.*]] = linalg.generic {{.*}} ins(%[[W]], %[[G]], %[[RATE]] :
// CHECK:         materialize_in_destination %[[NEW_W]] in %[[W]]
// CHECK:         %[[VIEW:.*]] = tensor.expand_shape %[[V]]
// CHECK:         %[[H:.*]] = linalg.negf ins(%[[VIEW]] :
// CHECK:         %[[NEW_V:.*]] = linalg.generic {{.*}} ins(%[[V]], %[[G]], %[[RATE]] :
// CHECK:         materialize_in_destination %[[NEW_V]] in %[[V]]
// CHECK:         linalg.abs
func.func @step(%w: tensor<96xf32>, %v: tensor<96xf32>, %x: tensor<96xf32>, %given: tensor<f64>)
    -> (tensor<96xf32> {nn.updates = 0 : i64}, tensor<96xf32> {nn.updates = 1 : i64}, tensor<2x48xf32>) {
  %e = tensor.empty() : tensor<96xf32>
  %m = tensor.empty() : tensor<2x48xf32>
  %g = linalg.exp ins(%x : tensor<96xf32>) outs(%e : tensor<96xf32>) -> tensor<96xf32>
  %view = tensor.expand_shape %v [[0, 1]] output_shape [2, 48] : tensor<96xf32> into tensor<2x48xf32>
  %h = linalg.negf ins(%view : tensor<2x48xf32>) outs(%m : tensor<2x48xf32>) -> tensor<2x48xf32>
  %k = linalg.abs ins(%h : tensor<2x48xf32>) outs(%m : tensor<2x48xf32>) -> tensor<2x48xf32>
  %s = tensor.empty() : tensor<f32>
  %rate = linalg.generic {indexing_maps = [affine_map<() -> ()>, affine_map<() -> ()>], iterator_types = []} ins(%given : tensor<f64>) outs(%s : tensor<f32>) {
  ^bb0(%in: f64, %out: f32):
    %t = arith.truncf %in : f64 to f32
    linalg.yield %t : f32
  } -> tensor<f32>
  %new_w = linalg.generic {indexing_maps = [#one, #one, #all, #one], iterator_types = ["parallel"]} ins(%w, %g, %rate : tensor<96xf32>, tensor<96xf32>, tensor<f32>) outs(%e : tensor<96xf32>) {
  ^bb0(%a: f32, %b: f32, %r: f32, %out: f32):
    %p = arith.mulf %b, %r : f32
    %q = arith.subf %a, %p : f32
    linalg.yield %q : f32
  } -> tensor<96xf32>
  %new_v = linalg.generic {indexing_maps = [#one, #one, #all, #one], iterator_types = ["parallel"]} ins(%v, %g, %rate : tensor<96xf32>, tensor<96xf32>, tensor<f32>) outs(%e : tensor<96xf32>) {
  ^bb0(%a: f32, %b: f32, %r: f32, %out: f32):
    %p = arith.mulf %b, %r : f32
    %q = arith.subf %a, %p : f32
    linalg.yield %q : f32
  } -> tensor<96xf32>
  return %new_w, %new_v, %k : tensor<96xf32>, tensor<96xf32>, tensor<2x48xf32>
}

// What reads the old contents and the new ones goes before the update, which waits elsewhere until then.
// CHECK-LABEL: func @both(
// CHECK-SAME:    %[[H:[^:]*]]: tensor<96xf32>, %[[X:[^:]*]]: tensor<96xf32>)
// CHECK:         %[[NEXT:.*]] = linalg.exp ins(%[[X]] :
// CHECK-NOT:     materialize_in_destination
// CHECK:         %[[Y:.*]] = linalg.sub ins(%[[NEXT]], %[[H]] :
// CHECK:         %[[MOVED:.*]] = bufferization.materialize_in_destination %[[NEXT]] in %[[H]]
// CHECK:         return %[[MOVED]], %[[Y]]
func.func @both(%h: tensor<96xf32>, %x: tensor<96xf32>) -> (tensor<96xf32> {nn.updates = 0 : i64}, tensor<96xf32>) {
  %e = tensor.empty() : tensor<96xf32>
  %next = linalg.exp ins(%x : tensor<96xf32>) outs(%e : tensor<96xf32>) -> tensor<96xf32>
  %y = linalg.sub ins(%next, %h : tensor<96xf32>, tensor<96xf32>) outs(%e : tensor<96xf32>) -> tensor<96xf32>
  return %next, %y : tensor<96xf32>, tensor<96xf32>
}
