// EntryPoint.cpp - the functions of burnish.h around the model.
#include "ir/Signature.h"
#include "ir/Storage.h"
#include "ir/Types.h"
#include "passes/Context.h"
#include "passes/Passes.h"
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
        b(module.getLoc(), OpBuilder::atBlockEnd(module.getBody())),
        pointer(LLVM::LLVMPointerType::get(module.getContext())),
        i32(b.getI32Type()), i64(b.getI64Type()),
        index(b.getIntegerType(pointerBits(module))),
        tensor(structOf({pointer, pointer, i64})),
        weightsInFile(weightsInFile) {
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
  LLVM::LLVMStructType structOf(ArrayRef<Type> fields) {
    return LLVM::LLVMStructType::getLiteral(b.getContext(), fields);
  }
  Value constant(Type type, int64_t value) {
    return LLVM::ConstantOp::create(b, type, b.getIntegerAttr(type, value));
  }
  Value null() { return LLVM::ZeroOp::create(b, pointer); }
  Value addressOf(StringRef symbol) {
    return LLVM::AddressOfOp::create(b, pointer, symbol);
  }

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
      return null();
    return weightsInFile ? loadSlot(b, context, ContextSlot::Weights)
                         : addressOf(signature.name + "_weights");
  }

  //===- Calling the model ------------------------------------------------===//

  /// Appends a memref descriptor over `data`, whose sizes are `sizes`, as the
  /// model's function takes it.
  void appendDescriptor(SmallVectorImpl<Value> &arguments, Value data,
                        ArrayRef<Value> sizes) {
    arguments.append({data, data, constant(index, 0)});
    arguments.append(sizes.begin(), sizes.end());
    SmallVector<Value> strides(sizes.size());
    Value stride = constant(index, 1);
    for (size_t axis = sizes.size(); axis-- > 0;) {
      strides[axis] = stride;
      if (axis > 0)
        stride = LLVM::MulOp::create(b, stride, sizes[axis]);
    }
    arguments.append(strides);
  }

  /// A field of element `position` of an array of burnish_tensor.
  Value tensorField(Value tensors, int32_t position, int32_t field) {
    return LLVM::GEPOp::create(b, pointer, tensor, tensors,
                               ArrayRef<LLVM::GEPArg>{position, field});
  }
  Value dimAddress(Value dims, int32_t axis) {
    return LLVM::GEPOp::create(b, pointer, i64, dims,
                               ArrayRef<LLVM::GEPArg>{axis});
  }

  SmallVector<Value> sizesOf(const nn::Port &port, Value tensors,
                             int32_t position) {
    Value dims;
    SmallVector<Value> sizes;
    for (auto [axis, dim] : llvm::enumerate(port.dims)) {
      if (!ShapedType::isDynamic(dim)) {
        sizes.push_back(constant(index, dim));
        continue;
      }
      if (!dims)
        dims =
            LLVM::LoadOp::create(b, pointer, tensorField(tensors, position, 1));
      Value size = LLVM::LoadOp::create(b, i64, dimAddress(dims, axis));
      sizes.push_back(
          index == i64 ? size : Value(LLVM::TruncOp::create(b, index, size)));
    }
    // Inside, a string at the edge is two numbers.
    if (nn::isString(port.elementType))
      sizes.push_back(constant(index, 2));
    return sizes;
  }

  /// Calls the model and returns its results: a status, or a struct of it and
  /// descriptors.
  Value callMain(SmallVectorImpl<Value> &arguments, Value weights,
                 Value workspace, Value bytes) {
    appendDescriptor(arguments, weights, {constant(index, weightsBytes)});
    appendDescriptor(arguments, workspace, {bytes});
    return LLVM::CallOp::create(b, main, arguments).getResult();
  }

  LLVM::LLVMFuncOp function(StringRef name, ArrayRef<Type> arguments,
                            LLVM::Linkage linkage, Type result = {}) {
    b.setInsertionPointToEnd(module.getBody());
    auto made = LLVM::LLVMFuncOp::create(
        b, name, LLVM::LLVMFunctionType::get(result ? result : i32, arguments),
        linkage);
    b.setInsertionPointToStart(made.addEntryBlock(b));
    return made;
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
           llvm::zip_first(port.dims, sizesOf(port, inputs, position)))
        if (ShapedType::isDynamic(dim))
          dims.push_back(size);
    return dims;
  }

  /// Bytes of a workspace, an i64 (-1: a shape does not fit).
  Value plannedBytes(ArrayRef<Value> dims) {
    return plan ? LLVM::CallOp::create(b, plan, dims).getResult()
                : constant(i64, workspaceBytes);
  }

  /// i64 NAME_workspace_of(inputs), which burnish_model's `workspace_size`
  /// points to.
  LLVM::LLVMFuncOp buildWorkspaceSize() {
    LLVM::LLVMFuncOp made = function(signature.name + "_workspace_of",
                                     {pointer}, LLVM::Linkage::Internal, i64);
    LLVM::ReturnOp::create(b, plannedBytes(dimsOfInputs(made.getArgument(0))));
    return made;
  }

  /// i64 NAME_workspace_size(dims...), each name once.
  void buildTypedWorkspaceSize() {
    LLVM::LLVMFuncOp made =
        function(signature.name + "_workspace_size",
                 SmallVector<Type>(signature.dimParameters().size(), i64),
                 LLVM::Linkage::External, i64);
    SmallVector<Value> dims;
    for (const nn::EntryDim &dim : signature.entryDims()) {
      Value size = made.getArgument(dim.parameter);
      dims.push_back(
          index == i64 ? size : Value(LLVM::TruncOp::create(b, index, size)));
    }
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
      sizes.push_back(LLVM::ExtractValueOp::create(b, call.getResult(),
                                                   ArrayRef<int64_t>{field}));
    return sizes;
  }

  /// Makes room for a result whose dims these are, unless the caller has, and
  /// returns where it is.
  Value roomFor(Value context, Value outputs, int32_t position,
                const nn::Port &port, ArrayRef<Value> sizes) {
    Value bytes = constant(i64, nn::elementBytes(port.elementType));
    for (Value size : sizes) {
      Value wide =
          index == i64 ? size : Value(LLVM::SExtOp::create(b, i64, size));
      bytes = LLVM::CallOp::create(b, multiplyFunction(module),
                                   ValueRange{bytes, wide})
                  .getResult();
    }
    b.setInsertionPointToEnd(b.getInsertionBlock());
    Value status =
        LLVM::CallOp::create(
            b, roomFunction(),
            ValueRange{context, tensorField(outputs, position, 0), bytes})
            .getResult();
    returnUnless(LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, status,
                                      constant(i32, 0)),
                 status);
    return LLVM::LoadOp::create(b, pointer, tensorField(outputs, position, 0));
  }

  /// i32 room(context, output, bytes).
  LLVM::LLVMFuncOp roomFunction() {
    if (auto room = module.lookupSymbol<LLVM::LLVMFuncOp>("make_room"))
      return room;
    OpBuilder::InsertionGuard guard(b);
    LLVM::LLVMFuncOp allocate = allocateFunction(module);
    LLVM::LLVMFuncOp room =
        function("make_room", {pointer, pointer, i64}, LLVM::Linkage::Internal);
    Value context = room.getArgument(0), output = room.getArgument(1),
          bytes = room.getArgument(2);
    auto compare = [&](LLVM::ICmpPredicate predicate, Value left, Value right) {
      return LLVM::ICmpOp::create(b, predicate, left, right);
    };
    returnUnless(compare(LLVM::ICmpPredicate::sge, bytes, constant(i64, 0)),
                 kBadShape);
    Block *given = b.createBlock(&room.getBody()),
          *missing = b.createBlock(&room.getBody());
    b.setInsertionPointToEnd(given->getPrevNode());
    Value buffer = LLVM::LoadOp::create(b, pointer, output);
    LLVM::CondBrOp::create(b, compare(LLVM::ICmpPredicate::ne, buffer, null()),
                           given, missing);
    b.setInsertionPointToEnd(given);
    Value has = LLVM::LoadOp::create(b, i64, tensorField(output, 0, 2));
    LLVM::ReturnOp::create(
        b,
        LLVM::SelectOp::create(b, compare(LLVM::ICmpPredicate::sge, has, bytes),
                               constant(i32, 0), constant(i32, kBadArgument)));
    b.setInsertionPointToEnd(missing);
    // Nothing has room in nothing.
    returnUnless(compare(LLVM::ICmpPredicate::ne, bytes, constant(i64, 0)), 0);
    returnUnless(hasAllocator(context), kNoAllocator);
    Value made = LLVM::CallOp::create(b, allocate, ValueRange{context, bytes})
                     .getResult();
    returnUnless(compare(LLVM::ICmpPredicate::ne, made, null()), kNoMemory);
    LLVM::StoreOp::create(b, made, output);
    LLVM::StoreOp::create(b, bytes, tensorField(output, 0, 2));
    LLVM::ReturnOp::create(b, constant(i32, 0));
    return room;
  }

  /// i32 NAME_entry(context, inputs, outputs, workspace), which burnish_model's
  /// `run` points to.
  LLVM::LLVMFuncOp buildRun() {
    LLVM::LLVMFuncOp entry =
        function(signature.name + "_entry",
                 {pointer, pointer, pointer, pointer}, LLVM::Linkage::Internal);
    Value context = entry.getArgument(0), inputs = entry.getArgument(1),
          outputs = entry.getArgument(2);
    if (allocates)
      returnUnless(hasAllocator(context), kNoAllocator);
    SmallVector<Value> arguments{context};
    for (auto [position, port] : llvm::enumerate(signature.inputs)) {
      Value data =
          LLVM::LoadOp::create(b, pointer, tensorField(inputs, position, 0));
      appendDescriptor(arguments, data, sizesOf(port, inputs, position));
    }
    for (const nn::Port &port : signature.outputs)
      if (port.grows >= 0) {
        SmallVector<Value> room =
            sizesOf(signature.inputs[port.feeds], inputs, port.feeds);
        room[port.grows] = constant(index, signature.roomOf(port)[port.grows]);
        Value data = LLVM::LoadOp::create(b, pointer,
                                          tensorField(inputs, port.feeds, 0));
        appendDescriptor(arguments, data, room);
      }
    SmallVector<Value> dims, sizes;
    if (plan || resultSizes)
      dims = dimsOfInputs(inputs);
    Value bytes = constant(i64, workspaceBytes);
    if (plan) {
      bytes = plannedBytes(dims);
      returnUnless(LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::sge, bytes,
                                        constant(i64, 0)),
                   kBadShape);
    }
    if (resultSizes)
      sizes = sizesOfResults(dims);
    ArrayRef<Value> left = sizes;
    llvm::DenseMap<int64_t, SmallVector<Value>> sizesOfPlaced;
    llvm::DenseMap<int64_t, Value> lengths;
    for (auto [position, port] : llvm::enumerate(signature.outputs)) {
      if (port.grows >= 0) {
        lengths[position] =
            LLVM::AllocaOp::create(b, pointer, i64, constant(i32, 1));
        appendDescriptor(arguments, lengths[position], {});
        continue;
      }
      if (placed.contains(position)) {
        SmallVector<Value> &own = sizesOfPlaced[position];
        for (int64_t dim : port.dims) {
          own.push_back(ShapedType::isDynamic(dim) ? left.front()
                                                   : constant(index, dim));
          if (ShapedType::isDynamic(dim))
            left = left.drop_front();
        }
        Value data = roomFor(context, outputs, position, port, own);
        SmallVector<Value> inside(own);
        if (nn::isString(port.elementType))
          inside.push_back(constant(index, 2));
        appendDescriptor(arguments, data, inside);
        continue;
      }
      if (!port.isStatic())
        continue;
      Value data =
          LLVM::LoadOp::create(b, pointer, tensorField(outputs, position, 0));
      appendDescriptor(arguments, data, sizesOf(port, outputs, position));
    }
    Value length =
        index == i64 ? bytes : Value(LLVM::TruncOp::create(b, index, bytes));
    Value results =
        callMain(arguments, weightsBase(context), entry.getArgument(3), length);
    Value status = results.getType() == i32
                       ? results
                       : Value(LLVM::ExtractValueOp::create(
                             b, results, ArrayRef<int64_t>{0}));
    returnUnless(LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, status,
                                      constant(i32, 0)),
                 status);
    int64_t next = 1;
    for (auto [position, port] : llvm::enumerate(signature.outputs)) {
      SmallVector<Value> sizes =
          port.isStatic() ? staticSizes(port) : SmallVector<Value>();
      if (placed.contains(position)) {
        for (Value size : sizesOfPlaced[position])
          sizes.push_back(
              index == i64 ? size : Value(LLVM::ZExtOp::create(b, i64, size)));
      } else if (port.grows >= 0) {
        for (Value size :
             sizesOf(signature.inputs[port.feeds], inputs, port.feeds))
          sizes.push_back(
              index == i64 ? size : Value(LLVM::ZExtOp::create(b, i64, size)));
        sizes[port.grows] = LLVM::LoadOp::create(b, i64, lengths[position]);
      } else if (!port.isStatic()) {
        Value given = giveResult(
            context, outputs, position, port,
            LLVM::ExtractValueOp::create(b, results, ArrayRef<int64_t>{next++}),
            sizes);
        Value isFirst = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, status,
                                             constant(i32, 0));
        status = LLVM::SelectOp::create(b, isFirst, given, status);
      }
      if (sizes.empty())
        continue;
      Value dims =
          LLVM::LoadOp::create(b, pointer, tensorField(outputs, position, 1));
      for (auto [axis, size] : llvm::enumerate(sizes))
        LLVM::StoreOp::create(b, size, dimAddress(dims, axis));
    }
    LLVM::ReturnOp::create(b, status);
    return entry;
  }

  static constexpr int32_t kBadShape = 1, kNoMemory = 3, kNoAllocator = 4,
                           kBadArgument = 5;

  SmallVector<Value> staticSizes(const nn::Port &port) {
    return llvm::map_to_vector(port.dims,
                               [&](int64_t dim) { return constant(i64, dim); });
  }

  Value hasAllocator(Value context) {
    // A null context has no allocator, and is not read: `select` on a place
    // that is always readable.
    Value isThere =
        LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, context, null());
    Block *here = b.getInsertionBlock(),
          *read = b.createBlock(here->getParent()),
          *after = b.createBlock(here->getParent());
    BlockArgument found = after->addArgument(b.getI1Type(), b.getLoc());
    b.setInsertionPointToEnd(here);
    LLVM::CondBrOp::create(b, isThere, read, ValueRange{}, after,
                           ValueRange{isThere});
    b.setInsertionPointToEnd(read);
    Value has = LLVM::ICmpOp::create(
        b, LLVM::ICmpPredicate::ne, loadSlot(b, context, ContextSlot::Allocate),
        null());
    LLVM::BrOp::create(b, ValueRange{has}, after);
    b.setInsertionPointToEnd(after);
    return found;
  }

  void returnUnless(Value condition, Value status) {
    Block *here = b.getInsertionBlock();
    Block *early = b.createBlock(here->getParent());
    LLVM::ReturnOp::create(b, status);
    Block *after = b.createBlock(here->getParent());
    b.setInsertionPointToEnd(here);
    LLVM::CondBrOp::create(b, condition, after, early);
    b.setInsertionPointToEnd(after);
  }
  void returnUnless(Value condition, int32_t status) {
    Block *here = b.getInsertionBlock();
    Value code = constant(i32, status);
    b.setInsertionPointToEnd(here);
    returnUnless(condition, code);
  }

  /// Hands a result of run-time size to the caller: as it is when he brought no
  /// buffer, else copied into his. Sets `sizes` to its dims.
  Value giveResult(Value context, Value outputs, int32_t position,
                   const nn::Port &port, Value descriptor,
                   SmallVectorImpl<Value> &sizes) {
    Value data =
        LLVM::ExtractValueOp::create(b, descriptor, ArrayRef<int64_t>{1});
    Value bytes = constant(i64, nn::elementBytes(port.elementType));
    for (int64_t axis = 0, rank = port.dims.size(); axis < rank; ++axis) {
      Value size = LLVM::ExtractValueOp::create(b, descriptor,
                                                ArrayRef<int64_t>{3, axis});
      sizes.push_back(index == i64 ? size
                                   : Value(LLVM::ZExtOp::create(b, i64, size)));
      bytes = LLVM::MulOp::create(b, bytes, sizes.back());
    }
    Value slot = tensorField(outputs, position, 0);
    return LLVM::CallOp::create(b, giveFunction(),
                                ValueRange{context, slot, data, bytes})
        .getResult();
  }

  /// i32 give(context, output, data, bytes).
  LLVM::LLVMFuncOp giveFunction() {
    if (auto give = module.lookupSymbol<LLVM::LLVMFuncOp>("give_result"))
      return give;
    OpBuilder::InsertionGuard guard(b);
    LLVM::LLVMFuncOp give =
        function("give_result", {pointer, pointer, pointer, i64},
                 LLVM::Linkage::Internal);
    Value context = give.getArgument(0), output = give.getArgument(1),
          data = give.getArgument(2), bytes = give.getArgument(3);
    Block *entry = b.getInsertionBlock();
    Block *keep = b.createBlock(&give.getBody()),
          *copy = b.createBlock(&give.getBody()),
          *fits = b.createBlock(&give.getBody()),
          *done = b.createBlock(&give.getBody());
    BlockArgument status = done->addArgument(i32, b.getLoc());

    b.setInsertionPointToEnd(entry);
    Value buffer = LLVM::LoadOp::create(b, pointer, output);
    LLVM::CondBrOp::create(
        b, LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, buffer, null()),
        keep, copy);
    b.setInsertionPointToEnd(keep);
    LLVM::StoreOp::create(b, data, output);
    LLVM::StoreOp::create(b, bytes, tensorField(output, 0, 2));
    LLVM::ReturnOp::create(b, constant(i32, 0));
    b.setInsertionPointToEnd(copy);
    Value room = LLVM::LoadOp::create(b, i64, tensorField(output, 0, 2));
    Value isEnough =
        LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::sge, room, bytes);
    LLVM::CondBrOp::create(b, isEnough, fits, ValueRange{}, done,
                           ValueRange{constant(i32, kBadArgument)});
    b.setInsertionPointToEnd(fits);
    LLVM::MemcpyOp::create(b, buffer, data, bytes, /*isVolatile=*/false);
    LLVM::BrOp::create(b, ValueRange{constant(i32, 0)}, done);
    b.setInsertionPointToEnd(done);
    LLVM::CallOp::create(b, releaseFunction(module), ValueRange{context, data});
    LLVM::ReturnOp::create(b, status);
    return give;
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
    LLVM::LLVMFuncOp run =
        function(signature.name + "_run", SmallVector<Type>(pointers, pointer),
                 LLVM::Linkage::External);
    Value context = run.getArgument(0);
    SmallVector<Value> arguments{context};
    size_t next = 1;
    for (const std::vector<nn::Port> *ports :
         {&signature.inputs, &signature.outputs})
      for (const nn::Port &port : *ports)
        appendDescriptor(arguments,
                         isOwn(port) ? run.getArgument(next++)
                                     : run.getArgument(1 + port.updates),
                         sizesOf(port, Value(), 0));
    LLVM::ReturnOp::create(b, callMain(arguments, weightsBase(context),
                                       run.getArgument(next),
                                       constant(index, workspaceBytes)));
  }

  ModuleOp module;
  LLVM::LLVMFuncOp main, plan, resultSizes;
  /// The outputs whose sizes follow from those of the inputs.
  llvm::SmallDenseSet<int64_t> placed;
  nn::Signature signature;
  ImplicitLocOpBuilder b;
  LLVM::LLVMPointerType pointer;
  Type i32, i64, index;
  LLVM::LLVMStructType tensor;
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
