// AttentionForm.cpp - what makes a kernel one of attention.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "passes/kernels/Attention.h"
#include "passes/kernels/Product.h"
#include "passes/kernels/Softmax.h"

using namespace mlir;
using namespace burnish;

/// Longer sums than this are better taken in stretches, which the first product
/// does not do.
static constexpr int64_t kLongestDepth = 512;

static bool isSumOfProducts(linalg::GenericOp op) {
  std::optional<Combiner> combiner = Combiner::of(op);
  return op.getNumDpsInputs() == 2 && op.getNumDpsInits() == 1 &&
         op.getNumReductionLoops() > 0 && combiner &&
         isa<arith::AddFOp>(combiner->op) &&
         getElementTypeOrSelf(op->getResult(0).getType()).isF32() &&
         op.getBody()->getOps<linalg::IndexOp>().empty();
}

/// The loops along a tensor's axes that are longer than 1; nothing when an axis
/// is not walked along by a loop of its own.
static std::optional<SmallVector<unsigned>> loopsAlong(Value tensor,
                                                       AffineMap map) {
  SmallVector<unsigned> loops;
  for (auto [size, expr] :
       llvm::zip_equal(cast<RankedTensorType>(tensor.getType()).getShape(),
                       map.getResults())) {
    if (size == 1)
      continue;
    auto loop = dyn_cast<AffineDimExpr>(expr);
    if (!loop || llvm::is_contained(loops, loop.getPosition()))
      return std::nullopt;
    loops.push_back(loop.getPosition());
  }
  return loops;
}

static int64_t sizeOf(linalg::GenericOp op, unsigned loop) {
  return op.getStaticLoopRanges()[loop];
}

/// Whether an input of an operation moves with one of its loops.
static bool moves(linalg::GenericOp op, unsigned input, unsigned loop) {
  return op.getIndexingMapsArray()[input].isFunctionOfDim(loop);
}

/// The first product's loops are those over its result, and the depth.
bool AttentionForm::readScores() {
  Value result = scores->getResult(0);
  auto along = loopsAlong(
      result, scores.getMatchingIndexingMap(scores.getDpsInitOperand(0)));
  if (!along || along->size() < 2)
    return false;
  scoreLoops = *along;
  sizes = longAxesOf(result);
  for (unsigned loop = 0; loop < scores.getNumLoops(); ++loop)
    if (sizeOf(scores, loop) != 1 && !llvm::is_contained(scoreLoops, loop))
      depth.push_back(loop);
  if (depth.empty() || depthCount() > kLongestDepth ||
      moves(scores, 0, scoreKey()) == moves(scores, 1, scoreKey()))
    return false;
  keyInput = moves(scores, 1, scoreKey()) ? 1 : 0;
  queryInput = 1 - keyInput;
  // Keys are laid out anew axis by axis, which windows over them are not.
  if (!loopsAlong(scores.getDpsInputs()[keyInput],
                  scores.getIndexingMapsArray()[keyInput]))
    return false;
  if (isHalfProduct(scores))
    pairDepth();
  return true;
}

/// Steps of the depth along which queries lie side by side come last, in pairs.
void AttentionForm::pairDepth() {
  AffineMap queries = scores.getIndexingMapsArray()[queryInput];
  auto innermost = dyn_cast<AffineDimExpr>(queries.getResults().back());
  auto place =
      innermost ? llvm::find(depth, innermost.getPosition()) : depth.end();
  if (place == depth.end() || sizeOf(scores, *place) % 2 != 0 ||
      !moves(scores, keyInput, *place))
    return;
  scorePairs = *place;
  depth.erase(place);
  depth.push_back(*scorePairs);
}

/// The second's are those over the weights, of which it sums up the last, and
/// the lanes.
bool AttentionForm::readValues(Value weights) {
  std::optional<unsigned> found;
  for (unsigned input : {0u, 1u})
    if (withoutUnitAxes(values.getDpsInputs()[input]) ==
        withoutUnitAxes(weights)) {
      if (found)
        return false;
      found = input;
    }
  if (!found)
    return false;
  weightInput = *found;
  valueInput = 1 - weightInput;
  Value read = values.getDpsInputs()[weightInput];
  auto along = loopsAlong(read, values.getIndexingMapsArray()[weightInput]);
  if (!along || longAxesOf(read) != sizes)
    return false;
  valueLoops = *along;
  std::optional<unsigned> free;
  auto iterators = values.getIteratorTypesArray();
  for (unsigned loop = 0; loop < values.getNumLoops(); ++loop) {
    bool isReduction = iterators[loop] == utils::IteratorType::reduction;
    if (sizeOf(values, loop) == 1)
      continue;
    if (isReduction != (loop == valueKey()))
      return false;
    if (llvm::is_contained(valueLoops, loop))
      continue;
    if (free)
      return false;
    free = loop;
  }
  if (!free || !moves(values, valueInput, valueKey()))
    return false;
  lanes = *free;
  return true;
}

