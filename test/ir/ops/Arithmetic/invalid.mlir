// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @element_types(%a: tensor<2x3xf32>, %b: tensor<3xi32>) {
  // expected-error @+1 {{operands have element types 'f32' and 'i32'}}
  %0 = nn.add %a, %b : (tensor<2x3xf32>, tensor<3xi32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @nothing() {
  // expected-error @+1 {{has no operands}}
  %0 = nn.max : () -> tensor<2xf32>
  return
}

// -----

func.func @complex(%a: tensor<2xcomplex<f32>>) {
  // expected-error @+1 {{operand #0 must be variadic of tensor of floating-point or integer values, but got 'tensor<2xcomplex<f32>>'}}
  %0 = nn.sum %a : (tensor<2xcomplex<f32>>) -> tensor<2xcomplex<f32>>
  return
}

// -----

func.func @slope(%x: tensor<2x3xf32>, %s: tensor<5x2x3xf32>) {
  // expected-error @+1 {{slope 5x2x3 does not broadcast to X 2x3}}
  %0 = nn.prelu %x, %s : (tensor<2x3xf32>, tensor<5x2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @slope_type(%x: tensor<2x3xf32>, %s: tensor<3xf16>) {
  // expected-error @+1 {{X and slope have element types 'f32' and 'f16'}}
  %0 = nn.prelu %x, %s : (tensor<2x3xf32>, tensor<3xf16>) -> tensor<2x3xf32>
  return
}
