// RUN: burnish-opt %s --split-input-file --nn-infer-shapes | FileCheck %s

// Extremes, remainders and clipping of elements of shapes are known when compiling.
// CHECK-LABEL: func.func @sizes(
// CHECK:         nn.reshape {{.*}} -> tensor<7x2x3xf32>
func.func @sizes(%x: tensor<42xf32>) -> tensor<?x?x?xf32> {
  %a = nn.constant {value = dense<[7, 12, 13]> : tensor<3xi64>} : () -> tensor<3xi64>
  %b = nn.constant {value = dense<[4, 10, 30]> : tensor<3xi64>} : () -> tensor<3xi64>
  %max = nn.max %a, %b : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64>
  %min = nn.min %max, %a : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64>
  %ten = nn.constant {value = dense<10> : tensor<i64>} : () -> tensor<i64>
  %sizes = nn.mod %min, %ten : (tensor<3xi64>, tensor<i64>) -> tensor<3xi64>
  %0 = nn.reshape %x, %sizes : (tensor<42xf32>, tensor<3xi64>) -> tensor<?x?x?xf32>
  return %0 : tensor<?x?x?xf32>
}

// -----

// A size is no less than 0, whatever it is.
// CHECK-LABEL: func.func @not_negative(
// CHECK:         nn.reshape {{.*}} -> tensor<?x5xf32>
// CHECK:         nn.add {{.*}} : (tensor<?x5xf32>, tensor<?x5xf32>) -> tensor<?x5xf32>
func.func @not_negative(%x: tensor<?x5xf32>) -> tensor<?x?xf32> {
  %zero = nn.constant {value = dense<0> : tensor<i64>} : () -> tensor<i64>
  %shape = nn.shape %x : (tensor<?x5xf32>) -> tensor<2xi64>
  %abs = nn.abs %shape : (tensor<2xi64>) -> tensor<2xi64>
  %sizes = nn.max %abs, %zero : (tensor<2xi64>, tensor<i64>) -> tensor<2xi64>
  %0 = nn.reshape %x, %sizes : (tensor<?x5xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %1 = nn.add %0, %x : (tensor<?x?xf32>, tensor<?x5xf32>) -> tensor<?x?xf32>
  return %1 : tensor<?x?xf32>
}
