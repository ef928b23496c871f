// Passes.td - every pass of the compiler: what it does and what must hold before.
#ifndef BURNISH_PASSES_TD
#define BURNISH_PASSES_TD

include "mlir/Pass/PassBase.td"

//===- graph: nn to nn ----------------------------------------------------===//

def InferShapes : Pass<"nn-infer-shapes", "::mlir::ModuleOp"> {
  let summary = "refine result types by what is known of the operands";
}

def SumRowsFirst : Pass<"nn-sum-rows-first", "::mlir::ModuleOp"> {
  let summary = "sums and means over rows of a product are products of the sums";
  let description = [{
    sum(x w + b) is sum(x) w + n b where nothing else needs the product: a mean over the places of a sequence behind a
    linear layer then takes one row of products in place of all, and so do its gradients. Through sums with what is
    added, and through masks of whole rows. Sizes are known.
  }];
  let dependentDialects = ["::burnish::nn::NNDialect"];
}

def Differentiate : Pass<"nn-differentiate", "::mlir::ModuleOp"> {
  let summary = "a network becomes one that gives a loss and its gradients";
  let description = [{
    The results are the output `loss`, which must be one float, and its gradient by each value of `wrt`: inputs, and
    constants with an `nn.param`, by name. Bodies of If and Scan are computed again for their gradients; the states that
    iterations of a Scan began with are stacked. Of operators with `nn.recompute` (a DenseI64ArrayAttr, the calls around
    them, outermost first) results are computed again where the gradient needs them.
  }];
  let dependentDialects = ["::burnish::nn::NNDialect"];
  let options = [
    Option<"loss", "loss", "std::string", "", "the output that gradients are taken of">,
    Option<"choices", "recompute", "int64_t", "-1", "how many of the marks of ChooseRecomputed.cpp to set (-1: say nothing of them)">,
    ListOption<"wrt", "wrt", "std::string", "inputs and parameters, or patterns with * (default: all inputs of floats)">
  ];
}

def PutStepsFirst : Pass<"nn-put-steps-first", "::mlir::func::FuncOp"> {
  let summary = "scans through the second axis of all they read and stack go through the first, which lies in one piece";
  let description = [{
    What a scan reads is made in that order where it is a product's rows, else transposed; what it stacks is transposed, and such
    transposes meet.
  }];
  let dependentDialects = ["::burnish::nn::NNDialect"];
}

def TakeGradients : Pass<"nn-take-gradients", "::mlir::ModuleOp"> {
  let summary = "gradients that a network computes itself are operators like others";
  let description = [{
    In the place of each nn.gradient_at come the operators of its gradients. At other values than those that the network has
    for its variables, what depends on them is computed again; so is what has `nn.recompute`.
  }];
  let dependentDialects = ["::burnish::nn::NNDialect"];
  let options = [
    Option<"choices", "recompute", "int64_t", "-1", "how many of the marks of ChooseRecomputed.cpp to set (-1: say nothing of them)">
  ];
}

def CutTaps : Pass<"nn-cut-taps", "::mlir::ModuleOp"> {
  let summary = "taps of convolutions that meet nothing but padding are cut off";
  let description = [{
    Of an image of known size, taps that are far apart may lie in its border wherever the window is: the 3x3 taps 36 elements apart of
    DeepLab, on images of 33x33, are one.
  }];
  let dependentDialects = ["::burnish::nn::NNDialect"];
}

def FoldBatchNorm : Pass<"nn-fold-batch-norm", "::mlir::ModuleOp"> {
  let summary = "batch normalisation, sums and products with constants become part of the convolution before them";
  let description = [{
    The constants have one number for each channel. The new weights are operators on constants, which nn-fold-constants
    evaluates. Weights that several convolutions share stay shared. Convolutions of one image that are added become one
    where the windows of one have all taps of the other's: branches that a network is trained with.
  }];
  let dependentDialects = ["::burnish::nn::NNDialect"];
}

