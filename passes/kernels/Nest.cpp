// Nest.cpp - a kernel seen as loops over elements that lie at linear offsets.
#include "passes/kernels/Nest.h"
#include "ir/Lowering.h"
#include "passes/kernels/NestReader.h"

using namespace mlir;
using namespace burnish;

int64_t Loop::known() const { return knownOr(size); }

std::optional<Border> Border::along(linalg::GenericOp root, AffineExpr place) {
  constexpr int64_t kMostTaps = 16;
  Builder attributes(root.getContext());
  Layout line{attributes.getIndexAttr(0), {attributes.getIndexAttr(1)}};
  FailureOr<Access> access = accessOf(root.getContext(), nullptr, 0, line,
                                      {place}, root.getNumLoops());
  if (failed(access))
    return std::nullopt;
  Border border;
  SmallVector<utils::IteratorType> iterators = root.getIteratorTypesArray();
  SmallVector<int64_t> sizes = root.getStaticLoopRanges();
  for (auto [loop, iterator] : llvm::enumerate(iterators)) {
    int64_t coefficient = access->along(loop);
    if (coefficient == 0)
      continue;
    bool isTaps = iterator == utils::IteratorType::reduction;
    int64_t &own = isTaps ? border.spacing : border.step;
    if (coefficient < 0 || own != 0)
      return std::nullopt;
    own = coefficient;
    (isTaps ? border.taps : border.windows) = loop;
  }
  int64_t taps = sizes.empty() ? 0 : sizes[border.taps];
  if (border.step == 0 || border.spacing < 2 || ShapedType::isDynamic(taps) ||
      taps > kMostTaps)
    return std::nullopt;
  border.low = -knownOr(access->base);
  return border;
}

std::optional<unsigned> burnish::excessOf(nn::KernelOp kernel) {
  Block &block = kernel.getBody().front();
  unsigned inputs = kernel.getInputs().size();
  if (!kernel.getSchedule().getAddsPairs() || inputs < 4 ||
      !block.getArgument(inputs - 1).use_empty() ||
      !block.getArgument(inputs - 2).use_empty())
    return std::nullopt;
  return inputs - 2;
}

TypedAttr burnish::fillOf(Value tensor) {
  auto fill = tensor.getDefiningOp<linalg::FillOp>();
  if (!fill)
    return {};
  Attribute value;
  return matchPattern(fill.getInputs()[0], m_Constant(&value))
             ? dyn_cast<TypedAttr>(value)
             : TypedAttr();
}

bool Nest::mergesOpenLoops(nn::ScheduleAttr schedule) {
  StringRef algorithm = schedule.getAlgorithm();
  return algorithm == "elements" || algorithm == "product";
}

FailureOr<Nest> Nest::of(nn::KernelOp kernel, LayoutOf layoutOf, SizeOf sizeOf,
                         ImplicitLocOpBuilder *builder, bool merges) {
  Operation *terminator = kernel.getBody().front().getTerminator();
  bool areSeveral = kernel.getSchedule().getAlgorithm() == kTogether;
  FailureOr<Nest> nest;
  if (areSeveral)
    nest = readSeveral(kernel, layoutOf, builder);
  else if (terminator->getNumOperands() != 1)
    return failure();
  else if (auto given =
               terminator->getOperand(0).getDefiningOp<nn::WinogradOutputOp>())
    nest = readGiven(kernel, given, layoutOf, sizeOf, builder);
  else
    nest = readRoot(kernel, layoutOf, sizeOf, builder);
  if (failed(nest) || nest->given)
    return nest;
  nest->dropUnitLoops();
  if (merges || areSeveral)
    nest->mergeLoops();
  if (merges && mergesOpenLoops(kernel.getSchedule()))
    nest->mergeOpenLoops(builder);
  return nest;
}

FailureOr<Nest> Nest::ofTypes(nn::KernelOp kernel) {
  Block &block = kernel.getBody().front();
  Builder attributes(kernel.getContext());
  auto typeOf = [&](unsigned argument) {
    return cast<ShapedType>(block.getArgument(argument).getType());
  };
  return of(
      kernel,
      [&](unsigned argument) { return Layout::rowMajor(typeOf(argument)); },
      [&](unsigned argument, unsigned axis) -> OpFoldResult {
        return attributes.getIndexAttr(typeOf(argument).getDimSize(axis));
      },
      nullptr);
}

bool Nest::hasReduction() const {
  return llvm::any_of(loops, [](const Loop &loop) { return loop.isReduction; });
}

void Nest::forEachAccess(llvm::function_ref<void(Access &)> visit) {
  for (Access &access : inputs)
    visit(access);
  for (auto [index, access] : llvm::enumerate(epilogueInputs))
    if (index != resultInput)
      visit(access);
  for (Store &store : stores)
    visit(store.access);
  visit(out);
}

