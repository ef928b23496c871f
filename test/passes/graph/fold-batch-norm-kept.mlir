// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-fold-batch-norm --canonicalize | FileCheck %s

// Weights of two convolutions would be kept twice.
// CHECK-LABEL: func.func @shared_weights(
// CHECK-COUNT-2: nn.conv
// CHECK:         nn.mul
func.func @shared_weights(%x: tensor<5x1x7xf32>) -> (tensor<5x1x7xf32>, tensor<5x1x7xf32>) {
  %w = nn.constant {value = dense<2.0> : tensor<1x1x1xf32>} : () -> tensor<1x1x1xf32>
  %scale = nn.constant {value = dense<3.0> : tensor<f32>} : () -> tensor<f32>
  %y = nn.conv %x, %w : (tensor<5x1x7xf32>, tensor<1x1x1xf32>) -> tensor<5x1x7xf32>
  %z = nn.conv %y, %w : (tensor<5x1x7xf32>, tensor<1x1x1xf32>) -> tensor<5x1x7xf32>
  %scaled = nn.mul %z, %scale : (tensor<5x1x7xf32>, tensor<f32>) -> tensor<5x1x7xf32>
  return %y, %scaled : tensor<5x1x7xf32>, tensor<5x1x7xf32>
}

// -----

// A number for each position is no number for each channel.
// CHECK-LABEL: func.func @by_position(
// CHECK:         nn.conv
// CHECK:         nn.add
func.func @by_position(%x: tensor<5x1x3xf32>) -> tensor<5x1x3xf32> {
  %w = nn.constant {value = dense<2.0> : tensor<1x1x1xf32>} : () -> tensor<1x1x1xf32>
  %shift = nn.constant {value = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>} : () -> tensor<3xf32>
  %y = nn.conv %x, %w : (tensor<5x1x3xf32>, tensor<1x1x1xf32>) -> tensor<5x1x3xf32>
  %shifted = nn.add %y, %shift : (tensor<5x1x3xf32>, tensor<3xf32>) -> tensor<5x1x3xf32>
  return %shifted : tensor<5x1x3xf32>
}

// -----

// What else uses the result needs it as it is.
// CHECK-LABEL: func.func @used_twice(
// CHECK:         nn.conv
// CHECK:         nn.add
func.func @used_twice(%x: tensor<5x1x3xf32>) -> (tensor<5x1x3xf32>, tensor<5x1x3xf32>) {
  %w = nn.constant {value = dense<2.0> : tensor<1x1x1xf32>} : () -> tensor<1x1x1xf32>
  %shift = nn.constant {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  %y = nn.conv %x, %w : (tensor<5x1x3xf32>, tensor<1x1x1xf32>) -> tensor<5x1x3xf32>
  %shifted = nn.add %y, %shift : (tensor<5x1x3xf32>, tensor<f32>) -> tensor<5x1x3xf32>
  return %y, %shifted : tensor<5x1x3xf32>, tensor<5x1x3xf32>
}
