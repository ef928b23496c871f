// Trees.cpp - walks through decision trees, several at a time.
//
// A step of a walk waits for two loads, one after the other, and a comparison:
// some 15 cycles in which a core could do five times as much. So several walks
// go side by side, of as many rows through one tree, or of one row through as
// many trees where rows are left over. Steps have no branches, which nobody
// could predict.
#include "passes/kernels/Trees.h"
#include "ir/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace burnish;

/// Steps between two looks at whether all walks have arrived.
static constexpr int64_t kStepsAtOnce = 4;

nn::TreeEnsembleOp burnish::ensembleOf(nn::KernelOp kernel) {
  return *kernel.getBody().getOps<nn::TreeEnsembleOp>().begin();
}

OpFoldResult burnish::tasksOfTrees(ImplicitLocOpBuilder &b, nn::KernelOp kernel,
                                   OpFoldResult rows) {
  int64_t each = kernel.getSchedule().getRows();
  if (std::optional<int64_t> known = getConstantIntValue(rows))
    return b.getIndexAttr(llvm::divideCeil(*known, each));
  Value count = getValueOrCreateConstantIndexOp(b, b.getLoc(), rows);
  return arith::CeilDivUIOp::create(
             b, count, Value(arith::ConstantIndexOp::create(b, each)))
      .getResult();
}

namespace {
class TreeMaker {
public:
  TreeMaker(ImplicitLocOpBuilder &b, nn::KernelOp kernel, ArrayRef<Value> data,
            ArrayRef<Layout> layouts, OpFoldResult rows, OpFoldResult trees)
      : b(b), op(ensembleOf(kernel)), x(data[0]), nodes(data[1]),
        trees(data[2]), out(data.back()), lists(data.slice(3).drop_back()),
        xLayout(layouts[0]), outLayout(layouts.back()), rowCount(rows),
        treeCount(trees), side(kernel.getSchedule().getLanes()),
        block(kernel.getSchedule().getRows()), targets(op.getNTargets()),
        type(cast<MemRefType>(x.getType()).getElementType()),
        integer(cast<MemRefType>(nodes.getType()).getElementType()) {}

  void make(Value begin, Value end) {
    loop(begin, end, 1, [&](Value task) {
      Value first = times(task, block), last = index(rowCount);
      last = arith::MinUIOp::create(b, last, add(first, constant(block)));
      initialize(first, last);
      Value rest = first;
      std::optional<int64_t> known = getConstantIntValue(rowCount);
      if (side > 1 && (!known || *known >= side)) {
        rest = roundDown(first, last);
        loop(constant(0), index(treeCount), 1,
             [&](Value tree) { rowsThrough(tree, first, rest); });
      }
      if (!known || *known % side != 0 || block % side != 0 || side == 1)
        loop(rest, last, 1, [&](Value row) { treesFor(row); });
    });
  }

private:
  void initialize(Value first, Value last) {
    double least = std::numeric_limits<double>::infinity();
    if (op.getAggregate() != "min")
      least = op.getAggregate() == "max" ? -least : 0;
    Value number = arith::ConstantOp::create(b, b.getFloatAttr(type, least));
    loop(first, last, 1, [&](Value row) {
      Value place = placeOf(row);
      loop(constant(0), constant(targets), 1, [&](Value target) {
        memref::StoreOp::create(b, number, out, add(place, target));
      });
    });
  }

  /// `side` rows at a time through one tree.
  void rowsThrough(Value tree, Value first, Value last) {
    Value root = entryOf(tree, 0), steps = entryOf(tree, 1),
          target = targetOf(tree);
    loop(first, last, side, [&](Value row) {
      SmallVector<Value> roots(side, root), rows, from;
      for (int64_t k = 0; k < side; ++k) {
        rows.push_back(add(row, constant(k)));
        from.push_back(rowAt(rows.back()));
      }
      for (auto [leaf, own] : llvm::zip_equal(walk(roots, from, steps), rows))
        takeUp(leaf, placeOf(own), target);
    });
  }

