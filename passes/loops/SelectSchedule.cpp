// SelectSchedule.cpp - says how each kernel is computed.
#include "passes/loops/SelectSchedule.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/kernels/Attention.h"
#include "passes/kernels/Elements.h"
#include "passes/kernels/Product.h"
#include "passes/kernels/Rows.h"
#include "passes/kernels/Trees.h"
#include "passes/kernels/Windows.h"
#include "passes/kernels/Work.h"
#include "passes/loops/SumOfProducts.h"

using namespace mlir;
using namespace burnish;

/// Whether a loop around the kernel runs it again and again. Loops of one
/// iteration are about to go.
static bool isRepeated(nn::KernelOp kernel) {
  for (auto loop = kernel->getParentOfType<scf::ForOp>(); loop;
       loop = loop->getParentOfType<scf::ForOp>()) {
    std::optional<APInt> count = loop.getStaticTripCount();
    if (!count || count->ugt(1))
      return true;
  }
  return false;
}

/// What a table of schedules calls a kernel: its loops (those of sums with an
/// r), what its operands hold, and how far these move with each loop.
static std::string shapeText(nn::KernelOp kernel, const Nest &nest,
                             StringRef algorithm) {
  std::string text;
  llvm::raw_string_ostream os(text);
  auto number = [&](int64_t value) {
    if (ShapedType::isDynamic(value))
      os << 'n';
    else
      os << value;
  };
  os << algorithm << ' ';
  for (auto [index, loop] : llvm::enumerate(nest.loops)) {
    os << (index ? "x" : "");
    number(loop.known());
    os << (loop.isReduction ? "r" : "");
  }
  for (const Access &access : nest.inputs) {
    Value operand = kernel->getOperand(access.argument);
    os << ' ' << getElementTypeOrSelf(operand.getType())
       << (isConstant(operand) ? "=" : ":");
    for (unsigned loop = 0; loop < nest.loops.size(); ++loop) {
      os << (loop ? "," : "");
      number(access.along(loop));
    }
  }
  os << ' ' << nest.outType;
  if (isRepeated(kernel))
    os << " repeated";
  return text;
}

static unsigned bitsOf(Type type) {
  return type.isIntOrFloat() ? type.getIntOrFloatBitWidth() : 64;
}

static int64_t productOf(ArrayRef<int64_t> sizes) {
  int64_t product = 1;
  for (int64_t size : sizes) {
    if (ShapedType::isDynamic(size))
      return size;
    product *= size;
  }
  return product;
}

static Value operandOf(nn::KernelOp kernel, const Access &access) {
  return kernel->getOperand(access.argument);
}

/// How often a kernel runs while a value stays as it is.
static int64_t runsWith(nn::KernelOp kernel, Value value) {
  int64_t runs = 1;
  for (auto loop = kernel->getParentOfType<scf::ForOp>();
       loop && !loop->isAncestor(value.getParentRegion()->getParentOp());
       loop = loop->getParentOfType<scf::ForOp>())
    if (std::optional<APInt> count = loop.getStaticTripCount())
      runs *= std::max<int64_t>(1, count->getSExtValue());
  return runs;
}

/// Whether an operand that only the run knows is worth a kernel that packs it
/// as a whole: each of its elements is moved once and then met by many rows.
/// What stays near is as quickly read where it lies, if its lanes lie side by
/// side, and where the rows do, a panel is as good that each task fills for
/// itself.
static bool packsInRun(nn::KernelOp kernel, const Nest &nest,
                       const ProductForm &form, const Machine &machine) {
  constexpr int64_t kLeastRows = 8, kLeastUses = 512, kLeastDepth = 64;
  const Access &right = nest.inputs[form.right];
  Value operand = operandOf(kernel, right);
  auto type = cast<RankedTensorType>(operand.getType());
  int64_t rows = form.rowCount(nest), lanes = form.laneCount(nest),
          depth = form.depthCount(nest), bytes = bitsOf(nest.rootType) / 8;
  if (isConstant(operand) || form.weave || form.hasProductOfLane ||
      form.lanes.size() != 1 || !nest.loops[form.lanes[0]].source ||
      !type.hasStaticShape() || !isa<FloatType>(type.getElementType()) ||
      type.getElementType() != nest.rootType || bytes < 4 ||
      ShapedType::isDynamic(rows) || rows < kLeastRows || depth < kLeastDepth ||
      lanes * bytes * 8 < machine.vectorBits ||
      (right.along(form.lanes[0]) == 1 &&
       lanes * depth * bytes < machine.l2Bytes / 4))
    return false;
  int64_t uses = rows, runs = runsWith(kernel, operand);
  for (unsigned loop : form.outer)
    if (!right.moves(loop)) {
      int64_t size = nest.loops[loop].known();
      if (ShapedType::isDynamic(size))
        return false;
      uses *= size;
    }
  bool isFar = uses * depth * bytes > machine.l2Bytes / 2;
  if (uses * runs < kLeastUses || (runs == 1 && !isFar))
    return false;
  // Its axis of the lanes is theirs alone.
  linalg::GenericOp root = nest.root;
  unsigned source = *nest.loops[form.lanes[0]].source;
  BlockArgument inside = kernel.getBody().front().getArgument(right.argument);
  return inside.hasOneUse() && inside.use_begin()->getOwner() == root &&
         llvm::count_if(root.getIndexingMapsArray()[form.right].getResults(),
                        [&](AffineExpr expr) {
                          return expr.isFunctionOfDim(source);
                        }) == 1 &&
         llvm::is_contained(
             root.getIndexingMapsArray()[form.right].getResults(),
             getAffineDimExpr(source, root.getContext()));
}

