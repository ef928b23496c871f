// EntryPoint.cpp - the functions of burnish.h around the model.
#include "ir/Types.h"
#include "passes/Context.h"
#include "passes/Passes.h"
#include "passes/llvm/EntryResults.h"
#include "passes/llvm/ModelData.h"
#include "passes/memory/EntrySizes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_ENTRYPOINT
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {

/// Builds what surrounds one model.
class EntryBuilder {
public:
  EntryBuilder(ModuleOp module, LLVM::LLVMFuncOp main, bool weightsInFile)
      : module(module), main(main), signature(nn::Signature::recorded(module)),
        code(module), b(code.b), weightsInFile(weightsInFile) {
    weightsBytes =
        module->getAttrOfType<IntegerAttr>(nn::kWeightsBytesAttr).getInt();
    workspaceBytes =
        module->getAttrOfType<IntegerAttr>(nn::kWorkspaceAttr).getInt();
    allocates = module->hasAttr(nn::kAllocatesAttr);
    makesStrings = module->hasAttr(nn::kMakesStringsAttr);
    plan = entryFunction(kWorkspacePlan);
    resultSizes = entryFunction(kResultSizes);
    if (resultSizes) {
      auto numbers = resultSizes->getAttrOfType<DenseI64ArrayAttr>(kPlacedAttr);
      placed.insert(numbers.asArrayRef().begin(), numbers.asArrayRef().end());
    }
  }

  void build(bool isProgram) {
    main.setSymName(signature.name + "_main");
    main.setLinkage(LLVM::Linkage::Internal);
    if (weightsBytes > 0 && !weightsInFile)
      declareWeights();
    LLVM::LLVMFuncOp run = buildRun();
    if (signature.isStatic() && !allocates)
      buildTypedRun();
    LLVM::LLVMFuncOp workspaceSize;
    // Of several CPUs' code, each has these where dims are not known.
    if (!signature.entryDims().empty()) {
      buildTypedWorkspaceSize();
      workspaceSize = buildWorkspaceSize();
    }
    defineModel(
        module, signature,
        {.run = run.getSymName(),
         .workspaceSize =
             workspaceSize ? workspaceSize.getSymName() : StringRef(),
         .workspaceBytes = plan && workspaceBytes == 0 ? -1 : workspaceBytes,
         .weightsFileBytes = weightsInFile ? weightsBytes : 0,
         .allocates = allocates,
         .makesStrings = makesStrings,
         .isProgram = isProgram});
  }

private:
  //===- Weights ----------------------------------------------------------===//

  void declareWeights() {
    auto type = LLVM::LLVMArrayType::get(b.getI8Type(), weightsBytes);
    auto weights = LLVM::GlobalOp::create(
        b, type, /*isConstant=*/true, LLVM::Linkage::External,
        signature.name + "_weights", Attribute(), /*alignment=*/64);
    weights.setVisibility_(LLVM::Visibility::Hidden);
  }

  /// The base of the weights for a run with `context`; null when there are
  /// none.
  Value weightsBase(Value context) {
    if (weightsBytes == 0)
      return code.null();
    return weightsInFile ? loadSlot(b, context, ContextSlot::Weights)
                         : code.addressOf(signature.name + "_weights");
  }

  //===- Sizes that follow from the inputs' -------------------------------===//

  LLVM::LLVMFuncOp entryFunction(StringRef suffix) {
    auto found =
        module.lookupSymbol<LLVM::LLVMFuncOp>((signature.name + suffix).str());
    if (found)
      found.setLinkage(LLVM::Linkage::Internal);
    return found;
  }

  /// The dims of inputs that only run time knows, as indices.
  SmallVector<Value> dimsOfInputs(Value inputs) {
    SmallVector<Value> dims;
    for (auto [position, port] : llvm::enumerate(signature.inputs))
      // A string has one size more inside.
      for (auto [dim, size] :
           llvm::zip_first(port.dims, code.sizesOf(port, inputs, position)))
        if (ShapedType::isDynamic(dim))
          dims.push_back(size);
    return dims;
  }

  /// Bytes of a workspace, an i64 (-1: a shape does not fit).
  Value plannedBytes(ArrayRef<Value> dims) {
    return plan ? LLVM::CallOp::create(b, plan, dims).getResult()
                : code.constant(code.i64, workspaceBytes);
  }

  /// i64 NAME_workspace_of(inputs), which burnish_model's `workspace_size`
  /// points to.
  LLVM::LLVMFuncOp buildWorkspaceSize() {
    LLVM::LLVMFuncOp made =
        code.function(signature.name + "_workspace_of", {code.pointer},
                      LLVM::Linkage::Internal, code.i64);
    LLVM::ReturnOp::create(b, plannedBytes(dimsOfInputs(made.getArgument(0))));
    return made;
  }

  /// i64 NAME_workspace_size(dims...), each name once.
  void buildTypedWorkspaceSize() {
    LLVM::LLVMFuncOp made = code.function(
        signature.name + "_workspace_size",
        SmallVector<Type>(signature.dimParameters().size(), code.i64),
        LLVM::Linkage::External, code.i64);
    SmallVector<Value> dims;
    for (const nn::EntryDim &dim : signature.entryDims())
      dims.push_back(code.asIndex(made.getArgument(dim.parameter)));
    LLVM::ReturnOp::create(b, plannedBytes(dims));
  }

  /// The sizes of the results that are placed, one after the other.
  SmallVector<Value> sizesOfResults(ArrayRef<Value> dims) {
    auto call = LLVM::CallOp::create(b, resultSizes, dims);
    if (call.getNumResults() == 0)
      return {};
    auto all = dyn_cast<LLVM::LLVMStructType>(call.getResult().getType());
    if (!all)
      return {call.getResult()};
    SmallVector<Value> sizes;
    for (int64_t field = 0, count = all.getBody().size(); field < count;
         ++field)
      sizes.push_back(code.extract(call.getResult(), {field}));
    return sizes;
  }

  //===- Calling the model ------------------------------------------------===//

  /// What a run hands to the model, and what it knows of the results before.
  struct Call {
    Value context, inputs, outputs, workspace;
    SmallVector<Value> arguments;
    /// By the number of the output: the sizes of one that is placed, and where
    /// the length of one that grows goes.
    llvm::DenseMap<int64_t, SmallVector<Value>> sizesOfPlaced;
    llvm::DenseMap<int64_t, Value> lengths;
  };

  /// Calls the model and returns its results: a status, or a struct of it and
  /// descriptors.
  Value callMain(SmallVectorImpl<Value> &arguments, Value weights,
                 Value workspace, Value bytes) {
    code.appendDescriptor(arguments, weights,
                          {code.constant(code.index, weightsBytes)});
    code.appendDescriptor(arguments, workspace, {bytes});
    return LLVM::CallOp::create(b, main, arguments).getResult();
  }

  void passInputs(Call &call) {
    call.arguments.push_back(call.context);
    for (auto [position, port] : llvm::enumerate(signature.inputs)) {
      Value data = code.data(call.inputs, position);
      code.appendDescriptor(call.arguments, data,
                            code.sizesOf(port, call.inputs, position));
    }
    for (const nn::Port &port : signature.outputs)
      if (port.grows >= 0) {
        SmallVector<Value> room =
            code.sizesOf(signature.inputs[port.feeds], call.inputs, port.feeds);
        room[port.grows] =
            code.constant(code.index, signature.roomOf(port)[port.grows]);
        code.appendDescriptor(call.arguments,
                              code.data(call.inputs, port.feeds), room);
      }
  }

  /// Passes a result that is placed: takes its sizes off the front of `sizes`.
  void passPlaced(Call &call, int64_t position, const nn::Port &port,
                  ArrayRef<Value> &sizes) {
    SmallVector<Value> &own = call.sizesOfPlaced[position];
    for (int64_t dim : port.dims) {
      own.push_back(ShapedType::isDynamic(dim)
                        ? sizes.front()
                        : code.constant(code.index, dim));
      if (ShapedType::isDynamic(dim))
        sizes = sizes.drop_front();
    }
    Value data =
        makeRoom(code, call.context, call.outputs, position, port, own);
    SmallVector<Value> inside(own);
    if (nn::isString(port.elementType))
      inside.push_back(code.constant(code.index, 2));
    code.appendDescriptor(call.arguments, data, inside);
  }

  /// Passes where results go whose sizes are known before: all but those that
  /// the model allocates.
  void passOutputs(Call &call, ArrayRef<Value> sizes) {
    for (auto [position, port] : llvm::enumerate(signature.outputs)) {
      if (port.grows >= 0) {
        Value length = LLVM::AllocaOp::create(b, code.pointer, code.i64,
                                              code.constant(code.i32, 1));
        call.lengths[position] = length;
        code.appendDescriptor(call.arguments, length, {});
      } else if (placed.contains(position)) {
        passPlaced(call, position, port, sizes);
      } else if (port.isStatic()) {
        code.appendDescriptor(call.arguments, code.data(call.outputs, position),
                              code.sizesOf(port, call.outputs, position));
      }
    }
  }

  /// Tells the caller the sizes of all results, and hands him those that the
  /// model has allocated. Returns the status of the run.
  Value handOver(Call &call, Value results, Value status) {
    int64_t next = 1;
    for (auto [position, port] : llvm::enumerate(signature.outputs)) {
      SmallVector<Value> sizes;
      if (placed.contains(position)) {
        for (Value size : call.sizesOfPlaced[position])
          sizes.push_back(code.asI64(size));
      } else if (port.grows >= 0) {
        for (Value size : code.sizesOf(signature.inputs[port.feeds],
                                       call.inputs, port.feeds))
          sizes.push_back(code.asI64(size));
        sizes[port.grows] =
            LLVM::LoadOp::create(b, code.i64, call.lengths[position]);
      } else if (port.isStatic()) {
        sizes = code.staticSizes(port);
      } else {
        Value given = giveResult(code, call.context, call.outputs, position,
                                 port, code.extract(results, {next++}), sizes);
        status = LLVM::SelectOp::create(b, code.isZero(status), given, status);
      }
      if (sizes.empty())
        continue;
      Value dims = code.dims(call.outputs, position);
      for (auto [axis, size] : llvm::enumerate(sizes))
        LLVM::StoreOp::create(b, size, code.dimAddress(dims, axis));
    }
    return status;
  }

  /// i32 NAME_entry(context, inputs, outputs, workspace), which burnish_model's
  /// `run` points to.
  LLVM::LLVMFuncOp buildRun() {
    LLVM::LLVMFuncOp entry =
        code.function(signature.name + "_entry",
                      {code.pointer, code.pointer, code.pointer, code.pointer},
                      LLVM::Linkage::Internal);
    Call call;
    call.context = entry.getArgument(0);
    call.inputs = entry.getArgument(1);
    call.outputs = entry.getArgument(2);
    call.workspace = entry.getArgument(3);
    if (allocates)
      code.returnUnless(code.hasAllocator(call.context),
                        EntryCode::kNoAllocator);
    passInputs(call);
    SmallVector<Value> dims, sizes;
    if (plan || resultSizes)
      dims = dimsOfInputs(call.inputs);
    Value bytes = plannedBytes(dims);
    if (plan)
      code.returnUnless(LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::sge, bytes,
                                             code.constant(code.i64, 0)),
                        EntryCode::kBadShape);
    if (resultSizes)
      sizes = sizesOfResults(dims);
    passOutputs(call, sizes);
    Value results = callMain(call.arguments, weightsBase(call.context),
                             call.workspace, code.asIndex(bytes));
    Value status =
        results.getType() == code.i32 ? results : code.extract(results, {0});
    code.returnUnless(code.isZero(status), status);
    LLVM::ReturnOp::create(b, handOver(call, results, status));
    return entry;
  }

  /// i32 NAME_run(context, inputs..., outputs..., workspace) of a model whose
  /// sizes are all known.
  void buildTypedRun() {
    // A state that a step changes where it is has one pointer.
    auto isOwn = [](const nn::Port &port) {
      return port.feeds < 0 || port.updates < 0;
    };
    size_t pointers = 1 + signature.inputs.size() +
                      llvm::count_if(signature.outputs, isOwn) + 1;
    LLVM::LLVMFuncOp run = code.function(
        signature.name + "_run", SmallVector<Type>(pointers, code.pointer),
        LLVM::Linkage::External);
    Value context = run.getArgument(0);
    SmallVector<Value> arguments{context};
    size_t next = 1;
    for (const std::vector<nn::Port> *ports :
         {&signature.inputs, &signature.outputs})
      for (const nn::Port &port : *ports)
        code.appendDescriptor(arguments,
                              isOwn(port) ? run.getArgument(next++)
                                          : run.getArgument(1 + port.updates),
                              code.sizesOf(port, Value(), 0));
    LLVM::ReturnOp::create(
        b, callMain(arguments, weightsBase(context), run.getArgument(next),
                    code.constant(code.index, workspaceBytes)));
  }

  ModuleOp module;
  LLVM::LLVMFuncOp main, plan, resultSizes;
  /// The outputs whose sizes follow from those of the inputs.
  llvm::SmallDenseSet<int64_t> placed;
  nn::Signature signature;
  EntryCode code;
  ImplicitLocOpBuilder &b;
  bool weightsInFile, allocates, makesStrings;
  int64_t weightsBytes, workspaceBytes;
};

struct EntryPoint : burnish::impl::EntryPointBase<EntryPoint> {
  using EntryPointBase::EntryPointBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    std::string name = nn::Signature::recorded(module).name;
    auto main = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
    if (!main) {
      module.emitError() << "the model's function '" << name
                         << "' is not in the LLVM dialect";
      return signalPassFailure();
    }
    EntryBuilder(module, main, weightsInFile).build(isProgram);
  }
};
} // namespace