  /// One row through all trees, `side` of them at a time.
  void treesFor(Value row) {
    Value place = placeOf(row), from = rowAt(row), done = constant(0);
    if (side > 1) {
      done = roundDown(done, index(treeCount));
      loop(constant(0), done, side, [&](Value tree) {
        SmallVector<Value> all, roots, rows(side, from);
        Value steps;
        for (int64_t k = 0; k < side; ++k) {
          all.push_back(add(tree, constant(k)));
          roots.push_back(entryOf(all.back(), 0));
          Value own = entryOf(all.back(), 1);
          steps = steps ? arith::MaxUIOp::create(b, steps, own) : own;
        }
        for (auto [leaf, own] : llvm::zip_equal(walk(roots, rows, steps), all))
          takeUp(leaf, place, targetOf(own));
      });
    }
    loop(done, index(treeCount), 1, [&](Value tree) {
      Value leaf = walk(entryOf(tree, 0), from, entryOf(tree, 1))[0];
      takeUp(leaf, place, targetOf(tree));
    });
  }

  /// The offsets of the leaves to which walks from `roots` come, each along a
  /// row of X from `rows`, after at most so many steps.
  SmallVector<Value> walk(ArrayRef<Value> roots, ArrayRef<Value> rows,
                          Value steps) {
    SmallVector<Value> initial{constant(0), boolean(true)};
    initial.append(roots.begin(), roots.end());
    auto walks = scf::WhileOp::create(
        b, ValueRange(initial).getTypes(), initial,
        [&](OpBuilder &inner, Location loc, ValueRange args) {
          Value isShort = arith::CmpIOp::create(
              inner, loc, arith::CmpIPredicate::ult, args[0], steps);
          Value goesOn = arith::AndIOp::create(inner, loc, isShort, args[1]);
          scf::ConditionOp::create(inner, loc, goesOn, args);
        },
        [&](OpBuilder &inner, Location loc, ValueRange args) {
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPoint(inner.getInsertionBlock(),
                              inner.getInsertionPoint());
          SmallVector<Value> at(args.drop_front(2));
          Value moved;
          for (int64_t step = 0; step < kStepsAtOnce; ++step)
            for (auto [now, row] : llvm::zip_equal(at, rows)) {
              Value next = this->step(now, row);
              if (step + 1 == kStepsAtOnce) {
                Value change = arith::XOrIOp::create(b, now, next);
                moved = moved ? arith::OrIOp::create(b, moved, change) : change;
              }
              now = next;
            }
          Value isMoving = arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                                 moved, constant(0));
          SmallVector<Value> next{add(args[0], constant(kStepsAtOnce)),
                                  isMoving};
          next.append(at.begin(), at.end());
          scf::YieldOp::create(b, next);
        });
    return SmallVector<Value>(walks.getResults().drop_front(2));
  }

