// Product.cpp - sums of products in register tiles: matrix products and
// convolutions.
#include "passes/kernels/Product.h"
#include "ir/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/kernels/Body.h"
#include "passes/kernels/Code.h"
#include "passes/kernels/Combiner.h"

using namespace mlir;
using namespace burnish;

/// Weights of so many bytes do not stay in any second cache beside the rest.
static constexpr int64_t kFarBytes = 512 << 10, kLineBytes = 64;
/// So many products are added one after another before their sum is.
static constexpr int64_t kSummedSteps = 512;
/// Elements of the narrowest vectors of sums.
static constexpr int64_t kLeastWidth = 4;

namespace {
/// Results side by side: `width` are computed, of which the first `valid`
/// exist.
struct Piece {
  int64_t start, width, valid;
};

class ProductMaker {
public:
  ProductMaker(KernelCode &code)
      : code(code), b(code.b), nest(code.nest),
        form(*ProductForm::of(code.nest, code.schedule.getPacks())),
        width(code.schedule.getLanes()),
        panel(width * code.schedule.getVectors()),
        weave(form.weaveCount(code.nest)), steps(code.schedule.getSteps()),
        packs(code.schedule.getPacks()), right(nest.inputs[form.right]),
        left(nest.inputs[form.left]), stepsLoop(right.stepsLoop) {
    laneSize = form.lanes.size() == 1
                   ? nest.loops[form.lanes[0]].size
                   : OpFoldResult(b.getIndexAttr(form.laneCount(nest)));
    rowSize =
        form.row ? nest.loops[*form.row].size : OpFoldResult(b.getIndexAttr(1));
    if (packs && steps > 1) {
      // What a lane takes at once lies side by side in a panel too.
      stepsLoop = form.stepsLoop(nest);
      llvm::erase(form.depth, *stepsLoop);
      form.depth.push_back(*stepsLoop);
    }
    if (packs)
      preparePanel();
  }

  OpFoldResult tasks() {
    OpFoldResult inner =
        tilesOf(code.schedule.getRowsOutside() ? rowSize : laneSize,
                code.schedule.getRowsOutside() ? rows() : panel);
    for (unsigned loop : form.outer)
      inner = nn::mulIndex(b, inner, nest.loops[loop].size);
    return inner;
  }

  void make(Value begin, Value end) {
    bool rowsOutside = code.schedule.getRowsOutside();
    OpFoldResult size = rowsOutside ? rowSize : laneSize;
    int64_t tile = rowsOutside ? rows() : panel;
    // Of what remains of run time's lanes few are left to be done one by one.
    SmallVector<int64_t> smaller =
        rowsOutside
            ? withPowersBelow(tile)
            : SmallVector<int64_t>{width, std::max<int64_t>(1, width / 4)};
    Value count =
        getValueOrCreateConstantIndexOp(b, b.getLoc(), tilesOf(size, tile));
    // Slowest first; the tiles are the one without a loop. A panel of weights
    // serves all rows before the next one comes, unless all of them stay near.
    SmallVector<std::optional<unsigned>> digits;
    for (unsigned loop : form.outer)
      if (right.moves(loop))
        digits.push_back(loop);
    if (!rowsOutside)
      digits.push_back(std::nullopt);
    for (unsigned loop : form.outer)
      if (!right.moves(loop))
        digits.push_back(loop);
    if (rowsOutside)
      digits.push_back(std::nullopt);
    Value isBackwards;
    if (code.turn)
      isBackwards = arith::TruncIOp::create(
          b, b.getI1Type(),
          Value(arith::IndexCastOp::create(b, b.getI64Type(), code.turn)));
    code.loop(begin, end, 1, [&](Value task) {
      if (isBackwards) {
        Value sum = arith::AddIOp::create(b, begin, end),
              last = arith::SubIOp::create(b, sum, code.constant(1));
        task = arith::SelectOp::create(
            b, isBackwards, Value(arith::SubIOp::create(b, last, task)), task);
      }
      Value rest = task, place;
      for (std::optional<unsigned> loop : llvm::reverse(digits)) {
        bool isSlowest = loop == digits.front();
        Value size = loop ? code.size(*loop) : count,
              here =
                  isSlowest ? rest : b.createOrFold<arith::RemUIOp>(rest, size);
        if (!isSlowest)
          rest = b.createOrFold<arith::DivUIOp>(rest, size);
        if (loop)
          code.at[*loop] = {here};
        else
          place = here;
      }
      Value base = arith::MulIOp::create(b, place, code.constant(tile));
      tileAt(size, tile, base, smaller, [&](Index start, int64_t length) {
        if (rowsOutside)
          code.tiles(laneSize, {panel, width}, [&](Index lane, int64_t lanes) {
            makeTile(start, length, lane, piecesFor(lanes));
          });
        else
          makePanel(start, length);
      });
    });
  }

private:
  int64_t rows() const { return code.schedule.getRows(); }

