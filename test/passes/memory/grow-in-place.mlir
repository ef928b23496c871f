// RUN: burnish-opt %s --nn-grow-in-place --split-input-file | FileCheck %s
// What a step adds is inserted into the buffer of the state, which the function takes and gives back; whoever reads the new state reads a slice of that, and
// the result is its length.
// CHECK-LABEL: func.func @joined(
// CHECK-SAME:    %[[PAST:.*]]: tensor<2x?x3xf32>, %[[X:.*]]: tensor<2x1x3xf32>, %[[ROOM:.*]]: tensor<2x7x3xf32>
// CHECK-SAME:    -> (tensor<i64>, tensor<2x3xf32>, tensor<2x7x3xf32>)
// CHECK:         %[[LENGTH:.*]] = tensor.dim %[[PAST]], %{{.*}}
// CHECK:         %[[TOTAL:.*]] = arith.addi
// CHECK:         %[[FITS:.*]] = arith.cmpi sle, %[[TOTAL]], %{{.*}}
// CHECK:         cf.assert %[[FITS]], "1:state 'past' is full: dim 1 has room for 7, and would be"
// CHECK:         %[[CHECKED:.*]] = nn.barrier %[[ROOM]], %[[ROOM]]
// CHECK:         %[[WHOLE:.*]] = tensor.insert_slice %[[X]] into %[[CHECKED]][0, %[[LENGTH]], 0] [2, 1, 3]
// CHECK:         %[[PRESENT:.*]] = tensor.extract_slice %[[WHOLE]][0, 0, 0] [2, %[[TOTAL]], 3]
// CHECK:         linalg.reduce { arith.addf } ins(%[[PRESENT]]
// CHECK:         %[[NUMBER:.*]] = arith.index_cast %[[TOTAL]]
// CHECK:         %[[RESULT:.*]] = tensor.from_elements %[[NUMBER]] : tensor<i64>
// CHECK:         return %[[RESULT]], %{{.*}}, %[[WHOLE]]
module attributes {nn.signature = {
    inputs = [{bounds = array<i64: 0, 9, 0, 7, 0, 9>, dim_names = ["", "past", ""], name = "past", type = tensor<2x?x3xf32>},
              {dim_names = ["", "", ""], name = "x", type = tensor<2x1x3xf32>}],
    name = "joined",
    outputs = [{dim_names = ["", "", ""], feeds = 0 : i64, grows = 1 : i64, name = "present", type = tensor<2x?x3xf32>},
               {dim_names = ["", ""], name = "sum", type = tensor<2x3xf32>}]}} {
  func.func @joined(%past: tensor<2x?x3xf32>, %x: tensor<2x1x3xf32>) -> (tensor<2x?x3xf32>, tensor<2x3xf32>) {
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %length = tensor.dim %past, %c1 : tensor<2x?x3xf32>
    %total = arith.addi %length, %c1 : index
    %empty = tensor.empty(%total) : tensor<2x?x3xf32>
    %first = tensor.insert_slice %past into %empty[0, 0, 0] [2, %length, 3] [1, 1, 1] : tensor<2x?x3xf32> into tensor<2x?x3xf32>
    %both = tensor.insert_slice %x into %first[0, %length, 0] [2, 1, 3] [1, 1, 1] : tensor<2x1x3xf32> into tensor<2x?x3xf32>
    %place = tensor.empty() : tensor<2x3xf32>
    %zeros = linalg.fill ins(%zero : f32) outs(%place : tensor<2x3xf32>) -> tensor<2x3xf32>
    %sum = linalg.reduce { arith.addf } ins(%both : tensor<2x?x3xf32>) outs(%zeros : tensor<2x3xf32>) dimensions = [1]
    return %both, %sum : tensor<2x?x3xf32>, tensor<2x3xf32>
  }
}

// -----

// What came is read before more is behind it, and after: a slice of what there is then. A state that is made in another way is inserted as a whole.
// CHECK-LABEL: func.func @made(
// CHECK-SAME:    %[[PAST:.*]]: tensor<?x3xf32>, %[[X:.*]]: tensor<?x3xf32>, %[[ROOM:.*]]: tensor<5x3xf32>
// CHECK:         %[[VIEW:.*]] = tensor.extract_slice %[[ROOM]][0, 0] [%{{.*}}, 3]
// CHECK:         %[[MADE:.*]] = linalg.add ins(%[[VIEW]], %[[X]]
// CHECK:         %[[TOTAL:.*]] = tensor.dim %[[MADE]]
// CHECK:         cf.assert
// CHECK:         %[[CHECKED:.*]] = nn.barrier %[[ROOM]], %[[ROOM]]
// CHECK:         %[[WHOLE:.*]] = tensor.insert_slice %[[MADE]] into %[[CHECKED]][0, 0] [%[[TOTAL]], 3]
// CHECK:         return %{{.*}}, %[[WHOLE]]
module attributes {nn.signature = {
    inputs = [{bounds = array<i64: 0, 5, 0, 9>, dim_names = ["past", ""], name = "past", type = tensor<?x3xf32>},
              {dim_names = ["", ""], name = "x", type = tensor<?x3xf32>}],
    name = "made",
    outputs = [{dim_names = ["", ""], feeds = 0 : i64, grows = 0 : i64, name = "present", type = tensor<?x3xf32>}]}} {
  func.func @made(%past: tensor<?x3xf32>, %x: tensor<?x3xf32>) -> tensor<?x3xf32> {
    %c0 = arith.constant 0 : index
    %size = tensor.dim %x, %c0 : tensor<?x3xf32>
    %empty = tensor.empty(%size) : tensor<?x3xf32>
    %made = linalg.add ins(%past, %x : tensor<?x3xf32>, tensor<?x3xf32>) outs(%empty : tensor<?x3xf32>) -> tensor<?x3xf32>
    return %made : tensor<?x3xf32>
  }
}
