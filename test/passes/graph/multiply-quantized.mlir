// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-multiply-quantized --canonicalize | FileCheck %s

// Bytes are multiplied; zero points are taken from the sums, the scale of the quantization that follows goes into the factors.
// The image gets a border of its zero point; of few channels, a row of taps is filled up to four.
// CHECK-LABEL: func.func @convolution(
// CHECK-SAME:      %[[X:.*]]: tensor<1x3x5x6xui8>
// CHECK-DAG:     %[[W:.*]] = nn.pad {{.*}} -> tensor<7x3x3x4xi8>
// CHECK-DAG:     %[[IMAGE:.*]] = nn.pad %[[X]], {{.*}} -> tensor<1x3x7x9xui8>
// CHECK:         %[[SUMS:.*]] = nn.conv %[[IMAGE]], %[[W]] {{.*}}pads = array<i64: 0, 0, 0, 0>{{.*}} -> tensor<1x7x5x6xi32>
// CHECK:         %[[OF_WEIGHTS:.*]] = nn.conv %{{.*}}, %[[W]] {{.*}} -> tensor<1x7x1x1xi32>
// CHECK:         %[[SHIFT:.*]] = nn.mul %[[OF_WEIGHTS]]
// CHECK:         %[[SHIFTED:.*]] = nn.sub %[[SUMS]], %[[SHIFT]]
// CHECK:         %[[REAL:.*]] = nn.cast %[[SHIFTED]]
// CHECK:         %[[SCALED:.*]] = nn.mul %[[REAL]]
// CHECK:         nn.quantize_linear %[[SCALED]], %[[ONE:[^,]*]],
func.func @convolution(%x: tensor<1x3x5x6xui8>) -> tensor<1x7x5x6xui8> {
  %scale = nn.constant {value = dense<0.5> : tensor<f32>} : () -> tensor<f32>
  %zero = nn.constant {value = dense<9> : tensor<ui8>} : () -> tensor<ui8>
  %w8 = nn.constant {value = dense<3> : tensor<7x3x3x3xi8>} : () -> tensor<7x3x3x3xi8>
  %scales = nn.constant {value = dense<0.25> : tensor<7xf32>} : () -> tensor<7xf32>
  %image = nn.dequantize_linear %x, %scale, %zero : (tensor<1x3x5x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x3x5x6xf32>
  %w = nn.dequantize_linear %w8, %scales {axis = 0 : i64} : (tensor<7x3x3x3xi8>, tensor<7xf32>) -> tensor<7x3x3x3xf32>
  %y = nn.conv %image, %w {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x3x5x6xf32>, tensor<7x3x3x3xf32>) -> tensor<1x7x5x6xf32>
  %q = nn.quantize_linear %y, %scale, %zero : (tensor<1x7x5x6xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x7x5x6xui8>
  return %q : tensor<1x7x5x6xui8>
}

// -----

// A zero point that only run time knows, as dynamic quantization has it.
// CHECK-LABEL: func.func @matrix(
// CHECK-SAME:      %[[A:.*]]: tensor<5x8xui8>, %[[ZERO:.*]]: tensor<i32>
// CHECK:         %[[SUMS:.*]] = nn.matmul %[[A]], %[[B:.*]] : (tensor<5x8xui8>, tensor<8x3xi8>) -> tensor<5x3xi32>
// CHECK:         %[[COLUMNS:.*]] = nn.matmul %{{.*}}, %[[B]] : (tensor<1x8xui8>, tensor<8x3xi8>) -> tensor<1x3xi32>
// CHECK:         %[[SHIFT:.*]] = nn.mul %[[COLUMNS]], %[[ZERO]]
// CHECK:         %[[Y:.*]] = nn.sub %[[SUMS]], %[[SHIFT]]
// CHECK:         return %[[Y]]
func.func @matrix(%a: tensor<5x8xui8>, %zero: tensor<i32>) -> tensor<5x3xi32> {
  %b = nn.constant {value = dense<3> : tensor<8x3xi8>} : () -> tensor<8x3xi8>
  %wide = nn.cast %a {to = 6 : i64} : (tensor<5x8xui8>) -> tensor<5x8xi32>
  %left = nn.sub %wide, %zero : (tensor<5x8xi32>, tensor<i32>) -> tensor<5x8xi32>
  %right = nn.cast %b {to = 6 : i64} : (tensor<8x3xi8>) -> tensor<8x3xi32>
  %y = nn.matmul %left, %right : (tensor<5x8xi32>, tensor<8x3xi32>) -> tensor<5x3xi32>
  return %y : tensor<5x3xi32>
}

// -----

// Groups of weights with a zero point of their own would need the sums of each group's windows.
// CHECK-LABEL: func.func @keeps_floats(
// CHECK:         nn.conv {{.*}} -> tensor<1x4x5xf32>
func.func @keeps_floats(%x: tensor<1x4x5xui8>) -> tensor<1x4x5xf32> {
  %scale = nn.constant {value = dense<0.5> : tensor<f32>} : () -> tensor<f32>
  %zero = nn.constant {value = dense<9> : tensor<i8>} : () -> tensor<i8>
  %w8 = nn.constant {value = dense<3> : tensor<4x2x1xi8>} : () -> tensor<4x2x1xi8>
  %image = nn.dequantize_linear %x, %scale : (tensor<1x4x5xui8>, tensor<f32>) -> tensor<1x4x5xf32>
  %w = nn.dequantize_linear %w8, %scale, %zero : (tensor<4x2x1xi8>, tensor<f32>, tensor<i8>) -> tensor<4x2x1xf32>
  %y = nn.conv %image, %w {group = 2 : i64} : (tensor<1x4x5xf32>, tensor<4x2x1xf32>) -> tensor<1x4x5xf32>
  return %y : tensor<1x4x5xf32>
}

// -----

// The greatest of dequantized numbers is the dequantized greatest.
// CHECK-LABEL: func.func @pool(
// CHECK-SAME:      %[[X:.*]]: tensor<1x2x8xui8>
// CHECK:         %[[Y:.*]] = nn.max_pool %[[X]]
// CHECK-NEXT:    return %[[Y]] : tensor<1x2x4xui8>
func.func @pool(%x: tensor<1x2x8xui8>) -> tensor<1x2x4xui8> {
  %scale = nn.constant {value = dense<0.5> : tensor<f32>} : () -> tensor<f32>
  %zero = nn.constant {value = dense<9> : tensor<ui8>} : () -> tensor<ui8>
  %real = nn.dequantize_linear %x, %scale, %zero : (tensor<1x2x8xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2x8xf32>
  %y = nn.max_pool %real {kernel_shape = array<i64: 2>, strides = array<i64: 2>} : (tensor<1x2x8xf32>) -> tensor<1x2x4xf32>
  %q = nn.quantize_linear %y, %scale, %zero : (tensor<1x2x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x2x4xui8>
  return %q : tensor<1x2x4xui8>
}

// -----

// In a body, with a constant of the network around it.
// CHECK-LABEL: func.func @in_a_body(
// CHECK:         %[[B:.*]] = nn.constant{{.*}}tensor<8x8xi8>
// CHECK:         nn.scan
// CHECK:         ^bb0(%{{.*}}: tensor<1x8xui8>, %[[NOW:.*]]: tensor<1x8xui8>):
// CHECK:           nn.matmul %[[NOW]], %[[B]] : (tensor<1x8xui8>, tensor<8x8xi8>) -> tensor<1x8xi32>
func.func @in_a_body(%state: tensor<1x8xui8>, %x: tensor<5x1x8xui8>) -> tensor<5x1x8xi32> {
  %b = nn.constant {value = dense<3> : tensor<8x8xi8>} : () -> tensor<8x8xi8>
  %last, %all = nn.scan %state, %x {num_scan_inputs = 1 : i64} : (tensor<1x8xui8>, tensor<5x1x8xui8>) -> (tensor<1x8xui8>, tensor<5x1x8xi32>) {
  ^bb0(%before: tensor<1x8xui8>, %now: tensor<1x8xui8>):
    %wide = nn.cast %now {to = 6 : i64} : (tensor<1x8xui8>) -> tensor<1x8xi32>
    %right = nn.cast %b {to = 6 : i64} : (tensor<8x8xi8>) -> tensor<8x8xi32>
    %y = nn.matmul %wide, %right : (tensor<1x8xi32>, tensor<8x8xi32>) -> tensor<1x8xi32>
    nn.yield %now, %y : tensor<1x8xui8>, tensor<1x8xi32>
  }
  return %all : tensor<5x1x8xi32>
}

// -----

// Weights around another zero than 0: the window's sum of all channels is taken from each of its sums.
// CHECK-LABEL: func.func @asymmetric(
// CHECK-SAME:      %[[X:.*]]: tensor<1x4x5x6xui8>
// CHECK-DAG:     %[[ONES:.*]] = nn.constant{{.*}}dense<1> : tensor<1x1x3x3xi32>
// CHECK:         %[[SUMS:.*]] = nn.conv %{{.*}} -> tensor<1x7x5x6xi32>
// CHECK:         %[[CHANNELS:.*]] = nn.reduce_sum %{{.*}} -> tensor<1x1x5x6xi32>
// CHECK:         %[[WINDOWS:.*]] = nn.conv %[[CHANNELS]], %[[ONES]] {{.*}}pads = array<i64: 1, 1, 1, 1>{{.*}} -> tensor<1x1x5x6xi32>
// CHECK:         %[[SHIFT:.*]] = nn.mul %[[WINDOWS]]
// CHECK:         %[[Y:.*]] = nn.sub %[[SUMS]], %[[SHIFT]]
// CHECK:         return %[[Y]]
func.func @asymmetric(%x: tensor<1x4x5x6xui8>) -> tensor<1x7x5x6xi32> {
  %zero = nn.constant {value = dense<99> : tensor<i32>} : () -> tensor<i32>
  %w8 = nn.constant {value = dense<3> : tensor<7x4x3x3xui8>} : () -> tensor<7x4x3x3xui8>
  %image = nn.cast %x {to = 6 : i64} : (tensor<1x4x5x6xui8>) -> tensor<1x4x5x6xi32>
  %wide = nn.cast %w8 {to = 6 : i64} : (tensor<7x4x3x3xui8>) -> tensor<7x4x3x3xi32>
  %w = nn.sub %wide, %zero : (tensor<7x4x3x3xi32>, tensor<i32>) -> tensor<7x4x3x3xi32>
  %y = nn.conv %image, %w {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x4x5x6xi32>, tensor<7x4x3x3xi32>) -> tensor<1x7x5x6xi32>
  return %y : tensor<1x7x5x6xi32>
}

// -----

// Without signs the image's 0 is 128, and auto_pad does not say how wide a border of these would be.
// CHECK-LABEL: func.func @border_of_signed_bytes(
// CHECK:         nn.conv {{.*}} -> tensor<1x2x5xi32>
// CHECK-NOT:     nn.sub
// CHECK:         return
func.func @border_of_signed_bytes(%x: tensor<1x4x5xi8>) -> tensor<1x2x5xi32> {
  %w8 = nn.constant {value = dense<3> : tensor<2x4x3xui8>} : () -> tensor<2x4x3xui8>
  %image = nn.cast %x {to = 6 : i64} : (tensor<1x4x5xi8>) -> tensor<1x4x5xi32>
  %w = nn.cast %w8 {to = 6 : i64} : (tensor<2x4x3xui8>) -> tensor<2x4x3xi32>
  %y = nn.conv %image, %w {auto_pad = "SAME_LOWER"} : (tensor<1x4x5xi32>, tensor<2x4x3xi32>) -> tensor<1x2x5xi32>
  return %y : tensor<1x2x5xi32>
}
