// RUN: burnish-opt %s --split-input-file --nn-infer-shapes | FileCheck %s

// A size is never -1: the shape that exporters compute for Expand is the operand's own.
// CHECK-LABEL: func.func @keeps_sizes(
// CHECK:         nn.reshape {{.*}} -> tensor<?x5xf32>
func.func @keeps_sizes(%x: tensor<?x5xf32>) -> tensor<?x?xf32> {
  %ones = nn.constant {value = dense<1> : tensor<2xi64>} : () -> tensor<2xi64>
  %rest = nn.constant {value = dense<-1> : tensor<2xi64>} : () -> tensor<2xi64>
  %shape = nn.shape %x : (tensor<?x5xf32>) -> tensor<2xi64>
  %is_rest = nn.equal %shape, %rest : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi1>
  %sizes = nn.where %is_rest, %ones, %shape : (tensor<2xi1>, tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  %0 = nn.reshape %x, %sizes : (tensor<?x5xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// CHECK-LABEL: func.func @booleans(
// CHECK:         nn.reshape {{.*}} -> tensor<6x5xf32>
func.func @booleans(%x: tensor<2x3x5xf32>) -> tensor<?x?xf32> {
  %a = nn.constant {value = dense<[2, 9]> : tensor<2xi64>} : () -> tensor<2xi64>
  %b = nn.constant {value = dense<[7, 8]> : tensor<2xi64>} : () -> tensor<2xi64>
  %this = nn.constant {value = dense<[6, 30]> : tensor<2xi64>} : () -> tensor<2xi64>
  %that = nn.constant {value = dense<[1, 5]> : tensor<2xi64>} : () -> tensor<2xi64>
  %less = nn.less %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi1>
  %not = nn.not %less : (tensor<2xi1>) -> tensor<2xi1>
  %both = nn.and %less, %not : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>
  %one = nn.xor %both, %less : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>
  %sizes = nn.where %one, %this, %that : (tensor<2xi1>, tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  %0 = nn.reshape %x, %sizes : (tensor<2x3x5xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}
