// RUN: burnish-opt %s --pass-pipeline='builtin.module(func.func(nn-approximate-functions))' | FileCheck %s
// Vectors of f32 become polynomials; scalars and other types stay functions.

// CHECK-LABEL: func @functions(
// CHECK-SAME:    %[[V:.*]]: vector<8xf32>, %[[S:.*]]: f32, %[[D:.*]]: vector<2xf64>
// CHECK-NOT:     math.exp
// CHECK:         arith.shli
// CHECK:         math.exp %[[S]] : f32
// CHECK:         math.tanh %[[D]] : vector<2xf64>
func.func @functions(%v: vector<8xf32>, %s: f32, %d: vector<2xf64>) -> (vector<8xf32>, f32, vector<2xf64>) {
  %0 = math.exp %v : vector<8xf32>
  %1 = math.exp %s : f32
  %2 = math.tanh %d : vector<2xf64>
  return %0, %1, %2 : vector<8xf32>, f32, vector<2xf64>
}