/// The form in which a product is computed: through panels of one operand, or
/// with that operand read in place where panels would take longer to fill than
/// they save.
static FailureOr<ProductForm>
productFormOf(nn::KernelOp kernel, const Nest &nest, const Machine &machine) {
  FailureOr<ProductForm> form = ProductForm::of(nest),
                         inPlace = ProductForm::of(nest, /*packs=*/false);
  if (succeeded(inPlace) && packsInRun(kernel, nest, *inPlace, machine))
    return inPlace;
  // Constants are packed ahead along one loop; several are brought together
  // where that one would leave vectors unfilled.
  if (succeeded(inPlace) &&
      isConstant(operandOf(kernel, nest.inputs[inPlace->right]))) {
    int64_t lanes = inPlace->laneCount(nest);
    if (!ShapedType::isDynamic(lanes) &&
        lanes * bitsOf(nest.rootType) >= machine.vectorBits)
      return inPlace;
  }
  if (failed(form) || form->isStraight(nest) || failed(inPlace) ||
      !inPlace->isStraight(nest))
    return form;
  PanelShape shape{form->rowCount(nest), form->laneCount(nest),
                   inPlace->laneCount(nest), inPlace->depthCount(nest),
                   bitsOf(nest.rootType)};
  return panelsPay(shape, machine) ? form : inPlace;
}

/// The loop whose steps a product of bytes or bf16 can take several at a time:
/// the innermost axis of the rows' operand moves with it by one, and nothing
/// else of that operand does; the other operand has an axis of it alone.
static std::optional<unsigned> stepsLoopOf(linalg::GenericOp root,
                                           const ProductForm &form) {
  int64_t steps = ByteProduct::of(root) ? 4 : isHalfProduct(root) ? 2 : 1;
  if (steps == 1)
    return std::nullopt;
  SmallVector<AffineMap> maps = root.getIndexingMapsArray();
  AffineMap left = maps[form.left], right = maps[form.right];
  SmallVector<int64_t> sizes = root.getStaticLoopRanges();
  auto fits = [&](unsigned loop) {
    if (root.getIteratorTypesArray()[loop] != utils::IteratorType::reduction ||
        ShapedType::isDynamic(sizes[loop]) || sizes[loop] % steps != 0)
      return false;
    auto isOnce = [&](AffineMap map) {
      return llvm::count_if(map.getResults(), [&](AffineExpr expr) {
               return expr.isFunctionOfDim(loop);
             }) == 1;
    };
    AffineExpr dim = getAffineDimExpr(loop, root.getContext()),
               innermost = left.getResults().back();
    // What remains of the index when the loop stands still.
    AffineExpr without =
        simplifyAffineExpr(innermost - dim, left.getNumDims(), 0);
    return isOnce(left) && isOnce(right) && !without.isFunctionOfDim(loop) &&
           llvm::is_contained(right.getResults(), dim);
  };
  if (left.getNumResults() > 0)
    for (unsigned loop = 0; loop < root.getNumLoops(); ++loop)
      if (fits(loop))
        return loop;
  return std::nullopt;
}

