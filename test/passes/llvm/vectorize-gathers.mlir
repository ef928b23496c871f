// RUN: burnish-opt %s --split-input-file --nn-vectorize-gathers | FileCheck %s

// Places are computed once for all lanes; what no vector fills is taken in halves of it.
// CHECK-LABEL: func.func @rows(
// CHECK-SAME:    %[[X:.*]]: memref<5x22xf32>, %[[PLACES:.*]]: memref<7xi64>, %[[SCALES:.*]]: memref<7xf32>, %[[Y:.*]]: memref<7x22xf32>)
// CHECK:         scf.for %[[ROW:.*]] =
// CHECK-DAG:       %[[PLACE:.*]] = memref.load %[[PLACES]][%[[ROW]]]
// CHECK-DAG:       %[[SCALE:.*]] = memref.load %[[SCALES]][%[[ROW]]]
// CHECK-DAG:       %[[FROM:.*]] = arith.index_cast %[[PLACE]]
// CHECK:           scf.for %[[LANE:.*]] =
// CHECK-NEXT:        %[[ELEMENTS:.*]] = vector.load %[[X]][%[[FROM]], %[[LANE]]] : memref<5x22xf32>, vector<16xf32>
// CHECK:             %[[RESULT:.*]] = arith.mulf %{{.*}}, %[[ELEMENTS]] : vector<16xf32>
// CHECK:             vector.store %[[RESULT]], %[[Y]][%[[ROW]], %[[LANE]]]
// CHECK:             vector.load {{.*}} vector<8xf32>
// CHECK:             vector.load {{.*}} vector<4xf32>
// CHECK:             vector.load {{.*}} vector<2xf32>
// CHECK-NOT:         memref.load
#target = #nn.target<triple = "x86_64-pc-linux-gnu", cpu = "x86-64-v4", features = "+avx512f", pointerBits = 64, vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 33554432, cores = 2>
module attributes {nn.target = #target} {
func.func @rows(%x: memref<5x22xf32>, %places: memref<7xi64>, %scales: memref<7xf32>, %y: memref<7x22xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%places, %scales : memref<7xi64>, memref<7xf32>) outs(%y : memref<7x22xf32>) {
  ^bb0(%place: i64, %scale: f32, %o: f32):
    %j = linalg.index 1 : index
    %from = arith.index_cast %place : i64 to index
    %e = memref.load %x[%from, %j] : memref<5x22xf32>
    %r = arith.mulf %scale, %e : f32
    linalg.yield %r : f32
  }
  return
}
}

// -----

// Elements at other places along the last axis do not lie side by side.
// CHECK-LABEL: func.func @columns(
// CHECK:         linalg.generic
// CHECK-NOT:     vector.load
func.func @columns(%x: memref<5x22xf32>, %places: memref<37xi64>, %y: memref<5x37xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%places : memref<37xi64>) outs(%y : memref<5x37xf32>) {
  ^bb0(%place: i64, %o: f32):
    %i = linalg.index 0 : index
    %from = arith.index_cast %place : i64 to index
    %e = memref.load %x[%i, %from] : memref<5x22xf32>
    linalg.yield %e : f32
  }
  return
}

// -----

// A loop that all lanes go through alike carries vectors; what is the same for all lanes stays a scalar.
// CHECK-LABEL: func.func @regions(
// CHECK:         scf.for
// CHECK:           %[[COUNT:.*]] = arith.index_cast
// CHECK:           scf.for %[[LANE:.*]] =
// CHECK:             scf.for %[[SAMPLE:[a-z0-9]+]] = %{{.*}} to %[[COUNT]] step %{{.*}} iter_args(%{{.*}} = %{{.*}}) -> (vector<16xf32>)
// CHECK:               memref.load %{{.*}}[%[[SAMPLE]]]
// CHECK:               vector.load %{{.*}}[%{{.*}}, %[[LANE]]] : memref<9x32xf32>, vector<16xf32>
// CHECK:             vector.store
#wide = #nn.target<triple = "x86_64-pc-linux-gnu", cpu = "x86-64-v4", features = "+avx512f", pointerBits = 64, vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 1048576, l3Bytes = 33554432, cores = 2>
module attributes {nn.target = #wide} {
func.func @regions(%x: memref<9x32xf32>, %counts: memref<7xi64>, %rows: memref<9xi64>, %y: memref<7x32xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%counts : memref<7xi64>) outs(%y : memref<7x32xf32>) {
  ^bb0(%given: i64, %o: f32):
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %j = linalg.index 1 : index
    %count = arith.index_cast %given : i64 to index
    %sum = scf.for %s = %c0 to %count step %c1 iter_args(%so = %zero) -> (f32) {
      %row = memref.load %rows[%s] : memref<9xi64>
      %at = arith.index_cast %row : i64 to index
      %e = memref.load %x[%at, %j] : memref<9x32xf32>
      %next = arith.addf %so, %e : f32
      scf.yield %next : f32
    }
    linalg.yield %sum : f32
  }
  return
}
}
