// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @arithmetic(%a: tensor<3x!nn.string>) {
  // expected-error @+1 {{operand #0 must be tensor of floating-point or integer values, but got 'tensor<3x!nn.string>'}}
  %0 = nn.add %a, %a : (tensor<3x!nn.string>, tensor<3x!nn.string>) -> tensor<3x!nn.string>
  return
}

// -----

func.func @product(%a: tensor<3x3x!nn.string>) {
  // expected-error @+1 {{takes no strings, and has 'tensor<3x3x!nn.string>'}}
  %0 = nn.matmul %a, %a : (tensor<3x3x!nn.string>, tensor<3x3x!nn.string>) -> tensor<3x3x!nn.string>
  return
}

// -----

func.func @sum(%a: tensor<3x!nn.string>, %i: tensor<1xi64>, %u: tensor<1x!nn.string>) {
  // expected-error @+1 {{'reduction' of strings is 'add' instead of none}}
  %0 = nn.scatter_elements %a, %i, %u {reduction = "add"} : (tensor<3x!nn.string>, tensor<1xi64>, tensor<1x!nn.string>) -> tensor<3x!nn.string>
  return
}

// -----

func.func @count() {
  // expected-error @+1 {{has 2 strings, and 3 would fill its shape}}
  %0 = nn.strings {values = ["a", "b"], shape = array<i64: 3>} : () -> tensor<3x!nn.string>
  return
}

// -----

func.func @keys(%x: tensor<3x!nn.string>) {
  // expected-error @+1 {{has no keys of '!nn.string'}}
  %0 = nn.find %x {numbers = dense<1> : tensor<1xi64>} : (tensor<3x!nn.string>) -> tensor<3xi64>
  return
}

// -----

func.func @flags(%x: tensor<3x!nn.string>) {
  // expected-error @+1 {{'pattern' "(?x)a" has a group that looks around or has unknown flags, which are not supported, at byte 0}}
  %0 = nn.regex_full_match %x {pattern = "(?x)a"} : (tensor<3x!nn.string>) -> tensor<3xi1>
  return
}

// -----

func.func @back(%x: tensor<3x!nn.string>) {
  // expected-error @+1 {{'pattern' "(a)\1" refers back, which is not supported, at byte 3}}
  %0 = nn.regex_full_match %x {pattern = "(a)\\1"} : (tensor<3x!nn.string>) -> tensor<3xi1>
  return
}

// -----

func.func @open(%x: tensor<3x!nn.string>) {
  // expected-error @+1 {{'pattern' "b(a" has '(' that nothing closes at byte 1}}
  %0 = nn.regex_full_match %x {pattern = "b(a"} : (tensor<3x!nn.string>) -> tensor<3xi1>
  return
}

// -----

func.func @nothing(%x: tensor<3x!nn.string>) {
  // expected-error @+1 {{'pattern' "+a" repeats nothing at byte 0}}
  %0 = nn.regex_full_match %x {pattern = "+a"} : (tensor<3x!nn.string>) -> tensor<3xi1>
  return
}

// -----

func.func @class(%x: tensor<3x!nn.string>) {
  // expected-error @+1 {{has a class of Unicode that is no general category at byte 1}}
  %0 = nn.regex_full_match %x {pattern = "a\\p{Greek}"} : (tensor<3x!nn.string>) -> tensor<3xi1>
  return
}

// -----

func.func @open_class(%x: tensor<3x!nn.string>) {
  // expected-error @+1 {{has a class of Unicode that is no general category at byte 0}}
  %0 = nn.regex_full_match %x {pattern = "\\p{Lu"} : (tensor<3x!nn.string>) -> tensor<3xi1>
  return
}
