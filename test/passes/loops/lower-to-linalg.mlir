// RUN: burnish-opt %s --split-input-file --nn-lower-to-linalg --canonicalize --cse | FileCheck %s

// Booleans are bytes in memory, and the signature keeps what the function loses.
// CHECK:       nn.signature = {inputs = [{dim_names = [""], name = "x", type = tensor<3xf32>}
// CHECK-SAME:  outputs = [{dim_names = [""], name = "y", type = tensor<3xi1>}
// CHECK-LABEL: func.func @booleans(
// CHECK-SAME:    -> tensor<3xi8>
// CHECK:         %[[LESS:.*]] = arith.cmpf olt
// CHECK:         arith.extui %[[LESS]] : i1 to i8
func.func @booleans(%x: tensor<3xf32> {nn.name = "x"}) -> (tensor<3xi1> {nn.name = "y"}) {
  %y = nn.less %x, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  return %y : tensor<3xi1>
}

// -----

// A dim of 1 is read at 0; no broadcast is written out.
// CHECK:       #[[ROW:.*]] = affine_map<(d0, d1) -> (0, d1)>
// CHECK-LABEL: func.func @broadcasts(
// CHECK-NOT:     tensor.generate
// CHECK:         linalg.generic {indexing_maps = [#{{.*}}, #[[ROW]], #{{.*}}]
func.func @broadcasts(%x: tensor<2x3xf32>, %y: tensor<1x3xf32>) -> tensor<2x3xf32> {
  %0 = nn.mul %x, %y : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// Two sizes that only run time knows: each must be 1 or the other, which the run checks.
// CHECK-LABEL: func.func @checks_at_run_time(
// CHECK:         cf.assert %{{.*}}, "1:operands do not broadcast along axis {{[01]}}"
func.func @checks_at_run_time(%x: tensor<?xf32> {nn.dims = ["n"]}, %y: tensor<?xf32> {nn.dims = ["m"]}) -> tensor<?xf32> {
  %0 = nn.add %x, %y : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// Of one name, there is nothing to check.
// CHECK-LABEL: func.func @one_symbol(
// CHECK-NOT:     cf.assert
// CHECK:         return
func.func @one_symbol(%x: tensor<?xf32> {nn.dims = ["n"]}, %y: tensor<?xf32> {nn.dims = ["n"]}) -> tensor<?xf32> {
  %0 = nn.add %x, %y : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// Where an operand has no elements, nothing is cut out of it to be repeated.
// CHECK-LABEL: func.func @multiplies_nothing(
// CHECK-NOT:     tensor.extract_slice
// CHECK:         return
func.func @multiplies_nothing(%a: tensor<?x?x8x11xf32>, %b: tensor<2x0x11x3xf32>) -> tensor<2x0x8x3xf32> {
  %0 = nn.matmul %a, %b : (tensor<?x?x8x11xf32>, tensor<2x0x11x3xf32>) -> tensor<2x0x8x3xf32>
  return %0 : tensor<2x0x8x3xf32>
}