def MultiplyQuantized : Pass<"nn-multiply-quantized", "::mlir::ModuleOp"> {
  let summary = "products of dequantized numbers are taken as those of their integers of 8 bits";
  let description = [{
    Of convolutions and matrix products whose right operand is constant. The left integers are without sign and the right
    ones have one, as dot products of machines want them; zero points and scales are applied to the sums, and so is the
    scale of a quantization that follows. Its results differ by one step at most from what floats give, which are
    rounded more often.
  }];
  let dependentDialects = ["::burnish::nn::NNDialect"];
}

def FoldConstants : Pass<"nn-fold-constants", "::mlir::ModuleOp"> {
  let summary = "compute what depends on constants only";
  let description = [{
    Lists of sizes that the shape rules know become constants. Other orders and shapes, sums, products and conversions are
    computed at once; the rest is compiled at level 0 and run in this process, all of it in one piece, until nothing is
    left; shapes are refined on the way.
  }];
  let dependentDialects = ["::burnish::nn::NNDialect"];
}

//===- loops: nn to linalg ------------------------------------------------===//

def LowerToLinalg : Pass<"nn-lower-to-linalg", "::mlir::ModuleOp"> {
  let summary = "every operator in linalg on tensors of storage types; the signature is recorded on the module";
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
                           "::mlir::cf::ControlFlowDialect", "::mlir::complex::ComplexDialect", "::mlir::linalg::LinalgDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def FoldConstantViews : Pass<"nn-fold-constant-views", "::mlir::func::FuncOp"> {
  let summary = "slices and reshapes of constants become constants over the same memory";
  let description = [{
    Only where elements lie side by side, and where a constant is used in no other way, so that none is stored twice.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def CutLoops : Pass<"nn-cut-loops", "::mlir::func::FuncOp"> {
  let summary = "sums of which only the beginning is read are computed no further";
  let description = [{
    The gradient by the weights of a convolution with strides is a convolution with more results than there are taps: 16 of 4x4
    for 9 taps of 3x3, and 4 for one of 1x1.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def SplitSums : Pass<"nn-split-sums", "::mlir::func::FuncOp"> {
  let summary = "sums that start from a tensor become sums from zero and an elementwise sum";
  let description = [{
    A kernel's sums start from a number; the elementwise sum is then what is done with a kernel's results.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def FuseElementwise : Pass<"nn-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "compute elementwise results where they are used, unless that computes them more often";
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect"];
}

def ChooseLayouts : Pass<"nn-choose-layouts", "::mlir::func::FuncOp"> {
  let summary = "choose the order in which the axes of tensors lie in memory, over the whole function";
  let description = [{
    The axes along which constant weights give a product's results lie innermost: output channels of convolutions. What
    follows keeps that order, so that elements are moved where the model begins and ends, or not at all.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def ScaleWeights : Pass<"nn-scale-weights", "::mlir::func::FuncOp"> {
  let summary = "factors of an image's channels are multiplied into the constant weights of a product, if these are fewer";
  let description = [{
    Squeeze and excitation scales whole images, which would be one more pass over each. The channels must lie innermost, as
    nn-choose-layouts leaves them.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def NarrowContractions : Pass<"nn-narrow-contractions", "::mlir::ModuleOp"> {
  let summary = "matrix products and convolutions of f32 take their operands in bf16, and add up in f32";
  let description = [{
    Constants are rounded now, other operands where they arise. Where the target has an instruction that takes pairs of
    bf16, both operands are bf16; elsewhere constants are, and other operands are f32 that bf16 has too. Sums of an odd
    number of steps, short ones, and convolutions that nn-use-winograd takes stay as they are.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def UseWinograd : Pass<"nn-use-winograd", "::mlir::ModuleOp"> {
  let summary = "convolutions with 3x3 taps, and their gradients by these, by minimal filtering, where the target gains";
  let description = [{
    A block of tiles at a time: tiles to points, a product for each point, results with the elementwise operation that
    follows. The channels must lie innermost, as nn-choose-layouts leaves them.
  }];
  let dependentDialects = ["::burnish::nn::NNDialect", "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def OrderLoops : Pass<"nn-order-loops", "::mlir::func::FuncOp"> {
  let summary = "move the loop along which results lie in memory innermost, in reductions that no schedule took";
}

//===- kernels: groups of loops --------------------------------------------===//

def GroupKernels : Pass<"nn-group-kernels", "::mlir::ModuleOp"> {
  let summary = "group loops into kernels, each with a schedule for the module's target";
  let description = [{
    A reduction goes with the elementwise operation that alone uses its result, or, when it reduces the last axis, with
    all that is made of its result row by row. Two products with such passes between them are one kernel, of which rows that
    something else needs afterwards are results, too. Constant operands of products are packed.
    What no schedule is for stays as it is.
  }];
  let dependentDialects = ["::burnish::nn::NNDialect", "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect", "::mlir::ub::UBDialect"];
}

def CascadeKernels : Pass<"nn-cascade-kernels", "::mlir::func::FuncOp"> {
  let summary = "products before and after windows go with them line by line, where the tensors between are large";
  let description = [{
    The kernel's region has the kernels of which each line is made; only the lines that a window reads are kept.
  }];
  let dependentDialects = ["::burnish::nn::NNDialect", "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect", "::mlir::ub::UBDialect"];
}

def JoinKernels : Pass<"nn-join-kernels", "::mlir::func::FuncOp"> {
  let summary = "passes over the same elements that read each other's results, or the same operands, become one";
  let description = [{
    The kernel has a result for each that others want. Where these are joined along an axis, it writes them there.
  }];
  let dependentDialects = ["::burnish::nn::NNDialect", "::mlir::tensor::TensorDialect", "::mlir::ub::UBDialect"];
}

def ApproximateFunctions : Pass<"nn-approximate-functions", "::mlir::ModuleOp"> {
  let summary = "functions of f32 and f64 vectors, exp to mish, as polynomials; scalars, and what is not among them, stay with libm";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def EmitKernels : Pass<"nn-emit-kernels", "::mlir::ModuleOp"> {
  let summary = "make functions of kernels on buffers, as their schedules say; equal kernels share one";
  let description = [{
    A function takes the kernel's buffers and the first and last task of those that it shall do. It has `nn.parallel` when
    threads may share the tasks.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect"];
  let options = [Option<"hasLengths", "lengths", "bool", "false", "give buffers their true lengths, for nn-check-bounds">];
}

def ShareKernels : Pass<"nn-share-kernels", "::mlir::ModuleOp"> {
  let summary = "functions of kernels that differ in numbers only become one, which takes these";
  let description = [{
    The scales of quantized layers are numbers in their kernels; a transformer's twelve layers have one function then
    instead of twelve. The numbers are passed before the first and last task.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect"];
}

//===- memory: tensors to one workspace -----------------------------------===//

def UpdateInPlace : Pass<"nn-update-in-place", "::mlir::func::FuncOp"> {
  let summary = "results with `nn.updates` are written into the arguments that they take the place of";
  let description = [{
    Each is done as soon as it can be. What writes an argument is moved behind what reads its old contents; where that cannot
    be, bufferisation copies.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect"];
}

def GrowInPlace : Pass<"nn-grow-in-place", "::mlir::ModuleOp"> {
  let summary = "states that grow get what a step adds where they lie";
  let description = [{
    The model's function takes the buffer of each such state (nn::Port::grows) as one argument more, as long as it can become, of
    which the state is a slice, and gives it back behind its results; in place of the state it gives the new length. What a step
    adds is inserted, and whoever reads the state that came or the new one reads a slice. A state that is made in another way than by
    joining is inserted as a whole.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect", "::mlir::tensor::TensorDialect"];
}

def WriteInPlace : Pass<"nn-write-in-place", "::mlir::func::FuncOp"> {
  let summary = "paddings are borders around a slice, and what is joined has its place before its parts are computed";
  let description = [{
    Bufferisation then lets kernels write into the slice, and nothing is copied.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def Bufferize : Pass<"nn-bufferize", "::mlir::ModuleOp"> {
  let summary = "tensors become buffers; the regions of kernels keep theirs";
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect", "::mlir::memref::MemRefDialect"];
}

def CarryInStacks : Pass<"nn-carry-in-stacks", "::mlir::func::FuncOp"> {
  let summary = "states that a loop stacks are carried in the stack";
  let description = [{
    The stack of the states that iterations of a loop begin with, as a gradient wants them, gets one row more: an iteration
    reads the state in its own row and leaves the next one in the next row, so that neither is copied. A stack of the states
    that iterations end with is the same one, without its first row. Before nn-carry-in-place, and for sizes that are known.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def CarryInPlace : Pass<"nn-carry-in-place", "::mlir::func::FuncOp"> {
  let summary = "give every loop-carried buffer of static size one place";
  let description = [{
    After bufferisation a loop may yield another buffer than it was given. Since static buffers get fixed places in the
    workspace, what a loop yields is copied to where the next iteration reads it.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def PlaceResults : Pass<"nn-place-results", "::mlir::ModuleOp"> {
  let summary = "results of the model become arguments that it writes, if their sizes are static or follow from the inputs'";
  let description = [{
    Leaves a private function from the dims of inputs that only run time knows to those of such results, which its
    attribute `nn.placed` names.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect",
                           "::mlir::cf::ControlFlowDialect", "::mlir::func::FuncDialect"];
}

def PlaceConstants : Pass<"nn-place-constants", "::mlir::ModuleOp"> {
  let summary = "constants get offsets in the weights, which become an argument";
  let description = [{
    Leaves `nn.weights` on the module, elements and byte offset in turn, and `nn.weights_bytes`. Equal constants share
    their place.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect"];
}

def PlanWorkspace : Pass<"nn-plan-workspace", "::mlir::ModuleOp"> {
  let summary = "static buffers get offsets in one workspace, which becomes an argument";
  let description = [{
    Two buffers share memory when no operation at the top of the function needs both. Leaves `nn.workspace_bytes` on
    the module, and `nn.workspace_widest`: the most bytes that one operation needs at once, below which no plan can go.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect"];
}

def PlanSizes : Pass<"nn-plan-sizes", "::mlir::ModuleOp"> {
  let summary = "buffers whose sizes follow from the inputs' get places in the workspace, too";
  let description = [{
    Offsets are computed where the function begins. Which buffer lies above which is decided once, as if dims were 64 or the
    greatest that bounds allow. Leaves a private function from the dims of the inputs that only run time knows to the
    bytes of a workspace (-1: there are no such addresses), and `nn.planned`; `nn.workspace_bytes` becomes the most that bounds
    allow, or 0.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::cf::ControlFlowDialect", "::mlir::func::FuncDialect"];
}

def AllocateInContext : Pass<"nn-allocate-in-context", "::mlir::ModuleOp"> {
  let summary = "buffers whose size only run time knows come from the context's allocator";
  let description = [{
    The context becomes the first argument of the model. Leaves `nn.allocates` on the module when there is any such
    buffer.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::cf::ControlFlowDialect", "::mlir::func::FuncDialect"];
}

//===- llvm: the way out --------------------------------------------------===//

def TimeKernels : Pass<"nn-time-kernels", "::mlir::ModuleOp"> {
  let summary = "take the time around kernels and whatever other loops move elements";
  let description = [{
    What stands in loops with kernels is timed by itself, other loops as wholes. The times go to a table in the module, with
    names, places in the source and what `nn.work` and linalg tell of operations and bytes; a program prints it (`runtime/profile.cpp`).
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect"];
}

def OutlineMoves : Pass<"nn-outline-moves", "::mlir::ModuleOp"> {
  let summary = "fills, copies and other loops without a schedule that are of one form become calls of one function where there are many, since LLVM's time grows with the square of the loops of a function";
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::memref::MemRefDialect", "::mlir::LLVM::LLVMDialect"];
}

def CopyInLoops : Pass<"nn-copy-in-loops", "::mlir::func::FuncOp"> {
  let summary = "copies between buffers that are not contiguous become loops, since compiled code has no library to call; long ones of short rows, and such fills, are not unrolled";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::LLVM::LLVMDialect"];
}

def VectorizeGathers : Pass<"nn-vectorize-gathers", "::mlir::ModuleOp"> {
  let summary = "loops that take elements of buffers at computed places run along contiguous lanes in vectors, and compute places outside of these";
  let description = [{
    Kernels know places that are linear in their loops only. Where the place along the lanes is the loop's own, and those along other
    axes stay as they are (resizing, borders that repeat), elements side by side are taken side by side.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def AnnotateLoops : Pass<"nn-annotate-loops", "::mlir::ModuleOp"> {
  let summary = "what was said about a loop becomes LLVM's metadata";
}

def CheckBounds : Pass<"nn-check-bounds", "::mlir::ModuleOp"> {
  let summary = "stop the program where it would read or write outside a buffer";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect", "::mlir::LLVM::LLVMDialect"];
}

def ExpandShapes : Pass<"nn-expand-shapes", "::mlir::func::FuncOp"> {
  let summary = "shapes of buffers with several run-time sizes in place of one become plain descriptors";
  let description = [{
    Upstream's lowering of memref.expand_shape works the one unknown size of a group out from the others, and knows no
    group with two.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect"];
}

def ReturnStatus : Pass<"nn-return-status", "::mlir::ModuleOp"> {
  let summary = "the model returns a status first; what does not hold at run time returns early";
  let description = [{
    Of shapes that do not fit together, the run leaves in the context which these were: what the assertion says, where it
    comes from, and the sizes that it compares.
  }];
  let dependentDialects = ["::mlir::cf::ControlFlowDialect", "::mlir::arith::ArithDialect", "::mlir::ub::UBDialect", "::mlir::LLVM::LLVMDialect"];
}

def ConvertVectors : Pass<"nn-convert-vectors", "::mlir::ModuleOp"> {
  let summary = "vectors of one dim to the LLVM dialect, with indices of the target's width";
  let description = "The pass convert-vector-to-llvm takes every index for one of 64 bits.";
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
  let options = [Option<"indexBits", "index-bits", "unsigned", "64", "bits of an index on the target">];
}

def ExpandHalf : Pass<"nn-expand-half"> {
  let summary = "f16 to and from f32 in integers";
  let description = [{
    Where a CPU has no instruction for it, LLVM calls functions of the compiler's own library, which objects cannot count
    on. Nothing but conversions may be left to do in f16.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def RunParallel : Pass<"nn-run-parallel", "::mlir::ModuleOp"> {
  let summary = "calls of functions with nn.parallel go through the context's parallel_for";
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def DescribeTraining : Pass<"nn-describe-training", "::mlir::ModuleOp"> {
  let summary = "a module's `nn.training` becomes a constant burnish_training";
  let description = [{
    The attribute has a struct's fields in order (an array), pointers to several of something (a dictionary with
    `elements`), and addresses of the models that the training is made of, which other modules define.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
  let options = [
    Option<"isProgram", "is-program", "bool", "false", "define burnish_program_training, which a program's main runs">
  ];
}

def EntryPoint : Pass<"nn-entry-point", "::mlir::ModuleOp"> {
  let summary = "the functions and data of burnish.h around the model, in the LLVM dialect";
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
  let options = [
    Option<"weightsInFile", "weights-in-file", "bool", "false", "the context brings the weights">,
    Option<"isProgram", "program", "bool", "false", "define burnish_program_model, which a program's main refers to">
  ];
}

#endif