  /// Goes to the results of `row`: those of a tile are counted row by row, and
  /// within a row as they are woven.
  void enterRow(Index row, int64_t index) {
    if (form.row)
      code.at[*form.row] = row + index / weave;
    if (form.weave)
      code.at[*form.weave] = {{}, index % weave};
  }

  OpFoldResult tilesOf(OpFoldResult size, int64_t tile) {
    if (std::optional<int64_t> known = getConstantIntValue(size))
      return b.getIndexAttr(llvm::divideCeil(*known, tile));
    return b.createOrFold<arith::CeilDivUIOp>(
        getValueOrCreateConstantIndexOp(b, b.getLoc(), size),
        code.constant(tile));
  }

  /// The tile that begins at `base`: a whole one, or what remains at the end.
  void tileAt(OpFoldResult size, int64_t tile, Value base,
              ArrayRef<int64_t> smaller,
              llvm::function_ref<void(Index, int64_t)> body) {
    std::optional<int64_t> known = getConstantIntValue(size);
    if (known && *known % tile == 0)
      return body({base}, tile);
    if (known && *known < tile)
      return body({}, *known);
    Value end = getValueOrCreateConstantIndexOp(b, b.getLoc(), size);
    Value fits = arith::CmpIOp::create(
        b, arith::CmpIPredicate::ule,
        Value(arith::AddIOp::create(b, base, code.constant(tile))), end);
    auto branch = scf::IfOp::create(b, fits, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    body({base}, tile);
    b.setInsertionPointToStart(branch.elseBlock());
    if (known)
      return body({{}, *known / tile * tile}, *known % tile);
    code.tiles(b.createOrFold<arith::SubIOp>(end, base), smaller,
               [&](Index index, int64_t length) {
                 body({arith::AddIOp::create(b, base, code.valueOf(index))},
                      length);
               });
  }

  SmallVector<Piece> piecesFor(int64_t lanes) const {
    SmallVector<Piece> pieces;
    // What is packed has whole vectors, whatever lies in them beyond the end.
    if (packs || right.packedLoop) {
      // A last one that is filled by half or less is a narrower one.
      for (int64_t start = 0; start < lanes; start += width) {
        int64_t valid = std::min(width, lanes - start),
                least = right.stepsLoop ? width : std::min(width, kLeastWidth);
        pieces.push_back(
            {start, std::max<int64_t>(least, llvm::bit_ceil<uint64_t>(valid)),
             valid});
      }
      return pieces;
    }
    int64_t start = 0;
    for (int64_t piece : piecesOf(lanes, width)) {
      pieces.push_back({start, piece, piece});
      start += piece;
    }
    return pieces;
  }

  //===- One tile ---------------------------------------------------------===//

  /// Sums over the depth for `count` rows and the pieces, and what comes after
  /// them.
  void makeTile(Index row, int64_t count, Index lane, ArrayRef<Piece> pieces) {
    SmallVector<Value> sums;
    Value init = arith::ConstantOp::create(b, nest.init);
    for (int64_t index = 0; index < count * weave; ++index)
      for (const Piece &piece : pieces)
        sums.push_back(spread(b, init, piece.width));
    ahead = linesAhead(row);
    sums = sumUp(0, row, count, lane, pieces, sums);
    if (nest.excess)
      sums = addExcess(row, count, lane, pieces, sums);
    finishTile(row, count, lane, pieces, sums);
    ahead.clear();
  }

  /// Where, from a step's first element in a panel of weights, the lines of the
  /// next panel lie that are fetched meanwhile. The first tiles of rows share
  /// them; what would be fetched for later ones is there already.
  SmallVector<Value> linesAhead(Index row) {
    if (!right.packedLoop || packs || code.schedule.getRowsOutside() ||
        code.schedule.getStreams() > 1)
      return {};
    auto type = cast<MemRefType>(code.data[right.argument].getType());
    int64_t bytes = type.getElementTypeBitWidth() / 8,
            panels = llvm::divideCeil(form.laneCount(nest), panel);
    if (panels * right.packedStride * bytes < kFarBytes)
      return {};
    int64_t lines = llvm::divideCeil(panel * code.schedule.getSteps() * bytes,
                                     kLineBytes),
            known = form.rowCount(nest),
            tiles = ShapedType::isDynamic(known)
                        ? lines
                        : llvm::divideCeil(known, rows());
    Value tile = arith::DivUIOp::create(b, code.valueOf(row),
                                        code.constant(rows())),
          isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, tile,
                                          code.constant(lines));
    for (unsigned loop : form.outer)
      if (!right.moves(loop))
        isFirst = arith::AndIOp::create(
            b, isFirst,
            Value(arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                        code.valueOf(code.at[loop]),
                                        code.constant(0))));
    SmallVector<Value> ahead;
    for (int64_t line = 0; line < lines; line += tiles) {
      Value shift = arith::AddIOp::create(
          b,
          Value(arith::MulIOp::create(b, tile,
                                      code.constant(kLineBytes / bytes))),
          code.constant(right.packedStride + line * kLineBytes / bytes));
      ahead.push_back(
          arith::SelectOp::create(b, isFirst, shift, code.constant(0)));
    }
    return ahead;
  }

