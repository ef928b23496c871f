// RUN: burnish-opt %s --split-input-file --nn-infer-shapes | FileCheck %s

// CHECK-LABEL: func.func @counts(
// CHECK:         nn.range {{.*}} -> tensor<3xi64>
// CHECK:         nn.range {{.*}} -> tensor<5xf32>
func.func @counts() -> (tensor<?xi64>, tensor<?xf32>) {
  %a = nn.constant {value = dense<10> : tensor<i64>} : () -> tensor<i64>
  %b = nn.constant {value = dense<4> : tensor<i64>} : () -> tensor<i64>
  %c = nn.constant {value = dense<-2> : tensor<i64>} : () -> tensor<i64>
  %0 = nn.range %a, %b, %c : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %d = nn.constant {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
  %e = nn.constant {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  %f = nn.constant {value = dense<0.25> : tensor<f32>} : () -> tensor<f32>
  %g = nn.constant {value = dense<1.125> : tensor<f32>} : () -> tensor<f32>
  %1 = nn.range %d, %g, %f : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<?xf32>
  return %0, %1 : tensor<?xi64>, tensor<?xf32>
}

// -----

// A list of -1 in the shape of a shape, as exporters make it for Expand, has known elements.
// CHECK-LABEL: func.func @expand_target(
// CHECK:         nn.reshape {{.*}} -> tensor<3x2xf32>
func.func @expand_target(%x: tensor<2x3xf32>) -> tensor<?x?xf32> {
  %two = nn.constant {value = dense<2> : tensor<1xi64>} : () -> tensor<1xi64>
  %wanted = nn.constant {value = dense<[3, -1]> : tensor<2xi64>} : () -> tensor<2xi64>
  %shape = nn.shape %x : (tensor<2x3xf32>) -> tensor<2xi64>
  %0 = nn.constant_of_shape %two {value = dense<-1> : tensor<1xi64>} : (tensor<1xi64>) -> tensor<?xi64>
  %1 = nn.equal %wanted, %0 : (tensor<2xi64>, tensor<?xi64>) -> tensor<2xi1>
  %2 = nn.where %1, %0, %wanted : (tensor<2xi1>, tensor<?xi64>, tensor<2xi64>) -> tensor<2xi64>
  %3 = nn.reshape %x, %2 : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %3 : tensor<?x?xf32>
}