/// Whether weights can be bounded so that pairs of products fit 16 bits: the
/// other operand has no sign, and all of an axis that is not the lanes' is
/// summed up.
static bool canBoundPairs(linalg::GenericOp root, const Nest &nest,
                          const ProductForm &form) {
  std::optional<ByteProduct> ofBytes = ByteProduct::of(root);
  if (!ofBytes || ofBytes->unsignedInput != form.left ||
      form.lanes.size() != 1 || !nest.loops[form.lanes[0]].source)
    return false;
  return llvm::all_of(
      root.getIndexingMapsArray()[form.right].getResults(),
      [&](AffineExpr expr) {
        auto dim = dyn_cast<AffineDimExpr>(expr);
        return dim && (dim.getPosition() == *nest.loops[form.lanes[0]].source ||
                       root.getIteratorTypesArray()[dim.getPosition()] ==
                           utils::IteratorType::reduction);
      });
}

static ProductShape shapeOf(nn::KernelOp kernel, const Nest &nest,
                            const ProductForm &form, const Machine &machine) {
  const Access &right = nest.inputs[form.right];
  bool isRightPacked =
      (isConstant(operandOf(kernel, right)) && form.lanes.size() == 1 &&
       nest.loops[form.lanes[0]].source) ||
      packsInRun(kernel, nest, form, machine);
  Type rightType = getElementTypeOrSelf(operandOf(kernel, right).getType());
  const Access &left = nest.inputs[form.left];
  unsigned leftBits =
      bitsOf(getElementTypeOrSelf(operandOf(kernel, left).getType()));
  int64_t rowStep = form.row ? left.along(*form.row) : 0;
  bool hasSteps = stepsLoopOf(nest.root, form).has_value();
  // One matrix alone is read along the sum as well, row by row.
  bool isStack = llvm::any_of(form.outer,
                              [&](unsigned loop) { return right.moves(loop); });
  return {form.outerCount(nest),
          form.rowCount(nest),
          form.laneCount(nest),
          form.depthCount(nest),
          bitsOf(nest.rootType),
          bitsOf(rightType),
          form.isStraight(nest),
          isRightPacked,
          isRepeated(kernel),
          form.weaveCount(nest),
          form.depthStride(nest),
          isRightPacked && hasSteps && ByteProduct::of(nest.root).has_value(),
          canBoundPairs(nest.root, nest, form),
          hasSteps && isHalfProduct(nest.root) &&
              (isRightPacked || form.stepsLoop(nest)),
          ShapedType::isDynamic(rowStep)
              ? 0
              : std::abs(rowStep) * std::max(1u, leftBits / 8),
          isStack && form.canTurn(nest) && isa<FloatType>(rightType) &&
              isa<FloatType>(nest.rootType)};
}

/// By itself, the schedules beside the one that `chosen` is.
static nn::ScheduleAttr chooseFrom(ScheduleTable &table, nn::KernelOp kernel,
                                   const Nest &nest, nn::ScheduleAttr chosen,
                                   ArrayRef<nn::ScheduleAttr> others) {
  SmallVector<nn::ScheduleAttr> all{chosen};
  SmallVector<std::string> texts{textOf(chosen)};
  for (nn::ScheduleAttr other : others)
    if (!llvm::is_contained(texts, textOf(other))) {
      all.push_back(other);
      texts.push_back(textOf(other));
    }
  std::string shape = shapeText(kernel, nest, chosen.getAlgorithm());
  kernel->setAttr(kShapeAttr, StringAttr::get(kernel.getContext(), shape));
  return all[table.choose(kernel, shape, texts)];
}

static std::optional<nn::ScheduleAttr> selectProduct(nn::KernelOp kernel,
                                                     const Nest &nest,
                                                     const Machine &machine,
                                                     ScheduleTable &table) {
  FailureOr<ProductForm> form = productFormOf(kernel, nest, machine);
  if (failed(form) || form->hasProductOfLane)
    return std::nullopt;
  MLIRContext *context = kernel.getContext();
  ProductShape shape = shapeOf(kernel, nest, *form, machine);
  std::optional<nn::ScheduleAttr> schedule =
      scheduleProduct(context, shape, machine);
  if (schedule && !form->hasPlaceForSums(nest, *schedule) && shape.isOfHalves) {
    // One step at a time needs no panel.
    shape.isOfHalves = false;
    schedule = scheduleProduct(context, shape, machine);
  }
  if (!schedule || !form->hasPlaceForSums(nest, *schedule))
    return std::nullopt;
  if (!table.isThere())
    return schedule;
  SmallVector<nn::ScheduleAttr> others;
  for (bool packs : {false, true})
    if (FailureOr<ProductForm> other = ProductForm::of(nest, packs);
        succeeded(other)) {
      ProductShape otherShape = shapeOf(kernel, nest, *other, machine);
      otherShape.isOfHalves &= schedule->getSteps() > 1;
      for (nn::ScheduleAttr alternative :
           alternativesOf(context, otherShape, machine, packs))
        if (other->hasPlaceForSums(nest, alternative))
          others.push_back(alternative);
    }
  return chooseFrom(table, kernel, nest, *schedule, others);
}