  void finishTile(Index row, int64_t count, Index lane, ArrayRef<Piece> pieces,
                  ArrayRef<Value> sums) {
    unsigned along = form.lanes.back();
    for (unsigned loop : form.lanes)
      code.at[loop] = {};
    for (int64_t index = 0; index < count; ++index)
      for (auto [place, piece] : llvm::enumerate(pieces)) {
        int64_t start = 0;
        for (int64_t part : piecesOf(piece.valid, piece.width)) {
          code.at[along] = lane + (piece.start + start);
          SmallVector<Value> results;
          for (int64_t strand = 0; strand < weave; ++strand) {
            enterRow(row, index * weave + strand);
            Value sum = sums[(index * weave + strand) * pieces.size() + place];
            results.push_back(
                code.conclude(someOf(sum, start, part), along, part));
          }
          enterRow(row, index * weave);
          code.storeWoven(nest.out, results, along, part);
          start += part;
        }
      }
  }

  /// `count` elements of a vector, from `start` on.
  Value someOf(Value vector, int64_t start, int64_t count) {
    auto type = dyn_cast<VectorType>(vector.getType());
    if (!type || type.getNumElements() == count)
      return vector;
    if (count == 1)
      return vector::ExtractOp::create(b, vector, ArrayRef<int64_t>{start});
    return vector::ExtractStridedSliceOp::create(
        b, vector, ArrayRef<int64_t>{start}, ArrayRef<int64_t>{count},
        ArrayRef<int64_t>{1});
  }

  SmallVector<Value> sumUp(size_t place, Index row, int64_t count, Index lane,
                           ArrayRef<Piece> pieces, SmallVector<Value> sums) {
    if (place == form.depth.size())
      return addProducts(row, count, lane, pieces, sums);
    unsigned loop = form.depth[place];
    Value from = code.constant(0), to = code.size(loop);
    if (place == 0 && blockFrom) {
      from = blockFrom;
      to = blockTo;
    }
    auto body = [&](Value index, ValueRange values) {
      code.at[loop] = {index};
      return sumUp(place + 1, row, count, lane, pieces,
                   SmallVector<Value>(values));
    };
    int64_t step = stepOf(loop);
    if (int64_t stretch = stretchOf(place))
      return code.sumStretches(from, to, llvm::alignTo(stretch, step), sums,
                               body, step);
    return code.carry(from, to, step, sums, body);
  }

  /// How many iterations of a loop of the depth are done at once.
  int64_t stepOf(unsigned loop) const { return loop == stepsLoop ? steps : 1; }

  /// How many iterations of a loop of the depth are summed up by themselves; 0
  /// where that would make no difference to sums of floats, or is done in an
  /// inner loop.
  int64_t stretchOf(size_t place) const {
    // A greatest product, as one over masks, is no sum.
    std::optional<Combiner> combiner = Combiner::of(nest.root);
    if (!combiner || !isa<arith::AddFOp>(combiner->op))
      return 0;
    auto sizeOf = [&](unsigned loop) {
      int64_t known = nest.loops[loop].known();
      return ShapedType::isDynamic(known) ? 2 * kSummedSteps + 1 : known;
    };
    int64_t inner = 1;
    for (unsigned loop : ArrayRef(form.depth).drop_front(place + 1))
      inner *= sizeOf(loop);
    bool isLong = inner <= kSummedSteps &&
                  sizeOf(form.depth[place]) * inner > 2 * kSummedSteps;
    return isLong ? std::max<int64_t>(1, kSummedSteps / inner) : 0;
  }

