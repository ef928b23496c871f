// RUN: burnish-opt %s --split-input-file --verify-diagnostics --nn-infer-shapes

func.func @condition(%c: tensor<2xi1>, %x: tensor<3xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{'cond' is 2, not one element}}
  %z = nn.if %c : (tensor<2xi1>) -> tensor<?xf32> {
    nn.yield %x : tensor<3xf32>
  }, {
    nn.yield %x : tensor<3xf32>
  }
  return %z : tensor<?xf32>
}

// -----

func.func @condition_type(%c: tensor<i64>, %x: tensor<3xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{'cond' has elements of 'i64', not i1}}
  %z = nn.if %c : (tensor<i64>) -> tensor<?xf32> {
    nn.yield %x : tensor<3xf32>
  }, {
    nn.yield %x : tensor<3xf32>
  }
  return %z : tensor<?xf32>
}

// -----

func.func @ranks(%c: tensor<i1>, %x: tensor<3xf32>, %y: tensor<1x3xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{branches give ranks 2 and 1 for result 0, and the condition is not known when compiling}}
  %z = nn.if %c : (tensor<i1>) -> tensor<?xf32> {
    nn.yield %x : tensor<3xf32>
  }, {
    nn.yield %y : tensor<1x3xf32>
  }
  return %z : tensor<?xf32>
}

// -----

func.func @branch_types(%c: tensor<i1>, %x: tensor<3xf32>, %y: tensor<3xi32>) -> tensor<?xf32> {
  // expected-error @+1 {{branches give elements of 'i32' and 'f32' for result 0}}
  %z = nn.if %c : (tensor<i1>) -> tensor<?xf32> {
    nn.yield %x : tensor<3xf32>
  }, {
    nn.yield %y : tensor<3xi32>
  }
  return %z : tensor<?xf32>
}

// -----

func.func @branch_results(%c: tensor<i1>, %x: tensor<3xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{branches give 2 and 1 values, not 1}}
  %z = nn.if %c : (tensor<i1>) -> tensor<?xf32> {
    nn.yield %x : tensor<3xf32>
  }, {
    nn.yield %x, %x : tensor<3xf32>, tensor<3xf32>
  }
  return %z : tensor<?xf32>
}

// -----

func.func @branch_arguments(%c: tensor<i1>, %x: tensor<3xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{a branch takes 1 values, not 0}}
  %z = nn.if %c : (tensor<i1>) -> tensor<?xf32> {
  ^bb0(%a: tensor<3xf32>):
    nn.yield %x : tensor<3xf32>
  }, {
    nn.yield %x : tensor<3xf32>
  }
  return %z : tensor<?xf32>
}

// -----

func.func @body_arguments(%n: tensor<i64>, %x: tensor<3xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{its body takes 2 values, not 3}}
  %y = nn.loop %n, %x {operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<i64>, tensor<3xf32>) -> tensor<?xf32> {
  ^bb0(%i: tensor<i64>, %c: tensor<i1>):
    nn.yield %c, %x : tensor<i1>, tensor<3xf32>
  }
  return %y : tensor<?xf32>
}

// -----

func.func @body_results(%n: tensor<i64>, %x: tensor<3xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{its body gives 1 values and carries 1}}
  %y = nn.loop %n, %x {operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<i64>, tensor<3xf32>) -> tensor<?xf32> {
  ^bb0(%i: tensor<i64>, %c: tensor<i1>, %v: tensor<3xf32>):
    nn.yield %c : tensor<i1>
  }
  return %y : tensor<?xf32>
}

// -----

func.func @body_condition(%n: tensor<i64>, %x: tensor<3xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{the condition that its body gives has elements of 'i64', not i1}}
  %y = nn.loop %n, %x {operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<i64>, tensor<3xf32>) -> tensor<?xf32> {
  ^bb0(%i: tensor<i64>, %c: tensor<i1>, %v: tensor<3xf32>):
    nn.yield %i, %v : tensor<i64>, tensor<3xf32>
  }
  return %y : tensor<?xf32>
}

