// RUN: burnish-opt %s --nn-plan-workspace --split-input-file --verify-diagnostics

// Offsets are sums of sizes, and stay in 64 bits.
func.func @two() {
  // expected-error @+1 {{the model needs 2^61 bytes of memory or more}}
  %a = memref.alloc() : memref<288230376151711744xf32>
  %b = memref.alloc() : memref<288230376151711744xf32>
  memref.copy %a, %b : memref<288230376151711744xf32> to memref<288230376151711744xf32>
  return
}

// -----

func.func @one() {
  // expected-error @+1 {{the model needs 2^61 bytes of memory or more}}
  %a = memref.alloc() : memref<4611686018427387904x2xf32>
  return
}
