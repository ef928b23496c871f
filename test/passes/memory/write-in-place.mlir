// RUN: burnish-opt %s --nn-write-in-place --split-input-file | FileCheck %s
// RUN: burnish-opt %s --nn-write-in-place --nn-bufferize --cse --canonicalize --split-input-file | FileCheck %s --check-prefix=BUFFERS

// Borders are filled before the source is made, which then writes between them.
// CHECK-LABEL: func @pad(
// CHECK:         %[[ROOM:.*]] = tensor.empty() : tensor<4x8xf32>
// CHECK:         tensor.extract_slice %[[ROOM]][0, 0] [4, 1] [1, 1]
// CHECK:         linalg.fill
// CHECK:         %[[BORDERS:.*]] = tensor.insert_slice %{{.*}} into %{{.*}}[0, 6] [4, 2] [1, 1]
// CHECK:         %[[MADE:.*]] = linalg.generic
// CHECK:         tensor.insert_slice %[[MADE]] into %[[BORDERS]][0, 1] [4, 5] [1, 1]
// BUFFERS-LABEL: func @pad(
// BUFFERS:         %[[ALLOC:.*]] = memref.alloc() {{.*}} : memref<4x8xf32>
// BUFFERS:         %[[PLACE:.*]] = memref.subview %[[ALLOC]][0, 1] [4, 5] [1, 1]
// BUFFERS:         linalg.generic {{.*}} outs(%[[PLACE]] :
// BUFFERS-NOT:     memref.copy
#all = affine_map<(i, j) -> (i, j)>
func.func @pad(%a: tensor<4x5xf32>) -> tensor<4x8xf32> {
  %one = arith.constant 1.0 : f32
  %empty = tensor.empty() : tensor<4x5xf32>
  %made = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<4x5xf32>) outs(%empty : tensor<4x5xf32>) {
  ^bb0(%x: f32, %y: f32):
    %s = arith.addf %x, %one : f32
    linalg.yield %s : f32
  } -> tensor<4x5xf32>
  %padded = tensor.pad %made low[0, 1] high[0, 2] {
  ^bb0(%i: index, %j: index):
    tensor.yield %one : f32
  } : tensor<4x5xf32> to tensor<4x8xf32>
  return %padded : tensor<4x8xf32>
}

// -----

// A part of what is joined is computed in its place, although the room for it was asked for later.
// CHECK-LABEL: func @join(
// CHECK-NEXT:    %[[ROOM:.*]] = tensor.empty() : tensor<8x5xf32>
// CHECK:         tensor.insert_slice %{{.*}} into %[[ROOM]][0, 0]
// BUFFERS-LABEL: func @join(
// BUFFERS:         %[[ALLOC:.*]] = memref.alloc() {{.*}} : memref<8x5xf32>
// BUFFERS:         memref.subview %[[ALLOC]][0, 0] [4, 5] [1, 1]
// BUFFERS:         linalg.generic
// BUFFERS:         memref.subview %[[ALLOC]][4, 0] [4, 5] [1, 1]
// BUFFERS:         memref.copy %arg0
// BUFFERS-NOT:     memref.copy
#all = affine_map<(i, j) -> (i, j)>
func.func @join(%a: tensor<4x5xf32>) -> tensor<8x5xf32> {
  %one = arith.constant 1.0 : f32
  %empty = tensor.empty() : tensor<4x5xf32>
  %made = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<4x5xf32>) outs(%empty : tensor<4x5xf32>) {
  ^bb0(%x: f32, %y: f32):
    %s = arith.addf %x, %one : f32
    linalg.yield %s : f32
  } -> tensor<4x5xf32>
  %room = tensor.empty() : tensor<8x5xf32>
  %first = tensor.insert_slice %made into %room[0, 0] [4, 5] [1, 1] : tensor<4x5xf32> into tensor<8x5xf32>
  %both = tensor.insert_slice %a into %first[4, 0] [4, 5] [1, 1] : tensor<4x5xf32> into tensor<8x5xf32>
  return %both : tensor<8x5xf32>
}

// -----

