// RUN: burnish-opt %s --split-input-file --nn-plan-workspace --nn-plan-sizes | FileCheck %s

// Buffers whose sizes follow from an input's lie behind those of known size; what is not needed at the same time shares memory. A
// function tells the bytes of a workspace for dims; with bounds the module has the most.
// CHECK:       module attributes {nn.planned
// CHECK-SAME:  nn.workspace_bytes = 1344 : i64
// CHECK-LABEL: func.func @follows(
// CHECK-SAME:    %[[X:[^:]*]]: memref<?xf32>, %[[WORKSPACE:[^:]*]]: memref<?xi8>)
// CHECK:         %[[N:.*]] = memref.dim %[[X]], %{{.*}}
// CHECK-NOT:     memref.alloc
// CHECK:         cf.assert %{{.*}}, "1:a size is negative"
// CHECK:         memref.view %[[WORKSPACE]][%[[START:.*]]][%{{.*}}] : memref<?xi8> to memref<?xf32>
// CHECK:         memref.view %[[WORKSPACE]][%[[START]]][%{{.*}}] : memref<?xi8> to memref<?x2xf32>
// CHECK-NOT:     memref.view %[[WORKSPACE]][%[[START]]]
// CHECK:         memref.view %[[WORKSPACE]][%{{.*}}][%{{.*}}] : memref<?xi8> to memref<?xf32>
// CHECK-LABEL: func.func private @follows_workspace_plan(%{{.*}}: index) -> i64
// CHECK:         llvm.call @multiply_sizes
// CHECK:         arith.select
module attributes {nn.signature = {inputs = [{bounds = array<i64: 1, 100>, dim_names = ["N"], name = "x", type = tensor<?xf32>}], name = "follows", outputs = []}} {
  func.func private @use(memref<?xf32>)
  func.func private @use2(memref<?x2xf32>)
  func.func private @known(memref<16xf32>)
  func.func @follows(%x: memref<?xf32>) {
    %c0 = arith.constant 0 : index
    %s = memref.alloc() : memref<16xf32>
    call @known(%s) : (memref<16xf32>) -> ()
    %n = memref.dim %x, %c0 : memref<?xf32>
    %a = memref.alloc(%n) : memref<?xf32>
    %b = memref.alloc(%n) : memref<?x2xf32>
    call @use(%a) : (memref<?xf32>) -> ()
    call @use2(%b) : (memref<?x2xf32>) -> ()
    %c = memref.alloc(%n) : memref<?xf32>
    call @use(%c) : (memref<?xf32>) -> ()
    call @use2(%b) : (memref<?x2xf32>) -> ()
    return
  }
}

// -----

// A size that data decides stays an allocation.
// CHECK-NOT:   nn.planned
// CHECK-LABEL: func.func @data(
// CHECK:         memref.alloc(%{{.*}}) : memref<?xf32>
module attributes {nn.signature = {inputs = [{dim_names = ["N"], name = "x", type = tensor<?xindex>}], name = "data", outputs = []}} {
  func.func private @use(memref<?xf32>)
  func.func @data(%x: memref<?xindex>) {
    %c0 = arith.constant 0 : index
    %n = memref.load %x[%c0] : memref<?xindex>
    %a = memref.alloc(%n) : memref<?xf32>
    call @use(%a) : (memref<?xf32>) -> ()
    return
  }
}
