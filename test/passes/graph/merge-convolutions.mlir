// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-fold-batch-norm --canonicalize | FileCheck %s

// Branches of a block: the taps of the smaller windows lie within those of the larger ones, and a normalisation of the image is a
// tap by itself. What follows the sum is folded then.
// CHECK-LABEL: func.func @branches(
// CHECK-SAME:      %[[X:.*]]: tensor
// CHECK-NOT:     nn.batch_normalization
// CHECK:         nn.pad {{.*}} : (tensor<2x2x1x1xf32>, tensor<8xi64>) -> tensor<2x2x3x5xf32>
// CHECK:         %[[Y:.*]] = nn.conv %[[X]], %{{.*}}, %{{.*}} {pads = array<i64: 1, 2, 1, 2>}
// CHECK-NOT:     nn.conv
// CHECK:         return %[[Y]]
func.func @branches(%x: tensor<1x2x6x7xf32>) -> tensor<1x2x6x7xf32> {
  %v = nn.constant {value = dense<0.5> : tensor<2x2x3x5xf32>} : () -> tensor<2x2x3x5xf32>
  %w = nn.constant {value = dense<2.0> : tensor<2x2x1x1xf32>} : () -> tensor<2x2x1x1xf32>
  %c = nn.constant {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %d = nn.constant {value = dense<[3.0, 4.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %whole = nn.conv %x, %v, %c {pads = array<i64: 1, 2, 1, 2>} : (tensor<1x2x6x7xf32>, tensor<2x2x3x5xf32>, tensor<2xf32>) -> tensor<1x2x6x7xf32>
  %point = nn.conv %x, %w : (tensor<1x2x6x7xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x6x7xf32>
  %same = "nn.batch_normalization"(%x, %c, %d, %d, %c) {resultSegmentSizes = array<i32: 1, 0, 0>}
       : (tensor<1x2x6x7xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x6x7xf32>
  %two = nn.add %point, %same : (tensor<1x2x6x7xf32>, tensor<1x2x6x7xf32>) -> tensor<1x2x6x7xf32>
  %all = nn.add %two, %whole : (tensor<1x2x6x7xf32>, tensor<1x2x6x7xf32>) -> tensor<1x2x6x7xf32>
  %z = "nn.batch_normalization"(%all, %c, %d, %d, %c) {resultSegmentSizes = array<i32: 1, 0, 0>}
       : (tensor<1x2x6x7xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x6x7xf32>
  return %z : tensor<1x2x6x7xf32>
}

// -----

// The image beside a depthwise convolution, of sizes that only the run knows.
// CHECK-LABEL: func.func @image(
// CHECK:         nn.conv
// CHECK-NOT:     nn.add {{.*}}tensor<?x
// CHECK:         return
func.func @image(%x: tensor<?x3x?xf32>) -> tensor<?x3x?xf32> {
  %v = nn.constant {value = dense<0.5> : tensor<3x1x5xf32>} : () -> tensor<3x1x5xf32>
  %y = nn.conv %x, %v {group = 3 : i64, pads = array<i64: 4, 4>, dilations = array<i64: 2>} : (tensor<?x3x?xf32>, tensor<3x1x5xf32>) -> tensor<?x3x?xf32>
  %z = nn.add %x, %y : (tensor<?x3x?xf32>, tensor<?x3x?xf32>) -> tensor<?x3x?xf32>
  return %z : tensor<?x3x?xf32>
}

// -----

// A tap between those of the other stays by itself, and so do other images, other strides, and the image beside all channels
// of which it would take a product.
// CHECK-LABEL: func.func @apart(
// CHECK-COUNT-4: nn.add {{.*}}tensor<1x2x9xf32>
func.func @apart(%x: tensor<1x2x9xf32>, %other: tensor<1x2x9xf32>, %long: tensor<1x2x18xf32>) -> tensor<1x2x9xf32> {
  %v = nn.constant {value = dense<0.5> : tensor<2x2x2xf32>} : () -> tensor<2x2x2xf32>
  %w = nn.constant {value = dense<2.0> : tensor<2x2x1xf32>} : () -> tensor<2x2x1xf32>
  %u = nn.constant {value = dense<3.0> : tensor<2x2x1xf32>} : () -> tensor<2x2x1xf32>
  %t = nn.constant {value = dense<4.0> : tensor<2x2x3xf32>} : () -> tensor<2x2x3xf32>
  %far = nn.conv %x, %v {pads = array<i64: 1, 1>, dilations = array<i64: 2>} : (tensor<1x2x9xf32>, tensor<2x2x2xf32>) -> tensor<1x2x9xf32>
  %point = nn.conv %x, %w : (tensor<1x2x9xf32>, tensor<2x2x1xf32>) -> tensor<1x2x9xf32>
  %elsewhere = nn.conv %other, %u : (tensor<1x2x9xf32>, tensor<2x2x1xf32>) -> tensor<1x2x9xf32>
  %steps = nn.conv %long, %t {pads = array<i64: 1, 1>, strides = array<i64: 2>} : (tensor<1x2x18xf32>, tensor<2x2x3xf32>) -> tensor<1x2x9xf32>
  %a = nn.add %far, %point : (tensor<1x2x9xf32>, tensor<1x2x9xf32>) -> tensor<1x2x9xf32>
  %b = nn.add %a, %elsewhere : (tensor<1x2x9xf32>, tensor<1x2x9xf32>) -> tensor<1x2x9xf32>
  %c = nn.add %b, %steps : (tensor<1x2x9xf32>, tensor<1x2x9xf32>) -> tensor<1x2x9xf32>
  %d = nn.add %c, %x : (tensor<1x2x9xf32>, tensor<1x2x9xf32>) -> tensor<1x2x9xf32>
  return %d : tensor<1x2x9xf32>
}
