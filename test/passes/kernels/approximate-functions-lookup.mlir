// RUN: burnish-opt %s --split-input-file --nn-approximate-functions --canonicalize | FileCheck %s
// Where an instruction takes as many lanes from a register as a vector has, parts of a power of two come from a table.

module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "any", features = "+avx2,+avx512f", pointerBits = 64, vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 262144, l3Bytes = 0, cores = 2>} {
// CHECK-LABEL: func @wide(
// CHECK:         call @llvm.x86.avx512.permvar.sf.512(%{{.*}}, %{{.*}}) : (vector<16xf32>, vector<16xi32>) -> vector<16xf32>
// CHECK-LABEL: func @half(
// CHECK:         call @llvm.x86.avx2.permps(%{{.*}}, %{{.*}}) : (vector<8xf32>, vector<8xi32>) -> vector<8xf32>
// CHECK-LABEL: func @quarter(
// CHECK-NOT:     call
// Gelu, as exporters write it with a quotient, takes the numbers of 16 polynomials so too, and divides nothing.
// CHECK-LABEL: func @gelu(
// CHECK-NOT:     arith.divf
// CHECK-COUNT-7: call @llvm.x86.avx512.permvar.sf.512
// CHECK-NOT:     arith.divf
// CHECK:         return
func.func @wide(%x: vector<16xf32>) -> vector<16xf32> {
  %y = math.tanh %x : vector<16xf32>
  return %y : vector<16xf32>
}
func.func @half(%x: vector<8xf32>) -> vector<8xf32> {
  %y = math.tanh %x : vector<8xf32>
  return %y : vector<8xf32>
}
func.func @quarter(%x: vector<4xf32>) -> vector<4xf32> {
  %y = math.tanh %x : vector<4xf32>
  return %y : vector<4xf32>
}
func.func @gelu(%x: vector<16xf32>) -> vector<16xf32> {
  %one = arith.constant dense<1.0> : vector<16xf32>
  %half = arith.constant dense<0.5> : vector<16xf32>
  %root = arith.constant dense<1.41421354> : vector<16xf32>
  %scaled = arith.divf %x, %root : vector<16xf32>
  %erf = math.erf %scaled : vector<16xf32>
  %sum = arith.addf %erf, %one : vector<16xf32>
  %twice = arith.mulf %x, %sum : vector<16xf32>
  %y = arith.mulf %twice, %half : vector<16xf32>
  return %y : vector<16xf32>
}
}

// -----

module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "any", features = "+avx2", pointerBits = 64, vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 262144, l3Bytes = 0, cores = 2>} {
// CHECK-LABEL: func @middle(
// CHECK:         call @llvm.x86.avx2.permps
func.func @middle(%x: vector<8xf32>) -> vector<8xf32> {
  %y = math.tanh %x : vector<8xf32>
  return %y : vector<8xf32>
}
}

// -----

module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "any", features = "+neon", pointerBits = 64, vectorBits = 128, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 262144, l3Bytes = 0, cores = 2>} {
// CHECK-LABEL: func @other(
// CHECK-NOT:     call
func.func @other(%x: vector<8xf32>) -> vector<8xf32> {
  %y = math.tanh %x : vector<8xf32>
  return %y : vector<8xf32>
}
}
