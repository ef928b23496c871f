// Elements.cpp - one pass along the elements of results or operands.
#include "passes/kernels/Elements.h"
#include "ir/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/kernels/Body.h"
#include "passes/kernels/Code.h"

using namespace mlir;
using namespace burnish;

/// Reductions of at most so many steps are written out.
static constexpr int64_t kUnrolledSteps = 16;
/// So many terms are added one after another before their sum is.
static constexpr int64_t kSummedSteps = 64;
/// Steps of a sum that lie so many bytes apart are fetched so many steps before
/// they are read, line by line.
static constexpr int64_t kFarApart = 1024, kStepsAhead = 8, kLineBytes = 64;
/// Tasks from at least so many iterations: threads of any number find enough to
/// share.
static constexpr int64_t kEnoughTasks = 64;
/// Tiles of one task when one loop is all there is, and they are no sums.
static constexpr int64_t kTilesOfTask = 64;

//===- Which loop ---------------------------------------------------------===//

std::optional<Lanes> burnish::chooseLanes(const Nest &nest) {
  auto isEasy = [](int64_t step) {
    return step == 0 || step == 1 || step == 2;
  };
  std::optional<Lanes> fallback;
  for (unsigned loop = 0; loop < nest.loops.size(); ++loop) {
    if (nest.loops[loop].isReduction || nest.out.along(loop) != 1)
      continue;
    bool easy = llvm::all_of(nest.inputs, [&](const Access &access) {
      return isEasy(access.along(loop));
    });
    for (auto [index, access] : llvm::enumerate(nest.epilogueInputs))
      easy &= index == nest.resultInput || isEasy(access.along(loop));
    if (easy)
      return Lanes{loop, std::nullopt};
    fallback = Lanes{loop, std::nullopt};
  }
  if (nest.hasReduction())
    for (unsigned loop = 0; loop < nest.loops.size(); ++loop) {
      if (!nest.loops[loop].isReduction)
        continue;
      bool easy = llvm::all_of(nest.inputs, [&](const Access &access) {
        return access.along(loop) == 0 || access.along(loop) == 1;
      });
      bool moves = llvm::any_of(nest.inputs, [&](const Access &access) {
        return access.along(loop) == 1;
      });
      std::optional<Combiner> combiner =
          easy && moves ? Combiner::of(nest.root) : std::nullopt;
      if (combiner)
        return Lanes{loop, combiner};
    }
  return fallback;
}

//===- Loops --------------------------------------------------------------===//

namespace {
/// Loops of the results other than the lanes; the first ones are shared out as
/// tasks.
struct OuterLoops {
  SmallVector<unsigned> shared, own;

  OuterLoops(const Nest &nest, const Lanes &lanes) {
    int64_t tasks = 1;
    for (auto [index, loop] : llvm::enumerate(nest.loops)) {
      if (loop.isReduction || index == lanes.loop)
        continue;
      bool isEnough = tasks >= kEnoughTasks ||
                      (!shared.empty() && ShapedType::isDynamic(loop.known()));
      (isEnough || !own.empty() ? own : shared).push_back(index);
      if (!isEnough)
        tasks = ShapedType::isDynamic(loop.known()) ? kEnoughTasks
                                                    : tasks * loop.known();
    }
  }
};

/// Elements of a stretch of the one loop that is a task.
int64_t stretchOf(const Nest &nest, nn::ScheduleAttr schedule) {
  return schedule.getLanes() * schedule.getVectors() *
         (nest.hasReduction() ? 1 : kTilesOfTask);
}

class ElementsMaker {
public:
  ElementsMaker(KernelCode &code)
      : code(code), b(code.b), nest(code.nest), lanes(*chooseLanes(code.nest)),
        outer(code.nest, lanes), width(code.schedule.getLanes()),
        tile(width * code.schedule.getVectors()) {
    for (unsigned loop = 0; loop < nest.loops.size(); ++loop)
      if (nest.loops[loop].isReduction && loop != lanes.loop)
        reductions.push_back(loop);
  }

