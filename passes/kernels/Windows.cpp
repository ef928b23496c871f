// Windows.cpp - sums over windows, each channel by itself: depthwise
// convolutions.
#include "passes/kernels/Windows.h"
#include "ir/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/kernels/Body.h"
#include "passes/kernels/Code.h"
#include <map>

using namespace mlir;
using namespace burnish;

/// Windows of more taps are not written out.
static constexpr int64_t kMostTaps = 64;
/// Tasks from at least so many stretches: threads of any number find enough to
/// share.
static constexpr int64_t kEnoughTasks = 64;

//===- Form ---------------------------------------------------------------===//

FailureOr<WindowForm> WindowForm::of(const Nest &nest) {
  if (nest.inputs.size() != 2 || !nest.init || nest.given)
    return failure();
  WindowForm form;
  auto isUnit = [](const Access &access, unsigned loop) {
    return access.along(loop) == 1 && access.packedLoop != loop;
  };
  std::optional<unsigned> lanes;
  for (auto [index, loop] : llvm::enumerate(nest.loops))
    if (!loop.isReduction && nest.out.along(index) == 1 &&
        isUnit(nest.inputs[0], index) && isUnit(nest.inputs[1], index))
      lanes = index;
  if (!lanes)
    return failure();
  form.lanes = *lanes;
  for (auto [index, access] : llvm::enumerate(nest.epilogueInputs))
    if (index != nest.resultInput && access.along(*lanes) != 0 &&
        access.along(*lanes) != 1)
      return failure();
  auto isFixed = [&](int64_t step) {
    return step != 0 && !ShapedType::isDynamic(step);
  };
  for (unsigned image : {0u, 1u}) {
    const Access &from = nest.inputs[image], &weights = nest.inputs[1 - image];
    // Of the loops along which windows move, that of the shortest step.
    std::optional<unsigned> row, taps;
    auto isNearer = [&](unsigned loop, std::optional<unsigned> than) {
      return isFixed(from.along(loop)) &&
             (!than ||
              std::abs(from.along(loop)) < std::abs(from.along(*than)));
    };
    bool isKnown = true;
    for (unsigned loop = 0; loop < nest.loops.size(); ++loop) {
      if (loop == *lanes)
        continue;
      bool isReduction = nest.loops[loop].isReduction;
      isKnown &=
          !isReduction || (!ShapedType::isDynamic(nest.loops[loop].known()) &&
                           weights.moves(loop));
      if (isReduction && isNearer(loop, taps))
        taps = loop;
      if (!isReduction && !weights.moves(loop) && isNearer(loop, row))
        row = loop;
    }
    if (!isKnown || !row || !taps)
      continue;
    form.image = image;
    form.weights = 1 - image;
    form.row = *row;
    form.taps = *taps;
    for (unsigned loop = 0; loop < nest.loops.size(); ++loop)
      if (nest.loops[loop].isReduction && loop != *taps)
        form.otherTaps.push_back(loop);
      else if (!nest.loops[loop].isReduction && loop != *row && loop != *lanes)
        form.outer.push_back(loop);
    if (form.tapCount(nest) > kMostTaps)
      return failure();
    return form;
  }
  return failure();
}

int64_t WindowForm::tapCount(const Nest &nest) const {
  int64_t count = rowTaps(nest);
  for (unsigned loop : otherTaps)
    count *= nest.loops[loop].known();
  return count;
}

//===- Code ---------------------------------------------------------------===//

namespace {
class WindowsMaker {
public:
  WindowsMaker(KernelCode &code, ArrayRef<Value> lines = {})
      : code(code), b(code.b), nest(code.nest),
        form(*WindowForm::of(code.nest)), width(code.schedule.getLanes()),
        image(nest.inputs[form.image]), lines(lines) {}

  /// A task is a stretch of the channels of one line of windows.
  int64_t channelsOfTask() const {
    int64_t channels = nest.loops[form.lanes].known(), count = 1;
    if (goesByStretch())
      return code.schedule.getVectors() * width;
    for (unsigned loop : form.outer)
      count *= nest.loops[loop].known();
    bool isKnown = !ShapedType::isDynamic(channels) &&
                   llvm::none_of(form.outer, [&](unsigned loop) {
                     return ShapedType::isDynamic(nest.loops[loop].known());
                   });
    // Alone, channels in their order are what caches like best.
    if (!code.schedule.getIsParallel() || !isKnown || count >= kEnoughTasks ||
        channels <= width)
      return ShapedType::kDynamic;
    int64_t vectors = llvm::divideCeil(channels, width),
            stretches = std::min<int64_t>(
                vectors, llvm::divideCeil(kEnoughTasks, count));
    return llvm::divideCeil(vectors, stretches) * width;
  }

  /// Whether all lines of a stretch come before the next stretch; of one line
  /// by itself there is only one.
  bool goesByStretch() const {
    return lines.empty() && code.schedule.getVectors() > 1;
  }

  OpFoldResult linesOf() const {
    OpFoldResult lines = b.getIndexAttr(1);
    for (unsigned loop : form.outer)
      lines = nn::mulIndex(b, lines, nest.loops[loop].size);
    return lines;
  }

  OpFoldResult tasks() const {
    int64_t some = channelsOfTask();
    if (ShapedType::isDynamic(some))
      return linesOf();
    int64_t channels = nest.loops[form.lanes].known();
    return nn::mulIndex(b, linesOf(),
                        b.getIndexAttr(llvm::divideCeil(channels, some)));
  }

