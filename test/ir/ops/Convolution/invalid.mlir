// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @flat(%x: tensor<2x3xf32>, %w: tensor<5x3xf32>) {
  // expected-error @+1 {{X has rank 2; it needs a batch, channels and spatial axes}}
  %y = nn.conv %x, %w : (tensor<2x3xf32>, tensor<5x3xf32>) -> tensor<?x?xf32>
  return
}

// -----

func.func @ranks(%x: tensor<2x3x7xf32>, %w: tensor<5x3x1x1xf32>) {
  // expected-error @+1 {{X has rank 3 and W has rank 4}}
  %y = nn.conv %x, %w : (tensor<2x3x7xf32>, tensor<5x3x1x1xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @booleans(%x: tensor<2x3x7xi1>, %w: tensor<5x3x2xi1>) {
  // expected-error @+1 {{X has elements of 'i1', which are no numbers}}
  %y = nn.conv %x, %w : (tensor<2x3x7xi1>, tensor<5x3x2xi1>) -> tensor<?x?x?xi1>
  return
}

// -----

func.func @element_types(%x: tensor<2x3x7xf32>, %w: tensor<5x3x2xf16>) {
  // expected-error @+1 {{operands have elements of 'f32' and 'f16'}}
  %y = nn.conv %x, %w : (tensor<2x3x7xf32>, tensor<5x3x2xf16>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @no_group(%x: tensor<2x3x7xf32>, %w: tensor<5x3x2xf32>) {
  // expected-error @+1 {{'group' is 0}}
  %y = nn.conv %x, %w {group = 0 : i64} : (tensor<2x3x7xf32>, tensor<5x3x2xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @channels(%x: tensor<2x4x7xf32>, %w: tensor<6x3x2xf32>) {
  // expected-error @+1 {{X has 4 channels, W takes 6}}
  %y = nn.conv %x, %w {group = 2 : i64} : (tensor<2x4x7xf32>, tensor<6x3x2xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @odd_groups(%x: tensor<2x6x7xf32>, %w: tensor<5x3x2xf32>) {
  // expected-error @+1 {{W has 5 output channels, which 2 groups do not divide}}
  %y = nn.conv %x, %w {group = 2 : i64} : (tensor<2x6x7xf32>, tensor<5x3x2xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @bias_rank(%x: tensor<2x3x7xf32>, %w: tensor<5x3x2xf32>, %b: tensor<1x5xf32>) {
  // expected-error @+1 {{B has rank 2, not 1}}
  %y = nn.conv %x, %w, %b : (tensor<2x3x7xf32>, tensor<5x3x2xf32>, tensor<1x5xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @bias_size(%x: tensor<2x3x7xf32>, %w: tensor<5x3x2xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{B has 4 elements for 5 output channels}}
  %y = nn.conv %x, %w, %b : (tensor<2x3x7xf32>, tensor<5x3x2xf32>, tensor<4xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @auto_pad(%x: tensor<2x3x7xf32>, %w: tensor<5x3x2xf32>) {
  // expected-error @+1 {{'auto_pad' is "SAME", not NOTSET, SAME_UPPER, SAME_LOWER or VALID}}
  %y = nn.conv %x, %w {auto_pad = "SAME"} : (tensor<2x3x7xf32>, tensor<5x3x2xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @too_many_strides(%x: tensor<2x3x7xf32>, %w: tensor<5x3x2xf32>) {
  // expected-error @+1 {{'strides' has 2 values for 1 spatial axes}}
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>} : (tensor<2x3x7xf32>, tensor<5x3x2xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @no_stride(%x: tensor<2x3x7xf32>, %w: tensor<5x3x2xf32>) {
  // expected-error @+1 {{'strides' has 0, which is not in [1, 2147483647]}}
  %y = nn.conv %x, %w {strides = array<i64: 0>} : (tensor<2x3x7xf32>, tensor<5x3x2xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @kernel_shape(%x: tensor<2x3x7xf32>, %w: tensor<5x3x2xf32>) {
  // expected-error @+1 {{'kernel_shape' has 3 at 0, the kernel has 2}}
  %y = nn.conv %x, %w {kernel_shape = array<i64: 3>} : (tensor<2x3x7xf32>, tensor<5x3x2xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @no_taps(%x: tensor<2x3x7xf32>, %w: tensor<5x3x0xf32>) {
  // expected-error @+1 {{the kernel is empty along spatial axis 0}}
  %y = nn.conv %x, %w : (tensor<2x3x7xf32>, tensor<5x3x0xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @too_short(%x: tensor<2x3x7xf32>, %w: tensor<5x3x9xf32>) {
  // expected-error @+1 {{result 0 would have a dim of -1}}
  %y = nn.conv %x, %w : (tensor<2x3x7xf32>, tensor<5x3x9xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @transposed_channels(%x: tensor<2x4x7xf32>, %w: tensor<3x5x2xf32>) {
  // expected-error @+1 {{X has 4 channels, W takes 3}}
  %y = nn.conv_transpose %x, %w : (tensor<2x4x7xf32>, tensor<3x5x2xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @output_padding(%x: tensor<2x3x7xf32>, %w: tensor<3x5x2xf32>) {
  // expected-error @+1 {{'output_padding' has 2 values for 1 spatial axes}}
  %y = nn.conv_transpose %x, %w {output_padding = array<i64: 1, 1>} : (tensor<2x3x7xf32>, tensor<3x5x2xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @offset_group(%x: tensor<2x3x7xf32>, %w: tensor<5x3x2xf32>, %o: tensor<2x4x6xf32>) {
  // expected-error @+1 {{'offset_group' is 2 for 3 channels}}
  %y = "nn.deform_conv"(%x, %w, %o) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>, offset_group = 2 : i64}
       : (tensor<2x3x7xf32>, tensor<5x3x2xf32>, tensor<2x4x6xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @offset(%x: tensor<2x3x7xf32>, %w: tensor<5x3x2xf32>, %o: tensor<2x3x6xf32>) {
  // expected-error @+1 {{'offset' is 2x3x6, not 2x2x6}}
  %y = "nn.deform_conv"(%x, %w, %o) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>}
       : (tensor<2x3x7xf32>, tensor<5x3x2xf32>, tensor<2x3x6xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @unknown_taps(%x: tensor<2x3x7xf32>, %w: tensor<5x3x?xf32>, %o: tensor<2x3x6xf32>) {
  // expected-error @+1 {{the shape of W is not known when compiling}}
  %y = "nn.deform_conv"(%x, %w, %o) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>}
       : (tensor<2x3x7xf32>, tensor<5x3x?xf32>, tensor<2x3x6xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @deformed_integers(%x: tensor<2x3x7xi32>, %w: tensor<5x3x2xi32>, %o: tensor<2x2x6xi32>) {
  // expected-error @+1 {{X has elements of 'i32', which are no floats}}
  %y = "nn.deform_conv"(%x, %w, %o) {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>}
       : (tensor<2x3x7xi32>, tensor<5x3x2xi32>, tensor<2x2x6xi32>) -> tensor<?x?x?xi32>
  return
}
