// Rows.cpp - several passes over one row after another.
#include "passes/kernels/Rows.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/kernels/Body.h"
#include "passes/kernels/Code.h"

using namespace mlir;
using namespace burnish;

//===- Form ---------------------------------------------------------------===//

/// The loops of a generic that have more than one iteration.
static SmallVector<unsigned> longLoops(linalg::GenericOp op) {
  SmallVector<unsigned> loops;
  for (auto [index, size] : llvm::enumerate(op.getStaticLoopRanges()))
    if (size != 1)
      loops.push_back(index);
  return loops;
}

std::optional<SmallVector<int64_t>> burnish::rowLoopsOf(linalg::GenericOp op) {
  SmallVector<int64_t> ranges = op.getStaticLoopRanges(), sizes;
  auto iterators = op.getIteratorTypesArray();
  SmallVector<unsigned> loops = longLoops(op);
  for (unsigned loop : loops) {
    bool isReduction = iterators[loop] == utils::IteratorType::reduction;
    if (ShapedType::isDynamic(ranges[loop]) || ranges[loop] == 0 ||
        (isReduction && loop != loops.back()))
      return std::nullopt;
    sizes.push_back(ranges[loop]);
  }
  return sizes;
}

SmallVector<int64_t> burnish::longAxesOf(Value tensor) {
  return llvm::to_vector(llvm::make_filter_range(
      cast<RankedTensorType>(tensor.getType()).getShape(),
      [](int64_t size) { return size != 1; }));
}

Value burnish::withoutUnitAxes(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op) ||
        longAxesOf(op->getOperand(0)) != longAxesOf(value))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// Whether a tensor is indexed by `loops` in this order, along its axes that
/// are longer than 1.
static bool isIndexedBy(Value tensor, AffineMap map, ArrayRef<unsigned> loops) {
  SmallVector<unsigned> found;
  auto type = cast<RankedTensorType>(tensor.getType());
  for (auto [size, expr] : llvm::zip_equal(type.getShape(), map.getResults())) {
    if (size == 1)
      continue;
    auto loop = dyn_cast<AffineDimExpr>(expr);
    if (!loop)
      return false;
    found.push_back(loop.getPosition());
  }
  return ArrayRef(found) == loops;
}

/// An access by the loops of a kernel, from one by `loops` of a generic.
static FailureOr<Access> accessBy(const Nest &nest, nn::KernelOp kernel,
                                  Nest::LayoutOf layoutOf,
                                  ImplicitLocOpBuilder *builder,
                                  unsigned argument, AffineMap map,
                                  ArrayRef<unsigned> loops) {
  FailureOr<Access> own =
      accessOf(kernel.getContext(), builder, argument, layoutOf(argument),
               map.getResults(), map.getNumDims());
  if (failed(own))
    return failure();
  Access access = *own;
  access.coefficients.assign(nest.loops.size(),
                             Builder(kernel.getContext()).getIndexAttr(0));
  for (auto [index, loop] : llvm::enumerate(loops))
    access.coefficients[index] = own->coefficients[loop];
  return access;
}

FailureOr<RowNest> RowNest::of(nn::KernelOp kernel, Nest::LayoutOf layoutOf,
                               ImplicitLocOpBuilder *builder) {
  RowNest rows;
  Block &block = kernel.getBody().front();
  SmallVector<linalg::GenericOp> generics(block.getOps<linalg::GenericOp>());
  if (generics.empty() || block.getTerminator()->getNumOperands() != 1 ||
      block.getTerminator()->getOperand(0) != generics.back()->getResult(0))
    return failure();
  // The longest loops are those of the passes that are as wide as a row.
  SmallVector<int64_t> sizes;
  for (linalg::GenericOp op : generics) {
    std::optional<SmallVector<int64_t>> own = rowLoopsOf(op);
    if (!own)
      return failure();
    if (own->size() > sizes.size())
      sizes = *own;
  }
  if (sizes.empty())
    return failure();
  Builder attributes(kernel.getContext());
  for (int64_t size : sizes)
    rows.nest.loops.push_back({attributes.getIndexAttr(size), false, {}});
  unsigned outArgument = block.getNumArguments() - 1;
  rows.nest.rootType = rows.nest.outType =
      getElementTypeOrSelf(block.getArgument(outArgument).getType());
  if (failed(rows.addPasses(kernel, generics, layoutOf, builder)) ||
      !rows.passes.back().isWide)
    return failure();
  linalg::GenericOp last = generics.back();
  FailureOr<Access> out = accessBy(
      rows.nest, kernel, layoutOf, builder, outArgument,
      last.getMatchingIndexingMap(last.getDpsInitOperand(0)), longLoops(last));
  if (failed(out))
    return failure();
  rows.nest.out = *out;
  return rows;
}