  void make(Value begin, Value end) {
    int64_t some = channelsOfTask(), channels = nest.loops[form.lanes].known();
    code.loop(begin, end, 1, [&](Value task) {
      Value rest = task, stretch;
      if (!ShapedType::isDynamic(some)) {
        Value count = goesByStretch()
                          ? getValueOrCreateConstantIndexOp(b, b.getLoc(),
                                                            linesOf())
                          : code.constant(llvm::divideCeil(channels, some)),
              inner = b.createOrFold<arith::RemUIOp>(rest, count),
              outer = b.createOrFold<arith::DivUIOp>(rest, count);
        stretch = goesByStretch() ? outer : inner;
        rest = goesByStretch() ? inner : outer;
      }
      for (size_t place = form.outer.size(); place-- > 0;) {
        unsigned loop = form.outer[place];
        code.at[loop] = {
            place == 0 ? rest
                       : b.createOrFold<arith::RemUIOp>(rest, code.size(loop))};
        rest = b.createOrFold<arith::DivUIOp>(rest, code.size(loop));
      }
      code.tiles(nest.loops[form.row].size, code.schedule.getRows(),
                 [&](Index first, int64_t count) {
                   if (stretch)
                     makeStretch(stretch, first, count);
                   else
                     code.tiles(nest.loops[form.lanes].size, width,
                                [&](Index lane, int64_t lanes) {
                                  makeTile(first, count, lane, lanes);
                                });
                 });
    });
  }

private:
  /// The channels of one task; the last one's may be fewer.
  void makeStretch(Value stretch, Index first, int64_t count) {
    int64_t some = channelsOfTask(), channels = nest.loops[form.lanes].known(),
            full = channels / width * width;
    Value from = arith::MulIOp::create(b, stretch, code.constant(some)),
          to = arith::MinUIOp::create(
              b, Value(arith::AddIOp::create(b, from, code.constant(some))),
              code.constant(full));
    code.loop(from, to, width,
              [&](Value lane) { makeTile(first, count, {lane}, width); });
    if (full == channels)
      return;
    Value isLast = arith::CmpIOp::create(
        b, arith::CmpIPredicate::eq, stretch,
        code.constant(llvm::divideCeil(channels, some) - 1));
    auto branch = scf::IfOp::create(b, isLast, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    makeTile(first, count, {{}, full}, channels - full);
  }

  /// `count` windows side by side, of so many channels.
  void makeTile(Index first, int64_t count, Index lane, int64_t lanes) {
    int64_t start = 0;
    for (int64_t piece : piecesOf(lanes, width)) {
      code.at[form.lanes] = lane + start;
      Value init = spread(b, arith::ConstantOp::create(b, nest.init), piece);
      SmallVector<Value> sums(count, init);
      sumUp(0, first, sums, piece);
      for (auto [index, sum] : llvm::enumerate(sums)) {
        code.at[form.row] = first + index;
        code.finish(sum, form.lanes, piece);
      }
      start += piece;
    }
  }

  void sumUp(size_t place, Index first, SmallVector<Value> &sums,
             int64_t piece) {
    if (place == form.otherTaps.size()) {
      if (!lines.empty())
        image.base = nn::addIndex(
            b, nest.inputs[form.image].base,
            lines[place == 0 ? 0 : code.at[form.otherTaps[0]].constant]);
      return addTaps(first, sums, piece);
    }
    unsigned loop = form.otherTaps[place];
    for (int64_t tap = 0; tap < nest.loops[loop].known(); ++tap) {
      code.at[loop] = {{}, tap};
      sumUp(place + 1, first, sums, piece);
    }
  }

  /// Each element of the image that several windows have is loaded once. Every
  /// window adds up its taps in their order, whatever tile it is in.
  void addTaps(Index first, SmallVector<Value> &sums, int64_t piece) {
    const Access &weights = nest.inputs[form.weights];
    int64_t step = image.along(form.row), spacing = image.along(form.taps),
            count = sums.size();
    SmallVector<Value> factors;
    // Windows and their taps by the offset of the element.
    std::map<int64_t, SmallVector<std::pair<int64_t, int64_t>>> uses;
    for (int64_t tap = 0; tap < form.rowTaps(nest); ++tap) {
      code.at[form.taps] = {{}, tap};
      factors.push_back(code.load(weights, form.lanes, piece));
      for (int64_t index = 0; index < count; ++index)
        uses[(index * step + tap * spacing) * (spacing < 0 ? -1 : 1)].push_back(
            {index, tap});
    }
    for (const auto &[offset, windows] : uses) {
      code.at[form.row] = first + windows[0].first;
      code.at[form.taps] = {{}, windows[0].second};
      Value element = code.load(image, form.lanes, piece);
      for (auto [index, tap] : windows) {
        code.at[form.taps] = {{}, tap};
        SmallVector<Value> arguments(3);
        arguments[form.image] = element;
        arguments[form.weights] = factors[tap];
        arguments[2] = sums[index];
        sums[index] =
            spread(b,
                   evaluate(b, nest.root, arguments, piece,
                            [&](unsigned loop) {
                              return code.indexOf(loop, form.lanes, piece);
                            }),
                   piece);
      }
    }
  }

  KernelCode &code;
  ImplicitLocOpBuilder &b;
  const Nest &nest;
  WindowForm form;
  int64_t width;
  /// Where the image is read; with `lines`, the line of the present taps.
  Access image;
  ArrayRef<Value> lines;
};
} // namespace

void burnish::makeWindows(KernelCode &code, Value begin, Value end,
                          ArrayRef<Value> lines) {
  WindowsMaker(code, lines).make(begin, end);
}

OpFoldResult burnish::tasksOfWindows(ImplicitLocOpBuilder &b, const Nest &nest,
                                     nn::ScheduleAttr schedule) {
  KernelCode code(b, nest, schedule, {});
  return WindowsMaker(code).tasks();
}
