// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize --cse | FileCheck %s

// Dims that only run time knows are split and merged in groups of equal products, without a look at the sizes.
// CHECK-LABEL: func.func @splits_heads(
// CHECK-NOT:     cf.assert
// CHECK:         tensor.expand_shape %{{.*}} {{\[\[}}0], [1], [2, 3]] {{.*}} into tensor<?x?x12x64xf32>
func.func @splits_heads(%x: tensor<?x?x768xf32> {nn.dims = ["b", "s", ""]}) -> tensor<?x?x12x64xf32> {
  %s = nn.constant {value = dense<[0, 0, 12, 64]> : tensor<4xi64>} : () -> tensor<4xi64>
  %y = nn.reshape %x, %s : (tensor<?x?x768xf32>, tensor<4xi64>) -> tensor<?x?x12x64xf32>
  return %y : tensor<?x?x12x64xf32>
}

// -----

// A target made of the sizes of another tensor with the same symbols needs no check either.
// CHECK-LABEL: func.func @by_shape(
// CHECK-NOT:     cf.assert
// CHECK:         tensor.collapse_shape %{{.*}} {{\[\[}}0, 1], [2]]
func.func @by_shape(%x: tensor<?x?x5xf32> {nn.dims = ["b", "s", ""]}, %like: tensor<?x3xf32> {nn.dims = ["b", ""]}) -> tensor<?x5xf32> {
  %s = nn.constant {value = dense<[-1, 5]> : tensor<2xi64>} : () -> tensor<2xi64>
  %y = nn.reshape %x, %s : (tensor<?x?x5xf32>, tensor<2xi64>) -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// -----

// What only run time knows may be -1 or 0, and the counts are compared.
// CHECK-LABEL: func.func @run_time(
// CHECK:         cf.assert %{{.*}}, "1:reshape to another number of elements"
func.func @run_time(%x: tensor<2x3xf32>, %s: tensor<2xi64>) -> tensor<?x?xf32> {
  %y = nn.reshape %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

// A squeeze without axes keeps a dim that only the run knows, and a run in which that is 1 is refused.
// CHECK-LABEL: func.func @squeezes_what_is_known(
// CHECK:         cf.assert %{{.*}}, "1:a squeeze whose result would have another rank"
// CHECK:         tensor.collapse_shape %{{.*}} into tensor<?x3xf32>
func.func @squeezes_what_is_known(%x: tensor<?x1x3xf32> {nn.dims = ["n", "", ""]}) -> tensor<?x3xf32> {
  %y = nn.squeeze %x : (tensor<?x1x3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
