// EmitKernels.cpp - makes functions of kernels; equal kernels share one.
#include "ir/Lowering.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Passes.h"
#include "passes/kernels/Attention.h"
#include "passes/kernels/Cascade.h"
#include "passes/kernels/Code.h"
#include "passes/kernels/Fit.h"
#include "passes/kernels/LookedUpBytes.h"
#include "passes/kernels/Parallel.h"
#include "passes/kernels/Trees.h"
#include "passes/kernels/Turn.h"
#include "passes/kernels/Winograd.h"
#include "passes/kernels/Work.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_EMITKERNELS
#include "passes/Passes.h.inc"
} // namespace burnish

static OpFoldResult sizeOf(ImplicitLocOpBuilder &b, Value buffer,
                           unsigned axis) {
  auto type = cast<MemRefType>(buffer.getType());
  if (!type.isDynamicDim(axis))
    return b.getIndexAttr(type.getDimSize(axis));
  return memref::DimOp::create(b, buffer, axis).getResult();
}

/// From the start of its memory to the end of a buffer that lies in it so.
static Value lengthOf(ImplicitLocOpBuilder &b, Value buffer,
                      const Layout &layout) {
  OpFoldResult length = nn::addIndex(b, layout.offset, b.getIndexAttr(1));
  for (auto [axis, stride] : llvm::enumerate(layout.strides))
    length = nn::addIndex(b, length,
                          nn::mulIndex(b,
                                       nn::addIndex(b, sizeOf(b, buffer, axis),
                                                    b.getIndexAttr(-1)),
                                       stride));
  return getValueOrCreateConstantIndexOp(b, b.getLoc(), length);
}

