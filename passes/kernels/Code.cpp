// Code.cpp - what the makers of kernels share: offsets, loads and stores, loops
// over tiles.
#include "passes/kernels/Code.h"
#include "ir/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/kernels/Body.h"

using namespace mlir;
using namespace burnish;

Value KernelCode::constant(int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value KernelCode::valueOf(Index index) {
  if (!index.value)
    return constant(index.constant);
  return index.constant == 0 ? index.value
                             : Value(arith::AddIOp::create(
                                   b, index.value, constant(index.constant)));
}

Value KernelCode::size(unsigned loop) {
  return getValueOrCreateConstantIndexOp(b, b.getLoc(), nest.loops[loop].size);
}

Value KernelCode::offset(const Access &access, int64_t more) {
  // The constant goes in last, so that it ends up in the address of the
  // instruction.
  OpFoldResult varying = b.getIndexAttr(0);
  int64_t fixed = more;
  if (std::optional<int64_t> base = getConstantIntValue(access.base))
    fixed += *base;
  else
    varying = access.base;
  for (unsigned loop = 0; loop < at.size(); ++loop) {
    Index index = at[loop];
    OpFoldResult coefficient = access.coefficients[loop];
    int64_t known = access.along(loop);
    if (access.packedLoop && *access.packedLoop == loop) {
      // A value is a multiple of the tile's length.
      fixed += index.constant / access.packedTile * access.packedStride +
               index.constant % access.packedTile * known;
      if (index.value)
        varying = nn::addIndex(b, varying,
                               nn::mulIndex(b, index.value,
                                            b.getIndexAttr(access.packedStride /
                                                           access.packedTile)));
      continue;
    }
    if (known == 0)
      continue;
    if (index.value)
      varying =
          nn::addIndex(b, varying, nn::mulIndex(b, index.value, coefficient));
    if (!ShapedType::isDynamic(known))
      fixed += index.constant * known;
    else if (index.constant != 0)
      varying = nn::addIndex(
          b, varying,
          nn::mulIndex(b, coefficient, b.getIndexAttr(index.constant)));
  }
  return getValueOrCreateConstantIndexOp(
      b, b.getLoc(), nn::addIndex(b, varying, b.getIndexAttr(fixed)));
}

Value KernelCode::load(const Access &access, std::optional<unsigned> lanes,
                       int64_t width) {
  Value memory = data[access.argument];
  auto type = dyn_cast<MemRefType>(memory.getType());
  if (!type)
    return memory;
  Type element = type.getElementType();
  int64_t step = lanes ? access.along(*lanes) : 0;
  auto scalar = [&](Value offset) -> Value {
    return memref::LoadOp::create(b, memory, offset);
  };
  if (width == 1 || step == 0)
    return scalar(offset(access));
  auto vectorType = VectorType::get({width}, element);
  if (step == 1)
    return vector::LoadOp::create(b, vectorType, memory, offset(access));
  if (step == 2 && width >= 4) {
    // Two vectors of which the second ends with the last element wanted, so
    // nothing beyond it is read.
    Value low = vector::LoadOp::create(b, vectorType, memory, offset(access));
    Value high = vector::LoadOp::create(b, vectorType, memory,
                                        offset(access, width - 1));
    SmallVector<int64_t> mask;
    for (int64_t lane = 0; lane < width; ++lane)
      mask.push_back(2 * lane < width ? 2 * lane : 2 * lane + 1);
    return vector::ShuffleOp::create(b, low, high, mask);
  }
  SmallVector<Value> scalars;
  Index base = at[*lanes];
  for (int64_t lane = 0; lane < width; ++lane) {
    at[*lanes] = base + lane;
    scalars.push_back(scalar(offset(access)));
  }
  at[*lanes] = base;
  return vector::FromElementsOp::create(b, vectorType, scalars);
}

Value KernelCode::loadSteps(const Access &access, unsigned loop,
                            int64_t steps) {
  Value memory = data[access.argument];
  auto type = VectorType::get(
      {steps}, cast<MemRefType>(memory.getType()).getElementType());
  if (access.along(loop) == 1)
    return vector::LoadOp::create(b, type, memory, offset(access));
  Index here = at[loop];
  SmallVector<Value> elements;
  for (int64_t step = 0; step < steps; ++step) {
    at[loop] = here + step;
    elements.push_back(load(access, std::nullopt, 1));
  }
  at[loop] = here;
  return vector::FromElementsOp::create(b, type, elements);
}

void KernelCode::store(const Access &access, Value value,
                       std::optional<unsigned> lanes, int64_t width) {
  Value memory = data[access.argument];
  if (width == 1) {
    memref::StoreOp::create(b, value, memory, offset(access));
    return;
  }
  value = spread(b, value, width);
  if (access.along(*lanes) == 1) {
    vector::StoreOp::create(b, value, memory, offset(access));
    return;
  }
  Index base = at[*lanes];
  for (int64_t lane = 0; lane < width; ++lane) {
    at[*lanes] = base + lane;
    memref::StoreOp::create(
        b, vector::ExtractOp::create(b, value, ArrayRef<int64_t>{lane}), memory,
        offset(access));
  }
  at[*lanes] = base;
}

Value KernelCode::indexOf(unsigned source, std::optional<unsigned> lanes,
                          int64_t width) {
  for (auto [loop, description] : llvm::enumerate(nest.loops)) {
    if (description.source != source)
      continue;
    Value index = valueOf(at[loop]);
    if (!lanes || loop != *lanes || width == 1)
      return index;
    return arith::AddIOp::create(
        b, spread(b, index, width),
        vector::StepOp::create(b, VectorType::get({width}, b.getIndexType())));
  }
  return constant(0); // a loop of one iteration
}

void KernelCode::storeWoven(const Access &access, ArrayRef<Value> strands,
                            std::optional<unsigned> lanes, int64_t width) {
  if (strands.size() == 1)
    return store(access, strands[0], lanes, width);
  Value memory = data[access.argument], woven;
  if (width == 1) {
    woven = vector::FromElementsOp::create(
        b,
        VectorType::get({static_cast<int64_t>(strands.size())},
                        strands[0].getType()),
        strands);
  } else {
    // Halves of the strands are woven into each other until one is left.
    SmallVector<Value> rest = llvm::map_to_vector(
        strands, [&](Value strand) { return spread(b, strand, width); });
    for (; rest.size() > 1; rest.truncate(rest.size() / 2))
      for (size_t index = 0; index < rest.size() / 2; ++index)
        rest[index] = vector::InterleaveOp::create(
            b, rest[index], rest[index + rest.size() / 2]);
    woven = rest[0];
  }
  vector::StoreOp::create(b, woven, memory, offset(access));
}

Value KernelCode::conclude(Value result, std::optional<unsigned> lanes,
                           int64_t width) {
  if (!nest.epilogue)
    return result;
  SmallVector<Value> arguments;
  for (auto [index, access] : llvm::enumerate(nest.epilogueInputs))
    arguments.push_back(index == nest.resultInput ? result
                                                  : load(access, lanes, width));
  linalg::GenericOp epilogue = nest.epilogue;
  // The out has nothing to be read; a body never asks for it.
  arguments.push_back(Value());
  return evaluate(b, epilogue, arguments, width, [&](unsigned loop) {
    return indexOf(nest.epilogueLoops[loop], lanes, width);
  });
}

void KernelCode::finish(Value result, std::optional<unsigned> lanes,
                        int64_t width) {
  store(nest.out, conclude(result, lanes, width), lanes, width);
}

void KernelCode::loop(Value from, Value to, int64_t step,
                      llvm::function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, from, to, constant(step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

SmallVector<Value> KernelCode::carry(
    Value from, Value to, int64_t step, ValueRange init,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, from, to, constant(step), init);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  scf::YieldOp::create(b, next);
  return loop.getResults();
}

SmallVector<Value> KernelCode::sumStretches(
    Value from, Value to, int64_t stretch, ValueRange init,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body,
    int64_t step) {
  return carry(from, to, stretch, init, [&](Value first, ValueRange sums) {
    Value last = arith::MinUIOp::create(
        b, Value(arith::AddIOp::create(b, first, constant(stretch))), to);
    SmallVector<Value> parts;
    for (Value sum : sums)
      parts.push_back(
          arith::ConstantOp::create(b, b.getZeroAttr(sum.getType())));
    parts = carry(first, last, step, parts, body);
    for (auto [part, sum] : llvm::zip_equal(parts, sums))
      part = arith::AddFOp::create(b, sum, part);
    return parts;
  });
}

void KernelCode::tiles(OpFoldResult size, ArrayRef<int64_t> lengths,
                       llvm::function_ref<void(Index, int64_t)> body) {
  if (std::optional<int64_t> known = getConstantIntValue(size)) {
    int64_t tile = lengths.front();
    int64_t full = *known / tile * tile;
    if (full == tile)
      body({}, tile);
    else if (full > 0)
      loop(constant(0), constant(full), tile,
           [&](Value index) { body({index}, tile); });
    if (full < *known)
      body({{}, full}, *known - full);
    return;
  }
  tilesFrom(constant(0), getValueOrCreateConstantIndexOp(b, b.getLoc(), size),
            lengths, body);
}

void KernelCode::tilesFrom(Value begin, Value end, ArrayRef<int64_t> lengths,
                           llvm::function_ref<void(Index, int64_t)> body) {
  Value done = begin;
  SmallVector<int64_t> steps(lengths);
  steps.push_back(1);
  steps.erase(llvm::unique(steps), steps.end());
  for (int64_t step : steps) {
    Value until = end;
    if (step > 1) {
      Value left = b.createOrFold<arith::SubIOp>(end, done),
            rest = arith::RemUIOp::create(b, left, constant(step));
      until = arith::SubIOp::create(b, end, rest);
    }
    loop(done, until, step, [&](Value index) { body({index}, step); });
    done = until;
  }
}

SmallVector<int64_t> burnish::withPowersBelow(int64_t length) {
  SmallVector<int64_t> lengths{length};
  for (int64_t power = llvm::bit_floor(static_cast<uint64_t>(length - 1));
       power > 1; power /= 2)
    lengths.push_back(power);
  return lengths;
}

SmallVector<int64_t> burnish::piecesOf(int64_t count, int64_t lanes) {
  SmallVector<int64_t> pieces(count / lanes, lanes);
  for (int64_t rest = count % lanes; rest > 0;) {
    pieces.push_back(llvm::bit_floor(static_cast<uint64_t>(rest)));
    rest -= pieces.back();
  }
  return pieces;
}

Value burnish::frameMemory(ImplicitLocOpBuilder &b, Type type, int64_t count) {
  OpBuilder::InsertionGuard guard(b);
  auto function = b.getInsertionBlock()
                      ->getParent()
                      ->getParentOfType<FunctionOpInterface>();
  if (auto here =
          dyn_cast<FunctionOpInterface>(b.getInsertionBlock()->getParentOp()))
    function = here;
  b.setInsertionPointToStart(&function.getFunctionBody().front());
  return memref::AllocaOp::create(b, MemRefType::get({count}, type),
                                  b.getI64IntegerAttr(64));
}
