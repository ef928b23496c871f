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

// A sigmoid takes one quotient, with what is multiplied by it.
// CHECK-LABEL: func @sigmoid(
// CHECK-SAME:    %[[X:.*]]: vector<8xf32>, %[[Y:.*]]: vector<8xf32>
// CHECK-NOT:     math.exp
// CHECK:         %[[PRODUCT:.*]] = arith.divf %[[Y]],
// CHECK-NOT:     arith.divf
// CHECK:         return %[[PRODUCT]]
func.func @sigmoid(%x: vector<8xf32>, %y: vector<8xf32>) -> vector<8xf32> {
  %number = arith.constant 1.0 : f32
  %one = vector.broadcast %number : f32 to vector<8xf32>
  %negative = arith.negf %x : vector<8xf32>
  %power = math.exp %negative : vector<8xf32>
  %sum = arith.addf %power, %one : vector<8xf32>
  %sigmoid = arith.divf %one, %sum : vector<8xf32>
  %product = arith.mulf %y, %sigmoid : vector<8xf32>
  return %product : vector<8xf32>
}