  SmallVector<Value> addProducts(Index row, int64_t count, Index lane,
                                 ArrayRef<Piece> pieces,
                                 SmallVector<Value> sums) {
    if (!ahead.empty()) {
      code.at[form.lanes[0]] = lane;
      Value here = code.offset(right);
      for (Value shift : ahead)
        memref::PrefetchOp::create(
            b, code.data[right.argument],
            ValueRange{arith::AddIOp::create(b, here, shift)},
            /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
    }
    if (stepsLoop)
      return addSteps(row, count, lane, pieces, sums);
    SmallVector<Value> rightParts;
    for (const Piece &piece : pieces)
      rightParts.push_back(loadRight(lane, piece));
    for (int64_t index = 0; index < count * weave; ++index) {
      enterRow(row, index);
      Value leftPart = code.load(left, std::nullopt, 1);
      for (auto [place, piece] : llvm::enumerate(pieces)) {
        Value &sum = sums[index * pieces.size() + place];
        SmallVector<Value> arguments(3);
        arguments[form.left] = leftPart;
        arguments[form.right] = rightParts[place];
        arguments[2] = sum;
        sum = spread(b,
                     evaluate(b, nest.root, arguments, piece.width,
                              [&](unsigned loop) {
                                return code.indexOf(loop, std::nullopt, 1);
                              }),
                     piece.width);
      }
    }
    return sums;
  }

  /// Several steps of the sum at once, of bytes or of bf16.
  SmallVector<Value> addSteps(Index row, int64_t count, Index lane,
                              ArrayRef<Piece> pieces, SmallVector<Value> sums) {
    std::optional<ByteProduct> ofBytes = ByteProduct::of(nest.root);
    unsigned unsignedInput = ofBytes ? ofBytes->unsignedInput : form.left;
    // Pairs are multiplied as 16 bits: products of bytes would be cut short.
    bool isWidened = ofBytes && steps == 2;
    auto widened = [&](Value bytes, unsigned input) -> Value {
      if (!isWidened)
        return bytes;
      auto type = VectorType::get(cast<VectorType>(bytes.getType()).getShape(),
                                  b.getI16Type());
      if (input == unsignedInput)
        return arith::ExtUIOp::create(b, type, bytes);
      return arith::ExtSIOp::create(b, type, bytes);
    };
    SmallVector<Value> rightParts;
    for (const Piece &piece : pieces)
      rightParts.push_back(widened(loadRight(lane, piece), form.right));
    for (int64_t index = 0; index < count; ++index) {
      enterRow(row, index);
      Value word = loadWord();
      for (auto [place, piece] : llvm::enumerate(pieces)) {
        Value &sum = sums[index * pieces.size() + place];
        Value rightPart = rightParts[place];
        Value leftPart = widened(wordInLanes(word, piece.width), form.left);
        if (code.schedule.getAddsPairs()) {
          sum = addPairs(sum, leftPart, rightPart);
          continue;
        }
        if (isWidened) {
          sum =
              arith::AddIOp::create(b, sum,
                                    call(pairsName(piece.width), sum.getType(),
                                         {leftPart, rightPart}));
          continue;
        }
        if (unsignedInput == form.right)
          std::swap(leftPart, rightPart);
        std::string name = ofBytes ? "llvm.x86.avx512.vpdpbusd."
                                   : "llvm.x86.avx512bf16.dpbf16ps.";
        sum = call(name + std::to_string(piece.width * 32), sum.getType(),
                   {sum, leftPart, rightPart});
      }
    }
    return sums;
  }

  /// The left operand's elements of all steps are one word for every lane.
  Value loadWord() {
    unsigned bits = elementOf(left).getIntOrFloatBitWidth() * steps;
    return vector::ExtractOp::create(
        b,
        Value(vector::BitCastOp::create(
            b, VectorType::get({1}, b.getIntegerType(bits)), loadSteps())),
        ArrayRef<int64_t>{0});
  }
  Value wordInLanes(Value word, int64_t lanes) {
    return vector::BitCastOp::create(
        b, VectorType::get({lanes * steps}, elementOf(left)),
        Value(vector::BroadcastOp::create(
            b, VectorType::get({lanes}, word.getType()), word)));
  }

  /// The sum with products of bytes, of which pairs fit 16 bits.
  Value addPairs(Value sum, Value leftPart, Value rightPart) {
    int64_t lanes = cast<VectorType>(sum.getType()).getNumElements();
    auto halves = VectorType::get({lanes * 2}, b.getI16Type());
    Value pairs = call(lanes == 16  ? "llvm.x86.avx512.pmaddubs.w.512"
                       : lanes == 8 ? "llvm.x86.avx2.pmadd.ub.sw"
                                    : "llvm.x86.ssse3.pmadd.ub.sw.128",
                       halves, {leftPart, rightPart}),
          ones = arith::ConstantOp::create(
              b, DenseElementsAttr::get(halves, b.getI16IntegerAttr(1)));
    return arith::AddIOp::create(
        b, sum, call(pairsName(lanes), sum.getType(), {pairs, ones}));
  }

  /// Adds the products with what was taken from the weights, vector by vector.
  SmallVector<Value> addExcess(Index row, int64_t count, Index lane,
                               ArrayRef<Piece> pieces,
                               SmallVector<Value> sums) {
    Value excess = code.data[*nest.excess],
          places = code.data[*nest.excess + 1];
    int64_t most = nest.excessCount;
    auto load = [&](Value at) -> Value {
      return arith::IndexCastUIOp::create(
          b, b.getIndexType(), Value(memref::LoadOp::create(b, places, at)));
    };
    auto plus = [&](Value base, Value more) -> Value {
      return arith::AddIOp::create(b, base, more);
    };
    auto times = [&](Value value, int64_t factor) -> Value {
      return arith::MulIOp::create(b, value, code.constant(factor));
    };
    for (auto [place, piece] : llvm::enumerate(pieces)) {
      Value vector = b.createOrFold<arith::DivUIOp>(
                code.valueOf(lane + piece.start), code.constant(width)),
            known = times(vector, 1 + most), from = times(vector, most);
      SmallVector<Value> own;
      for (int64_t index = 0; index < count; ++index)
        own.push_back(sums[index * pieces.size() + place]);
      own = code.carry(
          code.constant(0), load(known), 1, own,
          [&](Value index, ValueRange values) {
            enterStep(load(plus(plus(known, code.constant(1)), index)));
            Value weights = vector::LoadOp::create(
                b, VectorType::get({width * steps}, elementOf(right)), excess,
                times(plus(from, index), width * steps));
            SmallVector<Value> next(values);
            for (auto [at, sum] : llvm::enumerate(next)) {
              enterRow(row, at);
              sum = addPairs(sum, wordInLanes(loadWord(), width), weights);
            }
            return next;
          });
      for (int64_t index = 0; index < count; ++index)
        sums[index * pieces.size() + place] = own[index];
    }
    return sums;
  }

  /// Goes to a step of the sum, counted as they are packed.
  void enterStep(Value step) {
    for (size_t place = form.depth.size(); place-- > 0;) {
      unsigned loop = form.depth[place];
      Value size = code.size(loop);
      code.at[loop] = {place == 0 ? step
                                  : b.createOrFold<arith::RemUIOp>(step, size)};
      if (place > 0)
        step = b.createOrFold<arith::DivUIOp>(step, size);
    }
  }

  static std::string pairsName(int64_t width) {
    return width == 16  ? "llvm.x86.avx512.pmaddw.d.512"
           : width == 8 ? "llvm.x86.avx2.pmadd.wd"
                        : "llvm.x86.sse2.pmadd.wd";
  }

  /// LLVM knows its intrinsics by their names. As calls of functions they pass
  /// through what would stop at operations with unknown effects.
  Value call(StringRef intrinsic, Type result, ValueRange operands) {
    auto module =
        b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
    auto function = module.lookupSymbol<func::FuncOp>(intrinsic);
    if (!function) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(module.getBody());
      function = func::FuncOp::create(
          b, intrinsic, b.getFunctionType(operands.getTypes(), result));
      function.setPrivate();
    }
    return func::CallOp::create(b, function, operands).getResult(0);
  }

