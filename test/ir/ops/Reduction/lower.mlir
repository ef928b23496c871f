// RUN: burnish-opt %s --split-input-file --nn-infer-shapes --nn-lower-to-linalg --canonicalize | FileCheck %s

// Sums of half floats are taken in f32.
// CHECK-LABEL: func.func @half(
// CHECK:         %[[INIT:.*]] = linalg.fill {{.*}} -> tensor<2x5xf32>
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "reduction", "parallel"]{{.*}} outs(%[[INIT]]
// CHECK:           arith.addf {{.*}} : f32
// CHECK:         arith.truncf {{.*}} : f32 to f16
func.func @half(%x: tensor<2x3x5xf16>) -> tensor<2x5xf16> {
  %axes = nn.constant {value = dense<1> : tensor<1xi64>} : () -> tensor<1xi64>
  %0 = nn.reduce_sum %x, %axes {keepdims = 0 : i64} : (tensor<2x3x5xf16>, tensor<1xi64>) -> tensor<2x5xf16>
  return %0 : tensor<2x5xf16>
}

// -----

// Axes that are data: each names a flag, and every element goes where the flags say.
// CHECK-LABEL: func.func @axes_of_run_time(
// CHECK-SAME:    %{{.*}}: tensor<2x3xf32>, %[[AXES:.*]]: tensor<2xi64>
// CHECK:         %[[FLAGS:.*]]:2 = scf.for {{.*}} -> (i1, i1)
// CHECK:           tensor.extract %[[AXES]]
// CHECK:         cf.assert
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK:             arith.select %[[FLAGS]]#0
// CHECK:             arith.maximumf
func.func @axes_of_run_time(%x: tensor<2x3xf32> {nn.name = "x"}, %axes: tensor<2xi64> {nn.name = "axes"}) -> tensor<?x?xf32> {
  %0 = nn.reduce_max %x, %axes : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// K may be known at run time only; it is checked against the axis.
// CHECK-LABEL: func.func @k_of_run_time(
// CHECK:         cf.assert {{.*}} "2:K is larger than the axis"
// CHECK:         return {{.*}} : tensor<2x?xf32>, tensor<2x?xi64>
func.func @k_of_run_time(%x: tensor<2x3xf32>, %k: tensor<1xi64>) -> (tensor<?x?xf32>, tensor<?x?xi64>) {
  %0:2 = nn.topk %x, %k : (tensor<2x3xf32>, tensor<1xi64>) -> (tensor<?x?xf32>, tensor<?x?xi64>)
  return %0#0, %0#1 : tensor<?x?xf32>, tensor<?x?xi64>
}