FailureOr<RowNest> RowNest::ofPasses(nn::KernelOp kernel,
                                     linalg::GenericOp given,
                                     ArrayRef<linalg::GenericOp> generics,
                                     Nest::LayoutOf layoutOf,
                                     ImplicitLocOpBuilder *builder) {
  RowNest rows;
  Builder attributes(kernel.getContext());
  for (int64_t size : longAxesOf(given->getResult(0)))
    rows.nest.loops.push_back({attributes.getIndexAttr(size), false, {}});
  rows.nest.rootType = rows.nest.outType =
      getElementTypeOrSelf(given->getResult(0).getType());
  RowPass pass;
  pass.op = given;
  pass.isWide = pass.isGiven = true;
  rows.passes.push_back(pass);
  if (failed(rows.addPasses(kernel, generics, layoutOf, builder)))
    return failure();
  Block &block = kernel.getBody().front();
  unsigned firstOut = kernel.getInputs().size();
  SmallVector<Value> yielded(block.getTerminator()->getOperands());
  for (RowPass &pass : rows.passes) {
    auto *found = llvm::find(yielded, pass.op->getResult(0));
    if (found == yielded.end())
      continue;
    if (pass.isGiven || !pass.isWide)
      return failure();
    FailureOr<Access> out =
        accessBy(rows.nest, kernel, layoutOf, builder,
                 firstOut + (found - yielded.begin()),
                 pass.op.getMatchingIndexingMap(pass.op.getDpsInitOperand(0)),
                 longLoops(pass.op));
    if (failed(out))
      return failure();
    pass.out = rows.outs.size();
    rows.outs.push_back(*out);
  }
  return rows;
}

LogicalResult RowNest::addPasses(nn::KernelOp kernel,
                                 ArrayRef<linalg::GenericOp> generics,
                                 Nest::LayoutOf layoutOf,
                                 ImplicitLocOpBuilder *builder) {
  Block &block = kernel.getBody().front();
  SmallVector<int64_t> sizes;
  for (const Loop &loop : nest.loops)
    sizes.push_back(loop.known());
  llvm::DenseMap<Value, unsigned> passOf;
  for (auto [index, pass] : llvm::enumerate(passes))
    passOf[linalg::GenericOp(pass.op)->getResult(0)] = index;
  for (linalg::GenericOp op : generics) {
    RowPass pass;
    pass.op = op;
    SmallVector<unsigned> loops = longLoops(op);
    pass.isWide =
        loops.size() == sizes.size() && op.getNumReductionLoops() == 0;
    ArrayRef<int64_t> expected = ArrayRef(sizes).take_front(loops.size());
    if (loops.size() + 1 < sizes.size() || *rowLoopsOf(op) != expected ||
        op.getNumDpsInits() != 1 ||
        !op.getBody()->getOps<linalg::IndexOp>().empty())
      return failure();
    ArrayRef<unsigned> rowLoops = ArrayRef(loops).take_front(sizes.size() - 1);
    if (op.getNumReductionLoops() > 0) {
      pass.combiner = Combiner::of(op);
      pass.init = fillOf(op.getDpsInits()[0]);
      if (!pass.combiner || !pass.init || loops.size() != sizes.size())
        return failure();
    }
    if (!isIndexedBy(op->getResult(0),
                     op.getMatchingIndexingMap(op.getDpsInitOperand(0)),
                     pass.isWide ? ArrayRef(loops) : rowLoops))
      return failure();
    for (OpOperand *input : op.getDpsInputOperands()) {
      AffineMap map = op.getMatchingIndexingMap(input);
      Value tensor = withoutUnitAxes(input->get());
      if (auto found = passOf.find(tensor); found != passOf.end()) {
        RowPass &earlier = passes[found->second];
        if (!isIndexedBy(input->get(), map,
                         earlier.isWide ? ArrayRef(loops) : rowLoops))
          return failure();
        pass.inputs.push_back({found->second, {}});
        pass.sweep =
            std::max(pass.sweep, earlier.sweep + earlier.combiner.has_value());
        continue;
      }
      auto argument = dyn_cast<BlockArgument>(input->get());
      if (!argument || argument.getOwner() != &block ||
          !isa<ShapedType>(argument.getType()))
        return failure();
      FailureOr<Access> access = accessBy(nest, kernel, layoutOf, builder,
                                          argument.getArgNumber(), map, loops);
      if (failed(access))
        return failure();
      pass.inputs.push_back({std::nullopt, *access});
    }
    for (const RowInput &input : pass.inputs)
      if (input.pass && passes[*input.pass].isWide)
        passes[*input.pass].isKept |= passes[*input.pass].sweep < pass.sweep;
    passOf[op->getResult(0)] = passes.size();
    passes.push_back(pass);
  }
  return success();
}