/// The buffer's memory in one dim, and where the buffer lies in it. Its length
/// is of no account unless accesses are checked.
static std::pair<Value, Layout> flatten(ImplicitLocOpBuilder &b, Value buffer,
                                        bool hasLength) {
  auto type = cast<MemRefType>(buffer.getType());
  Layout layout = layoutOf(type);
  auto metadata = memref::ExtractStridedMetadataOp::create(b, buffer);
  if (!layout.offset)
    layout.offset = metadata.getOffset();
  for (auto [stride, value] :
       llvm::zip_equal(layout.strides, metadata.getStrides()))
    if (!stride)
      stride = value;
  Value length = hasLength ? lengthOf(b, buffer, layout)
                           : arith::ConstantIndexOp::create(
                                 b, std::numeric_limits<int32_t>::max())
                                 .getResult();
  auto flat = MemRefType::get({ShapedType::kDynamic}, type.getElementType());
  Value memory = memref::ReinterpretCastOp::create(
      b, flat, metadata.getBaseBuffer(), OpFoldResult(b.getIndexAttr(0)),
      ArrayRef<OpFoldResult>{length},
      ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
  return {memory, layout};
}

/// Whether all that the type `to` says of a layout `from` says, too.
static bool saysAsMuch(MemRefType from, MemRefType to) {
  auto [fromStrides, fromOffset] = from.getStridesAndOffset();
  auto [toStrides, toOffset] = to.getStridesAndOffset();
  auto isLess = [](int64_t left, int64_t right) {
    return ShapedType::isDynamic(left) && !ShapedType::isDynamic(right);
  };
  bool isLessKnown = isLess(fromOffset, toOffset);
  for (auto [left, right] : llvm::zip_equal(fromStrides, toStrides))
    isLessKnown |= isLess(left, right);
  return !isLessKnown;
}

/// Reads and writes buffers as what they are known to be before a cast made
/// less of them: what a loop carries has the type of all that it may carry.
static void lookThroughCasts(nn::KernelOp kernel) {
  for (OpOperand &operand : kernel->getOpOperands())
    while (auto cast = operand.get().getDefiningOp<memref::CastOp>()) {
      auto from = dyn_cast<MemRefType>(cast.getSource().getType()),
           to = dyn_cast<MemRefType>(cast.getType());
      if (!from || !to || from.getShape() != to.getShape() ||
          from.getMemorySpace() != to.getMemorySpace() || !saysAsMuch(from, to))
        break;
      operand.set(cast.getSource());
    }
}

/// What makes two kernels the same code.
static std::string keyOf(nn::KernelOp kernel) {
  std::string key;
  llvm::raw_string_ostream os(key);
  for (Type type : kernel->getOperandTypes())
    os << type << ", ";
  kernel->print(os, OpPrintingFlags().useLocalScope());
  return key;
}

static std::string nameOf(nn::KernelOp kernel, const Nest &nest) {
  std::string name = kernel.getSchedule().getAlgorithm().str();
  for (const Loop &loop : nest.loops)
    name +=
        (&loop == nest.loops.begin() ? "_" : "x") +
        (ShapedType::isDynamic(loop.known()) ? "n"
                                             : std::to_string(loop.known()));
  return name;
}

namespace {
/// What a kernel computes, in the form that its schedule's maker takes.
struct Form {
  static FailureOr<Form> of(nn::KernelOp kernel, Nest::LayoutOf layoutOf,
                            Nest::SizeOf sizeOf,
                            ImplicitLocOpBuilder *builder) {
    StringRef algorithm = kernel.getSchedule().getAlgorithm();
    if (algorithm == "rows") {
      FailureOr<RowNest> rows = RowNest::of(kernel, layoutOf, builder);
      if (failed(rows))
        return failure();
      return Form{algorithm, std::nullopt, *rows, std::nullopt};
    }
    if (algorithm == "attention") {
      FailureOr<AttentionNest> attention =
          AttentionNest::of(kernel, layoutOf, builder);
      if (failed(attention))
        return failure();
      return Form{algorithm, std::nullopt, std::nullopt, *attention};
    }
    FailureOr<Nest> nest = Nest::of(kernel, layoutOf, sizeOf, builder);
    if (failed(nest))
      return failure();
    return Form{algorithm, *nest, std::nullopt, std::nullopt};
  }

  const Nest &nest() const {
    return attention ? attention->rows.nest : rows ? rows->nest : *single;
  }

  /// Whether the schedule can be done with the buffers that there are.
  bool fits(nn::KernelOp kernel) const {
    return attention ? attention->isStraight() : fitsBuffers(kernel, nest());
  }

  OpFoldResult tasks(ImplicitLocOpBuilder &b, nn::ScheduleAttr schedule) const {
    if (attention)
      return b.getIndexAttr(tasksOfAttention(*attention, schedule));
    if (rows)
      return tasksOfRows(b, *rows);
    if (algorithm == "product")
      return tasksOfProduct(b, *single, schedule);
    if (algorithm == "windows")
      return tasksOfWindows(b, *single, schedule);
    if (algorithm == "winograd_output")
      return tasksOfWinogradOutput(b, *single);
    return tasksOfElements(b, *single, schedule);
  }

  void make(KernelCode &code, ArrayRef<Layout> layouts, Value begin,
            Value end) const {
    if (attention)
      makeAttention(code, *attention, begin, end);
    else if (rows)
      makeRows(code, *rows, begin, end);
    else if (algorithm == "product")
      makeProduct(code, begin, end);
    else if (algorithm == "windows")
      makeWindows(code, begin, end);
    else if (algorithm == "winograd_output")
      makeWinogradOutput(code, layouts[0], begin, end);
    else
      makeElements(code, begin, end);
  }

  StringRef algorithm;
  std::optional<Nest> single;
  std::optional<RowNest> rows;
  std::optional<AttentionNest> attention;
};

struct EmitKernels : burnish::impl::EmitKernelsBase<EmitKernels> {
  using EmitKernelsBase::EmitKernelsBase;
  void runOnOperation() override {
    moveInKernels(getOperation());
    SmallVector<nn::KernelOp> kernels;
    getOperation().walk<WalkOrder::PreOrder>([&](nn::KernelOp kernel) {
      kernels.push_back(kernel);
      // Kernels within kernels are theirs to emit.
      return WalkResult::skip();
    });
    SymbolTable symbols(getOperation());
    llvm::StringMap<func::FuncOp> functions;
    for (nn::KernelOp kernel : kernels) {
      lookThroughCasts(kernel);
      ImplicitLocOpBuilder b(kernel.getLoc(), kernel);
      FailureOr<Work> work = workOf(b, kernel);
      if (failed(work))
        return signalPassFailure();
      func::FuncOp &function = functions[keyOf(kernel)];
      if (!function) {
        function = emit(kernel, work->name, symbols);
        lookUpBytes(function);
      }
      SmallVector<Value> operands(kernel->getOperands());
      if (kernel.getSchedule().getBackAndForth()) {
        // A loop of one iteration may have gone since the schedule was chosen.
        auto around = kernel->getParentOfType<scf::ForOp>();
        operands.push_back(around
                               ? around.getInductionVar()
                               : Value(arith::ConstantIndexOp::create(b, 0)));
      }
      operands.push_back(arith::ConstantIndexOp::create(b, 0));
      operands.push_back(
          getValueOrCreateConstantIndexOp(b, b.getLoc(), work->tasks));
      auto call = func::CallOp::create(b, function, operands);
      call->setDiscardableAttrs(kernel->getDiscardableAttrDictionary());
      call->setAttr(kWorkAttr,
                    burnish::Work::of(kernel).attribute(&getContext()));
      kernel->erase();
    }
  }

  /// What a call of a kernel is about.
  struct Work {
    OpFoldResult tasks;
    std::string name;
  };

  static FailureOr<Work> workOf(ImplicitLocOpBuilder &b, nn::KernelOp kernel) {
    nn::ScheduleAttr schedule = kernel.getSchedule();
    StringRef algorithm = schedule.getAlgorithm();
    if (algorithm == "winograd_input")
      return Work{b.getIndexAttr(tasksOfWinogradInput(kernel)),
                  algorithm.str()};
    if (algorithm == "panels")
      return Work{b.getIndexAttr(tasksOfPanels(kernel)), algorithm.str()};
    if (algorithm == "turn")
      return Work{b.getIndexAttr(tasksOfTurn(kernel)), nameOfTurn(kernel)};
    if (algorithm == "trees")
      return Work{tasksOfTrees(b, kernel, sizeOf(b, kernel->getOperand(0), 0)),
                  algorithm.str()};
    if (algorithm == "cascade") {
      if (fitsBuffers(kernel))
        return Work{b.getIndexAttr(tasksOfCascade(kernel)),
                    nameOfCascade(kernel)};
      kernel.emitOpError() << "has no kernels that follow each other";
      return failure();
    }
    // As the function sees it: what only run time knows is not known here
    // either, but for sizes.
    FailureOr<Form> form = Form::of(
        kernel,
        [&](unsigned argument) {
          return layoutOf(
              cast<MemRefType>(kernel->getOperand(argument).getType()));
        },
        [&](unsigned argument, unsigned axis) {
          return sizeOf(b, kernel->getOperand(argument), axis);
        },
        Nest::mergesOpenLoops(schedule) ? &b : nullptr);
    if (failed(form)) {
      kernel.emitOpError() << "has a form that no schedule is for";
      return failure();
    }
    if (!form->fits(kernel)) {
      kernel.emitOpError() << "has a schedule '" << algorithm
                           << "' that does not fit its loops";
      return failure();
    }
    return Work{form->tasks(b, schedule), nameOf(kernel, form->nest())};
  }

  /// The maker of a schedule that takes a kernel as it is, not as loops.
  using Maker = void (*)(ImplicitLocOpBuilder &, nn::KernelOp, ArrayRef<Value>,
                         ArrayRef<Layout>, Value begin, Value end);
  static Maker makerOf(StringRef algorithm) {
    return llvm::StringSwitch<Maker>(algorithm)
        .Case("winograd_input", makeWinogradInput)
        .Case("cascade", makeCascade)
        .Case("panels", makePanels)
        .Case("turn", makeTurn)
        .Default(nullptr);
  }

  func::FuncOp emit(nn::KernelOp kernel, StringRef name, SymbolTable &symbols) {
    ImplicitLocOpBuilder b(kernel.getLoc(), &getContext());
    bool hasTurn = kernel.getSchedule().getBackAndForth();
    SmallVector<Type> types(kernel->getOperandTypes());
    types.append(2 + hasTurn, b.getIndexType());
    b.setInsertionPointToEnd(getOperation().getBody());
    auto function = func::FuncOp::create(b, name, b.getFunctionType(types, {}));
    function.setPrivate();
    function->setAttr(
        "llvm.linkage",
        LLVM::LinkageAttr::get(&getContext(), LLVM::Linkage::Internal));
    if (kernel.getSchedule().getIsParallel())
      function->setAttr(kParallelAttr, b.getUnitAttr());
    symbols.insert(function);
    Block *entry = function.addEntryBlock();
    b.setInsertionPointToStart(entry);
    SmallVector<Value> data;
    SmallVector<Layout> layouts;
    ArrayRef<BlockArgument> arguments =
        entry->getArguments().take_front(kernel->getNumOperands());
    for (BlockArgument argument : arguments) {
      if (!isa<MemRefType>(argument.getType())) {
        data.push_back(argument);
        layouts.emplace_back();
        continue;
      }
      auto [memory, layout] = flatten(b, argument, hasLengths);
      data.push_back(memory);
      layouts.push_back(layout);
    }
    ArrayRef<BlockArgument> bounds = entry->getArguments().take_back(2);
    Value begin = bounds[0], end = bounds[1];
    StringRef algorithm = kernel.getSchedule().getAlgorithm();
    if (auto make = makerOf(algorithm)) {
      make(b, kernel, data, layouts, begin, end);
      func::ReturnOp::create(b);
      return function;
    }
    if (algorithm == "trees") {
      makeTrees(b, kernel, data, layouts,
                {sizeOf(b, arguments[0], 0), sizeOf(b, arguments[2], 0)}, begin,
                end);
      func::ReturnOp::create(b);
      return function;
    }
    FailureOr<Form> form = Form::of(
        kernel, [&](unsigned argument) { return layouts[argument]; },
        [&](unsigned argument, unsigned axis) {
          return sizeOf(b, arguments[argument], axis);
        },
        &b);
    KernelCode code(b, form->nest(), kernel.getSchedule(), data);
    if (hasTurn)
      code.turn = entry->getArgument(arguments.size());
    form->make(code, layouts, begin, end);
    func::ReturnOp::create(b);
    return function;
  }
};
} // namespace