/// A product for each lane, whose operands are read where they lie.
static std::optional<nn::ScheduleAttr>
selectProductOfLanes(nn::KernelOp kernel, const Nest &nest,
                     const Machine &machine) {
  FailureOr<ProductForm> form = ProductForm::of(nest);
  if (failed(form) || !form->hasProductOfLane || !isSumOfProducts(nest.root) ||
      !isa<FloatType>(nest.rootType) ||
      llvm::any_of(nest.inputs, [&](const Access &access) {
        return isConstant(operandOf(kernel, access));
      }))
    return std::nullopt;
  std::optional<nn::ScheduleAttr> schedule = scheduleProduct(
      kernel.getContext(), shapeOf(kernel, nest, *form, machine), machine);
  if (!schedule || schedule->getPacks() || schedule->getSteps() > 1)
    return std::nullopt;
  return schedule;
}

/// The widest element that a kernel meets.
static unsigned widestBits(nn::KernelOp kernel, const Nest &nest) {
  unsigned bits = std::max(bitsOf(nest.rootType), bitsOf(nest.outType));
  for (Value operand : kernel.getInputs())
    bits = std::max(bits, bitsOf(getElementTypeOrSelf(operand.getType())));
  return bits;
}

static std::optional<nn::ScheduleAttr>
selectWindows(nn::KernelOp kernel, const Nest &nest, const Machine &machine) {
  FailureOr<WindowForm> form = WindowForm::of(nest);
  if (failed(form))
    return std::nullopt;
  SmallVector<int64_t> outer;
  for (unsigned loop : form->outer)
    outer.push_back(nest.loops[loop].known());
  WindowsShape shape{productOf(outer),
                     nest.loops[form->row].known(),
                     nest.loops[form->lanes].known(),
                     form->tapCount(nest),
                     form->rowTaps(nest),
                     widestBits(kernel, nest)};
  return scheduleWindows(kernel.getContext(), shape, machine);
}

static std::optional<nn::ScheduleAttr> selectElements(nn::KernelOp kernel,
                                                      Nest nest,
                                                      const Machine &machine,
                                                      ScheduleTable &table) {
  nest.mergeOpenLoops(nullptr);
  std::optional<Lanes> lanes = chooseLanes(nest);
  if (!lanes)
    return std::nullopt;
  SmallVector<int64_t> results, steps;
  for (const Loop &loop : nest.loops)
    (loop.isReduction ? steps : results).push_back(loop.known());
  linalg::GenericOp root = nest.root, epilogue = nest.epilogue;
  int64_t ofStep = root.getBody()->getOperations().size(),
          operations =
              ofStep +
              (epilogue ? epilogue.getBody()->getOperations().size() : 0);
  ElementsShape shape{productOf(results),
                      productOf(steps),
                      nest.loops[lanes->loop].known(),
                      widestBits(kernel, nest),
                      operations,
                      ofStep,
                      lanes->combiner.has_value()};
  std::optional<nn::ScheduleAttr> schedule =
      scheduleElements(kernel.getContext(), shape, machine);
  // Only what adds up windows has enough to do for it to matter.
  if (!schedule || !table.isThere() || shape.steps == 1 || shape.reducesLanes)
    return schedule;
  return chooseFrom(table, kernel, nest, *schedule,
                    alternativesOf(kernel.getContext(), shape, machine));
}

/// Whether passes read operands a vector at a time or an element for the whole
/// row.
static bool isEasy(const RowNest &rows) {
  return llvm::all_of(rows.passes, [&](const RowPass &pass) {
    return llvm::all_of(pass.inputs, [&](const RowInput &input) {
      int64_t step = input.pass ? 1 : input.access.along(rows.lanes());
      return step == 0 || step == 1;
    });
  });
}

static std::optional<nn::ScheduleAttr> selectAttention(nn::KernelOp kernel,
                                                       const Machine &machine) {
  FailureOr<AttentionNest> nest = AttentionNest::ofTypes(kernel);
  if (failed(nest) || !nest->isStraight() || !isEasy(nest->rows) ||
      nest->rows.keptBytes() > kKeptBytes)
    return std::nullopt;
  const AttentionForm &form = nest->form;
  bool isOfHalves = form.scorePairs || form.hasValuePairs;
  if (isHalfProduct(form.scores) && !form.scorePairs)
    return std::nullopt;
  AttentionShape shape{form.outerCount(), form.queryCount(),
                       form.keyCount(),   form.depthCount() + form.laneCount(),
                       kScoreBytes,       form.hasValuePairs ? 6 : 4,
                       isOfHalves};
  return scheduleAttention(kernel.getContext(), shape, machine);
}