/// Of the loops along which only queries move, the longest makes the tiles.
bool AttentionForm::chooseQuery() {
  std::optional<unsigned> longest;
  for (unsigned loop = 0; loop + 1 < sizes.size(); ++loop)
    if (moves(scores, queryInput, scoreLoops[loop]) &&
        !moves(scores, keyInput, scoreLoops[loop]) &&
        !moves(values, valueInput, valueLoops[loop]) &&
        (!longest || sizes[loop] >= sizes[*longest]))
      longest = loop;
  query = longest.value_or(0);
  return longest.has_value();
}

std::optional<AttentionForm>
AttentionForm::of(ArrayRef<linalg::GenericOp> group) {
  if (group.size() < 3)
    return std::nullopt;
  AttentionForm form;
  form.scores = group.front();
  form.values = group.back();
  form.passes.assign(group.begin() + 1, group.end() - 1);
  for (linalg::GenericOp op : group)
    if (llvm::any_of(op.getStaticLoopRanges(), [](int64_t size) {
          return ShapedType::isDynamic(size) || size == 0;
        }))
      return std::nullopt;
  Value weights = form.passes.back()->getResult(0);
  form.hasValuePairs = isHalfProduct(form.values);
  Type weight = getElementTypeOrSelf(weights.getType());
  bool isForm = isSumOfProducts(form.scores) && isSumOfProducts(form.values) &&
                (form.hasValuePairs ? weight.isBF16() : weight.isF32()) &&
                form.readScores() && form.readValues(weights) &&
                form.chooseQuery();
  return isForm ? std::optional(form) : std::nullopt;
}

int64_t AttentionForm::depthCount() const {
  int64_t count = 1;
  for (unsigned loop : depth)
    count *= sizeOf(scores, loop);
  return count;
}

int64_t AttentionForm::laneCount() const { return sizeOf(values, lanes); }

int64_t AttentionForm::outerCount() const {
  int64_t count = 1;
  for (unsigned loop = 0; loop + 1 < sizes.size(); ++loop)
    if (loop != query)
      count *= sizes[loop];
  return count;
}

//===- Operands -----------------------------------------------------------===//

namespace {
/// Reads the operands of a kernel whose form is attention's.
class AttentionReader {
public:
  AttentionReader(nn::KernelOp kernel, const AttentionForm &form,
                  Nest::LayoutOf layoutOf, ImplicitLocOpBuilder *builder)
      : kernel(kernel), block(kernel.getBody().front()), form(form),
        layoutOf(layoutOf), builder(builder), attributes(kernel.getContext()) {
    nest.form = form;
  }

  FailureOr<AttentionNest> read() {
    if (!startProduct(form.scores, nest.scores) ||
        !startProduct(form.values, nest.values) ||
        failed(addInput(nest.scores, form.queryInput)) ||
        failed(addInput(nest.scores, form.keyInput)) ||
        failed(addInput(nest.values, form.valueInput)) || failed(addOut()) ||
        failed(addRows()) || !keepsWeights())
      return failure();
    return std::move(nest);
  }

private:
  /// Whether a product starts from zeros, as it must.
  bool startProduct(linalg::GenericOp op, Nest &product) {
    product.root = op;
    product.init = fillOf(op.getDpsInits()[0]);
    product.rootType = product.outType =
        getElementTypeOrSelf(op->getResult(0).getType());
    for (auto [size, iterator] :
         llvm::zip_equal(op.getStaticLoopRanges(), op.getIteratorTypesArray()))
      product.loops.push_back({attributes.getIndexAttr(size),
                               iterator == utils::IteratorType::reduction,
                               static_cast<unsigned>(product.loops.size())});
    product.inputs.resize(2);
    auto init = dyn_cast_or_null<FloatAttr>(product.init);
    return init && init.getValue().isZero();
  }

  /// Keys in panels: what is packed, and where it is read. Panels are counted
  /// by the loop that is cut into them.
  FailureOr<Value> openPanels(linalg::UnPackOp unpack, const Nest &product,
                              unsigned input,
                              SmallVectorImpl<AffineExpr> &exprs) {
    ArrayRef<int64_t> axes = unpack.getInnerDimsPos();
    if (&product != &nest.scores || input != form.keyInput ||
        axes.size() != (form.scorePairs ? 2u : 1u) ||
        exprs[axes[0]] != attributes.getAffineDimExpr(form.scoreKey()))
      return failure();
    if (ArrayRef<int64_t> order = unpack.getOuterDimsPerm(); !order.empty()) {
      auto permuted = applyPermutation(ArrayRef<AffineExpr>(exprs), order);
      exprs.assign(permuted.begin(), permuted.end());
    }
    exprs.append(axes.size(), attributes.getAffineConstantExpr(0));
    nest.hasPanels = true;
    return Value(unpack.getSource());
  }

