// Attention.cpp - a tile of queries at a time: scores, passes over them, and
// what they weigh.
#include "passes/kernels/Attention.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/kernels/Body.h"
#include "passes/kernels/Code.h"
#include "passes/kernels/Words.h"

using namespace mlir;
using namespace burnish;

/// So many products are added one after another before their sum is.
static constexpr int64_t kSummedSteps = 512;
/// Lanes of the narrowest vector of sums that takes pairs of bf16.
static constexpr int64_t kLeastPairs = 4;
/// Rows that lie so many bytes apart, or a multiple, share few lines of a
/// cache.
static constexpr int64_t kMeetingBytes = 2048;

/// Elements from one row of a tile to the next.
static int64_t pitchOf(int64_t keys, int64_t panel, int64_t bytes) {
  int64_t pitch = llvm::alignTo(keys, panel);
  return pitch * bytes % kMeetingBytes == 0 ? pitch + panel : pitch;
}

/// Queries in tiles of two sizes that differ by one row.
struct Tiles {
  Tiles(int64_t queries, int64_t most)
      : count(llvm::divideCeil(queries, most)), rows(queries / count),
        longer(queries % count) {}
  /// Of so many tiles the first `longer` have a row more than the others.
  int64_t count, rows, longer;
  int64_t most() const { return rows + (longer > 0); }
};

int64_t burnish::tasksOfAttention(const AttentionNest &nest,
                                  nn::ScheduleAttr schedule) {
  return nest.form.outerCount() *
         Tiles(nest.form.queryCount(), schedule.getRows()).count;
}

namespace {
class AttentionMaker {
public:
  AttentionMaker(KernelCode &code, const AttentionNest &nest)
      : b(code.b), nest(nest), form(nest.form), rows(code),
        scores(b, nest.scores, code.schedule, code.data),
        values(b, nest.values, code.schedule, code.data),
        width(code.schedule.getLanes()),
        panel(width * code.schedule.getVectors()),
        pitch(pitchOf(form.keyCount(), panel, sizeof(float))),
        weightPitch(pitch), tiles(form.queryCount(), code.schedule.getRows()),
        memory(frameMemory(b, nest.scores.rootType, tiles.most() * pitch)),
        weights(memory) {
    if (form.hasValuePairs) {
      weightPitch = pitchOf(form.keyCount(), panel, sizeof(uint16_t));
      weights = frameMemory(b, b.getBF16Type(), tiles.most() * weightPitch);
    }
    if (!nest.divisor)
      return;
    divisors = frameMemory(b, nest.scores.rootType, tiles.most());
    linalg::GenericOp exponentials = nest.rows.passes[nest.weights].op;
    exponentials.getBody()->walk([&](math::ExpOp exp) {
      exp->setAttr(kNotPositiveAttr, b.getUnitAttr());
    });
  }

  void make(Value begin, Value end) {
    rows.loop(begin, end, 1, [&](Value task) {
      Value tile = digit(task, tiles.count);
      for (unsigned loop = form.scoreLoops.size() - 1; loop-- > 0;)
        if (loop != form.query)
          enter(loop, {digit(task, form.size(loop))});
      Value isLonger, count = constant(tiles.rows),
                      first = arith::MulIOp::create(b, tile, count);
      if (tiles.longer > 0) {
        Value longer = constant(tiles.longer);
        isLonger =
            arith::CmpIOp::create(b, arith::CmpIPredicate::ult, tile, longer);
        first = arith::AddIOp::create(
            b, first, Value(arith::MinUIOp::create(b, tile, longer)));
        count = arith::SelectOp::create(b, isLonger, constant(tiles.rows + 1),
                                        count);
      }
      ofTile(isLonger, [&](int64_t count) { makeScores(first, count); });
      makePasses(first, count);
      ofTile(isLonger, [&](int64_t count) { makeValues(first, count); });
    });
  }

private:
  Value constant(int64_t value) { return rows.constant(value); }

  /// The last digit of a number, which loses it.
  Value digit(Value &number, int64_t base) {
    Value last = b.createOrFold<arith::RemUIOp>(number, constant(base));
    number = b.createOrFold<arith::DivUIOp>(number, constant(base));
    return last;
  }

