// RUN: burnish-opt %s --nn-bufferize --split-input-file | FileCheck %s

// A barrier is the buffer of its operand; what is computed behind it is computed again, into a buffer of its own.
// CHECK-LABEL: func @again(
// CHECK-SAME:    %[[X:.*]]: memref<5xf32>, %[[DY:.*]]: memref<5xf32>)
// CHECK-NOT:     nn.barrier
// CHECK:         %[[A:.*]] = memref.alloc()
// CHECK:         linalg.exp ins(%[[X]] : {{.*}}) outs(%[[A]] : 
// CHECK-NOT:     nn.barrier
// CHECK:         %[[B:.*]] = memref.alloc()
// CHECK:         linalg.exp ins(%[[X]] : {{.*}}) outs(%[[B]] : 
// CHECK:         return %[[A]], %[[B]]
func.func @again(%x: tensor<5xf32>, %dy: tensor<5xf32>) -> (tensor<5xf32>, tensor<5xf32>) {
  %empty = tensor.empty() : tensor<5xf32>
  %a = linalg.exp ins(%x : tensor<5xf32>) outs(%empty : tensor<5xf32>) -> tensor<5xf32>
  %held = nn.barrier %x, %dy : (tensor<5xf32>, tensor<5xf32>) -> tensor<5xf32>
  %b = linalg.exp ins(%held : tensor<5xf32>) outs(%empty : tensor<5xf32>) -> tensor<5xf32>
  return %a, %b : tensor<5xf32>, tensor<5xf32>
}

// -----

// One after another, several would fill one buffer, which would be taken all the time; each has its own. One that is given
// another shape is no different.
// CHECK-LABEL: func @rooms(
// CHECK:         %[[A:.*]] = memref.alloc() {{.*}} : memref<6xf32>
// CHECK:         linalg.exp {{.*}} outs(%[[A]] :
// CHECK:         linalg.reduce
// CHECK:         %[[B:.*]] = memref.alloc() {{.*}} : memref<6xf32>
// CHECK:         linalg.log {{.*}} outs(%[[B]] :
func.func @rooms(%x: tensor<6xf32>, %f: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %empty = tensor.empty() : tensor<6xf32>
  %a = linalg.exp ins(%x : tensor<6xf32>) outs(%empty : tensor<6xf32>) -> tensor<6xf32>
  %s = linalg.reduce {arith.addf} ins(%a : tensor<6xf32>) outs(%f : tensor<f32>) dimensions = [0]
  %b = linalg.log ins(%x : tensor<6xf32>) outs(%empty : tensor<6xf32>) -> tensor<6xf32>
  %t = linalg.reduce {arith.addf} ins(%b : tensor<6xf32>) outs(%f : tensor<f32>) dimensions = [0]
  return %s, %t : tensor<f32>, tensor<f32>
}
