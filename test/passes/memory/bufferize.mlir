// RUN: burnish-opt %s --nn-bufferize --split-input-file | FileCheck %s
// A schedule is chosen for operands without gaps; what lies otherwise is copied where the schedule needs it, and only there.

// Lanes of a sum over all elements are side by side.
// CHECK-LABEL: func @sums_with_steps(
// CHECK:         %[[VIEW:.*]] = memref.subview %{{.*}}[0] [%{{.*}}] [%{{.*}}]
// CHECK:         %[[COPY:.*]] = memref.alloc(%{{.*}}) : memref<?xf32>
// CHECK:         memref.copy %[[VIEW]], %[[COPY]]
// CHECK:         nn.kernel <algorithm = "elements"{{.*}} ins(%[[COPY]] : memref<?xf32>)
#in = affine_map<(i) -> (i)>
#out = affine_map<(i) -> ()>
func.func @sums_with_steps(%x: tensor<?xf32>, %n: index, %step: index) -> tensor<f32> {
  %view = tensor.extract_slice %x[0] [%n] [%step] : tensor<?xf32> to tensor<?xf32>
  %empty = tensor.empty() : tensor<f32>
  %sum = nn.kernel <algorithm = "elements", lanes = 8, vectors = 4, rows = 1, packs = false, rowsOutside = false, isParallel = false>
      ins(%view : tensor<?xf32>) outs(%empty : tensor<f32>) {
  ^bb0(%a: tensor<?xf32>, %b: tensor<f32>):
    %zero = arith.constant 0.0 : f32
    %init = linalg.fill ins(%zero : f32) outs(%b : tensor<f32>) -> tensor<f32>
    %r = linalg.generic {indexing_maps = [#in, #out], iterator_types = ["reduction"]} ins(%a : tensor<?xf32>) outs(%init : tensor<f32>) {
    ^bb0(%p: f32, %q: f32):
      %s = arith.addf %p, %q : f32
      linalg.yield %s : f32
    } -> tensor<f32>
    nn.kernel_yield %r : tensor<f32>
  } -> tensor<f32>
  return %sum : tensor<f32>
}

// -----

// A pass along the elements takes those of a view one by one.
// CHECK-LABEL: func @negates_with_steps(
// CHECK:         %[[VIEW:.*]] = memref.subview
// CHECK-NOT:     memref.copy
// CHECK:         nn.kernel <algorithm = "elements"{{.*}} ins(%[[VIEW]] :
#all = affine_map<(i) -> (i)>
func.func @negates_with_steps(%x: tensor<?xf32>, %n: index, %step: index) -> tensor<?xf32> {
  %view = tensor.extract_slice %x[0] [%n] [%step] : tensor<?xf32> to tensor<?xf32>
  %empty = tensor.empty(%n) : tensor<?xf32>
  %negated = nn.kernel <algorithm = "elements", lanes = 8, vectors = 2, rows = 1, packs = false, rowsOutside = false, isParallel = false>
      ins(%view : tensor<?xf32>) outs(%empty : tensor<?xf32>) {
  ^bb0(%a: tensor<?xf32>, %b: tensor<?xf32>):
    %r = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]} ins(%a : tensor<?xf32>) outs(%b : tensor<?xf32>) {
    ^bb0(%p: f32, %q: f32):
      %s = arith.negf %p : f32
      linalg.yield %s : f32
    } -> tensor<?xf32>
    nn.kernel_yield %r : tensor<?xf32>
  } -> tensor<?xf32>
  return %negated : tensor<?xf32>
}

// -----

