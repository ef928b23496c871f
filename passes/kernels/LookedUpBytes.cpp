// LookedUpBytes.cpp - functions of one byte from a table.
#include "passes/kernels/LookedUpBytes.h"
#include "ir/Attributes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/kernels/Words.h"
#include "llvm/ADT/TypeSwitch.h"
#include <array>
#include <cmath>
#include <map>

using namespace mlir;
using namespace burnish;

/// What takes fewer operations is computed.
static constexpr int64_t kLeastOperations = 16;
static constexpr int64_t kBytes = 256, kRegisterBytes = 64;

/// Whether values are vectors of bytes that fit one register.
static bool isBytes(Value value) {
  auto type = dyn_cast<VectorType>(value.getType());
  return type && type.getRank() == 1 && !type.isScalable() &&
         type.getElementType().isInteger(8) && type.getNumElements() > 1 &&
         type.getNumElements() <= kRegisterBytes;
}

namespace {
/// One element: an integer with the bits of its type, or a float.
struct Number {
  int64_t whole = 0;
  float real = 0;
};
using Numbers = llvm::DenseMap<Value, Number>;

using Table = std::array<uint8_t, kBytes>;

/// Bytes as a function of others.
struct Function {
  Value of;
  const Table *table = nullptr;
  /// What computes them of these, and how many operations that are in all.
  SmallVector<Operation *> operations;
  int64_t count = 0;
};
} // namespace

static unsigned bitsOf(Value value) {
  return getElementTypeOrSelf(value.getType()).getIntOrFloatBitWidth();
}

static int64_t withSign(int64_t whole, unsigned bits) {
  return llvm::SignExtend64(static_cast<uint64_t>(whole), bits);
}

static int64_t withoutSign(int64_t whole, unsigned bits) {
  return static_cast<int64_t>(static_cast<uint64_t>(whole) &
                              llvm::maskTrailingOnes<uint64_t>(bits));
}

static int64_t toWhole(float real, bool isSigned, unsigned bits) {
  double low = isSigned ? -std::ldexp(1.0, bits - 1) : 0.0,
         high = std::ldexp(1.0, isSigned ? bits - 1 : bits) - 1;
  return std::isnan(real) ? 0
                          : static_cast<int64_t>(
                                std::min(std::max<double>(real, low), high));
}

/// What an operation on integers gives; none for one that is not known here.
static std::optional<int64_t> wholeOf(Operation *op, int64_t a, int64_t b) {
  unsigned bits = bitsOf(op->getOperand(0));
  auto both = [&](auto function) {
    return function(withSign(a, bits), withSign(b, bits));
  };
  auto plain = [&](auto function) {
    return function(withoutSign(a, bits), withoutSign(b, bits));
  };
  auto least = [](int64_t x, int64_t y) { return std::min(x, y); };
  auto most = [](int64_t x, int64_t y) { return std::max(x, y); };
  return llvm::TypeSwitch<Operation *, std::optional<int64_t>>(op)
      .Case([&](arith::AddIOp) { return a + b; })
      .Case([&](arith::SubIOp) { return a - b; })
      .Case([&](arith::MaxSIOp) { return both(most); })
      .Case([&](arith::MinSIOp) { return both(least); })
      .Case([&](arith::MaxUIOp) { return plain(most); })
      .Case([&](arith::MinUIOp) { return plain(least); })
      .Case([&](arith::ExtUIOp) { return withoutSign(a, bits); })
      .Case([&](arith::ExtSIOp) { return withSign(a, bits); })
      .Case([&](arith::TruncIOp) { return a; })
      .Default([](Operation *) { return std::nullopt; });
}

/// The same of floats.
static std::optional<float> realOf(Operation *op, float a, float b) {
  return llvm::TypeSwitch<Operation *, std::optional<float>>(op)
      .Case([&](arith::AddFOp) { return a + b; })
      .Case([&](arith::SubFOp) { return a - b; })
      .Case([&](arith::MulFOp) { return a * b; })
      .Case([&](arith::DivFOp) { return a / b; })
      .Case([&](arith::NegFOp) { return -a; })
      .Case([&](math::RoundEvenOp) { return std::nearbyint(a); })
      .Case([&](math::FloorOp) { return std::floor(a); })
      .Case([&](math::AbsFOp) { return std::fabs(a); })
      .Case([&](math::SqrtOp) { return std::sqrt(a); })
      .Case([&](math::ExpOp) { return std::exp(a); })
      .Case([&](math::TanhOp) { return std::tanh(a); })
      .Case([&](math::ErfOp) { return std::erf(a); })
      .Default([](Operation *) { return std::nullopt; });
}