FailureOr<RowNest> RowNest::ofTypes(nn::KernelOp kernel) {
  Block &block = kernel.getBody().front();
  return of(
      kernel,
      [&](unsigned argument) {
        return Layout::rowMajor(
            cast<ShapedType>(block.getArgument(argument).getType()));
      },
      nullptr);
}

int64_t RowNest::keptBytes() const {
  int64_t bytes = 0;
  for (const RowPass &pass : passes)
    if (pass.isKept && !pass.isGiven) {
      linalg::GenericOp op = pass.op;
      Type type = getElementTypeOrSelf(op->getResult(0).getType());
      bytes += rowLength() * llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
    }
  return bytes;
}

//===- Code ---------------------------------------------------------------===//

namespace {
class RowsMaker {
public:
  RowsMaker(KernelCode &code, const RowNest &rows)
      : code(code), b(code.b), rows(rows), width(code.schedule.getLanes()),
        values(rows.passes.size()), kept(rows.passes.size()) {
    for (auto [index, pass] : llvm::enumerate(rows.passes))
      if (pass.isKept && !pass.isGiven)
        kept[index] = frameMemory(
            b, getElementTypeOrSelf(linalg::GenericOp(pass.op)->getResult(0)),
            rows.rowLength());
  }

  void make(Value begin, Value end) {
    code.loop(begin, end, 1, [&](Value task) {
      Value rest = task;
      for (size_t loop = rows.lanes(); loop-- > 0;) {
        code.at[loop] = {
            loop == 0 ? rest
                      : b.createOrFold<arith::RemUIOp>(rest, code.size(loop))};
        rest = b.createOrFold<arith::DivUIOp>(rest, code.size(loop));
      }
      makeSweeps();
    });
  }

  Value makeGiven(const GivenRow &row, std::optional<unsigned> asked) {
    given = row;
    makeSweeps();
    return asked ? values[*asked] : Value();
  }

private:
  void makeSweeps() {
    unsigned last = 0;
    for (const RowPass &pass : rows.passes)
      last = std::max(last, pass.sweep);
    for (unsigned sweep = 0; sweep <= last; ++sweep)
      makeSweep(sweep);
  }

  void makeSweep(unsigned sweep) {
    SmallVector<unsigned> members;
    reductions.clear();
    for (auto [index, pass] : llvm::enumerate(rows.passes)) {
      if (pass.sweep != sweep || pass.isGiven)
        continue;
      if (pass.combiner)
        reductions.push_back(index);
      if (pass.combiner || pass.isWide)
        members.push_back(index);
      else
        values[index] = compute(index, {}, 1, Value());
    }
    if (!members.empty())
      sweepOver(members);
  }

  /// The members of a sweep along the row: several vectors of partial results
  /// of each reduction, and what no vector takes in pieces.
  void sweepOver(ArrayRef<unsigned> members) {
    int64_t length = rows.rowLength(), count = reductions.size(),
            vectors = std::max<int64_t>(
                1,
                std::min<int64_t>(code.schedule.getVectors(), length / width)),
            tile = vectors * width;
    // Partial results: of the first vector of each tile, of the second, ...
    SmallVector<Value> running;
    for (int64_t place = 0; place < vectors; ++place)
      for (unsigned index : reductions)
        running.push_back(
            spread(b, rows.passes[index].combiner->neutral(b), width));
    auto takeTile = [&](Value base, ValueRange partial) {
      SmallVector<Value> next(partial);
      for (int64_t place = 0; place < vectors; ++place)
        step(members, Index{base} + place * width, width,
             MutableArrayRef(next).slice(place * count, count));
      return next;
    };
    int64_t full = length / tile * tile;
    if (count == 0)
      code.loop(code.constant(0), code.constant(full), tile,
                [&](Value base) { takeTile(base, {}); });
    else
      running = code.carry(code.constant(0), code.constant(full), tile, running,
                           takeTile);
    for (int64_t place = 0; full + width <= length; full += width, ++place)
      step(members, {{}, full}, width,
           MutableArrayRef(running).slice(place * count, count));
    SmallVector<SmallVector<Value>> partial(count);
    for (auto [index, value] : llvm::enumerate(running))
      partial[index % count].push_back(value);
    SmallVector<Value> totals;
    for (auto [place, index] : llvm::enumerate(reductions))
      totals.push_back(rows.passes[index].combiner->total(b, partial[place]));
    for (int64_t piece : piecesOf(length - full, width)) {
      SmallVector<Value> some;
      for (unsigned index : reductions)
        some.push_back(
            spread(b, rows.passes[index].combiner->neutral(b), piece));
      step(members, {{}, full}, piece, some);
      for (auto [place, index] : llvm::enumerate(reductions)) {
        const Combiner &combiner = *rows.passes[index].combiner;
        totals[place] =
            combiner.combine(b, totals[place], combiner.total(b, some[place]));
      }
      full += piece;
    }
    for (auto [place, index] : llvm::enumerate(reductions)) {
      const RowPass &pass = rows.passes[index];
      Value init = arith::ConstantOp::create(b, pass.init);
      values[index] = pass.combiner->combine(b, init, totals[place]);
    }
  }