static std::optional<nn::ScheduleAttr> selectRows(nn::KernelOp kernel,
                                                  const Machine &machine) {
  FailureOr<RowNest> rows = RowNest::ofTypes(kernel);
  if (failed(rows) || rows->keptBytes() > kKeptBytes || !isEasy(*rows) ||
      rows->nest.out.along(rows->lanes()) != 1)
    return std::nullopt;
  RowsShape shape{1, rows->rowLength(), bitsOf(rows->nest.outType), 0};
  for (const Loop &loop : ArrayRef(rows->nest.loops).drop_back())
    shape.rows *= loop.known();
  for (const RowPass &pass : rows->passes) {
    linalg::GenericOp op = pass.op;
    shape.operations += op.getBody()->getOperations().size();
    for (Type type : op.getBody()->getArgumentTypes())
      shape.widestBits = std::max(shape.widestBits, bitsOf(type));
  }
  return scheduleRows(kernel.getContext(), shape, machine);
}

nn::ScheduleAttr burnish::selectTrees(nn::KernelOp kernel,
                                      const Machine &machine) {
  nn::TreeEnsembleOp op = ensembleOf(kernel);
  auto x = cast<ShapedType>(op.getX().getType());
  int64_t columns = x.getDimSize(1),
          trees = cast<ShapedType>(op.getTrees().getType()).getDimSize(0);
  TreesShape shape{x.getDimSize(0),
                   ShapedType::isDynamic(columns)
                       ? columns
                       : columns * x.getElementTypeBitWidth() / 8,
                   trees};
  return scheduleTrees(kernel.getContext(), shape, machine);
}

std::optional<nn::ScheduleAttr> burnish::selectSchedule(nn::KernelOp kernel,
                                                        const Machine &machine,
                                                        ScheduleTable &table) {
  if (std::optional<nn::ScheduleAttr> attention =
          selectAttention(kernel, machine))
    return attention;
  if (llvm::range_size(kernel.getBody().getOps<linalg::GenericOp>()) > 1)
    if (std::optional<nn::ScheduleAttr> rows = selectRows(kernel, machine))
      return rows;
  FailureOr<Nest> nest = Nest::ofTypes(kernel);
  if (failed(nest) || nest->loops.empty())
    return std::nullopt;
  // A loop without iterations would need care everywhere; the plain loops have
  // it.
  if (llvm::any_of(nest->loops,
                   [](const Loop &loop) { return loop.known() == 0; }))
    return std::nullopt;
  if (std::optional<nn::ScheduleAttr> product =
          selectProduct(kernel, *nest, machine, table))
    return product;
  if (std::optional<nn::ScheduleAttr> windows =
          selectWindows(kernel, *nest, machine))
    return windows;
  if (std::optional<nn::ScheduleAttr> product =
          selectProductOfLanes(kernel, *nest, machine))
    return product;
  return selectElements(kernel, *nest, machine, table);
}

void burnish::packOperands(nn::KernelOp kernel, OperandPacker &packer,
                           const Machine &machine) {
  nn::ScheduleAttr schedule = kernel.getSchedule();
  if (schedule.getAlgorithm() != "product")
    return;
  for (bool isRight : {true, false}) {
    FailureOr<Nest> nest = Nest::ofTypes(kernel);
    FailureOr<ProductForm> form = ProductForm::of(*nest, schedule.getPacks());
    const Access &access = nest->inputs[isRight ? form->right : form->left];
    std::optional<unsigned> loop =
        isRight ? (form->lanes.size() == 1 ? std::optional(form->lanes[0])
                                           : std::nullopt)
                : form->row;
    int64_t tile = isRight ? schedule.getLanes() * schedule.getVectors() /
                                 schedule.getStreams()
                           : schedule.getRows();
    if (!loop || !nest->loops[*loop].source || tile == 1 ||
        (!isRight && schedule.getSteps() > 1) ||
        (isRight && schedule.getPacks()) ||
        !(isConstant(operandOf(kernel, access)) ||
          (isRight && packsInRun(kernel, *nest, *form, machine))))
      continue;
    std::optional<OperandPacker::SideBySide> side;
    if (isRight && schedule.getSteps() > 1)
      side = {*stepsLoopOf(nest->root, *form), schedule.getSteps(),
              schedule.getAddsPairs() ? schedule.getLanes() : 0};
    packer.pack(kernel, nest->root, access.argument, *nest->loops[*loop].source,
                tile, side);
  }
}