void Nest::erase(unsigned loop) {
  loops.erase(loops.begin() + loop);
  forEachAccess([&](Access &access) {
    access.coefficients.erase(access.coefficients.begin() + loop);
    llvm::erase_if(access.gapless, [&](std::pair<unsigned, unsigned> pair) {
      return pair.first == loop || pair.second == loop;
    });
    for (auto &[outer, inner] : access.gapless) {
      outer -= outer > loop;
      inner -= inner > loop;
    }
    for (std::optional<unsigned> *own : {&access.packedLoop, &access.stepsLoop})
      if (*own && **own == loop)
        *own = std::nullopt;
      else if (*own && **own > loop)
        --**own;
  });
}

void Nest::dropUnitLoops() {
  for (unsigned loop = loops.size(); loop-- > 0;) {
    if (loops[loop].known() != 1)
      continue;
    // Its neighbours are each other's then.
    forEachAccess([&](Access &access) {
      auto outer = llvm::find_if(
               access.gapless, [&](auto pair) { return pair.second == loop; }),
           inner = llvm::find_if(access.gapless,
                                 [&](auto pair) { return pair.first == loop; });
      if (outer != access.gapless.end() && inner != access.gapless.end())
        outer->second = inner->second;
    });
    erase(loop);
  }
}

void Nest::fix(ImplicitLocOpBuilder *builder, unsigned loop, Value index) {
  forEachAccess([&](Access &access) {
    // What is no buffer has no place.
    if (access.base && builder)
      access.base = nn::addIndex(
          *builder, access.base,
          nn::mulIndex(*builder, index, access.coefficients[loop]));
  });
  erase(loop);
}

bool Nest::asksForIndex() const {
  for (linalg::GenericOp generic : {root, epilogue})
    if (generic && !generic.getBody()->getOps<linalg::IndexOp>().empty())
      return true;
  return false;
}

/// Whether all operands walk through two loops without a gap.
bool Nest::isOneInMemory(unsigned outer, unsigned inner) {
  if (outer == inner || loops[outer].isReduction != loops[inner].isReduction)
    return false;
  int64_t size = loops[inner].known();
  bool fits = true;
  forEachAccess([&](Access &access) {
    int64_t a = access.along(outer), b = access.along(inner);
    bool isPacked = (access.packedLoop && (*access.packedLoop == outer ||
                                           *access.packedLoop == inner)) ||
                    access.stepsLoop == outer;
    bool isKnown =
        llvm::none_of(ArrayRef<int64_t>{a, b, size}, ShapedType::isDynamic);
    fits &= !isPacked &&
            ((a == 0 && b == 0) || (isKnown && a == b * size) ||
             llvm::is_contained(access.gapless, std::pair(outer, inner)));
  });
  return fits;
}

/// Loops that are one in memory become one, in the place of the inner one.
void Nest::merge(unsigned outer, unsigned inner, OpFoldResult size) {
  loops[inner].size = size;
  loops[inner].source = std::nullopt;
  forEachAccess([&](Access &access) {
    llvm::erase_if(access.gapless, [&](std::pair<unsigned, unsigned> pair) {
      return pair.first == outer || pair.second == inner;
    });
    for (auto &pair : access.gapless)
      if (pair.second == outer)
        pair.second = inner;
  });
  erase(outer);
}

void Nest::mergeWhere(ProductOf productOf) {
  if (asksForIndex())
    return;
  auto mergeOne = [&] {
    for (unsigned outer = 0; outer < loops.size(); ++outer)
      for (unsigned inner = 0; inner < loops.size(); ++inner) {
        if (!isOneInMemory(outer, inner))
          continue;
        OpFoldResult size = productOf(loops[outer].size, loops[inner].size);
        if (!size)
          continue;
        merge(outer, inner, size);
        return true;
      }
    return false;
  };
  while (mergeOne())
    ;
}

void Nest::mergeLoops() {
  Builder attributes(root.getContext());
  mergeWhere([&](OpFoldResult outer, OpFoldResult inner) -> OpFoldResult {
    int64_t count = knownOr(outer), size = knownOr(inner);
    if (ShapedType::isDynamic(count) || ShapedType::isDynamic(size))
      return {};
    return attributes.getIndexAttr(count * size);
  });
}

void Nest::mergeOpenLoops(ImplicitLocOpBuilder *builder) {
  Builder attributes(root.getContext());
  mergeWhere([&](OpFoldResult outer, OpFoldResult inner) -> OpFoldResult {
    if (builder)
      return nn::mulIndex(*builder, outer, inner);
    return attributes.getIndexAttr(ShapedType::kDynamic);
  });
}
