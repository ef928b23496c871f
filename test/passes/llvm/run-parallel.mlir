// RUN: burnish-opt %s --nn-run-parallel | FileCheck %s
// A call whose tasks threads may share goes through the context's parallel_for; without one it does all tasks itself.

// CHECK-LABEL: llvm.func @net(
// CHECK-SAME:    %[[CONTEXT:.*]]: !llvm.ptr, %[[A:.*]]: !llvm.ptr
// CHECK:         %[[CLOSURE:.*]] = llvm.alloca
// CHECK:         llvm.store %[[A]],
// CHECK:         %[[TASKS:.*]] = llvm.mlir.addressof @shared_tasks
// CHECK:         llvm.call @share_tasks(%[[CONTEXT]], %[[TASKS]], %[[CLOSURE]], %{{.*}})
// CHECK:         llvm.call @alone(
// CHECK-LABEL: llvm.func internal @shared_tasks(
// CHECK-SAME:    %[[PLACE:.*]]: !llvm.ptr, %[[BEGIN:.*]]: i64, %[[END:.*]]: i64
// CHECK-SAME:    attributes {no_inline}
// CHECK:         %[[LOADED:.*]] = llvm.load
// CHECK:         llvm.call @shared(%[[LOADED]], %[[BEGIN]], %[[END]])
// CHECK-LABEL: llvm.func internal @share_tasks(
module attributes {nn.signature = {inputs = [], name = "net", outputs = []}} {
  llvm.func @net(%context: !llvm.ptr, %a: !llvm.ptr) {
    %0 = llvm.mlir.constant(0 : i64) : i64
    %9 = llvm.mlir.constant(9 : i64) : i64
    llvm.call @shared(%a, %0, %9) : (!llvm.ptr, i64, i64) -> ()
    llvm.call @alone(%a, %0, %9) : (!llvm.ptr, i64, i64) -> ()
    llvm.return
  }
  llvm.func @shared(%a: !llvm.ptr, %begin: i64, %end: i64) attributes {nn.parallel} {
    llvm.store %begin, %a : i64, !llvm.ptr
    llvm.return
  }
  llvm.func @alone(%a: !llvm.ptr, %begin: i64, %end: i64) {
    llvm.return
  }
}
