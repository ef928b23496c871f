// What the passes hand to codegen for y = x * w + b with x of 2x3 elements: w is a tensor of the weights section, b one
// number of it at offset 64.
module attributes {
  nn.signature = {
    inputs = [{dim_names = ["", ""], name = "x", type = tensor<2x3xf32>}],
    name = "scale",
    outputs = [{dim_names = ["", ""], name = "y", type = tensor<2x3xf32>}]
  },
  nn.weights = [dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]> : tensor<6xf32>, 0, dense<0.5> : tensor<4xf32>, 64],
  nn.weights_bytes = 80 : i64,
  nn.workspace_bytes = 128 : i64
} {
  llvm.mlir.global external constant @scale_weights() {addr_space = 0 : i32, alignment = 64 : i64} : !llvm.array<80 x i8>

  llvm.func internal @helper(%x: !llvm.ptr, %y: !llvm.ptr, %i: i64) {
    %weights = llvm.mlir.addressof @scale_weights : !llvm.ptr
    %w.address = llvm.getelementptr %weights[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %b.address = llvm.getelementptr %weights[16] : (!llvm.ptr) -> !llvm.ptr, f32
    %x.address = llvm.getelementptr %x[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %y.address = llvm.getelementptr %y[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %x.i = llvm.load %x.address : !llvm.ptr -> f32
    %w.i = llvm.load %w.address : !llvm.ptr -> f32
    %b = llvm.load %b.address : !llvm.ptr -> f32
    %product = llvm.fmul %x.i, %w.i : f32
    %sum = llvm.fadd %product, %b : f32
    llvm.store %sum, %y.address : f32, !llvm.ptr
    llvm.return
  }

  llvm.func @scale_run(%context: !llvm.ptr, %x: !llvm.ptr, %y: !llvm.ptr, %workspace: !llvm.ptr) -> i32 {
    %zero = llvm.mlir.constant(0 : i64) : i64
    %one = llvm.mlir.constant(1 : i64) : i64
    %six = llvm.mlir.constant(6 : i64) : i64
    llvm.br ^head(%zero : i64)
  ^head(%i: i64):
    %more = llvm.icmp "slt" %i, %six : i64
    llvm.cond_br %more, ^body, ^done
  ^body:
    llvm.call @helper(%x, %y, %i) : (!llvm.ptr, !llvm.ptr, i64) -> ()
    %next = llvm.add %i, %one : i64
    llvm.br ^head(%next : i64)
  ^done:
    %ok = llvm.mlir.constant(0 : i32) : i32
    llvm.return %ok : i32
  }

  llvm.func internal @scale_entry(%context: !llvm.ptr, %inputs: !llvm.ptr, %outputs: !llvm.ptr, %workspace: !llvm.ptr) -> i32 {
    %x = llvm.load %inputs : !llvm.ptr -> !llvm.ptr
    %y = llvm.load %outputs : !llvm.ptr -> !llvm.ptr
    %status = llvm.call @scale_run(%context, %x, %y, %workspace) : (!llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
    llvm.return %status : i32
  }

  llvm.mlir.global internal constant @scale_name("scale\00")
  llvm.mlir.global internal constant @x_name("x\00")
  llvm.mlir.global internal constant @y_name("y\00")
  llvm.mlir.global internal constant @dims(dense<[2, 3]> : tensor<2xi64>) : !llvm.array<2 x i64>
  llvm.mlir.global internal constant @x_info() : !llvm.struct<(ptr, ptr, ptr, i32, i32)> {
    %undef = llvm.mlir.undef : !llvm.struct<(ptr, ptr, ptr, i32, i32)>
    %name = llvm.mlir.addressof @x_name : !llvm.ptr
    %dims = llvm.mlir.addressof @dims : !llvm.ptr
    %null = llvm.mlir.zero : !llvm.ptr
    %rank = llvm.mlir.constant(2 : i32) : i32
    %type = llvm.mlir.constant(1 : i32) : i32
    %0 = llvm.insertvalue %name, %undef[0] : !llvm.struct<(ptr, ptr, ptr, i32, i32)>
    %1 = llvm.insertvalue %dims, %0[1] : !llvm.struct<(ptr, ptr, ptr, i32, i32)>
    %2 = llvm.insertvalue %null, %1[2] : !llvm.struct<(ptr, ptr, ptr, i32, i32)>
    %3 = llvm.insertvalue %rank, %2[3] : !llvm.struct<(ptr, ptr, ptr, i32, i32)>
    %4 = llvm.insertvalue %type, %3[4] : !llvm.struct<(ptr, ptr, ptr, i32, i32)>
    llvm.return %4 : !llvm.struct<(ptr, ptr, ptr, i32, i32)>
  }
  llvm.mlir.global external constant @scale() : !llvm.struct<(ptr, ptr, ptr, i32, i32, i64, i64, i32, ptr, i64)> {
    %undef = llvm.mlir.undef : !llvm.struct<(ptr, ptr, ptr, i32, i32, i64, i64, i32, ptr, i64)>
    %name = llvm.mlir.addressof @scale_name : !llvm.ptr
    %info = llvm.mlir.addressof @x_info : !llvm.ptr
    %run = llvm.mlir.addressof @scale_entry : !llvm.ptr
    %one = llvm.mlir.constant(1 : i32) : i32
    %none = llvm.mlir.constant(0 : i32) : i32
    %no.bytes = llvm.mlir.constant(0 : i64) : i64
    %workspace = llvm.mlir.constant(128 : i64) : i64
    %0 = llvm.insertvalue %name, %undef[0] : !llvm.struct<(ptr, ptr, ptr, i32, i32, i64, i64, i32, ptr, i64)>
    %1 = llvm.insertvalue %info, %0[1] : !llvm.struct<(ptr, ptr, ptr, i32, i32, i64, i64, i32, ptr, i64)>
    %2 = llvm.insertvalue %info, %1[2] : !llvm.struct<(ptr, ptr, ptr, i32, i32, i64, i64, i32, ptr, i64)>
    %3 = llvm.insertvalue %one, %2[3] : !llvm.struct<(ptr, ptr, ptr, i32, i32, i64, i64, i32, ptr, i64)>
    %4 = llvm.insertvalue %one, %3[4] : !llvm.struct<(ptr, ptr, ptr, i32, i32, i64, i64, i32, ptr, i64)>
    %5 = llvm.insertvalue %workspace, %4[5] : !llvm.struct<(ptr, ptr, ptr, i32, i32, i64, i64, i32, ptr, i64)>
    %6 = llvm.insertvalue %no.bytes, %5[6] : !llvm.struct<(ptr, ptr, ptr, i32, i32, i64, i64, i32, ptr, i64)>
    %7 = llvm.insertvalue %none, %6[7] : !llvm.struct<(ptr, ptr, ptr, i32, i32, i64, i64, i32, ptr, i64)>
    %8 = llvm.insertvalue %run, %7[8] : !llvm.struct<(ptr, ptr, ptr, i32, i32, i64, i64, i32, ptr, i64)>
    %9 = llvm.insertvalue %no.bytes, %8[9] : !llvm.struct<(ptr, ptr, ptr, i32, i32, i64, i64, i32, ptr, i64)>
    llvm.return %9 : !llvm.struct<(ptr, ptr, ptr, i32, i32, i64, i64, i32, ptr, i64)>
  }
}
