// UseWinograd.cpp - convolutions with 3x3 taps by minimal filtering.
#include "passes/loops/UseWinograd.h"
#include "ir/Storage.h"
#include "passes/Passes.h"
#include "passes/kernels/Work.h"
#include "passes/loops/TapConvolution.h"
#include "passes/loops/WinogradRewriter.h"
#include "passes/schedules/Table.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_USEWINOGRAD
#include "passes/Passes.h.inc"
} // namespace burnish

static WinogradShape shapeOf(const TapConvolution &conv) {
  ArrayRef<int64_t> sizes = conv.shape();
  return {sizes[0], sizes[1],      sizes[2], conv.imageShape()[3],
          sizes[3], !conv.constant};
}

bool burnish::gainsFromWinograd(linalg::GenericOp op, const Machine &machine,
                                int64_t stepsAtOnce) {
  std::optional<TapConvolution> conv = TapConvolution::match(op);
  return conv && scheduleWinograd(shapeOf(*conv), machine, stepsAtOnce);
}

namespace {
struct UseWinograd : burnish::impl::UseWinogradBase<UseWinograd> {
  void runOnOperation() override {
    Machine machine = Machine::of(getOperation());
    ScheduleTable table(getOperation());
    SmallVector<linalg::GenericOp> generics;
    getOperation().walk(
        [&](linalg::GenericOp generic) { generics.push_back(generic); });
    OpBuilder builder(&getContext());
    llvm::DenseSet<Operation *> gone;
    SmallVector<ElementsAttr> sources;
    for (linalg::GenericOp generic : generics) {
      if (gone.contains(generic))
        continue;
      std::optional<TapConvolution> conv = TapConvolution::match(generic);
      if (!conv) {
        useWinogradByWeights(generic, builder, machine);
        continue;
      }
      WinogradShape shape = shapeOf(*conv);
      auto text = builder.getStringAttr(textOf(shape));
      WinogradSchedule schedule = choose(table, *conv, shape, text, machine);
      if (schedule.tile == 0) {
        if (table.isThere())
          conv->op->setAttr(kPartOfAttr, text);
        continue;
      }
      Value result = rewriteByTiles(builder, *conv, schedule, text);
      linalg::GenericOp last = conv->epilogue ? conv->epilogue : conv->op;
      last->getResult(0).replaceAllUsesWith(result);
      if (last != conv->op) {
        gone.insert(last);
        last->erase();
      }
      conv->op->erase();
      if (conv->constant)
        sources.push_back(conv->constant);
    }
    nn::releaseUnused(getOperation(), sources);
    table.record();
    if (table.hasFailed())
      signalPassFailure();
  }

  static WinogradSchedule choose(ScheduleTable &table,
                                 const TapConvolution &conv,
                                 const WinogradShape &shape, StringAttr text,
                                 const Machine &machine) {
    SmallVector<WinogradSchedule> all{
        scheduleWinograd(shape, machine)
            .value_or(WinogradSchedule{0, 0, 0, 0})};
    if (!table.isThere())
      return all.front();
    SmallVector<std::string> texts{textOf(all.front())};
    for (const WinogradSchedule &other : alternativesOf(shape, machine))
      if (!llvm::is_contained(texts, textOf(other))) {
        all.push_back(other);
        texts.push_back(textOf(other));
      }
    return all[table.choose(conv.op, text, texts)];
  }
};
} // namespace
