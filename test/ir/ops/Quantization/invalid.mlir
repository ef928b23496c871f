// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @result(%x: tensor<2x3xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{results of element type 'i64' are no quantized ones}}
  %0 = nn.quantize_linear %x, %s {output_dtype = 7 : i64} : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xi64>
  return
}

// -----

func.func @no_type(%x: tensor<2x3xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{results of element type 'none' are no quantized ones}}
  %0 = nn.quantize_linear %x, %s {output_dtype = 99 : i64} : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xi8>
  return
}

// -----

func.func @precision(%x: tensor<2x3xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{'precision' is 6, which is no float of 16 bits or more}}
  %0 = nn.quantize_linear %x, %s {precision = 6 : i64} : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xui8>
  return
}

// -----

func.func @two_types(%x: tensor<2x3xf32>, %s: tensor<f32>, %z: tensor<i8>) {
  // expected-error @+1 {{'output_dtype' is 2, and the zero point is of element type 'i8'}}
  %0 = nn.quantize_linear %x, %s, %z {output_dtype = 2 : i64} : (tensor<2x3xf32>, tensor<f32>, tensor<i8>) -> tensor<2x3xi8>
  return
}

// -----

func.func @scale(%x: tensor<2x3xf32>, %s: tensor<2xf32>) {
  // expected-error @+1 {{the scale is 2, and should be 3 or one number}}
  %0 = nn.quantize_linear %x, %s : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xui8>
  return
}

// -----

func.func @axis(%x: tensor<2x3xf32>, %s: tensor<3xf32>) {
  // expected-error @+1 {{axis 2 is outside [-2, 2)}}
  %0 = nn.quantize_linear %x, %s {axis = 2 : i64} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xui8>
  return
}

// -----

func.func @blocks(%x: tensor<2x7xf32>, %s: tensor<2x2xf32>) {
  // expected-error @+1 {{the scale is 2x2, and should be 2x3 or one number}}
  %0 = nn.quantize_linear %x, %s {block_size = 3 : i64} : (tensor<2x7xf32>, tensor<2x2xf32>) -> tensor<2x7xui8>
  return
}

// -----

func.func @block_size(%x: tensor<2x7xf32>, %s: tensor<2x2xf32>) {
  // expected-error @+1 {{'block_size' is -3}}
  %0 = nn.quantize_linear %x, %s {block_size = -3 : i64} : (tensor<2x7xf32>, tensor<2x2xf32>) -> tensor<2x7xui8>
  return
}

// -----

func.func @zero_point(%x: tensor<2x3xf32>, %s: tensor<3xf32>, %z: tensor<2xi8>) {
  // expected-error @+1 {{the scale is 3 and the zero point is 2}}
  %0 = nn.quantize_linear %x, %s, %z : (tensor<2x3xf32>, tensor<3xf32>, tensor<2xi8>) -> tensor<2x3xi8>
  return
}

// -----

func.func @dequantized(%x: tensor<2x3xi8>, %s: tensor<f32>) {
  // expected-error @+1 {{results would be no floats: 'output_dtype' is 6 and the scale is of element type 'f32'}}
  %0 = nn.dequantize_linear %x, %s {output_dtype = 6 : i64} : (tensor<2x3xi8>, tensor<f32>) -> tensor<2x3xi32>
  return
}

// -----

func.func @zero_point_type(%x: tensor<2x3xi8>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @+1 {{x and its zero point have element types 'i8' and 'ui8'}}
  %0 = nn.dequantize_linear %x, %s, %z : (tensor<2x3xi8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xf32>
  return
}
