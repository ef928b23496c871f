// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @axis(%a: tensor<2x3xf32>) {
  %k = nn.constant {value = dense<2> : tensor<1xi64>} : () -> tensor<1xi64>
  // expected-error @+1 {{axis 2 is outside [-2, 2)}}
  %0 = nn.reduce_sum %a, %k : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  return
}

// -----

func.func @axis_count(%a: tensor<2x3xf32>, %k: tensor<?xi64>) {
  // expected-error @+1 {{how many 'axes' there are is not known when compiling}}
  %0 = nn.reduce_max %a, %k {keepdims = 0 : i64} : (tensor<2x3xf32>, tensor<?xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @too_many_axes(%a: tensor<2x3xf32>, %k: tensor<3xi64>) {
  // expected-error @+1 {{there are 3 'axes' of an operand of rank 2}}
  %0 = nn.reduce_max %a, %k : (tensor<2x3xf32>, tensor<3xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @arg_of_nothing(%a: tensor<2x0xf32>) {
  // expected-error @+1 {{there are no elements along axis 1}}
  %0 = nn.argmax %a {axis = 1 : i64} : (tensor<2x0xf32>) -> tensor<2x1xi64>
  return
}

// -----

func.func @arg_axis(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{axis -3 is outside [-2, 2)}}
  %0 = nn.argmin %a {axis = -3 : i64} : (tensor<2x3xf32>) -> tensor<2x1xi64>
  return
}

// -----

func.func @k_too_large(%a: tensor<2x3xf32>) {
  %k = nn.constant {value = dense<4> : tensor<1xi64>} : () -> tensor<1xi64>
  // expected-error @+1 {{K is 4, and axis 1 has 3 elements}}
  %0:2 = nn.topk %a, %k : (tensor<2x3xf32>, tensor<1xi64>) -> (tensor<2x4xf32>, tensor<2x4xi64>)
  return
}

// -----

func.func @k_negative(%a: tensor<2x3xf32>) {
  %k = nn.constant {value = dense<-1> : tensor<1xi64>} : () -> tensor<1xi64>
  // expected-error @+1 {{K is -1, and axis 1 has 3 elements}}
  %0:2 = nn.topk %a, %k : (tensor<2x3xf32>, tensor<1xi64>) -> (tensor<2x?xf32>, tensor<2x?xi64>)
  return
}

// -----

func.func @several_k(%a: tensor<2x3xf32>, %k: tensor<2xi64>) {
  // expected-error @+1 {{K is 2, not one number}}
  %0:2 = nn.topk %a, %k : (tensor<2x3xf32>, tensor<2xi64>) -> (tensor<2x?xf32>, tensor<2x?xi64>)
  return
}

// -----

func.func @running_axis(%a: tensor<2x3xf32>) {
  %k = nn.constant {value = dense<5> : tensor<i64>} : () -> tensor<i64>
  // expected-error @+1 {{axis 5 is outside [-2, 2)}}
  %0 = nn.cumsum %a, %k : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
  return
}

// -----

func.func @running_axes(%a: tensor<2x3xf32>, %k: tensor<2xi64>) {
  // expected-error @+1 {{'axis' is 2, not one number}}
  %0 = nn.cumprod %a, %k : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return
}

// -----

func.func @log_softmax_axis(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{axis 2 is outside [-2, 2)}}
  %0 = nn.log_softmax %a {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @table_of_axes(%a: tensor<2x3xf32>, %k: tensor<1x1xi64>) {
  // expected-error @+1 {{'axes' has rank 2 instead of 1}}
  %0 = nn.reduce_sum %a, %k {keepdims = 0 : i64} : (tensor<2x3xf32>, tensor<1x1xi64>) -> tensor<?xf32>
  return
}
