// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @two_unknown(%x: tensor<2x3xf32>) {
  %s = nn.constant {value = dense<-1> : tensor<2xi64>} : () -> tensor<2xi64>
  // expected-error@+1 {{'shape' has -1 at 0 and at 1}}
  %0 = nn.reshape %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @copies_beyond(%x: tensor<2x3xf32>) {
  %s = nn.constant {value = dense<[2, 3, 0]> : tensor<3xi64>} : () -> tensor<3xi64>
  // expected-error@+1 {{'shape' has 0 at 2, where 'data' of rank 2 has no dim to copy}}
  %0 = nn.reshape %x, %s : (tensor<2x3xf32>, tensor<3xi64>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @negative(%x: tensor<2x3xf32>) {
  %s = nn.constant {value = dense<[-3, -2]> : tensor<2xi64>} : () -> tensor<2xi64>
  // expected-error@+1 {{'shape' has -3 at 0}}
  %0 = nn.reshape %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @counts_differ(%x: tensor<2x3xf32>) {
  %s = nn.constant {value = dense<[4, 2]> : tensor<2xi64>} : () -> tensor<2xi64>
  // expected-error@+1 {{2x3 has 6 elements and cannot become 4x2}}
  %0 = nn.reshape %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<4x2xf32>
  return
}

// -----

func.func @does_not_divide(%x: tensor<2x3xf32>) {
  %s = nn.constant {value = dense<[-1, 4]> : tensor<2xi64>} : () -> tensor<2xi64>
  // expected-error@+1 {{2x3 has no whole number of elements for -1 in -1x4}}
  %0 = nn.reshape %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  return
}

// -----

func.func @not_one(%x: tensor<2x3xf32>) {
  %a = nn.constant {value = dense<1> : tensor<1xi64>} : () -> tensor<1xi64>
  // expected-error@+1 {{axis 1 of 2x3 is not 1}}
  %0 = nn.squeeze %x, %a : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @named_twice(%x: tensor<1x3xf32>) {
  %a = nn.constant {value = dense<[0, -2]> : tensor<2xi64>} : () -> tensor<2xi64>
  // expected-error@+1 {{'axes' has axis 0 twice}}
  %0 = nn.squeeze %x, %a : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<3xf32>
  return
}

// -----

func.func @outside(%x: tensor<2x3xf32>) {
  %a = nn.constant {value = dense<3> : tensor<1xi64>} : () -> tensor<1xi64>
  // expected-error@+1 {{axis 3 is outside [-3, 3)}}
  %0 = nn.unsqueeze %x, %a : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x3x1xf32>
  return
}

// -----

func.func @no_order(%x: tensor<2x3xf32>) {
  // expected-error@+1 {{'perm' is no order of the 2 axes of 'data'}}
  %0 = nn.transpose %x {perm = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<3x3xf32>
  return
}

// -----

func.func @far_too_many_axes(%x: tensor<1xf32>, %s: tensor<65xi64>) {
  // expected-error@+1 {{result 0 would have rank 65}}
  %0 = "nn.reshape"(%x, %s) : (tensor<1xf32>, tensor<65xi64>) -> tensor<1xf32>
  return
}