  void make(Value begin, Value end) {
    if (outer.shared.empty() && !lanes.combiner)
      return makeLine(begin, end);
    code.loop(begin, end, 1, [&](Value task) {
      // Decode the task, last loop fastest.
      Value rest = task;
      for (size_t place = outer.shared.size(); place-- > 0;) {
        unsigned loop = outer.shared[place];
        if (place == 0) {
          code.at[loop] = {rest};
          break;
        }
        code.at[loop] = {b.createOrFold<arith::RemUIOp>(rest, code.size(loop))};
        rest = b.createOrFold<arith::DivUIOp>(rest, code.size(loop));
      }
      makeOwn(0);
    });
  }

private:
  /// One loop is all there is: tasks are stretches of it, the last takes what
  /// remains.
  void makeLine(Value begin, Value end) {
    if (!code.schedule.getIsParallel())
      return makeTiles();
    int64_t known = nest.loops[lanes.loop].known();
    Value size = code.size(lanes.loop),
          step = code.constant(stretchOf(nest, code.schedule)),
          rest = b.createOrFold<arith::RemUIOp>(size, code.constant(tile)),
          full = b.createOrFold<arith::SubIOp>(size, rest);
    Value from = arith::MulIOp::create(b, begin, step),
          behind = arith::MulIOp::create(b, end, step),
          to = arith::MinUIOp::create(b, behind, full);
    code.loop(from, to, tile, [&](Value index) { makeTile({index}, tile); });
    if (!ShapedType::isDynamic(known) && known % tile == 0)
      return;
    Value isLast =
        arith::CmpIOp::create(b, arith::CmpIPredicate::uge, behind, size);
    auto branch = scf::IfOp::create(b, isLast, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    if (!ShapedType::isDynamic(known))
      return makeTile({{}, known / tile * tile}, known % tile);
    code.tilesFrom(full, size, {width, std::max<int64_t>(1, width / 4)},
                   [&](Index base, int64_t count) { makeTile(base, count); });
  }

  void makeOwn(size_t place) {
    if (place < outer.own.size()) {
      unsigned loop = outer.own[place];
      code.loop(code.constant(0), code.size(loop), 1, [&](Value index) {
        code.at[loop] = {index};
        makeOwn(place + 1);
      });
      return;
    }
    lanes.combiner ? reduceLanes() : makeTiles();
  }

  void makeTiles() {
    code.tiles(nest.loops[lanes.loop].size,
               {tile, width, std::max<int64_t>(1, width / 4)},
               [&](Index base, int64_t count) { makeTile(base, count); });
  }

  /// So many elements of each result of passes that go together: all is read
  /// before anything is written, which may be where it was read.
  void makeTogether(Index base, int64_t count) {
    int64_t start = 0;
    for (int64_t piece : piecesOf(count, width)) {
      code.at[lanes.loop] = base + start;
      llvm::DenseMap<Value, Value> values;
      Block *region = nest.root->getBlock();
      for (const Access &access : nest.inputs)
        values[region->getArgument(access.argument)] =
            code.load(access, lanes.loop, piece);
      for (linalg::GenericOp generic : nest.together) {
        SmallVector<Value> arguments;
        for (Value input : generic.getDpsInputs())
          arguments.push_back(values.at(input));
        // The out has nothing to be read; a body never asks for it.
        arguments.push_back(Value());
        values[generic->getResult(0)] = evaluate(
            b, generic, arguments, piece, [](unsigned) { return Value(); });
      }
      for (const Store &store : nest.stores)
        code.store(store.access, values.at(store.value), lanes.loop, piece);
      start += piece;
    }
  }

  /// `count` results side by side.
  void makeTile(Index base, int64_t count) {
    if (!nest.together.empty())
      return makeTogether(base, count);
    SmallVector<int64_t> pieces = piecesOf(count, width);
    SmallVector<Value> results;
    for (int64_t piece : pieces)
      results.push_back(
          nest.init ? spread(b, arith::ConstantOp::create(b, nest.init), piece)
                    : Value());
    auto step = [&](ValueRange running) {
      SmallVector<Value> next;
      fetchAhead(base, count);
      int64_t start = 0;
      for (auto [index, piece] : llvm::enumerate(pieces)) {
        code.at[lanes.loop] = base + start;
        next.push_back(body(running[index], piece));
        start += piece;
      }
      return next;
    };
    results = reduce(0, results, step);
    int64_t start = 0;
    for (auto [result, piece] : llvm::zip_equal(results, pieces)) {
      code.at[lanes.loop] = base + start;
      code.finish(result, lanes.loop, piece);
      start += piece;
    }
  }

  /// Fetches what a later step of a sum reads, where steps lie so far apart
  /// that no core does that by itself.
  void fetchAhead(Index base, int64_t count) {
    if (reductions.size() != 1 ||
        nest.loops[reductions[0]].known() < kSummedSteps)
      return;
    for (const Access &access : nest.inputs) {
      int64_t stride = access.along(reductions[0]),
              bytes = cast<MemRefType>(code.data[access.argument].getType())
                          .getElementTypeBitWidth() /
                      8;
      if (access.along(lanes.loop) != 1 || ShapedType::isDynamic(stride) ||
          bytes == 0 || stride * bytes < kFarApart || count >= stride)
        continue;
      for (int64_t place = 0; place < count; place += kLineBytes / bytes) {
        code.at[lanes.loop] = base + place;
        memref::PrefetchOp::create(
            b, code.data[access.argument],
            ValueRange{arith::AddIOp::create(
                b, code.offset(access), code.constant(kStepsAhead * stride))},
            /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
      }
    }
  }

  Value body(Value running, int64_t piece) {
    SmallVector<Value> arguments;
    for (const Access &access : nest.inputs)
      arguments.push_back(code.load(access, lanes.loop, piece));
    arguments.push_back(running);
    Value value = evaluate(b, nest.root, arguments, piece, [&](unsigned loop) {
      return code.indexOf(loop, lanes.loop, piece);
    });
    return nest.init ? spread(b, value, piece) : value;
  }

  /// Does `step` for all iterations of the reductions from `place` on.
  SmallVector<Value>
  reduce(size_t place, SmallVector<Value> running,
         llvm::function_ref<SmallVector<Value>(ValueRange)> step) {
    if (place == reductions.size())
      return step(running);
    int64_t steps = 1;
    for (unsigned loop : ArrayRef(reductions).drop_front(place))
      steps =
          ShapedType::isDynamic(nest.loops[loop].known())
              ? kUnrolledSteps + 1
              : std::min(kUnrolledSteps + 1, steps * nest.loops[loop].known());
    unsigned loop = reductions[place];
    if (steps <= kUnrolledSteps) {
      for (int64_t index = 0; index < nest.loops[loop].known(); ++index) {
        code.at[loop] = {{}, index};
        running = reduce(place + 1, running, step);
      }
      return running;
    }
    auto body = [&](Value index, ValueRange values) {
      code.at[loop] = {index};
      return reduce(place + 1, SmallVector<Value>(values), step);
    };
    int64_t known = nest.loops[loop].known();
    bool isLong = ShapedType::isDynamic(known) || known > kSummedSteps;
    std::optional<Combiner> combiner =
        isLong ? Combiner::of(nest.root) : std::nullopt;
    Value begin = code.constant(0), end = code.size(loop);
    return combiner && isa<arith::AddFOp>(combiner->op)
               ? code.sumStretches(begin, end, kSummedSteps, running, body)
               : code.carry(begin, end, 1, running, body);
  }

  /// One result from elements side by side: several vectors of partial results,
  /// and a scalar for what no vector takes.
  void reduceLanes() {
    Value neutral = lanes.combiner->neutral(b);
    int64_t known = nest.loops[lanes.loop].known(),
            vectors = code.schedule.getVectors();
    if (!ShapedType::isDynamic(known))
      vectors = std::max<int64_t>(1, std::min(vectors, known / width));
    SmallVector<Value> running(vectors, spread(b, neutral, width));
    running.push_back(neutral);
    running = reduce(0, running, [&](ValueRange values) {
      return reduceLine(SmallVector<Value>(values), vectors);
    });
    Value total = lanes.combiner->combine(
        b, running.back(),
        lanes.combiner->total(b, ArrayRef(running).drop_back()));
    Value init = arith::ConstantOp::create(b, nest.init);
    code.finish(lanes.combiner->combine(b, init, total), std::nullopt, 1);
  }

  SmallVector<Value> reduceLine(SmallVector<Value> running, int64_t vectors) {
    int64_t tileHere = vectors * width, known = nest.loops[lanes.loop].known();
    auto takeTile = [&](Index base, ValueRange values) {
      SmallVector<Value> next(values);
      for (int64_t index = 0; index < vectors; ++index) {
        code.at[lanes.loop] = base + index * width;
        next[index] = body(values[index], width);
      }
      return next;
    };
    auto takeOne = [&](Index base, SmallVector<Value> values) {
      code.at[lanes.loop] = base;
      values.back() = body(values.back(), 1);
      return values;
    };
    Value end = code.size(lanes.loop);
    Value rest = b.createOrFold<arith::RemUIOp>(end, code.constant(tileHere)),
          full = b.createOrFold<arith::SubIOp>(end, rest);
    if (ShapedType::isDynamic(known) || known >= tileHere)
      running = code.carry(code.constant(0), full, tileHere, running,
                           [&](Value index, ValueRange values) {
                             return takeTile({index}, values);
                           });
    if (ShapedType::isDynamic(known)) {
      Value left = b.createOrFold<arith::RemUIOp>(end, code.constant(width)),
            whole = b.createOrFold<arith::SubIOp>(end, left);
      running[0] = code.carry(
          full, whole, width, running[0], [&](Value index, ValueRange values) {
            code.at[lanes.loop] = {index};
            return SmallVector<Value>{body(values[0], width)};
          })[0];
      return code.carry(whole, end, 1, running,
                        [&](Value index, ValueRange values) {
                          return takeOne({index}, SmallVector<Value>(values));
                        });
    }
    int64_t start = known / tileHere * tileHere;
    for (int64_t place = 0; start + width <= known; start += width, ++place) {
      code.at[lanes.loop] = {{}, start};
      running[place] = body(running[place], width);
    }
    for (; start < known; ++start)
      running = takeOne({{}, start}, running);
    return running;
  }

  KernelCode &code;
  ImplicitLocOpBuilder &b;
  const Nest &nest;
  Lanes lanes;
  OuterLoops outer;
  int64_t width, tile;
  SmallVector<unsigned> reductions;
};
} // namespace

void burnish::makeElements(KernelCode &code, Value begin, Value end) {
  ElementsMaker(code).make(begin, end);
}

OpFoldResult burnish::tasksOfElements(ImplicitLocOpBuilder &b, const Nest &nest,
                                      nn::ScheduleAttr schedule) {
  Lanes lanes = *chooseLanes(nest);
  OuterLoops outer(nest, lanes);
  OpFoldResult tasks = b.getIndexAttr(1);
  if (outer.shared.empty() && !lanes.combiner) {
    if (schedule.getIsParallel())
      tasks = getAsOpFoldResult(b.createOrFold<arith::CeilDivUIOp>(
          getValueOrCreateConstantIndexOp(b, b.getLoc(),
                                          nest.loops[lanes.loop].size),
          Value(arith::ConstantIndexOp::create(b, stretchOf(nest, schedule)))));
    return tasks;
  }
  for (unsigned loop : outer.shared)
    tasks = nn::mulIndex(b, tasks, nest.loops[loop].size);
  return tasks;
}
