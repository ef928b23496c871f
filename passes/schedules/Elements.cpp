// Elements.cpp - vectors for single passes over elements.
#include "passes/schedules/Schedules.h"
#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace burnish;

/// Work below this many scalar operations is not worth waking a thread.
static constexpr double kParallelOperations = 200000;

Machine Machine::of(ModuleOp module) {
  Machine machine;
  if (auto target = module->getAttrOfType<nn::TargetAttr>(nn::kTargetAttr)) {
    machine.vectorBits = target.getVectorBits();
    machine.vectorRegisters = target.getVectorRegisters();
    StringRef features = target.getFeatures();
    auto has = [&](StringRef feature) {
      return llvm::is_contained(llvm::split(features, ','), feature);
    };
    // vpdpbusd; else two in 16 bits, or pmaddwd of what is widened. Of vectors
    // of 512 bits that takes more than AVX-512 alone.
    if (has("+avxvnni") || (has("+avx512vnni") && has("+avx512vl")))
      machine.bytesAtOnce = 4;
    else if (has("+avx2") && (machine.vectorBits < 512 || has("+avx512bw")))
      machine.bytesAtOnce = 2;
    // vdpbf16ps, which rounds in its own way: code that has to give the same
    // bits everywhere has vectors of 256 bits.
    if (has("+avx512bf16") && machine.vectorBits == 512)
      machine.halvesAtOnce = 2;
    // vpermps. What is looked up has other roundings than what is computed.
    if (machine.vectorBits == 512 && has("+avx512f"))
      machine.permutedLanes = 16;
    else if (machine.vectorBits == 256 && has("+avx2"))
      machine.permutedLanes = 8;
    if (!target.getIsDeterministic())
      machine.lookupLanes = machine.permutedLanes;
    machine.l1Bytes =
        target.getL1Bytes() ? target.getL1Bytes() : machine.l1Bytes;
    machine.l2Bytes =
        target.getL2Bytes() ? target.getL2Bytes() : machine.l2Bytes;
    machine.l3Bytes = target.getL3Bytes();
  }
  return machine;
}

std::optional<nn::ScheduleAttr>
burnish::scheduleElements(MLIRContext *context, const ElementsShape &shape,
                          const Machine &machine) {
  int64_t width = machine.vectorBits / std::max(8u, shape.widestBits);
  bool isKnown = !ShapedType::isDynamic(shape.lanes);
  if (isKnown)
    width = std::min<int64_t>(
        width, llvm::bit_floor(static_cast<uint64_t>(shape.lanes)));
  if (width < 2)
    return std::nullopt;
  // Several vectors hide the latency of sums; long bodies have enough to do
  // with one.
  bool isReduction = shape.steps != 1;
  int64_t vectors = isReduction || shape.reducesLanes ? 4
                    : shape.operations > 8            ? 1
                                                      : 2;
  // Sums over many rows: more of each at a time, as rows may lie pages apart,
  // and whole ones where they can be, which are a stream: one task of that is
  // as quick as two of halves. Of 2048 rows of 1024, 4 vectors at a time read
  // 16 GB/s.
  constexpr int64_t kManySteps = 256, kShortBody = 8, kMostVectors = 16;
  if (isKnown && !shape.reducesLanes && shape.steps >= kManySteps &&
      shape.results == shape.lanes && shape.stepOperations <= kShortBody)
    vectors = std::clamp<int64_t>(
        shape.lanes / width, vectors,
        std::min<int64_t>(kMostVectors, machine.vectorRegisters / 2));
  if (isKnown)
    vectors = std::max<int64_t>(1, std::min(vectors, shape.lanes / width));
  double work = shape.operations + 1;
  for (int64_t size : {shape.results, shape.steps})
    work *= ShapedType::isDynamic(size) ? 1024 : size;
  return nn::ScheduleAttr::get(context, "elements", width, vectors, 1, false,
                               false, work >= kParallelOperations);
}

SmallVector<nn::ScheduleAttr>
burnish::alternativesOf(MLIRContext *context, const ElementsShape &shape,
                        const Machine &machine) {
  SmallVector<nn::ScheduleAttr> found;
  std::optional<nn::ScheduleAttr> chosen =
      scheduleElements(context, shape, machine);
  if (!chosen || ShapedType::isDynamic(shape.lanes))
    return found;
  for (int64_t vectors : {1, 2, 3, 4, 6, 8})
    if (vectors * chosen->getLanes() <= shape.lanes)
      found.push_back(nn::ScheduleAttr::get(
          context, "elements", chosen->getLanes(), vectors, 1, false, false,
          chosen->getIsParallel()));
  return found;
}

std::optional<nn::ScheduleAttr> burnish::scheduleRows(MLIRContext *context,
                                                      const RowsShape &shape,
                                                      const Machine &machine) {
  int64_t width = machine.vectorBits / std::max(8u, shape.widestBits);
  // Shorter rows are better taken several at a time, pass by pass.
  if (width < 2 || shape.length < width)
    return std::nullopt;
  int64_t vectors = std::min<int64_t>(4, shape.length / width);
  double work =
      static_cast<double>(shape.operations) * shape.rows * shape.length;
  return nn::ScheduleAttr::get(context, "rows", width, vectors, 1, false, false,
                               work >= kParallelOperations);
}
