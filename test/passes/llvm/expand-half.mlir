// RUN: burnish-opt %s --nn-expand-half --split-input-file | FileCheck %s

// No conversion is left for the compiler's own library; those of other types stay.
// CHECK-LABEL: func.func @halves(
// CHECK-NOT:     arith.extf %{{.*}} : vector<4xf16>
// CHECK-NOT:     arith.truncf %{{.*}} to f16
// CHECK:         arith.bitcast %{{.*}} : vector<4xf16> to vector<4xi16>
// CHECK:         arith.mulf %{{.*}} : vector<4xf32>
// CHECK:         arith.trunci %{{.*}} : i32 to i16
// CHECK:         arith.bitcast %{{.*}} : i16 to f16
// CHECK:         arith.extf %{{.*}} : bf16 to f32
func.func @halves(%v: vector<4xf16>, %x: f32, %y: bf16) -> (vector<4xf32>, f16, f32) {
  %a = arith.extf %v : vector<4xf16> to vector<4xf32>
  %b = arith.truncf %x : f32 to f16
  %c = arith.extf %y : bf16 to f32
  return %a, %b, %c : vector<4xf32>, f16, f32
}