  /// Code for a tile of each size.
  void ofTile(Value isLonger, llvm::function_ref<void(int64_t)> body) {
    if (!isLonger)
      return body(tiles.rows);
    auto branch = scf::IfOp::create(b, isLonger, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    body(tiles.rows + 1);
    b.setInsertionPointToStart(branch.elseBlock());
    body(tiles.rows);
  }

  void enter(unsigned loop, Index at) {
    rows.at[loop] = scores.at[form.scoreLoops[loop]] =
        values.at[form.valueLoops[loop]] = at;
  }

  /// The sums of a tile after `add` has gone over each row's element and each
  /// vector.
  SmallVector<Value>
  addAll(ValueRange sums, ArrayRef<Value> vectors,
         llvm::function_ref<Value(int64_t)> elementOf,
         llvm::function_ref<Value(Value, Value, Value)> add) {
    SmallVector<Value> next;
    int64_t count = sums.size() / vectors.size();
    for (int64_t row = 0; row < count; ++row) {
      Value element = elementOf(row);
      for (Value vector : vectors)
        next.push_back(add(sums[next.size()], element, vector));
    }
    return next;
  }

  /// One step of a product's sums.
  SmallVector<Value> addProducts(linalg::GenericOp product, unsigned elementAt,
                                 ValueRange sums, ArrayRef<Value> vectors,
                                 llvm::function_ref<Value(int64_t)> elementOf) {
    return addAll(sums, vectors, elementOf,
                  [&](Value sum, Value element, Value vector) {
                    SmallVector<Value> arguments(3);
                    arguments[elementAt] = element;
                    arguments[1 - elementAt] = vector;
                    arguments[2] = sum;
                    auto type = dyn_cast<VectorType>(vector.getType());
                    int64_t lanes = type ? type.getNumElements() : 1;
                    return spread(b,
                                  evaluate(b, product, arguments, lanes,
                                           [](unsigned) { return Value(); }),
                                  lanes);
                  });
  }

  /// Two steps of a product's sums: of each row's pair as a word, and each
  /// vector of pairs.
  SmallVector<Value> addPairs(ValueRange sums, ArrayRef<Value> vectors,
                              llvm::function_ref<Value(int64_t)> wordOfRow) {
    return addAll(
        sums, vectors, wordOfRow, [&](Value sum, Value word, Value vector) {
          int64_t lanes =
              cast<VectorType>(vector.getType()).getNumElements() / 2;
          return addHalfPairs(
              b, sum, wordInLanes(b, word, lanes, b.getBF16Type()), vector);
        });
  }

  //===- Scores -----------------------------------------------------------===//

  void makeScores(Value first, int64_t count) {
    int64_t whole = form.keyCount() / panel,
            rest = llvm::divideCeil(form.keyCount() % panel, width);
    rows.loop(constant(0), constant(whole), 1, [&](Value index) {
      makeScorePanel(first, count, {index}, panel / width);
    });
    if (rest > 0)
      makeScorePanel(first, count, {{}, whole}, rest);
  }

  void makeScorePanel(Value first, int64_t count, Index at, int64_t vectors) {
    scores.at[form.scoreKey()] = at;
    Value init = arith::ConstantOp::create(b, nest.scores.init);
    SmallVector<Value> sums(count * vectors, spread(b, init, width));
    sums = sumScores(0, first, vectors, sums);
    Value base = arith::MulIOp::create(b, scores.valueOf(at), constant(panel));
    for (int64_t row = 0; row < count; ++row)
      for (int64_t place = 0; place < vectors; ++place)
        vector::StoreOp::create(
            b, sums[row * vectors + place], memory,
            Value(arith::AddIOp::create(
                b, base, constant(row * pitch + place * width))));
  }

  SmallVector<Value> sumScores(size_t place, Value first, int64_t vectors,
                               SmallVector<Value> sums) {
    if (place < form.depth.size()) {
      unsigned loop = form.depth[place];
      return scores.carry(constant(0), scores.size(loop),
                          form.scorePairs == loop ? 2 : 1, sums,
                          [&](Value index, ValueRange running) {
                            scores.at[loop] = {index};
                            return sumScores(place + 1, first, vectors,
                                             SmallVector<Value>(running));
                          });
    }
    const Access &keys = nest.scores.inputs[form.keyInput],
                 &queries = nest.scores.inputs[form.queryInput];
    Value source = scores.data[keys.argument];
    int64_t length = form.scorePairs ? 2 * width : width;
    auto type = VectorType::get(
        {length}, cast<MemRefType>(source.getType()).getElementType());
    SmallVector<Value> loaded;
    for (int64_t vector = 0; vector < vectors; ++vector)
      loaded.push_back(vector::LoadOp::create(
          b, type, source, scores.offset(keys, vector * length)));
    if (form.scorePairs)
      return addPairs(sums, loaded, [&](int64_t row) {
        scores.at[form.scoreLoops[form.query]] = {first, row};
        return wordOf(b, scores.loadSteps(queries, *form.scorePairs, 2));
      });
    return addProducts(form.scores, form.queryInput, sums, loaded,
                       [&](int64_t row) {
                         scores.at[form.scoreLoops[form.query]] = {first, row};
                         return scores.load(queries, std::nullopt, 1);
                       });
  }

  //===- Passes -----------------------------------------------------------===//

  void makePasses(Value first, Value count) {
    rows.loop(constant(0), count, 1, [&](Value row) {
      rows.at[form.query] = {arith::AddIOp::create(b, first, row)};
      Value divisor = makeGivenRow(
          rows, nest.rows,
          {memory, arith::MulIOp::create(b, row, constant(pitch)), weights,
           arith::MulIOp::create(b, row, constant(weightPitch)), nest.weights},
          nest.divisor);
      if (divisor)
        memref::StoreOp::create(b, divisor, divisors, row);
    });
  }

  //===- Values -----------------------------------------------------------===//

  void makeValues(Value first, int64_t count) {
    values.tiles(b.getIndexAttr(form.laneCount()), panel,
                 [&](Index base, int64_t lanes) {
                   makeValuePanel(first, count, base, piecesOf(lanes, width));
                 });
  }

  void makeValuePanel(Value first, int64_t count, Index base,
                      ArrayRef<int64_t> pieces) {
    Value init = arith::ConstantOp::create(b, nest.values.init);
    SmallVector<Value> sums;
    for (int64_t row = 0; row < count; ++row)
      for (int64_t piece : pieces)
        sums.push_back(spread(b, init, piece));
    auto load = [&](Index key) {
      values.at[form.valueKey()] = key;
      SmallVector<Value> loaded;
      Index at = base;
      for (int64_t piece : pieces) {
        values.at[form.lanes] = at;
        loaded.push_back(values.load(nest.values.inputs[form.valueInput],
                                     form.lanes, piece));
        at = at + piece;
      }
      return loaded;
    };
    auto weightAt = [&](Value key, int64_t row) -> Value {
      return arith::AddIOp::create(b, key, constant(row * weightPitch));
    };
    auto step = [&](Value key, ValueRange running) {
      return addProducts(form.values, form.weightInput, running, load({key}),
                         [&](int64_t row) -> Value {
                           return memref::LoadOp::create(b, weights,
                                                         weightAt(key, row));
                         });
    };
    auto twoSteps = [&](Value key, ValueRange running) {
      SmallVector<Value> pairs;
      for (auto [one, other] : llvm::zip_equal(load({key}), load({key, 1})))
        pairs.push_back(vector::InterleaveOp::create(b, one, other));
      auto type = VectorType::get({2}, b.getBF16Type());
      return addPairs(running, pairs, [&](int64_t row) {
        return wordOf(
            b, vector::LoadOp::create(b, type, weights, weightAt(key, row)));
      });
    };
    bool arePaired = form.hasValuePairs && llvm::all_of(pieces, [](int64_t n) {
                       return n >= kLeastPairs;
                     });
    int64_t keys = form.keyCount(), inPairs = arePaired ? keys / 2 * 2 : 0;
    auto sumUp = [&](int64_t from, int64_t to, int64_t steps, auto body) {
      if (to - from > 2 * kSummedSteps)
        sums = values.sumStretches(constant(from), constant(to), kSummedSteps,
                                   sums, body, steps);
      else if (from < to)
        sums = values.carry(constant(from), constant(to), steps, sums, body);
    };
    sumUp(0, inPairs, 2, twoSteps);
    sumUp(inPairs, keys, 1, step);
    for (int64_t row = 0; row < count; ++row) {
      values.at[form.valueLoops[form.query]] = {first, row};
      Index at = base;
      for (auto [place, piece] : llvm::enumerate(pieces)) {
        values.at[form.lanes] = at;
        values.store(nest.values.out,
                     divided(sums[row * pieces.size() + place], row, piece),
                     form.lanes, piece);
        at = at + piece;
      }
    }
  }

  /// What the weights were not divided by.
  Value divided(Value sum, int64_t row, int64_t lanes) {
    if (!divisors)
      return sum;
    Value one = arith::ConstantOp::create(b, b.getF32FloatAttr(1.0f)),
          divisor = memref::LoadOp::create(b, divisors, constant(row)),
          factor = arith::DivFOp::create(b, one, divisor);
    Value result = arith::MulFOp::create(b, sum, spread(b, factor, lanes));
    if (!nest.isGuarded)
      return result;
    Value isNone = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, divisor,
                                         divisor),
          zero = arith::ConstantOp::create(b, b.getZeroAttr(result.getType()));
    return arith::SelectOp::create(b, isNone, zero, result);
  }

  ImplicitLocOpBuilder &b;
  const AttentionNest &nest;
  const AttentionForm &form;
  /// The loops over the scores' rows, and those of the products.
  KernelCode &rows;
  KernelCode scores, values;
  int64_t width, panel, pitch, weightPitch;
  Tiles tiles;
  /// The scores of a tile; their weights, which take the scores' place unless
  /// they are bf16; and what each row of these is to be divided by.
  Value memory, weights, divisors;
};
} // namespace

void burnish::makeAttention(KernelCode &code, const AttentionNest &nest,
                            Value begin, Value end) {
  AttentionMaker(code, nest).make(begin, end);
}
