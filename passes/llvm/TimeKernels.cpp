// TimeKernels.cpp - takes the time around kernels and other loops.
#include "ir/Attributes.h"
#include "ir/Signature.h"
#include "passes/Passes.h"
#include "passes/kernels/Work.h"
#include "passes/schedules/Schedules.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_TIMEKERNELS
#include "passes/Passes.h.inc"
} // namespace burnish

#define BURNISH_TIMER(name, ...)                                               \
  [[maybe_unused]] static constexpr StringLiteral k_##name = #name;
#include "runtime/abi.def"

/// Where an operation comes from: the first few names in its location, but not
/// that of a whole graph, which constants have.
static std::string whereOf(Location location) {
  constexpr size_t kMost = 4;
  SmallVector<std::string> names;
  bool hasMore = false;
  location->walk([&](Location inner) {
    std::string name;
    if (auto named = dyn_cast<NameLoc>(inner))
      name = named.getName().str();
    else if (auto line = dyn_cast<FileLineColLoc>(inner))
      name = (line.getFilename().getValue() + ":" + Twine(line.getLine()) +
              ":" + Twine(line.getColumn()))
                 .str();
    if (name.empty() || name.front() == '\'' || llvm::is_contained(names, name))
      return WalkResult::advance();
    hasMore = names.size() == kMost;
    if (!hasMore)
      names.push_back(name);
    return hasMore ? WalkResult::interrupt() : WalkResult::advance();
  });
  return llvm::join(names, ", ") + (hasMore ? ", ..." : "");
}

/// What an operation that is no call is called: what it is, and its sizes.
static std::string nameOf(Operation *op) {
  SmallVector<int64_t> sizes;
  if (auto copy = dyn_cast<memref::CopyOp>(op))
    llvm::append_range(sizes,
                       cast<ShapedType>(copy.getTarget().getType()).getShape());
  else if (auto loops = dyn_cast<linalg::LinalgOp>(op))
    sizes = loops.getStaticLoopRanges();
  std::string name =
      isa<linalg::GenericOp>(op) ? "loops" : op->getName().stripDialect().str();
  char separator = '_';
  for (int64_t size : sizes)
    if (size != 1) {
      name += separator +
              (ShapedType::isDynamic(size) ? "n" : std::to_string(size));
      separator = 'x';
    }
  return name;
}