  Value step(Value node, Value row) {
    Value threshold = number(node), column = fieldOf(node, 1), goesOnNaN;
    if (op.getNan() == "flags") {
      goesOnNaN = arith::TruncIOp::create(b, b.getI1Type(), column);
      column = arith::ShRUIOp::create(b, column, integerOf(1));
    }
    Value element = memref::LoadOp::create(
        b, x, add(row, times(asIndex(column), xLayout.strides[1])));
    Value isFirst =
        arith::CmpFOp::create(b,
                              op.getNan() == "true" ? arith::CmpFPredicate::ULE
                                                    : arith::CmpFPredicate::OLE,
                              element, threshold);
    if (goesOnNaN) {
      Value isNaN =
          arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, element, element);
      isFirst = arith::OrIOp::create(
          b, isFirst, Value(arith::AndIOp::create(b, isNaN, goesOnNaN)));
    }
    return asIndex(arith::SelectOp::create(b, isFirst, fieldOf(node, 2),
                                           fieldOf(node, 3)));
  }

  /// What a leaf holds goes to the results from `place` on.
  void takeUp(Value leaf, Value place, Value target) {
    if (lists.empty())
      return combine(number(leaf), target ? add(place, target) : place);
    // What is no leaf, in tables that nobody made of trees, has no list.
    Value list = arith::MinUIOp::create(b, asIndex(fieldOf(leaf, 0)),
                                        constant(countOfLists() - 1)),
          from = loadIndex(lists[0], list),
          to = loadIndex(lists[0], add(list, constant(1)));
    loop(from, to, 1, [&](Value at) {
      combine(memref::LoadOp::create(b, lists[2], at),
              add(place, loadIndex(lists[1], at)));
    });
  }

  int64_t countOfLists() {
    return cast<ShapedType>(op.getLists()[0].getType()).getDimSize(0) - 1;
  }

  void combine(Value value, Value place) {
    Value old = memref::LoadOp::create(b, out, place), next;
    if (op.getAggregate() == "sum") {
      next = arith::AddFOp::create(b, old, value);
    } else {
      Value isBetter = arith::CmpFOp::create(b,
                                             op.getAggregate() == "min"
                                                 ? arith::CmpFPredicate::OLT
                                                 : arith::CmpFPredicate::OGT,
                                             value, old);
      next = arith::SelectOp::create(b, isBetter, value, old);
    }
    memref::StoreOp::create(b, next, out, place);
  }

  //===- Addresses --------------------------------------------------------===//

  Value fieldOf(Value node, int64_t field) {
    return memref::LoadOp::create(b, nodes, add(node, constant(field)));
  }
  Value number(Value node) {
    return arith::BitcastOp::create(b, type, fieldOf(node, 0));
  }
  Value entryOf(Value tree, int64_t field) {
    return loadIndex(trees, add(times(tree, 3), constant(field)));
  }
  /// Null where there is but one, or lists say.
  Value targetOf(Value tree) {
    return targets == 1 || !lists.empty() ? Value() : entryOf(tree, 2);
  }
  Value rowAt(Value row) {
    return add(index(xLayout.offset), times(row, xLayout.strides[0]));
  }
  Value placeOf(Value row) {
    return add(index(outLayout.offset), times(row, outLayout.strides[0]));
  }
  Value loadIndex(Value table, Value at) {
    return asIndex(memref::LoadOp::create(b, table, at));
  }
  /// Offsets and numbers are never negative.
  Value asIndex(Value value) {
    return arith::IndexCastUIOp::create(b, b.getIndexType(), value);
  }

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value boolean(bool value) {
    return arith::ConstantOp::create(b, b.getBoolAttr(value));
  }
  Value integerOf(int64_t value) {
    return arith::ConstantOp::create(b, b.getIntegerAttr(integer, value));
  }
  Value index(OpFoldResult value) {
    return getValueOrCreateConstantIndexOp(b, b.getLoc(), value);
  }
  Value add(Value left, Value right) {
    return b.createOrFold<arith::AddIOp>(left, right);
  }
  Value times(Value left, OpFoldResult right) {
    return b.createOrFold<arith::MulIOp>(left, index(right));
  }
  Value times(Value left, int64_t right) {
    return times(left, b.getIndexAttr(right));
  }
  /// From `first`, as many whole groups as there are before `last`.
  Value roundDown(Value first, Value last) {
    Value count = b.createOrFold<arith::SubIOp>(last, first);
    Value over = b.createOrFold<arith::RemUIOp>(count, constant(side));
    return b.createOrFold<arith::SubIOp>(last, over);
  }
  void loop(Value from, Value to, int64_t step,
            llvm::function_ref<void(Value)> body) {
    auto loop = scf::ForOp::create(b, from, to, constant(step));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar());
  }

  ImplicitLocOpBuilder &b;
  nn::TreeEnsembleOp op;
  Value x, nodes, trees, out;
  /// Starts, targets and weights of lists, if leaves have any.
  ArrayRef<Value> lists;
  Layout xLayout, outLayout;
  OpFoldResult rowCount, treeCount;
  int64_t side, block, targets;
  Type type, integer;
};
} // namespace

void burnish::makeTrees(ImplicitLocOpBuilder &b, nn::KernelOp kernel,
                        ArrayRef<Value> data, ArrayRef<Layout> layouts,
                        ArrayRef<OpFoldResult> rowsAndTrees, Value begin,
                        Value end) {
  TreeMaker(b, kernel, data, layouts, rowsAndTrees[0], rowsAndTrees[1])
      .make(begin, end);
}