// -----

func.func @carried_rank(%n: tensor<i64>, %x: tensor<3xf32>, %z: tensor<1x3xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{a carried value begins with rank 1 and goes on with rank 2}}
  %y = nn.loop %n, %x {operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<i64>, tensor<3xf32>) -> tensor<?xf32> {
  ^bb0(%i: tensor<i64>, %c: tensor<i1>, %v: tensor<3xf32>):
    nn.yield %c, %z : tensor<i1>, tensor<1x3xf32>
  }
  return %y : tensor<?xf32>
}

// -----

func.func @carried_type(%n: tensor<i64>, %x: tensor<3xf32>, %z: tensor<3xi32>) -> tensor<?xf32> {
  // expected-error @+1 {{a carried value begins with elements of 'f32' and goes on with 'i32'}}
  %y = nn.loop %n, %x {operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<i64>, tensor<3xf32>) -> tensor<?xf32> {
  ^bb0(%i: tensor<i64>, %c: tensor<i1>, %v: tensor<3xf32>):
    nn.yield %c, %z : tensor<i1>, tensor<3xi32>
  }
  return %y : tensor<?xf32>
}

// -----

func.func @scan_inputs(%x: tensor<3xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{'num_scan_inputs' is 2 for 1 operands}}
  %y = nn.scan %x {num_scan_inputs = 2 : i64} : (tensor<3xf32>) -> tensor<?xf32> {
  ^bb0(%e: tensor<f32>):
    nn.yield %e : tensor<f32>
  }
  return %y : tensor<?xf32>
}

// -----

func.func @scan_lengths(%x: tensor<3xf32>, %z: tensor<4xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{scans 3 and 4 elements at once}}
  %y = nn.scan %x, %z {num_scan_inputs = 2 : i64} : (tensor<3xf32>, tensor<4xf32>) -> tensor<?xf32> {
  ^bb0(%e: tensor<f32>, %f: tensor<f32>):
    nn.yield %e : tensor<f32>
  }
  return %y : tensor<?xf32>
}

// -----

func.func @scan_axes(%x: tensor<3xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{'scan_input_axes' has 2 values, not 1}}
  %y = nn.scan %x {num_scan_inputs = 1 : i64, scan_input_axes = array<i64: 0, 0>} : (tensor<3xf32>) -> tensor<?xf32> {
  ^bb0(%e: tensor<f32>):
    nn.yield %e : tensor<f32>
  }
  return %y : tensor<?xf32>
}

// -----

func.func @scan_direction(%x: tensor<3xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{'scan_input_directions' has 2 instead of 0 or 1}}
  %y = nn.scan %x {num_scan_inputs = 1 : i64, scan_input_directions = array<i64: 2>} : (tensor<3xf32>) -> tensor<?xf32> {
  ^bb0(%e: tensor<f32>):
    nn.yield %e : tensor<f32>
  }
  return %y : tensor<?xf32>
}

// -----

func.func @rule_count(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{has 1 values for 1 results, and a rule of 2 gradients by 1 values}}
  %y = nn.with_gradient %x, %x {layer = "f", operandSegmentSizes = array<i32: 1, 1>} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32> {
  ^bb0(%dy: tensor<3xf32>):
    nn.yield %dy, %dy : tensor<3xf32>, tensor<3xf32>
  }
  return %y : tensor<3xf32>
}

// -----

func.func @rule_type(%x: tensor<3xf32>, %s: tensor<f32>) -> tensor<3xf32> {
  // expected-error @+1 {{has a gradient of 'tensor<f32>' by 'tensor<3xf32>'}}
  %y = nn.with_gradient %x, %x {layer = "f", operandSegmentSizes = array<i32: 1, 1>} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32> {
  ^bb0(%dy: tensor<3xf32>):
    nn.yield %s : tensor<f32>
  }
  return %y : tensor<3xf32>
}