  Type elementOf(const Access &access) {
    return cast<MemRefType>(code.data[access.argument].getType())
        .getElementType();
  }

  /// The left operand's elements of the steps that are done at once.
  Value loadSteps() {
    unsigned loop = *stepsLoop;
    auto type = VectorType::get({steps}, elementOf(left));
    if (left.along(loop) == 1)
      return vector::LoadOp::create(b, type, code.data[left.argument],
                                    code.offset(left));
    Index here = code.at[loop];
    SmallVector<Value> elements;
    for (int64_t step = 0; step < steps; ++step) {
      code.at[loop] = here + step;
      elements.push_back(code.load(left, std::nullopt, 1));
    }
    code.at[loop] = here;
    return vector::FromElementsOp::create(b, type, elements);
  }

  Value loadRight(Index lane, const Piece &piece) {
    int64_t count = stepsLoop ? piece.width * steps : piece.width;
    auto type = VectorType::get({count}, elementOf(right));
    if (!packs) {
      code.at[form.lanes[0]] = lane + piece.start;
      if (stepsLoop)
        return vector::LoadOp::create(b, type, code.data[right.argument],
                                      code.offset(right));
      return code.load(right, form.lanes[0], piece.width);
    }
    return vector::LoadOp::create(b, type, memory, inPanel(piece.start));
  }