/// Whether an operation computes each element by itself, of f32 or integers, in
/// a way that is known here.
static bool isKnown(Operation *op) {
  if (op->getNumResults() != 1 || op->getNumRegions() > 0)
    return false;
  auto isUsual = [](Value value) {
    Type element = getElementTypeOrSelf(value.getType());
    return element.isF32() || (element.isInteger() && bitsOf(value) <= 32);
  };
  if (!isUsual(op->getResult(0)) || !llvm::all_of(op->getOperands(), isUsual) ||
      op->getNumOperands() == 0)
    return false;
  return isa<arith::CmpFOp, arith::SelectOp, arith::SIToFPOp, arith::UIToFPOp,
             arith::FPToSIOp, arith::FPToUIOp>(op) ||
         wholeOf(op, 0, 0) || realOf(op, 1, 1);
}

static bool compare(arith::CmpFPredicate predicate, float a, float b) {
  return arith::applyCmpPredicate(predicate, llvm::APFloat(a),
                                  llvm::APFloat(b));
}

/// The result of an operation that is known.
static Number resultOf(Operation *op, const Numbers &numbers) {
  SmallVector<Number, 3> operands =
      llvm::map_to_vector<3>(op->getOperands(), [&](Value operand) {
        return numbers.lookup(operand);
      });
  operands.resize(3);
  auto [a, b, c] = std::tie(operands[0], operands[1], operands[2]);
  unsigned from = bitsOf(op->getOperand(0)), to = bitsOf(op->getResult(0));
  auto real = [](float value) { return Number{0, value}; };
  auto whole = [](int64_t value) { return Number{value, 0}; };
  return llvm::TypeSwitch<Operation *, Number>(op)
      .Case([&](arith::SelectOp) { return a.whole & 1 ? b : c; })
      .Case([&](arith::CmpFOp compared) {
        return whole(compare(compared.getPredicate(), a.real, b.real));
      })
      .Case([&](arith::SIToFPOp) { return real(withSign(a.whole, from)); })
      .Case([&](arith::UIToFPOp) { return real(withoutSign(a.whole, from)); })
      .Case([&](arith::FPToSIOp) { return whole(toWhole(a.real, true, to)); })
      .Case([&](arith::FPToUIOp) { return whole(toWhole(a.real, false, to)); })
      .Default([&](Operation *) {
        std::optional<int64_t> found = wholeOf(op, a.whole, b.whole);
        return found ? whole(*found) : real(*realOf(op, a.real, b.real));
      });
}

/// The number that all elements are.
static std::optional<Number> constantOf(Value value) {
  if (auto spread = value.getDefiningOp<vector::BroadcastOp>())
    value = spread.getSource();
  Attribute attribute;
  if (!matchPattern(value, m_Constant(&attribute)))
    return std::nullopt;
  if (auto splat = dyn_cast<SplatElementsAttr>(attribute))
    attribute = splat.getSplatValue<Attribute>();
  if (auto real = dyn_cast<FloatAttr>(attribute);
      real && real.getType().isF32())
    return Number{0, real.getValue().convertToFloat()};
  if (auto whole = dyn_cast<IntegerAttr>(attribute))
    return Number{whole.getValue().getSExtValue(), 0};
  return std::nullopt;
}

namespace {
/// What a result is computed of.
struct Sources {
  llvm::SetVector<Operation *> operations;
  llvm::MapVector<Value, Number> numbers;
  llvm::SetVector<Value> bytes;

  /// Goes back from an operation to numbers and bytes; whether there is nothing
  /// else.
  bool collect(Operation *op) {
    constexpr size_t kMost = 128;
    if (!isKnown(op) || operations.size() > kMost)
      return false;
    for (Value operand : op->getOperands()) {
      if (std::optional<Number> number = constantOf(operand)) {
        numbers[operand] = *number;
        continue;
      }
      if (isBytes(operand)) {
        bytes.insert(operand);
        continue;
      }
      Operation *source = operand.getDefiningOp();
      if (!source || (!operations.contains(source) && !collect(source)))
        return false;
    }
    operations.insert(op);
    return true;
  }
};

/// Finds what bytes are functions of.
class Functions {
public:
  void find(arith::TruncIOp bytes) {
    Sources sources;
    if (!sources.collect(bytes))
      return;
    Function function;
    SmallVector<const Table *> tables;
    for (Value source : sources.bytes) {
      auto known = functions.find(source);
      bool isOwn = known == functions.end();
      Value of = isOwn ? source : known->second.of;
      if (function.of && function.of != of)
        return;
      function.of = of;
      function.count += isOwn ? 0 : known->second.count;
      tables.push_back(isOwn ? nullptr : known->second.table);
    }
    if (!function.of || function.of.getType() != bytes.getType())
      return;
    function.operations = sources.operations.takeVector();
    function.count += function.operations.size();
    function.table = tableOf(function.operations, sources, tables);
    functions.insert({bytes.getResult(), function});
  }