  LogicalResult addInput(Nest &product, unsigned input) {
    AffineMap map = product.root.getIndexingMapsArray()[input];
    Value tensor = product.root.getDpsInputs()[input];
    SmallVector<AffineExpr> exprs(map.getResults());
    auto unpack = tensor.getDefiningOp<linalg::UnPackOp>();
    if (unpack) {
      FailureOr<Value> source = openPanels(unpack, product, input, exprs);
      if (failed(source))
        return failure();
      tensor = *source;
    }
    auto argument = dyn_cast<BlockArgument>(tensor);
    if (!argument || argument.getOwner() != &block)
      return failure();
    unsigned number = argument.getArgNumber();
    Layout layout = layoutOf(number);
    if (unpack && form.scorePairs) {
      // Two steps of the sum lie in one step of their axis, the last one.
      OpFoldResult &stride = layout.strides[layout.strides.size() - 3];
      std::optional<int64_t> known = getConstantIntValue(stride);
      if (!known || *known % 2 != 0)
        return failure();
      stride = attributes.getIndexAttr(*known / 2);
    }
    FailureOr<Access> access = accessOf(kernel.getContext(), builder, number,
                                        layout, exprs, product.loops.size());
    if (succeeded(access))
      product.inputs[input] = *access;
    return access;
  }

  LogicalResult addOut() {
    linalg::GenericOp values = form.values;
    unsigned out = kernel.getInputs().size();
    FailureOr<Access> access = accessOf(
        kernel.getContext(), builder, out, layoutOf(out),
        values.getMatchingIndexingMap(values.getDpsInitOperand(0)).getResults(),
        nest.values.loops.size());
    if (succeeded(access))
      nest.values.out = *access;
    return access;
  }

  /// What is done with a row of scores. The quotients of a softmax are left to
  /// the products with the values, unless others ask for its weights.
  LogicalResult addRows() {
    ArrayRef<linalg::GenericOp> passes = form.passes;
    std::optional<Softmax> softmax = Softmax::of(passes);
    if (softmax && llvm::is_contained(block.getTerminator()->getOperands(),
                                      passes.back()->getResult(0)))
      softmax.reset();
    if (softmax)
      passes = passes.drop_back();
    FailureOr<RowNest> rows =
        RowNest::ofPasses(kernel, form.scores, passes, layoutOf, builder);
    if (failed(rows))
      return failure();
    nest.rows = *rows;
    nest.weights = rows->passes.size() - 1;
    if (!softmax)
      return success();
    for (auto [index, pass] : llvm::enumerate(nest.rows.passes)) {
      if (pass.op == softmax->greatest)
        pass.combiner->ignoresNaN = true;
      if (pass.op == softmax->exponentials)
        nest.weights = index;
      if (pass.op == softmax->sum)
        nest.divisor = index;
    }
    nest.isGuarded = softmax->isGuarded;
    return success();
  }

  /// Whether the weights can take the place of their row: nothing reads a part
  /// of it behind them.
  bool keepsWeights() const {
    const RowPass &weights = nest.rows.passes[nest.weights];
    for (auto [index, pass] : llvm::enumerate(nest.rows.passes)) {
      bool readsGiven = llvm::any_of(pass.inputs, [&](const RowInput &input) {
        return input.pass && nest.rows.passes[*input.pass].isGiven;
      });
      bool isBefore = std::pair<size_t, size_t>(pass.sweep, index) <=
                      std::pair<size_t, size_t>(weights.sweep, nest.weights);
      if (readsGiven && !isBefore)
        return false;
    }
    return weights.isWide && !weights.isGiven;
  }

  nn::KernelOp kernel;
  Block &block;
  const AttentionForm &form;
  Nest::LayoutOf layoutOf;
  ImplicitLocOpBuilder *builder;
  Builder attributes;
  AttentionNest nest;
};
} // namespace

FailureOr<AttentionNest> AttentionNest::of(nn::KernelOp kernel,
                                           Nest::LayoutOf layoutOf,
                                           ImplicitLocOpBuilder *builder) {
  Block &block = kernel.getBody().front();
  SmallVector<linalg::GenericOp> generics(block.getOps<linalg::GenericOp>());
  std::optional<AttentionForm> form = AttentionForm::of(generics);
  if (!form ||
      block.getTerminator()->getOperand(0) != generics.back()->getResult(0))
    return failure();
  return AttentionReader(kernel, *form, layoutOf, builder).read();
}

FailureOr<AttentionNest> AttentionNest::ofTypes(nn::KernelOp kernel) {
  Block &block = kernel.getBody().front();
  return of(
      kernel,
      [&](unsigned argument) {
        return Layout::rowMajor(
            cast<ShapedType>(block.getArgument(argument).getType()));
      },
      nullptr);
}

bool AttentionNest::isStraight() const {
  return values.inputs[form.valueInput].along(form.lanes) == 1 &&
         values.out.along(form.lanes) == 1 &&
         llvm::all_of(rows.outs, [&](const Access &out) {
           return out.along(rows.lanes()) == 1;
         });
}