  /// Where a lane's elements of the present steps lie in the panel.
  Value inPanel(int64_t lane) {
    return arith::AddIOp::create(
        b, Value(arith::MulIOp::create(b, depthIndex(), code.constant(panel))),
        code.constant(stepsLoop ? lane * steps : lane));
  }

  //===- Panels -----------------------------------------------------------===//

  /// Decides how much of the depth a panel holds.
  void preparePanel() {
    Type type =
        cast<MemRefType>(code.data[right.argument].getType()).getElementType();
    int64_t bytes = std::max(1u, type.getIntOrFloatBitWidth() / 8) * panel,
            depth = form.depthCount(nest),
            outermost = nest.loops[form.depth[0]].known();
    block = outermost;
    if (depth * bytes > 2 * kPanelBytes)
      block = std::max<int64_t>(1, kPanelBytes / (depth / outermost * bytes));
    // Blocks of equal length.
    block = llvm::alignTo(
        llvm::divideCeil(outermost, llvm::divideCeil(outermost, block)),
        stepOf(form.depth[0]));
    if (!isBuilt())
      return;
    memory = frameMemory(b, type, depth / outermost * block * panel);
    if (block < outermost)
      partial =
          frameMemory(b, nest.rootType, form.rowCount(nest) * weave * panel);
    if (!form.isStraight(nest))
      offsets = frameMemory(b, b.getIndexType(), panel);
  }
  bool isBuilt() const { return !code.data.empty(); }

  /// The step of the sum within the panel.
  Value depthIndex() {
    Value index;
    for (unsigned loop : form.depth) {
      Value here = code.valueOf(code.at[loop]);
      if (!index)
        index =
            blockFrom ? Value(arith::SubIOp::create(b, here, blockFrom)) : here;
      else
        index = arith::AddIOp::create(
            b, Value(arith::MulIOp::create(b, index, code.size(loop))), here);
    }
    return index;
  }

  void makePanel(Index lane, int64_t count) {
    SmallVector<Piece> pieces = piecesFor(count);
    if (!packs) {
      code.tiles(rowSize, withPowersBelow(rows()),
                 [&](Index row, int64_t length) {
                   makeTile(row, length, lane, pieces);
                 });
      return;
    }
    if (offsets)
      fillOffsets(lane, count);
    int64_t outermost = nest.loops[form.depth[0]].known();
    if (block == outermost) {
      fillPanel(lane, pieces);
      code.tiles(rowSize, withPowersBelow(rows()),
                 [&](Index row, int64_t length) {
                   makeTile(row, length, lane, pieces);
                 });
      return;
    }
    auto forRows = [&](llvm::function_ref<void(Index, int64_t)> body) {
      code.tiles(rowSize, withPowersBelow(rows()), body);
    };
    Value init = arith::ConstantOp::create(b, nest.init);
    forRows([&](Index row, int64_t length) {
      putSums(row, length, pieces,
              SmallVector<Value>(length * weave * pieces.size(),
                                 spread(b, init, width)));
    });
    code.loop(
        code.constant(0), code.constant(outermost), block, [&](Value from) {
          blockFrom = from;
          blockTo = arith::MinUIOp::create(
              b, Value(arith::AddIOp::create(b, from, code.constant(block))),
              code.constant(outermost));
          fillPanel(lane, pieces);
          forRows([&](Index row, int64_t length) {
            putSums(row, length, pieces,
                    sumUp(0, row, length, lane, pieces,
                          takeSums(row, length, pieces)));
          });
        });
    blockFrom = blockTo = {};
    forRows([&](Index row, int64_t length) {
      finishTile(row, length, lane, pieces, takeSums(row, length, pieces));
    });
  }

