// RUN: burnish-opt %s --split-input-file --nn-place-constants | FileCheck %s

// Equal constants share a place; others begin at multiples of 64.
// CHECK:       nn.weights = [dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>, 0, dense<3.000000e+00> : tensor<5xf32>, 64], nn.weights_bytes = 84
// CHECK-LABEL: func.func @places(
// CHECK-SAME:    %[[WEIGHTS:.*]]: memref<84xi8>
// CHECK-NOT:     memref.get_global
memref.global "private" constant @a : memref<2xf32> = dense<[1.0, 2.0]>
memref.global "private" constant @b : memref<5xf32> = dense<3.0>
memref.global "private" constant @c : memref<1x2xf32> = dense<[[1.0, 2.0]]>
func.func @places() -> (memref<2xf32>, memref<5xf32>, memref<1x2xf32>) {
  %a = memref.get_global @a : memref<2xf32>
  %b = memref.get_global @b : memref<5xf32>
  %c = memref.get_global @c : memref<1x2xf32>
  return %a, %b, %c : memref<2xf32>, memref<5xf32>, memref<1x2xf32>
}

// -----

// Indices are integers as wide as the target's.
// CHECK:       nn.weights = [dense<[2, 3]> : tensor<2xi64>, 0], nn.weights_bytes = 16
// CHECK-LABEL: func.func @indices(
memref.global "private" constant @i : memref<2xindex> = dense<[2, 3]>
func.func @indices() -> memref<2xindex> {
  %i = memref.get_global @i : memref<2xindex>
  return %i : memref<2xindex>
}
