// RUN: burnish-opt %s --pass-pipeline='builtin.module(nn-approximate-functions,func.func(canonicalize))' | FileCheck %s
// Vectors of f32 and f64 become polynomials; scalars and other types stay functions.

// CHECK-LABEL: func @functions(
// CHECK-SAME:    %[[V:.*]]: vector<8xf32>, %[[S:.*]]: f32, %[[D:.*]]: vector<2xf64>, %[[H:.*]]: vector<4xf16>
// CHECK-NOT:     math.exp
// CHECK:         arith.shli
// CHECK:         math.exp %[[S]] : f32
// CHECK-NOT:     math.tanh
// CHECK:         arith.divf %{{.*}} : vector<2xf64>
// CHECK:         math.tanh %[[H]] : vector<4xf16>
// CHECK:         math.sin %[[D]] : vector<2xf64>
func.func @functions(%v: vector<8xf32>, %s: f32, %d: vector<2xf64>, %h: vector<4xf16>) -> (vector<8xf32>, f32, vector<2xf64>, vector<4xf16>, vector<2xf64>) {
  %0 = math.exp %v : vector<8xf32>
  %1 = math.exp %s : f32
  %2 = math.tanh %d : vector<2xf64>
  %3 = math.tanh %h : vector<4xf16>
  %4 = math.sin %d : vector<2xf64>
  return %0, %1, %2, %3, %4 : vector<8xf32>, f32, vector<2xf64>, vector<4xf16>, vector<2xf64>
}

// A difference that would lose what the power has beyond 1 is a function of its own.
// CHECK-LABEL: func @exp_minus_1(
// CHECK-SAME:    %[[S:.*]]: f32, %[[V:.*]]: vector<8xf32>
// CHECK:         %[[DIFFERENCE:.*]] = math.expm1 %[[S]]
// CHECK-NOT:     math.expm1
// CHECK:         return %[[DIFFERENCE]]
func.func @exp_minus_1(%s: f32, %v: vector<8xf32>) -> (f32, vector<8xf32>) {
  %one = arith.constant 1.0 : f32
  %ones = arith.constant dense<1.0> : vector<8xf32>
  %0 = math.exp %s : f32
  %1 = arith.subf %0, %one : f32
  %2 = math.exp %v : vector<8xf32>
  %3 = arith.subf %2, %ones : vector<8xf32>
  return %1, %3 : f32, vector<8xf32>
}

// Of softplus and its tangent one power is left, which has two factors, and one quotient.
// CHECK-LABEL: func @mish(
// CHECK-COUNT-2: arith.shli
// CHECK-NOT:     arith.shli
// CHECK:         arith.divf
// CHECK-NOT:     arith.{{divf|shli}}
// CHECK:         return
func.func @mish(%x: vector<8xf32>) -> vector<8xf32> {
  %zero = arith.constant dense<0.0> : vector<8xf32>
  %size = math.absf %x : vector<8xf32>
  %negative = arith.negf %size : vector<8xf32>
  %power = math.exp %negative : vector<8xf32>
  %log = math.log1p %power : vector<8xf32>
  %above = arith.maximumf %x, %zero : vector<8xf32>
  %softplus = arith.addf %above, %log : vector<8xf32>
  %tanh = math.tanh %softplus : vector<8xf32>
  %mish = arith.mulf %x, %tanh : vector<8xf32>
  return %mish : vector<8xf32>
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

// The slope of gelu has one power, in whatever order its factors come.
// CHECK-LABEL: func @gelu_slope(
// CHECK-NOT:     math.{{erf|exp}}
// CHECK:         arith.shli
// CHECK-NOT:     arith.{{divf|shli}}
// CHECK:         return
func.func @gelu_slope(%x: vector<8xf32>) -> vector<8xf32> {
  %one = arith.constant dense<1.0> : vector<8xf32>
  %half = arith.constant dense<0.5> : vector<8xf32>
  %minus = arith.constant dense<-0.5> : vector<8xf32>
  %root = arith.constant dense<0.707106769> : vector<8xf32>
  %bell = arith.constant dense<0.398942292> : vector<8xf32>
  %scaled = arith.mulf %x, %root : vector<8xf32>
  %erf = math.erf %scaled : vector<8xf32>
  %sum = arith.addf %erf, %one : vector<8xf32>
  %chance = arith.mulf %sum, %half : vector<8xf32>
  %square = arith.mulf %x, %x : vector<8xf32>
  %exponent = arith.mulf %square, %minus : vector<8xf32>
  %power = math.exp %exponent : vector<8xf32>
  %density = arith.mulf %power, %bell : vector<8xf32>
  %times = arith.mulf %x, %density : vector<8xf32>
  %slope = arith.addf %chance, %times : vector<8xf32>
  return %slope : vector<8xf32>
}