  Value sumOffset(Index row, int64_t index, const Piece &piece) {
    Value base = arith::MulIOp::create(b, code.valueOf({row.value, 0}),
                                       code.constant(weave * panel));
    return arith::AddIOp::create(
        b, base,
        code.constant((row.constant * weave + index) * panel + piece.start));
  }
  void putSums(Index row, int64_t count, ArrayRef<Piece> pieces,
               ArrayRef<Value> sums) {
    for (int64_t index = 0; index < count * weave; ++index)
      for (auto [place, piece] : llvm::enumerate(pieces))
        vector::StoreOp::create(b, sums[index * pieces.size() + place], partial,
                                sumOffset(row, index, piece));
  }
  SmallVector<Value> takeSums(Index row, int64_t count,
                              ArrayRef<Piece> pieces) {
    SmallVector<Value> sums;
    for (int64_t index = 0; index < count * weave; ++index)
      for (const Piece &piece : pieces)
        sums.push_back(vector::LoadOp::create(
            b, VectorType::get({piece.width}, nest.rootType), partial,
            sumOffset(row, index, piece)));
    return sums;
  }

  /// Where the lanes of the panel lie in their operand, against the first step
  /// of the sum.
  void fillOffsets(Index lane, int64_t count) {
    code.loop(code.constant(0), code.constant(count), 1, [&](Value place) {
      Value rest = arith::AddIOp::create(b, code.valueOf(lane), place),
            offset = code.constant(0);
      for (size_t index = form.lanes.size(); index-- > 0;) {
        unsigned loop = form.lanes[index];
        Value here =
            index == 0
                ? rest
                : Value(arith::RemUIOp::create(b, rest, code.size(loop)));
        offset = arith::AddIOp::create(
            b, offset,
            Value(arith::MulIOp::create(
                b, here,
                getValueOrCreateConstantIndexOp(b, b.getLoc(),
                                                right.coefficients[loop]))));
        if (index > 0)
          rest = arith::DivUIOp::create(b, rest, code.size(loop));
      }
      memref::StoreOp::create(b, offset, offsets, place);
    });
  }

  Value offsetOf(int64_t lane) {
    return memref::LoadOp::create(b, offsets, code.constant(lane));
  }

  /// Whether the lanes of a piece lie one after the other. Along one loop the
  /// last one tells; several may be in another order than their operand has.
  Value areSideBySide(const Piece &piece, Value first) {
    int64_t step = form.lanes.size() == 1 ? piece.valid - 1 : 1;
    Value holds = arith::ConstantOp::create(b, b.getBoolAttr(true));
    for (int64_t lane = step; step > 0 && lane < piece.valid; lane += step) {
      Value distance =
          arith::SubIOp::create(b, offsetOf(piece.start + lane), first);
      holds = arith::AndIOp::create(
          b, holds,
          Value(arith::CmpIOp::create(b, arith::CmpIPredicate::eq, distance,
                                      code.constant(lane))));
    }
    return holds;
  }

  void fillPanel(Index lane, ArrayRef<Piece> pieces) {
    // Whether a vector's lanes lie side by side is the same for every step of
    // the sum.
    SmallVector<Value> isSideBySide, firsts;
    if (offsets)
      for (const Piece &piece : pieces) {
        firsts.push_back(offsetOf(piece.start));
        isSideBySide.push_back(areSideBySide(piece, firsts.back()));
      }
    for (unsigned loop : form.lanes)
      code.at[loop] = {};
    fillSteps(0, lane, pieces, isSideBySide, firsts);
  }

