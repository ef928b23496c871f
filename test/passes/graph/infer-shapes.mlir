// RUN: burnish-opt %s --split-input-file --nn-infer-shapes | FileCheck %s

// Dims with one name are equal, so that the sum needs no broadcast and keeps its symbol.
// CHECK-LABEL: func.func @same_symbol(
// CHECK:         nn.reshape {{.*}} -> tensor<?x4xf32>
func.func @same_symbol(%x: tensor<?x2x2xf32> {nn.dims = ["n", "", ""]}) -> tensor<?x?xf32> {
  %s = nn.constant {value = dense<[0, -1]> : tensor<2xi64>} : () -> tensor<2xi64>
  %y = nn.reshape %x, %s : (tensor<?x2x2xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

// A known dim decides a broadcast with one that is not known.
// CHECK-LABEL: func.func @known_wins(
// CHECK:         nn.add {{.*}} -> tensor<5xf32>
func.func @known_wins(%x: tensor<?xf32>, %y: tensor<5xf32>) -> tensor<?xf32> {
  %0 = nn.add %x, %y : (tensor<?xf32>, tensor<5xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