namespace {
/// Finds what is timed by itself: calls, and whatever moves elements without
/// calls inside. Loops around calls are entered.
void collect(Region &region, SmallVectorImpl<Operation *> &found) {
  for (Operation &op : region.getOps()) {
    if (isa<func::CallOp, linalg::LinalgOp, memref::CopyOp>(op)) {
      found.push_back(&op);
      continue;
    }
    bool hasCalls = false, hasWork = false;
    for (Region &inner : op.getRegions())
      inner.walk([&](Operation *inside) {
        hasCalls |= isa<func::CallOp>(inside);
        hasWork |= isa<linalg::LinalgOp, memref::CopyOp, memref::LoadOp,
                       memref::StoreOp>(inside);
      });
    if (hasWork && !hasCalls)
      found.push_back(&op);
    else
      for (Region &inner : op.getRegions())
        collect(inner, found);
  }
}

struct TimeKernels : burnish::impl::TimeKernelsBase<TimeKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<func::FuncOp> function = nn::modelFunction(module);
    if (failed(function))
      return signalPassFailure();
    SmallVector<Operation *> timed;
    collect(function->getBody(), timed);
    if (timed.empty())
      return;
    ImplicitLocOpBuilder b(module.getLoc(),
                           OpBuilder::atBlockEnd(module.getBody()));
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    Type i64 = b.getI64Type();
    StringRef table = makeTable(b, timed);
    for (auto [name, arguments, results] :
         {std::tuple(k_burnish_profile_begin, SmallVector<Type>{},
                     SmallVector<Type>{i64}),
          std::tuple(k_burnish_profile_end,
                     SmallVector<Type>{pointer, i64, i64},
                     SmallVector<Type>{})}) {
      b.setInsertionPointToEnd(module.getBody());
      func::FuncOp::create(b, name, b.getFunctionType(arguments, results))
          .setPrivate();
    }
    for (auto [index, op] : llvm::enumerate(timed)) {
      b.setLoc(op->getLoc());
      b.setInsertionPoint(op);
      Value begun = func::CallOp::create(b, k_burnish_profile_begin,
                                         TypeRange(i64), ValueRange{})
                        .getResult(0);
      b.setInsertionPointAfter(op);
      Value address = LLVM::AddressOfOp::create(b, pointer, table),
            place = arith::ConstantOp::create(b, b.getI64IntegerAttr(index));
      func::CallOp::create(b, k_burnish_profile_end, TypeRange(),
                           ValueRange{address, place, begun});
    }
  }

  /// Members of a JSON object, without its braces.
  static std::string members(llvm::json::Object object) {
    std::string text;
    llvm::raw_string_ostream(text) << llvm::json::Value(std::move(object));
    return StringRef(text).drop_front().drop_back().str();
  }

  static std::string factsOf(Operation *op) {
    auto call = dyn_cast<func::CallOp>(op);
    std::string name = call ? call.getCallee().str() : nameOf(op);
    Work work = Work::of(op);
    llvm::json::Object facts{
        {"kernel", llvm::json::fixUTF8(name)},
        {"where", llvm::json::fixUTF8(whereOf(op->getLoc()))},
        {"operations", work.operations},
        {"bytes", work.bytes},
        {"constant_bytes", work.constantBytes}};
    if (work.plainOperations)
      facts["plain_operations"] = work.plainOperations;
    if (work.isOfBytes)
      facts["of_bytes"] = true;
    if (auto key = op->getAttrOfType<StringAttr>(kShapeAttr))
      facts["shape"] = llvm::json::fixUTF8(key.getValue());
    if (auto key = op->getAttrOfType<StringAttr>(kPartOfAttr))
      facts["part_of"] = llvm::json::fixUTF8(key.getValue());
    return members(std::move(facts));
  }

  /// The burnish_profile of runtime/profile.h; its symbol.
  StringRef makeTable(ImplicitLocOpBuilder &b, ArrayRef<Operation *> timed) {
    constexpr StringLiteral kTable = "burnish_profile_table";
    ModuleOp module = getOperation();
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    Type i64 = b.getI64Type();
    auto structOf = [&](ArrayRef<Type> fields) {
      return LLVM::LLVMStructType::getLiteral(&getContext(), fields);
    };
    auto text = [&](const Twine &name, std::string string) {
      string.push_back('\0');
      auto type = LLVM::LLVMArrayType::get(b.getI8Type(), string.size());
      LLVM::GlobalOp::create(b, type, /*isConstant=*/true,
                             LLVM::Linkage::Internal, name.str(),
                             b.getStringAttr(string));
    };
    auto bytes = [&](StringRef name) {
      auto value = module->getAttrOfType<IntegerAttr>(name);
      return value ? value.getInt() : 0;
    };
    int64_t inputs = 0;
    nn::Signature signature = nn::Signature::recorded(module);
    for (const std::vector<nn::Port> *ports :
         {&signature.inputs, &signature.outputs})
      for (const nn::Port &port : *ports)
        if (port.isStatic())
          inputs += port.bytes();
    text("burnish_profile_facts",
         members(
             llvm::json::Object{{"weights_bytes", bytes(nn::kWeightsBytesAttr)},
                                {"workspace_bytes", bytes(nn::kWorkspaceAttr)},
                                {"port_bytes", inputs}}));
    for (auto [index, op] : llvm::enumerate(timed))
      text("burnish_profile_facts_" + Twine(index), factsOf(op));

    auto entry = structOf({pointer, i64, i64, i64});
    auto entries = LLVM::LLVMArrayType::get(entry, timed.size());
    auto type = structOf({pointer, i64, i64, i64, i64, entries});
    auto global = LLVM::GlobalOp::create(b, type, /*isConstant=*/false,
                                         LLVM::Linkage::Internal, kTable,
                                         Attribute(), /*alignment=*/16);
    b.createBlock(&global.getInitializerRegion());
    Value table = LLVM::ZeroOp::create(b, type);
    auto insert = [&](Value value, ArrayRef<int64_t> position) {
      table = LLVM::InsertValueOp::create(b, table, value, position);
    };
    auto number = [&](int64_t value) {
      return LLVM::ConstantOp::create(b, i64, b.getI64IntegerAttr(value));
    };
    auto addressOf = [&](const Twine &name) {
      return LLVM::AddressOfOp::create(b, pointer, b.getStringAttr(name));
    };
    Machine machine = Machine::of(module);
    auto target = module->getAttrOfType<nn::TargetAttr>(nn::kTargetAttr);
    bool hasFma = target && llvm::is_contained(
                                llvm::split(target.getFeatures(), ','), "+fma");
    insert(addressOf("burnish_profile_facts"), {0});
    insert(number(machine.vectorBits), {1});
    insert(number(hasFma), {2});
    insert(number(machine.bytesAtOnce), {3});
    insert(number(timed.size()), {4});
    for (int64_t index = 0, count = timed.size(); index < count; ++index)
      insert(addressOf("burnish_profile_facts_" + Twine(index)), {5, index, 0});
    LLVM::ReturnOp::create(b, table);
    return kTable;
  }
};
} // namespace