// Panels bring lines of a convolution together, which the operand of what follows must lie like.
// CHECK-LABEL: func @adds_a_corner(
// CHECK-SAME:    %[[X:.*]]: memref<4x12x12xf32>, %[[W:.*]]: memref<8x4x3x3xf32>, %[[Y:.*]]: memref<8x12x12xf32>
// CHECK:         %[[CORNER:.*]] = memref.subview %[[Y]]
// CHECK:         %[[COPY:.*]] = memref.alloc() : memref<8x10x10xf32>
// CHECK:         memref.copy %[[CORNER]], %[[COPY]]
// CHECK:         nn.kernel <algorithm = "product"{{.*}} ins(%[[X]], %[[W]], %[[COPY]] :
#x = affine_map<(o, y, x, c, i, j) -> (c, y + i, x + j)>
#w = affine_map<(o, y, x, c, i, j) -> (o, c, i, j)>
#r = affine_map<(o, y, x, c, i, j) -> (o, y, x)>
#all = affine_map<(o, y, x) -> (o, y, x)>
func.func @adds_a_corner(%x: tensor<4x12x12xf32>, %w: tensor<8x4x3x3xf32>, %y: tensor<8x12x12xf32>) -> tensor<8x10x10xf32> {
  %corner = tensor.extract_slice %y[0, 0, 0] [8, 10, 10] [1, 1, 1] : tensor<8x12x12xf32> to tensor<8x10x10xf32>
  %empty = tensor.empty() : tensor<8x10x10xf32>
  %sum = nn.kernel <algorithm = "product", lanes = 8, vectors = 2, rows = 4, packs = true, rowsOutside = false, isParallel = false>
      ins(%x, %w, %corner : tensor<4x12x12xf32>, tensor<8x4x3x3xf32>, tensor<8x10x10xf32>) outs(%empty : tensor<8x10x10xf32>) {
  ^bb0(%a: tensor<4x12x12xf32>, %b: tensor<8x4x3x3xf32>, %c: tensor<8x10x10xf32>, %out: tensor<8x10x10xf32>):
    %zero = arith.constant 0.0 : f32
    %between = ub.poison : tensor<8x10x10xf32>
    %init = linalg.fill ins(%zero : f32) outs(%between : tensor<8x10x10xf32>) -> tensor<8x10x10xf32>
    %p = linalg.generic {indexing_maps = [#x, #w, #r], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
        ins(%a, %b : tensor<4x12x12xf32>, tensor<8x4x3x3xf32>) outs(%init : tensor<8x10x10xf32>) {
    ^bb0(%p: f32, %q: f32, %s: f32):
      %m = arith.mulf %p, %q : f32
      %t = arith.addf %s, %m : f32
      linalg.yield %t : f32
    } -> tensor<8x10x10xf32>
    %r = linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%p, %c : tensor<8x10x10xf32>, tensor<8x10x10xf32>) outs(%out : tensor<8x10x10xf32>) {
    ^bb0(%p0: f32, %q: f32, %s: f32):
      %t = arith.addf %p0, %q : f32
      linalg.yield %t : f32
    } -> tensor<8x10x10xf32>
    nn.kernel_yield %r : tensor<8x10x10xf32>
  } -> tensor<8x10x10xf32>
  return %sum : tensor<8x10x10xf32>
}

// -----

// Minimal filtering reads channels side by side; every other channel of an image is no such image.
// CHECK-LABEL: func @every_other_channel(
// CHECK:         %[[VIEW:.*]] = memref.subview
// CHECK:         %[[COPY:.*]] = memref.alloc() : memref<1x8x8x16xf32>
// CHECK:         memref.copy %[[VIEW]], %[[COPY]]
// CHECK:         nn.kernel <algorithm = "winograd_input"{{.*}} ins(%[[COPY]], %{{.*}}, %{{.*}} :
func.func @every_other_channel(%x: tensor<1x8x8x32xf32>, %image: index, %row: index) -> tensor<36x2x4x8xf32> {
  %view = tensor.extract_slice %x[0, 0, 0, 0] [1, 8, 8, 16] [1, 1, 1, 2] : tensor<1x8x8x32xf32> to tensor<1x8x8x16xf32>
  %empty = tensor.empty() : tensor<36x2x4x8xf32>
  %tiles = nn.kernel <algorithm = "winograd_input", lanes = 8, vectors = 1, rows = 1, packs = false, rowsOutside = false, isParallel = false>
      ins(%view, %image, %row : tensor<1x8x8x16xf32>, index, index) outs(%empty : tensor<36x2x4x8xf32>) {
  ^bb0(%a: tensor<1x8x8x16xf32>, %n: index, %y: index, %out: tensor<36x2x4x8xf32>):
    %r = nn.winograd_input %a at [%n, %y] {tile = 4 : i64, top = 1 : i64, left = 1 : i64, rows = 2 : i64, columns = 2 : i64} : tensor<1x8x8x16xf32> -> tensor<36x2x4x8xf32>
    nn.kernel_yield %r : tensor<36x2x4x8xf32>
  } -> tensor<36x2x4x8xf32>
  return %tiles : tensor<36x2x4x8xf32>
}

// -----

// What a caller hands over is not written, though nothing reads it afterwards.
// CHECK-LABEL: func @scatters(
// CHECK-SAME:    %[[X:.*]]: memref<5xf32>,
// CHECK:         %[[COPY:.*]] = memref.alloc()
// CHECK:         memref.copy %[[X]], %[[COPY]]
// CHECK:         memref.store %{{.*}}, %[[COPY]]
func.func @scatters(%x: tensor<5xf32>, %value: f32, %at: index) -> tensor<5xf32> {
  %y = tensor.insert %value into %x[%at] : tensor<5xf32>
  return %y : tensor<5xf32>
}

// -----

// A result lies without gaps; a view whose strides only the run knows is copied, and not only called otherwise.
// CHECK-LABEL: func @returns_a_view(
// CHECK:         %[[VIEW:.*]] = memref.subview
// CHECK:         %[[COPY:.*]] = memref.alloc(%{{.*}}) : memref<2x?xf32>
// CHECK:         memref.copy %[[VIEW]], %[[COPY]]
// CHECK:         return %{{.*}} : memref<2x?xf32>
func.func @returns_a_view(%x: tensor<2x?xf32>, %n: index) -> tensor<2x?xf32> {
  %y = tensor.extract_slice %x[0, 0] [2, %n] [1, 1] : tensor<2x?xf32> to tensor<2x?xf32>
  return %y : tensor<2x?xf32>
}

// -----

// Channels come in fours of their own; in the middle of a larger image they are no lanes any more, and the packed operand is cut
// for no other tiles. So the result has a buffer of its own.
// CHECK-LABEL: func @into_a_padded_image(
// CHECK:         %[[OWN:.*]] = memref.alloc() : memref<3x4xf32>
// CHECK:         nn.kernel <algorithm = "product"{{.*}} outs(%[[OWN]] :
// CHECK:         memref.copy %[[OWN]], %{{.*}} : memref<3x4xf32> to memref<3x4xf32, strided<[12, 1], offset: 4>>
#image = affine_map<(o, x, c) -> (c, x)>
#weights = affine_map<(o, x, c) -> (o, c)>
#result = affine_map<(o, x, c) -> (o, x)>
func.func @into_a_padded_image(%x: tensor<16x4xf32>, %w: tensor<1x16x4xf32>, %zero: f32) -> tensor<3x3x4xf32> {
  %room = tensor.empty() : tensor<3x3x4xf32>
  %empty = tensor.empty() : tensor<3x4xf32>
  %sum = nn.kernel <algorithm = "product", lanes = 4, vectors = 1, rows = 1, packs = false, rowsOutside = false, isParallel = false>
      ins(%x, %w : tensor<16x4xf32>, tensor<1x16x4xf32>) outs(%empty : tensor<3x4xf32>) {
  ^bb0(%a: tensor<16x4xf32>, %b: tensor<1x16x4xf32>, %out: tensor<3x4xf32>):
    %cst = arith.constant 0.0 : f32
    %plain = ub.poison : tensor<3x16xf32>
    %unpacked = linalg.unpack %b outer_dims_perm = [0, 1] inner_dims_pos = [0] inner_tiles = [4] into %plain : tensor<1x16x4xf32> -> tensor<3x16xf32>
    %init = linalg.fill ins(%cst : f32) outs(%out : tensor<3x4xf32>) -> tensor<3x4xf32>
    %p = linalg.generic {indexing_maps = [#image, #weights, #result], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%a, %unpacked : tensor<16x4xf32>, tensor<3x16xf32>) outs(%init : tensor<3x4xf32>) {
    ^bb0(%p: f32, %q: f32, %s: f32):
      %m = arith.mulf %p, %q : f32
      %t = arith.addf %s, %m : f32
      linalg.yield %t : f32
    } -> tensor<3x4xf32>
    nn.kernel_yield %p : tensor<3x4xf32>
  } -> tensor<3x4xf32>
  %padded = tensor.insert_slice %sum into %room[0, 1, 0] [3, 1, 4] [1, 1, 1] : tensor<3x4xf32> into tensor<3x3x4xf32>
  return %padded : tensor<3x3x4xf32>
}
