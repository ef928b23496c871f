// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --canonicalize | FileCheck %s
// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg | FileCheck %s --check-prefix=LOWER

// A dim that both branches give is that of the result; another is known at run time only.
// CHECK-LABEL: func.func @shapes(
// CHECK:         nn.if %{{.*}} -> tensor<3x?xf32>
// LOWER-LABEL: func.func @shapes(
// LOWER:         %[[C:.*]] = tensor.extract
// LOWER:         scf.if %{{.*}} -> (tensor<3x?xf32>)
// LOWER:           tensor.cast %{{.*}} : tensor<3x5xf32> to tensor<3x?xf32>
// LOWER:         } else {
// LOWER:           tensor.cast %{{.*}} : tensor<3x7xf32> to tensor<3x?xf32>
func.func @shapes(%c: tensor<i1>, %x: tensor<3x5xf32>, %y: tensor<3x7xf32>) -> tensor<?x?xf32> {
  %z = nn.if %c : (tensor<i1>) -> tensor<?x?xf32> {
    %n = nn.relu %y : (tensor<3x7xf32>) -> tensor<?x?xf32>
    nn.yield %n : tensor<?x?xf32>
  }, {
    %n = nn.exp %x : (tensor<3x5xf32>) -> tensor<?x?xf32>
    nn.yield %n : tensor<?x?xf32>
  }
  return %z : tensor<?x?xf32>
}

// -----

// Of a condition that is known one branch stays, and gives its shape.
// CHECK-LABEL: func.func @known(
// CHECK-NOT:     nn.if
// CHECK:         %[[E:.*]] = nn.exp
// CHECK:         return %[[E]] : tensor<3x5xf32>
func.func @known(%x: tensor<3x5xf32>, %y: tensor<3x7xf32>) -> tensor<?x?xf32> {
  %c = nn.constant {value = dense<true> : tensor<i1>} : () -> tensor<i1>
  %z = nn.if %c : (tensor<i1>) -> tensor<?x?xf32> {
    %n = nn.relu %y : (tensor<3x7xf32>) -> tensor<?x?xf32>
    nn.yield %n : tensor<?x?xf32>
  }, {
    %n = nn.exp %x : (tensor<3x5xf32>) -> tensor<?x?xf32>
    nn.yield %n : tensor<?x?xf32>
  }
  return %z : tensor<?x?xf32>
}

// -----

// Where the shape rules know the condition, the other branch is not lowered, whatever its shape.
// LOWER-LABEL: func.func @other_rank(
// LOWER-NOT:     scf.if
// LOWER:         math.exp
func.func @other_rank(%x: tensor<3x5xf32>, %y: tensor<7xf32>) -> tensor<3x5xf32> {
  %c = nn.constant {value = dense<true> : tensor<1xi1>} : () -> tensor<1xi1>
  %z = nn.if %c : (tensor<1xi1>) -> tensor<3x5xf32> {
    nn.yield %y : tensor<7xf32>
  }, {
    %n = nn.exp %x : (tensor<3x5xf32>) -> tensor<3x5xf32>
    nn.yield %n : tensor<3x5xf32>
  }
  return %z : tensor<3x5xf32>
}
