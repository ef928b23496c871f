// RUN: burnish-opt %s --nn-use-winograd --canonicalize --split-input-file | FileCheck %s
// A block of rows of tiles at a time: tiles at the points, a product for each point, results through what follows them.

// CHECK-LABEL: func @blocks(
// CHECK-SAME:    %[[IMAGE:.*]]: tensor<1x112x112x64xf32>
// CHECK-DAG:     %[[WEIGHTS:.*]] = arith.constant dense_resource<winograd> : tensor<36x8x8x64xf32>
// CHECK:         scf.for %[[ROW:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[OUT:.*]] = %{{.*}})
// CHECK:           %[[TILES:.*]] = nn.kernel <algorithm = "winograd_input", lanes = 8, {{.*}} ins(%[[IMAGE]], %{{.*}}, %[[ROW]] :
// CHECK:             nn.winograd_input {{.*}} {columns = 28 : i64, left = 1 : i64, rows = [[ROWS:[0-9]+]] : i64, tile = 4 : i64, top = 1 : i64}
// CHECK:           %[[PRODUCTS:.*]] = linalg.generic {{.*}} ins(%[[TILES]], %[[WEIGHTS]] :
// CHECK:           nn.kernel <algorithm = "winograd_output", {{.*}} ins(%[[PRODUCTS]] :
// CHECK:             nn.winograd_output
// CHECK:             arith.maximumf
// CHECK:           tensor.insert_slice
#image = affine_map<(n, y, x, o, c, i, j) -> (n, y + i, x + j, c)>
#weights = affine_map<(n, y, x, o, c, i, j) -> (o, c, i, j)>
#result = affine_map<(n, y, x, o, c, i, j) -> (n, y, x, o)>
#all = affine_map<(n, y, x, o) -> (n, y, x, o)>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "haswell", features = "", pointerBits = 64, vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 0, cores = 2>} {
  func.func @blocks(%image: tensor<1x112x112x64xf32>) -> tensor<1x112x112x64xf32> {
    %weights = arith.constant dense<0.5> : tensor<64x64x3x3xf32>
    %zero = arith.constant 0.0 : f32
    %padded = tensor.pad %image low[0, 1, 1, 0] high[0, 1, 1, 0] {
    ^bb0(%n: index, %y: index, %x: index, %c: index):
      tensor.yield %zero : f32
    } : tensor<1x112x112x64xf32> to tensor<1x114x114x64xf32>
    %empty = tensor.empty() : tensor<1x112x112x64xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x112x112x64xf32>) -> tensor<1x112x112x64xf32>
    %sum = linalg.generic {indexing_maps = [#image, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
        ins(%padded, %weights : tensor<1x114x114x64xf32>, tensor<64x64x3x3xf32>) outs(%init : tensor<1x112x112x64xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<1x112x112x64xf32>
    %relu = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%sum : tensor<1x112x112x64xf32>) outs(%empty : tensor<1x112x112x64xf32>) {
    ^bb0(%a: f32, %b: f32):
      %m = arith.maximumf %a, %zero : f32
      linalg.yield %m : f32
    } -> tensor<1x112x112x64xf32>
    return %relu : tensor<1x112x112x64xf32>
  }
}

// -----