// Where only the run knows sizes, too: room and borders come before what makes the source.
// CHECK-LABEL: func @pad_of_run(
// CHECK-SAME:    %{{.*}}: tensor<?x5xf32>, %[[SIZE:.*]]: index
// CHECK:         %[[ROOM:.*]] = tensor.empty(%{{.*}}) : tensor<?x5xf32>
// CHECK:         linalg.fill
// CHECK:         tensor.extract_slice %{{.*}}[%{{.*}}, 0] [2, 5] [1, 1]
// CHECK:         %[[BORDERS:.*]] = tensor.insert_slice
// CHECK:         %[[MADE:.*]] = linalg.generic
// CHECK:         tensor.insert_slice %[[MADE]] into %[[BORDERS]][1, 0] [%[[SIZE]], 5] [1, 1]
// BUFFERS-LABEL: func @pad_of_run(
// BUFFERS:         %[[ALLOC:.*]] = memref.alloc(%{{.*}})
// BUFFERS:         %[[PLACE:.*]] = memref.subview %[[ALLOC]][1, 0] [%{{.*}}, 5] [1, 1]
// BUFFERS:         linalg.generic {{.*}} outs(%[[PLACE]] :
// BUFFERS-NOT:     memref.copy
#all = affine_map<(i, j) -> (i, j)>
func.func @pad_of_run(%a: tensor<?x5xf32>, %size: index) -> tensor<?x5xf32> {
  %one = arith.constant 1.0 : f32
  %empty = tensor.empty(%size) : tensor<?x5xf32>
  %made = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<?x5xf32>) outs(%empty : tensor<?x5xf32>) {
  ^bb0(%x: f32, %y: f32):
    %s = arith.addf %x, %one : f32
    linalg.yield %s : f32
  } -> tensor<?x5xf32>
  %padded = tensor.pad %made low[1, 0] high[2, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %one : f32
  } : tensor<?x5xf32> to tensor<?x5xf32>
  return %padded : tensor<?x5xf32>
}

// -----

// Heads that are taken together before they are joined are joined as they are, and computed in their places.
// CHECK-LABEL: func @heads(
// CHECK:         %[[ROOM:.*]] = tensor.empty() : tensor<2x5x4xf32>
// CHECK:         %[[FIRST:.*]] = tensor.insert_slice %{{.*}} into %[[ROOM]][0, 0, 0] [2, 3, 4] [1, 1, 1]
// CHECK:         %[[BOTH:.*]] = tensor.insert_slice %{{.*}} into %[[FIRST]][0, 3, 0] [2, 2, 4] [1, 1, 1]
// CHECK:         tensor.collapse_shape %[[BOTH]] {{\[\[}}0], [1, 2]] : tensor<2x5x4xf32> into tensor<2x20xf32>
// BUFFERS-LABEL: func @heads(
// BUFFERS:         memref.alloc() {{.*}} : memref<2x5x4xf32>
// BUFFERS-NOT:     memref.alloc
// BUFFERS-NOT:     memref.copy
func.func @heads(%a: tensor<2x3x4xf32>, %b: tensor<2x2x4xf32>) -> tensor<2x20xf32> {
  %three = tensor.empty() : tensor<2x3x4xf32>
  %two = tensor.empty() : tensor<2x2x4xf32>
  %x = linalg.exp ins(%a : tensor<2x3x4xf32>) outs(%three : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %y = linalg.exp ins(%b : tensor<2x2x4xf32>) outs(%two : tensor<2x2x4xf32>) -> tensor<2x2x4xf32>
  %together = tensor.collapse_shape %x [[0], [1, 2]] : tensor<2x3x4xf32> into tensor<2x12xf32>
  %other = tensor.collapse_shape %y [[0], [1, 2]] : tensor<2x2x4xf32> into tensor<2x8xf32>
  %room = tensor.empty() : tensor<2x20xf32>
  %first = tensor.insert_slice %together into %room[0, 0] [2, 12] [1, 1] : tensor<2x12xf32> into tensor<2x20xf32>
  %both = tensor.insert_slice %other into %first[0, 12] [2, 8] [1, 1] : tensor<2x8xf32> into tensor<2x20xf32>
  return %both : tensor<2x20xf32>
}