  /// `count` elements of the row from `base` on; `running` has the partial
  /// results of the sweep's reductions.
  void step(ArrayRef<unsigned> members, Index base, int64_t count,
            MutableArrayRef<Value> running) {
    for (unsigned index : members) {
      const RowPass &pass = rows.passes[index];
      if (pass.combiner) {
        Value &partial =
            running[llvm::find(reductions, index) - reductions.begin()];
        partial = spread(b, compute(index, base, count, partial), count);
        continue;
      }
      Value value = spread(b, compute(index, base, count, Value()), count);
      values[index] = value;
      if (pass.isKept)
        put(value, kept[index], base, count);
      code.at[rows.lanes()] = base;
      if (given && index == given->result)
        put(value, given->resultMemory, from(given->firstResult, base), count);
      else if (!given && index + 1 == rows.passes.size())
        code.store(rows.nest.out, value, rows.lanes(), count);
      if (pass.out)
        code.store(rows.outs[*pass.out], value, rows.lanes(), count);
    }
  }

  Value compute(unsigned index, Index base, int64_t count, Value running) {
    const RowPass &pass = rows.passes[index];
    SmallVector<Value> arguments;
    code.at[rows.lanes()] = base;
    for (const RowInput &input : pass.inputs) {
      if (!input.pass)
        arguments.push_back(code.load(input.access, rows.lanes(), count));
      else if (rows.passes[*input.pass].isGiven)
        arguments.push_back(
            take(given->memory, from(given->first, base), count));
      else if (rows.passes[*input.pass].isWide &&
               rows.passes[*input.pass].sweep < pass.sweep)
        arguments.push_back(take(kept[*input.pass], base, count));
      else
        arguments.push_back(values[*input.pass]);
    }
    if (pass.combiner && pass.combiner->ignoresNaN)
      return pass.combiner->combine(b, spread(b, arguments[0], count), running);
    arguments.push_back(running);
    return evaluate(b, pass.op, arguments, count,
                    [](unsigned) { return Value(); });
  }

  Index from(Value first, Index base) {
    Value index =
        base.value ? Value(arith::AddIOp::create(b, first, base.value)) : first;
    return {index, base.constant};
  }
  /// Rounds what the memory has narrower elements for.
  void put(Value value, Value memory, Index base, int64_t count) {
    Type element = cast<MemRefType>(memory.getType()).getElementType();
    if (getElementTypeOrSelf(value.getType()) != element)
      value = arith::TruncFOp::create(
          b, count == 1 ? element : Type(VectorType::get({count}, element)),
          value);
    if (count == 1)
      memref::StoreOp::create(b, value, memory, code.valueOf(base));
    else
      vector::StoreOp::create(b, value, memory, code.valueOf(base));
  }
  Value take(Value memory, Index base, int64_t count) {
    if (count == 1)
      return memref::LoadOp::create(b, memory, code.valueOf(base));
    Type type = cast<MemRefType>(memory.getType()).getElementType();
    return vector::LoadOp::create(b, VectorType::get({count}, type), memory,
                                  code.valueOf(base));
  }

  KernelCode &code;
  ImplicitLocOpBuilder &b;
  const RowNest &rows;
  int64_t width;
  /// The present value of each pass, and where its row is kept.
  SmallVector<Value> values, kept;
  std::optional<GivenRow> given;
  /// The reductions of the present sweep.
  SmallVector<unsigned> reductions;
};
} // namespace

void burnish::makeRows(KernelCode &code, const RowNest &rows, Value begin,
                       Value end) {
  RowsMaker(code, rows).make(begin, end);
}

Value burnish::makeGivenRow(KernelCode &code, const RowNest &rows,
                            const GivenRow &given,
                            std::optional<unsigned> asked) {
  return RowsMaker(code, rows).makeGiven(given, asked);
}

OpFoldResult burnish::tasksOfRows(ImplicitLocOpBuilder &b,
                                  const RowNest &rows) {
  int64_t tasks = 1;
  for (const Loop &loop : ArrayRef(rows.nest.loops).drop_back())
    tasks *= loop.known();
  return b.getIndexAttr(tasks);
}
