// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @integers(%a: tensor<2xi32>) {
  // expected-error @+1 {{operand #0 must be tensor of floating-point values, but got 'tensor<2xi32>'}}
  %0 = nn.exp %a : (tensor<2xi32>) -> tensor<2xi32>
  return
}

// -----

func.func @cast_to_string(%a: tensor<2xf32>) {
  // expected-error @+1 {{result 0 is 'tensor<2xf32>', its operands give 'tensor<2x!nn.string>'}}
  %0 = nn.cast %a {to = 8 : i64} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @cast_rounding(%a: tensor<2xf32>) {
  // expected-error @+1 {{'round_mode' is "sideways", not "up", "down" or "nearest"}}
  %0 = nn.cast %a {to = 24 : i64, round_mode = "sideways"} : (tensor<2xf32>) -> tensor<2xf8E8M0FNU>
  return
}

// -----

func.func @bit_cast_to_string(%a: tensor<2xf32>) {
  // expected-error @+1 {{'to' is 8, which is no element type of numbers}}
  %0 = nn.bit_cast %a {to = 8 : i64} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @bit_cast_width(%a: tensor<2xf32>) {
  // expected-error @+1 {{'to' has 64 bits and the operand has 32}}
  %0 = nn.bit_cast %a {to = 7 : i64} : (tensor<2xf32>) -> tensor<2xi64>
  return
}

// -----

func.func @gelu(%a: tensor<2xf32>) {
  // expected-error @+1 {{'approximate' is "sinh", not "none" or "tanh"}}
  %0 = nn.gelu %a {approximate = "sinh"} : (tensor<2xf32>) -> tensor<2xf32>
  return
}
