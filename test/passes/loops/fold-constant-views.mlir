// RUN: burnish-opt %s --nn-fold-constant-views | FileCheck %s
// Views of a constant whose elements lie side by side become constants; a view of such a view too.

// CHECK-LABEL: func @row_of_matrix(
// CHECK-DAG:     arith.constant dense_resource<{{.*}}> : tensor<5xf32>
// CHECK-DAG:     arith.constant dense_resource<{{.*}}> : tensor<1x2xf32>
// CHECK-NOT:     tensor.extract_slice
func.func @row_of_matrix() -> (tensor<5xf32>, tensor<1x2xf32>) {
  %all = arith.constant dense_resource<numbers> : tensor<1x3x5xf32>
  %first = tensor.extract_slice %all[0, 0, 0] [1, 2, 5] [1, 1, 1] : tensor<1x3x5xf32> to tensor<2x5xf32>
  %row = tensor.extract_slice %first[1, 0] [1, 5] [1, 1] : tensor<2x5xf32> to tensor<5xf32>
  %last = tensor.extract_slice %all[0, 2, 1] [1, 1, 2] [1, 1, 1] : tensor<1x3x5xf32> to tensor<1x2xf32>
  return %row, %last : tensor<5xf32>, tensor<1x2xf32>
}

// CHECK-LABEL: func @reshaped(
// CHECK:         arith.constant dense_resource<{{.*}}> : tensor<15xf32>
// CHECK-NOT:     tensor.collapse_shape
func.func @reshaped() -> tensor<15xf32> {
  %all = arith.constant dense_resource<numbers> : tensor<1x3x5xf32>
  %flat = tensor.collapse_shape %all [[0, 1, 2]] : tensor<1x3x5xf32> into tensor<15xf32>
  return %flat : tensor<15xf32>
}

// The elements of a column do not lie side by side.
// CHECK-LABEL: func @column(
// CHECK:         tensor.extract_slice
func.func @column() -> tensor<3x2xf32> {
  %all = arith.constant dense_resource<numbers> : tensor<1x3x5xf32>
  %column = tensor.extract_slice %all[0, 0, 1] [1, 3, 2] [1, 1, 1] : tensor<1x3x5xf32> to tensor<3x2xf32>
  return %column : tensor<3x2xf32>
}

// Nothing is stored twice: the whole constant is used, too.
// CHECK-LABEL: func @kept_whole(
// CHECK:         tensor.extract_slice
func.func @kept_whole() -> (tensor<1x3x5xf32>, tensor<5xf32>) {
  %all = arith.constant dense_resource<numbers> : tensor<1x3x5xf32>
  %row = tensor.extract_slice %all[0, 1, 0] [1, 1, 5] [1, 1, 1] : tensor<1x3x5xf32> to tensor<5xf32>
  return %all, %row : tensor<1x3x5xf32>, tensor<5xf32>
}

// The parts hold their bytes: 6 to 10 of 1 to 15, and 12 and 13.
// CHECK: dialect_resources
// CHECK-DAG: "0x{{.*}}0000C0400000E040000000410000104100002041"
// CHECK-DAG: "0x{{.*}}0000404100005041"
{-#
  dialect_resources: {
    builtin: {
      numbers: "0x040000000000803F0000004000004040000080400000A0400000C0400000E0400000004100001041000020410000304100004041000050410000604100007041"
    }
  }
#-}