// Three channels give vectors nothing to do, and one row of places fills no tiles.
// CHECK-LABEL: func @few_channels(
// CHECK-NOT:     nn.kernel
// CHECK:         return
#image = affine_map<(n, y, x, o, c, i, j) -> (n, y + i, x + j, c)>
#weights = affine_map<(n, y, x, o, c, i, j) -> (o, c, i, j)>
#result = affine_map<(n, y, x, o, c, i, j) -> (n, y, x, o)>
func.func @few_channels(%image: tensor<1x34x34x3xf32>, %line: tensor<1x3x34x64xf32>) -> (tensor<1x32x32x64xf32>, tensor<1x1x32x64xf32>) {
  %few = arith.constant dense<0.5> : tensor<64x3x3x3xf32>
  %many = arith.constant dense<0.5> : tensor<64x64x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<1x32x32x64xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x32x32x64xf32>) -> tensor<1x32x32x64xf32>
  %first = linalg.generic {indexing_maps = [#image, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%image, %few : tensor<1x34x34x3xf32>, tensor<64x3x3x3xf32>) outs(%init : tensor<1x32x32x64xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<1x32x32x64xf32>
  %emptyLine = tensor.empty() : tensor<1x1x32x64xf32>
  %initLine = linalg.fill ins(%zero : f32) outs(%emptyLine : tensor<1x1x32x64xf32>) -> tensor<1x1x32x64xf32>
  %second = linalg.generic {indexing_maps = [#image, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%line, %many : tensor<1x3x34x64xf32>, tensor<64x64x3x3xf32>) outs(%initLine : tensor<1x1x32x64xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<1x1x32x64xf32>
  return %first, %second : tensor<1x32x32x64xf32>, tensor<1x1x32x64xf32>
}

// -----

// Weights that only the run knows are brought to the points once, before the blocks; those of a gradient are read from the
// last tap to the first, which the factors make up for.
// CHECK-LABEL: func @weights_of_run(
// CHECK-SAME:    %{{.*}}: tensor<1x112x112x64xf32>, %[[ARG:.*]]: tensor<64x64x3x3xf32>
// CHECK-DAG:     %[[FACTORS:.*]] = arith.constant dense<{{.*}}> : tensor<36x3x3xf32>
// CHECK:         %[[POINTS:.*]] = linalg.generic {{.*}} ins(%[[FACTORS]], %[[ARG]] : tensor<36x3x3xf32>, tensor<64x64x3x3xf32>)
// CHECK:         %[[WEIGHTS:.*]] = tensor.expand_shape %[[POINTS]] {{.*}} into tensor<36x8x8x64xf32>
// CHECK:         scf.for
// CHECK:           linalg.generic {{.*}} ins(%{{.*}}, %[[WEIGHTS]] :
#image = affine_map<(n, y, x, o, c, i, j) -> (n, y - i + 2, x - j + 2, c)>
#weights = affine_map<(n, y, x, o, c, i, j) -> (c, o, i, j)>
#result = affine_map<(n, y, x, o, c, i, j) -> (n, y, x, o)>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "haswell", features = "", pointerBits = 64, vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 0, cores = 2>} {
  func.func @weights_of_run(%image: tensor<1x112x112x64xf32>, %weights: tensor<64x64x3x3xf32>) -> tensor<1x112x112x64xf32> {
    %zero = arith.constant 0.0 : f32
    %padded = tensor.pad %image low[0, 1, 1, 0] high[0, 1, 1, 0] {
    ^bb0(%n: index, %y: index, %x: index, %c: index):
      tensor.yield %zero : f32
    } : tensor<1x112x112x64xf32> to tensor<1x114x114x64xf32>
    %empty = tensor.empty() : tensor<1x112x112x64xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x112x112x64xf32>) -> tensor<1x112x112x64xf32>
    %sum = linalg.generic {indexing_maps = [#image, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
        ins(%padded, %weights : tensor<1x114x114x64xf32>, tensor<64x64x3x3xf32>) outs(%init : tensor<1x112x112x64xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<1x112x112x64xf32>
    return %sum : tensor<1x112x112x64xf32>
  }
}

// -----

// The run says how many images there are; of 110 rows the last block has what is left.
// CHECK-LABEL: func @images_of_run(
// CHECK-SAME:    %[[IMAGE:.*]]: tensor<?x110x112x64xf32>
// CHECK:         %[[COUNT:.*]] = tensor.dim %[[IMAGE]], %{{.*}}
// CHECK:         scf.for %[[N:.*]] = %{{.*}} to %[[COUNT]]
// CHECK:           scf.for %[[ROW:.*]] = %{{.*}} to %[[WHOLE:[a-z0-9_]+]] step
// CHECK:             nn.kernel <algorithm = "winograd_input", {{.*}} ins(%[[IMAGE]], %[[N]], %[[ROW]] :
// CHECK:           nn.kernel <algorithm = "winograd_input", {{.*}} ins(%[[IMAGE]], %[[N]], %[[WHOLE]] :
// CHECK:           nn.kernel <algorithm = "winograd_output", {{.*}} ins(
// CHECK-SAME:        tensor<1x2x112x64xf32>
#image = affine_map<(n, y, x, o, c, i, j) -> (n, y + i, x + j, c)>
#weights = affine_map<(n, y, x, o, c, i, j) -> (o, c, i, j)>
#result = affine_map<(n, y, x, o, c, i, j) -> (n, y, x, o)>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "haswell", features = "", pointerBits = 64, vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 0, cores = 2>} {
  func.func @images_of_run(%image: tensor<?x110x112x64xf32>) -> tensor<?x110x112x64xf32> {
    %c0 = arith.constant 0 : index
    %weights = arith.constant dense<0.5> : tensor<64x64x3x3xf32>
    %zero = arith.constant 0.0 : f32
    %images = tensor.dim %image, %c0 : tensor<?x110x112x64xf32>
    %padded = tensor.pad %image low[0, 1, 1, 0] high[0, 1, 1, 0] {
    ^bb0(%n: index, %y: index, %x: index, %c: index):
      tensor.yield %zero : f32
    } : tensor<?x110x112x64xf32> to tensor<?x112x114x64xf32>
    %empty = tensor.empty(%images) : tensor<?x110x112x64xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x110x112x64xf32>) -> tensor<?x110x112x64xf32>
    %sum = linalg.generic {indexing_maps = [#image, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
        ins(%padded, %weights : tensor<?x112x114x64xf32>, tensor<64x64x3x3xf32>) outs(%init : tensor<?x110x112x64xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<?x110x112x64xf32>
    return %sum : tensor<?x110x112x64xf32>
  }
}

// -----

// The gradient by the weights: tiles of the image and of the results' gradient at the points, a sum over tiles for each, and taps
// from these with constant factors. Blocks of images are summed up by themselves.
// CHECK-LABEL: func @by_weights(
// CHECK-SAME:    %[[IMAGE:.*]]: tensor<32x32x32x64xf32>, %[[DY:.*]]: tensor<32x32x32x64xf32>
// CHECK-DAG:     %[[FACTORS:.*]] = arith.constant dense<{{.*}}> : tensor<36x3x3xf32>
// CHECK:         %[[SUMS:.*]] = scf.for %[[BLOCK:.*]] = %{{.*}} iter_args
// CHECK:           nn.kernel <algorithm = "winograd_input", {{.*}} ins(%[[IMAGE]],
// CHECK:             nn.winograd_input {{.*}} {columns = 8 : i64, left = 1 : i64, rows = 8 : i64, tile = 4 : i64, top = 1 : i64}
// CHECK:           nn.kernel <algorithm = "winograd_input", {{.*}} ins(%[[DY]],
// CHECK:             nn.winograd_input {{.*}} {columns = 8 : i64, isGradient, left = 0 : i64, rows = 8 : i64, tile = 4 : i64, top = 0 : i64}
// CHECK:           linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel", "reduction"]
// CHECK:           tensor.insert_slice
// CHECK:         linalg.generic {{.*}} ins(%[[FACTORS]], %[[SUMS]] :
#image = affine_map<(i, j, c, o, n, y, x) -> (n, y + i, x + j, c)>
#dy = affine_map<(i, j, c, o, n, y, x) -> (n, y, x, o)>
#taps = affine_map<(i, j, c, o, n, y, x) -> (i, j, c, o)>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "haswell", features = "", pointerBits = 64, vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 0, cores = 2>} {
  func.func @by_weights(%image: tensor<32x32x32x64xf32>, %dy: tensor<32x32x32x64xf32>) -> tensor<3x3x64x64xf32> {
    %zero = arith.constant 0.0 : f32
    %padded = tensor.pad %image low[0, 1, 1, 0] high[0, 1, 1, 0] {
    ^bb0(%n: index, %y: index, %x: index, %c: index):
      tensor.yield %zero : f32
    } : tensor<32x32x32x64xf32> to tensor<32x34x34x64xf32>
    %empty = tensor.empty() : tensor<3x3x64x64xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<3x3x64x64xf32>) -> tensor<3x3x64x64xf32>
    %sums = linalg.generic {indexing_maps = [#image, #dy, #taps], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
        ins(%padded, %dy : tensor<32x34x34x64xf32>, tensor<32x32x32x64xf32>) outs(%init : tensor<3x3x64x64xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<3x3x64x64xf32>
    return %sums : tensor<3x3x64x64xf32>
  }
}

// -----

// Where the run says how large images are, a block is so many tiles, of whatever rows and images; what whole blocks leave
// is done seven tiles at a time. Results go among all of them.
// CHECK-LABEL: func @extents_of_run(
// CHECK-SAME:    %[[IMAGE:[a-z0-9]+]]: tensor<?x?x?x64xf32>
// CHECK:         scf.for %[[TILE:.*]] = %{{.*}} to %[[WHOLE:.*]] step %{{.*}} iter_args(%[[OUT:.*]] = %{{.*}})
// CHECK:           nn.kernel <algorithm = "winograd_input", {{.*}} ins(%[[IMAGE]], %{{.*}}, %[[TILE]], %{{.*}}, %{{.*}}, %{{.*}}, %[[ROWS:.*]], %[[COLUMNS:[0-9a-z_]+]] :
// CHECK:           linalg.generic {{.*}} outs(%{{.*}} : tensor<36x[[TILES:[0-9]+]]x64xf32>)
// CHECK:           nn.kernel <algorithm = "winograd_output", {{.*}} ins(%{{.*}}, %[[TILE]], %[[ROWS]], %[[COLUMNS]] : {{.*}} outs(%[[OUT]] : tensor<?x?x?x64xf32>)
// CHECK:         scf.for %{{.*}} = %[[WHOLE]] to
// CHECK:           linalg.generic {{.*}} outs(%{{.*}} : tensor<36x7x64xf32>)
#image = affine_map<(n, y, x, o, c, i, j) -> (n, y + i, x + j, c)>
#weights = affine_map<(n, y, x, o, c, i, j) -> (o, c, i, j)>
#result = affine_map<(n, y, x, o, c, i, j) -> (n, y, x, o)>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "haswell", features = "", pointerBits = 64, vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 0, cores = 2>} {
  func.func @extents_of_run(%image: tensor<?x?x?x64xf32>) -> tensor<?x?x?x64xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %weights = arith.constant dense<0.5> : tensor<64x64x3x3xf32>
    %zero = arith.constant 0.0 : f32
    %images = tensor.dim %image, %c0 : tensor<?x?x?x64xf32>
    %rows = tensor.dim %image, %c1 : tensor<?x?x?x64xf32>
    %columns = tensor.dim %image, %c2 : tensor<?x?x?x64xf32>
    %padded = tensor.pad %image low[0, 1, 1, 0] high[0, 1, 1, 0] {
    ^bb0(%n: index, %y: index, %x: index, %c: index):
      tensor.yield %zero : f32
    } : tensor<?x?x?x64xf32> to tensor<?x?x?x64xf32>
    %empty = tensor.empty(%images, %rows, %columns) : tensor<?x?x?x64xf32>
    %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x?x?x64xf32>) -> tensor<?x?x?x64xf32>
    %sum = linalg.generic {indexing_maps = [#image, #weights, #result], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
        ins(%padded, %weights : tensor<?x?x?x64xf32>, tensor<64x64x3x3xf32>) outs(%init : tensor<?x?x?x64xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %c, %p : f32
      linalg.yield %s : f32
    } -> tensor<?x?x?x64xf32>
    return %sum : tensor<?x?x?x64xf32>
  }
}