  void fillSteps(size_t place, Index lane, ArrayRef<Piece> pieces,
                 ArrayRef<Value> isSideBySide, ArrayRef<Value> firsts) {
    if (place < form.depth.size()) {
      unsigned loop = form.depth[place];
      Value from = place == 0 && blockFrom ? blockFrom : code.constant(0),
            to = place == 0 && blockFrom ? blockTo : code.size(loop);
      code.loop(from, to, stepOf(loop), [&](Value index) {
        code.at[loop] = {index};
        fillSteps(place + 1, lane, pieces, isSideBySide, firsts);
      });
      return;
    }
    if (!offsets) {
      for (const Piece &piece : pieces) {
        code.at[form.lanes[0]] = lane + piece.start;
        copyLanes(offsetsOfSteps(), piece.start, piece.valid);
      }
      return;
    }
    SmallVector<Value> bases = offsetsOfSteps();
    auto from = [&](Value lane) {
      return llvm::map_to_vector(bases, [&](Value base) -> Value {
        return arith::AddIOp::create(b, base, lane);
      });
    };
    for (auto [index, piece] : llvm::enumerate(pieces)) {
      auto branch =
          scf::IfOp::create(b, isSideBySide[index], /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      copyLanes(from(firsts[index]), piece.start, piece.valid);
      b.setInsertionPointToStart(branch.elseBlock());
      for (int64_t element = piece.start; element < piece.start + piece.valid;
           ++element)
        copyLanes(
            from(memref::LoadOp::create(b, offsets, code.constant(element))),
            element, 1);
    }
  }

  /// Where the right operand is at the present indices, for each of the steps
  /// that are done at once.
  SmallVector<Value> offsetsOfSteps() {
    if (!stepsLoop)
      return {code.offset(right)};
    SmallVector<Value> all;
    Index here = code.at[*stepsLoop];
    for (int64_t step = 0; step < steps; ++step) {
      code.at[*stepsLoop] = here + step;
      all.push_back(code.offset(right));
    }
    code.at[*stepsLoop] = here;
    return all;
  }

  /// Puts `count` lanes from `start` on into the panel, which lie side by side
  /// in the right operand: for each step that is done at once, from one of the
  /// offsets `from` on.
  void copyLanes(ArrayRef<Value> from, int64_t start, int64_t count) {
    Value source = code.data[right.argument];
    int64_t several = from.size();
    auto load = [&](Value at, int64_t more, int64_t length) -> Value {
      at = arith::AddIOp::create(b, at, code.constant(more));
      if (length == 1)
        return memref::LoadOp::create(b, source, at);
      return vector::LoadOp::create(
          b, VectorType::get({length}, elementOf(right)), source, at);
    };
    int64_t done = 0;
    for (int64_t part : piecesOf(count, width)) {
      Value to = inPanel(start + done), moved;
      if (part == 1 && several > 1) {
        // Steps of one lane, which may lie side by side as they are wanted.
        auto type = VectorType::get({several}, elementOf(right));
        if (right.along(*stepsLoop) == 1)
          moved = load(from[0], done, several);
        else
          moved = vector::FromElementsOp::create(
              b, type, llvm::map_to_vector(from, [&](Value at) {
                return load(at, done, 1);
              }));
      } else {
        moved = load(from[0], done, part);
        if (several == 2)
          moved =
              vector::InterleaveOp::create(b, moved, load(from[1], done, part));
      }
      if (isa<VectorType>(moved.getType()))
        vector::StoreOp::create(b, moved, memory, to);
      else
        memref::StoreOp::create(b, moved, memory, to);
      done += part;
    }
  }

  KernelCode &code;
  ImplicitLocOpBuilder &b;
  const Nest &nest;
  ProductForm form;
  int64_t width, panel, weave, steps;
  bool packs;
  const Access &right, &left;
  /// The loop of the depth of which `steps` iterations are done at once; absent
  /// when they are done one by one.
  std::optional<unsigned> stepsLoop;
  OpFoldResult laneSize, rowSize;
  /// The panel; sums between blocks of the depth; offsets of the lanes. Null
  /// when there is no need.
  Value memory, partial, offsets;
  SmallVector<Value> ahead;
  int64_t block = 0;
  /// The part of the outermost loop of the depth that is in the panel; null:
  /// all.
  Value blockFrom, blockTo;
};
} // namespace

void burnish::makeProduct(KernelCode &code, Value begin, Value end) {
  ProductMaker(code).make(begin, end);
}

OpFoldResult burnish::tasksOfProduct(ImplicitLocOpBuilder &b, const Nest &nest,
                                     nn::ScheduleAttr schedule) {
  FailureOr<ProductForm> form = ProductForm::of(nest, schedule.getPacks());
  bool rowsOutside = schedule.getRowsOutside();
  int64_t tile = rowsOutside ? schedule.getRows()
                             : schedule.getLanes() * schedule.getVectors();
  OpFoldResult tasks = b.getIndexAttr(1);
  SmallVector<unsigned> tiled =
      rowsOutside ? (form->row ? SmallVector<unsigned>{*form->row}
                               : SmallVector<unsigned>{})
                  : form->lanes;
  for (unsigned loop : tiled)
    tasks = nn::mulIndex(b, tasks, nest.loops[loop].size);
  if (std::optional<int64_t> known = getConstantIntValue(tasks))
    tasks = b.getIndexAttr(llvm::divideCeil(*known, tile));
  else
    tasks = getAsOpFoldResult(b.createOrFold<arith::CeilDivUIOp>(
        getValueOrCreateConstantIndexOp(b, b.getLoc(), tasks),
        Value(arith::ConstantIndexOp::create(b, tile))));
  for (unsigned loop : form->outer)
    tasks = nn::mulIndex(b, tasks, nest.loops[loop].size);
  return tasks;
}