  /// In the order in which they were found.
  llvm::MapVector<Value, Function> functions;

private:
  /// What the last of the operations gives for each byte. Kernels compute the
  /// same at many places, for which there is one table.
  const Table *tableOf(ArrayRef<Operation *> operations, const Sources &sources,
                       ArrayRef<const Table *> tables) {
    std::vector<uintptr_t> key;
    llvm::DenseMap<Value, uintptr_t> places;
    for (auto [value, number] : sources.numbers) {
      places.insert({value, places.size()});
      key.push_back(number.whole);
      key.push_back(llvm::bit_cast<uint32_t>(number.real));
    }
    for (auto [value, table] : llvm::zip_equal(sources.bytes, tables)) {
      places.insert({value, places.size()});
      key.push_back(reinterpret_cast<uintptr_t>(table));
    }
    for (Operation *op : operations) {
      key.push_back(
          reinterpret_cast<uintptr_t>(op->getName().getAsOpaquePointer()));
      key.push_back(reinterpret_cast<uintptr_t>(
          op->getAttrDictionary().getAsOpaquePointer()));
      key.push_back(reinterpret_cast<uintptr_t>(
          getElementTypeOrSelf(op->getResult(0).getType())
              .getAsOpaquePointer()));
      for (Value operand : op->getOperands())
        key.push_back(places.at(operand));
      places.insert({op->getResult(0), places.size()});
    }
    auto [found, isNew] = known.try_emplace(std::move(key));
    if (!isNew)
      return &found->second;
    Numbers numbers(sources.numbers.begin(), sources.numbers.end());
    for (int64_t byte = 0; byte < kBytes; ++byte) {
      for (auto [value, table] : llvm::zip_equal(sources.bytes, tables))
        numbers[value] = {table ? (*table)[byte] : byte, 0};
      for (Operation *op : operations)
        numbers[op->getResult(0)] = resultOf(op, numbers);
      found->second[byte] = numbers[operations.back()->getResult(0)].whole;
    }
    return &found->second;
  }

  std::map<std::vector<uintptr_t>, Table> known;
};
} // namespace

/// Bytes from the table, by the two registers of either half.
static Value lookedUp(ImplicitLocOpBuilder &b, Value bytes,
                      ArrayRef<uint8_t> table) {
  auto type = cast<VectorType>(bytes.getType()),
       whole = VectorType::get({kRegisterBytes}, type.getElementType());
  if (type != whole) {
    SmallVector<int64_t> places(kRegisterBytes, 0);
    for (int64_t place = 0; place < type.getNumElements(); ++place)
      places[place] = place;
    bytes = vector::ShuffleOp::create(b, bytes, bytes, places);
  }
  SmallVector<Value> quarters;
  for (int64_t start = 0; start < kBytes; start += kRegisterBytes)
    quarters.push_back(arith::ConstantOp::create(
        b, DenseElementsAttr::getFromRawBuffer(
               whole, ArrayRef(reinterpret_cast<const char *>(table.data()),
                               table.size())
                          .slice(start, kRegisterBytes))));
  auto half = [&](Value low, Value high) {
    return callIntrinsic(b, "llvm.x86.avx512.vpermi2var.qi.512", whole,
                         {low, bytes, high});
  };
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(whole)),
        isHigh =
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt, bytes, zero);
  Value result =
      arith::SelectOp::create(b, isHigh, half(quarters[2], quarters[3]),
                              half(quarters[0], quarters[1]));
  if (type == whole)
    return result;
  return vector::ExtractStridedSliceOp::create(
      b, result, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{type.getNumElements()},
      ArrayRef<int64_t>{1});
}

static bool looksUpBytes(Operation *op) {
  auto target = op->getParentOfType<ModuleOp>()->getAttrOfType<nn::TargetAttr>(
      nn::kTargetAttr);
  if (!target || target.getVectorBits() != 512 || target.getIsDeterministic())
    return false;
  return llvm::is_contained(llvm::split(target.getFeatures(), ','),
                            "+avx512vbmi");
}

void burnish::lookUpBytes(func::FuncOp function) {
  if (!looksUpBytes(function))
    return;
  Functions found;
  function.walk([&](arith::TruncIOp bytes) {
    if (isBytes(bytes.getResult()))
      found.find(bytes);
  });
  // The last first: what only they are computed of needs no table.
  llvm::SmallDenseSet<Operation *, 32> unused;
  for (auto &[bytes, known] : llvm::reverse(found.functions)) {
    bool isNeeded = llvm::any_of(bytes.getUsers(), [&](Operation *user) {
      return !unused.contains(user);
    });
    if (isNeeded && known.count < kLeastOperations)
      continue;
    unused.insert_range(known.operations);
    if (!isNeeded)
      continue;
    ImplicitLocOpBuilder b(bytes.getLoc(), bytes.getDefiningOp());
    bytes.replaceAllUsesWith(lookedUp(b, known.of, *known.table));
  }
  function.walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
    if (isOpTriviallyDead(op))
      op->erase();
  });
}
