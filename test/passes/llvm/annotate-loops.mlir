// RUN: burnish-opt %s --nn-annotate-loops | FileCheck %s
#once = #llvm.loop_annotation<unroll = <disable = true>>

// A branch has as its own what was carried to it.
// CHECK-LABEL: llvm.func @loop(
// CHECK:         llvm.br ^{{.*}} {loop_annotation = #loop_annotation}
llvm.func @loop() {
  llvm.br ^bb1
^bb1:
  llvm.br ^bb1 {llvm.loop_annotation = #once}
}
