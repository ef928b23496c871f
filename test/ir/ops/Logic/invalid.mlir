// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @condition(%c: tensor<3xi32>, %x: tensor<3xf32>) {
  // expected-error @+1 {{operand #0 must be tensor of 1-bit signless integer values, but got 'tensor<3xi32>'}}
  %0 = nn.where %c, %x, %x : (tensor<3xi32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @branches(%c: tensor<3xi1>, %x: tensor<3xf32>, %y: tensor<3xf16>) {
  // expected-error @+1 {{operands have element types 'f32' and 'f16'}}
  %0 = nn.where %c, %x, %y : (tensor<3xi1>, tensor<3xf32>, tensor<3xf16>) -> tensor<3xf32>
  return
}

// -----

func.func @numbers(%a: tensor<3xf32>) {
  // expected-error @+1 {{operand #0 must be tensor of 1-bit signless integer values, but got 'tensor<3xf32>'}}
  %0 = nn.and %a, %a : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @bits_of_floats(%a: tensor<3xf32>) {
  // expected-error @+1 {{operand #0 must be tensor of integer values, but got 'tensor<3xf32>'}}
  %0 = nn.bitwise_not %a : (tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @direction(%a: tensor<3xi32>) {
  // expected-error @+1 {{'direction' is "UP", not "LEFT" or "RIGHT"}}
  %0 = nn.bit_shift %a, %a {direction = "UP"} : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
  return
}
