// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-fold-batch-norm --canonicalize | FileCheck %s

// What a batch normalisation is made of: a difference, a product and a sum with one number for each channel.
// CHECK-LABEL: func.func @normalized(
// CHECK-SAME:      %[[X:.*]]: tensor
// CHECK:         %[[W:[0-9]+]] = nn.mul %{{[0-9]+}}, %{{[0-9]+}} : (tensor<3x2x1xf32>, tensor<3x1x1xf32>)
// CHECK:         %[[B:[0-9]+]] = nn.add
// CHECK:         %[[Y:.*]] = nn.conv %[[X]], %[[W]], %[[B]]
// CHECK-SAME:      strides = array<i64: 2>
// CHECK-NEXT:    return %[[Y]]
func.func @normalized(%x: tensor<5x2x7xf32>) -> tensor<5x3x4xf32> {
  %w = nn.constant {value = dense<[[[1.0], [2.0]], [[3.0], [4.0]], [[5.0], [6.0]]]> : tensor<3x2x1xf32>} : () -> tensor<3x2x1xf32>
  %mean = nn.constant {value = dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>} : () -> tensor<3x1xf32>
  %scale = nn.constant {value = dense<[[4.0], [5.0], [6.0]]> : tensor<3x1xf32>} : () -> tensor<3x1xf32>
  %shift = nn.constant {value = dense<[[7.0], [8.0], [9.0]]> : tensor<3x1xf32>} : () -> tensor<3x1xf32>
  %y = nn.conv %x, %w {strides = array<i64: 2>} : (tensor<5x2x7xf32>, tensor<3x2x1xf32>) -> tensor<5x3x4xf32>
  %centred = nn.sub %y, %mean : (tensor<5x3x4xf32>, tensor<3x1xf32>) -> tensor<5x3x4xf32>
  %scaled = nn.mul %centred, %scale : (tensor<5x3x4xf32>, tensor<3x1xf32>) -> tensor<5x3x4xf32>
  %shifted = nn.add %shift, %scaled : (tensor<3x1xf32>, tensor<5x3x4xf32>) -> tensor<5x3x4xf32>
  return %shifted : tensor<5x3x4xf32>
}

// -----

// The operator itself, with the statistics of training.
// CHECK-LABEL: func.func @batch_normalization(
// CHECK-NOT:     nn.batch_normalization
// CHECK:         nn.sqrt
// CHECK:         nn.div
// CHECK:         %[[Y:.*]] = nn.conv
// CHECK-NEXT:    return %[[Y]]
func.func @batch_normalization(%x: tensor<5x2x7xf32>) -> tensor<5x3x7xf32> {
  %w = nn.constant {value = dense<[[[1.0], [2.0]], [[3.0], [4.0]], [[5.0], [6.0]]]> : tensor<3x2x1xf32>} : () -> tensor<3x2x1xf32>
  %b = nn.constant {value = dense<[7.0, 8.0, 9.0]> : tensor<3xf32>} : () -> tensor<3xf32>
  %c = nn.constant {value = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>} : () -> tensor<3xf32>
  %y = nn.conv %x, %w, %b : (tensor<5x2x7xf32>, tensor<3x2x1xf32>, tensor<3xf32>) -> tensor<5x3x7xf32>
  %z = "nn.batch_normalization"(%y, %c, %b, %b, %c) {resultSegmentSizes = array<i32: 1, 0, 0>}
       : (tensor<5x3x7xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<5x3x7xf32>
  return %z : tensor<5x3x7xf32>
}

// -----

// The output channels of a transposed convolution are the second axis of its weights.
// CHECK-LABEL: func.func @transposed(
// CHECK-SAME:      %[[X:.*]]: tensor
// CHECK:         %[[W:[0-9]+]] = nn.mul %{{[0-9]+}}, %{{[0-9]+}} : (tensor<2x3x1xf32>, tensor<1x3x1xf32>)
// CHECK:         %[[B:[0-9]+]] = nn.add %{{[0-9]+}}, %{{[0-9]+}} : (tensor<3xf32>, tensor<3xf32>)
// CHECK:         %[[Y:.*]] = nn.conv_transpose %[[X]], %[[W]], %[[B]]
// CHECK-SAME:      strides = array<i64: 2>
// CHECK-NEXT:    return %[[Y]]
func.func @transposed(%x: tensor<5x2x7xf32>) -> tensor<5x3x13xf32> {
  %w = nn.constant {value = dense<[[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]]> : tensor<2x3x1xf32>} : () -> tensor<2x3x1xf32>
  %scale = nn.constant {value = dense<[[4.0], [5.0], [6.0]]> : tensor<3x1xf32>} : () -> tensor<3x1xf32>
  %shift = nn.constant {value = dense<[[7.0], [8.0], [9.0]]> : tensor<3x1xf32>} : () -> tensor<3x1xf32>
  %y = nn.conv_transpose %x, %w {strides = array<i64: 2>} : (tensor<5x2x7xf32>, tensor<2x3x1xf32>) -> tensor<5x3x13xf32>
  %scaled = nn.mul %y, %scale : (tensor<5x3x13xf32>, tensor<3x1xf32>) -> tensor<5x3x13xf32>
  %shifted = nn.add %shift, %scaled : (tensor<3x1xf32>, tensor<5x3x13xf32>) -> tensor<5x3x13xf32>
  return %shifted : tensor<5x3x13xf32>
}

// -----

// With groups they are no axis of the weights.
// CHECK-LABEL: func.func @keeps_transposed_groups(
// CHECK:         nn.conv_transpose
// CHECK:         nn.mul
func.func @keeps_transposed_groups(%x: tensor<5x2x7xf32>) -> tensor<5x6x7xf32> {
  %w = nn.constant {value = dense<[[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]]> : tensor<2x3x1xf32>} : () -> tensor<2x3x1xf32>
  %scale = nn.constant {value = dense<[[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]]> : tensor<6x1xf32>} : () -> tensor<6x1xf32>
  %y = nn.conv_transpose %x, %w {group = 2 : i64} : (tensor<5x2x7xf32>, tensor<2x3x1xf32>) -> tensor<5x6x7xf32>
  %scaled = nn.mul %y, %scale : (tensor<5x6x7xf32>, tensor<6x1xf32>) -> tensor<5x6x7xf32>
  return %scaled : tensor<5x6x7xf32>
}
