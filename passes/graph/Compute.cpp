// Compute.cpp - operators on constants, computed without code made for them.
#include "passes/graph/Compute.h"
#include "ir/Ops.h"
#include "ir/Storage.h"
#include <cmath>
#include <cstring>
#include <list>

using namespace mlir;
using namespace burnish;

/// Elements of a mapped file lie at any address.
template <typename T> static T read(const char *elements, int64_t index) {
  T element;
  std::memcpy(&element, elements + index * sizeof(T), sizeof(T));
  return element;
}
template <typename T>
static void write(char *elements, int64_t index, T element) {
  std::memcpy(elements + index * sizeof(T), &element, sizeof(T));
}

namespace {
/// How far an operand moves along each axis of the result.
using Steps = SmallVector<int64_t>;

/// The places of a result, a line along its last axis at a time, and where the
/// operands are meanwhile.
template <size_t count> class Lines {
public:
  Lines(ArrayRef<int64_t> shape, std::array<Steps, count> steps)
      : shape(shape), steps(std::move(steps)) {
    if (shape.empty()) {
      this->shape.push_back(1);
      for (Steps &each : this->steps)
        each.push_back(0);
    }
  }

  /// Calls `line` with the first place, how many there are, and the first
  /// places and steps of the operands.
  template <typename Line> void forEach(Line line) const {
    int64_t lines = 1, length = shape.back();
    for (int64_t size : ArrayRef(shape).drop_back())
      lines *= size;
    std::array<int64_t, count> last;
    for (size_t operand = 0; operand < count; ++operand)
      last[operand] = steps[operand].back();
    SmallVector<int64_t> at(shape.size());
    std::array<int64_t, count> places{};
    for (int64_t index = 0; index < lines; ++index) {
      line(index * length, length, places, last);
      for (size_t axis = shape.size() - 1; axis-- > 0;) {
        for (size_t operand = 0; operand < count; ++operand)
          places[operand] += steps[operand][axis];
        if (++at[axis] < shape[axis])
          break;
        at[axis] = 0;
        for (size_t operand = 0; operand < count; ++operand)
          places[operand] -= shape[axis] * steps[operand][axis];
      }
    }
  }

private:
  SmallVector<int64_t> shape;
  std::array<Steps, count> steps;
};
} // namespace

/// Of a dense tensor of `type` that is broadcast to `rank` axes.
static Steps broadcastSteps(RankedTensorType type, int64_t rank) {
  Steps steps(rank, 0);
  int64_t step = 1;
  for (int64_t axis = type.getRank(); axis-- > 0;) {
    int64_t size = type.getDimSize(axis);
    if (size != 1)
      steps[rank - type.getRank() + axis] = step;
    step *= size;
  }
  return steps;
}

namespace {
/// One operator with the bytes of its operands.
class Computation {
public:
  Computation(Operation *op, ArrayRef<ElementsAttr> operands)
      : op(op), operands(operands),
        type(cast<RankedTensorType>(op->getResult(0).getType())) {}

  ElementsAttr run() {
    if (isa<nn::ReshapeOp, nn::SqueezeOp, nn::UnsqueezeOp, nn::IdentityOp>(op))
      return reshape();
    Type elementType = type.getElementType();
    if (!elementType.isIntOrFloat())
      return {};
    result.resize_for_overwrite(type.getNumElements() *
                                nn::elementBytes(elementType));
    for (ElementsAttr operand : operands)
      storage.push_back(bytesOf(operand));
    if (!fill())
      return {};
    return nn::constantWith(type, "folded", std::move(result));
  }

private:
  RankedTensorType typeOf(size_t operand) const {
    return cast<RankedTensorType>(operands[operand].getType());
  }

  ArrayRef<char> bytesOf(ElementsAttr elements) {
    if (std::optional<ArrayRef<char>> raw = nn::rawBytes(elements))
      return *raw;
    copies.push_back(nn::copyBytes(elements));
    return copies.back();
  }

  /// The same bytes under another shape.
  ElementsAttr reshape() const {
    if (typeOf(0).getElementType() != type.getElementType())
      return {};
    if (auto resource = dyn_cast<DenseResourceElementsAttr>(operands[0]))
      return DenseResourceElementsAttr::get(type, resource.getRawHandle());
    auto dense = dyn_cast<DenseElementsAttr>(operands[0]);
    return dense ? ElementsAttr(dense.reshape(type)) : ElementsAttr();
  }

  bool fill() {
    if (auto transpose = dyn_cast<nn::TransposeOp>(op))
      return fillTransposed(transpose.permutation());
    if (isa<nn::CastOp>(op))
      return fillConverted();
    if (auto dequantize = dyn_cast<nn::DequantizeLinearOp>(op))
      return fillDequantized(dequantize);
    if (type.getElementType().isF32())
      return fillFloats();
    bool isAlike = llvm::all_of(operands, [&](ElementsAttr operand) {
      return getElementTypeOrSelf(operand.getType()) == type.getElementType();
    });
    if (!isAlike)
      return false;
    // Without a sign, what overflows wraps.
    if (type.getElementType().isInteger(32))
      return fillIntegers<uint32_t>();
    return type.getElementType().isInteger(64) && fillIntegers<uint64_t>();
  }

  bool fillTransposed(ArrayRef<int64_t> permutation) {
    switch (nn::elementBytes(type.getElementType())) {
    case 1:
      return fillTransposed<uint8_t>(permutation);
    case 2:
      return fillTransposed<uint16_t>(permutation);
    case 4:
      return fillTransposed<uint32_t>(permutation);
    case 8:
      return fillTransposed<uint64_t>(permutation);
    default:
      return false;
    }
  }

  template <typename T> bool fillTransposed(ArrayRef<int64_t> permutation) {
    RankedTensorType source = typeOf(0);
    Steps own(source.getRank(), 1), steps;
    for (int64_t axis = source.getRank() - 1; axis-- > 0;)
      own[axis] = own[axis + 1] * source.getDimSize(axis + 1);
    for (int64_t axis : permutation)
      steps.push_back(own[axis]);
    Lines<1>(type.getShape(), {steps})
        .forEach([&](int64_t at, int64_t length, const auto &from,
                     const auto &step) {
          for (int64_t index = 0; index < length; ++index)
            write(result.data(), at + index,
                  read<T>(storage[0].data(), from[0] + index * step[0]));
        });
    return true;
  }

  template <typename T, typename Function> bool fillUnary(Function function) {
    for (int64_t index = 0, count = type.getNumElements(); index < count;
         ++index)
      write<T>(result.data(), index,
               function(read<T>(storage[0].data(), index)));
    return true;
  }

  template <typename T, typename Function> bool fillBinary(Function function) {
    int64_t rank = type.getRank();
    Lines<2>(type.getShape(),
             {broadcastSteps(typeOf(0), rank), broadcastSteps(typeOf(1), rank)})
        .forEach([&](int64_t at, int64_t length, const auto &from,
                     const auto &step) {
          for (int64_t index = 0; index < length; ++index)
            write<T>(
                result.data(), at + index,
                function(
                    read<T>(storage[0].data(), from[0] + index * step[0]),
                    read<T>(storage[1].data(), from[1] + index * step[1])));
        });
    return true;
  }

  bool fillFloats() {
    for (ElementsAttr operand : operands)
      if (!getElementTypeOrSelf(operand.getType()).isF32())
        return false;
    return TypeSwitch<Operation *, bool>(op)
        .Case([&](nn::AddOp) {
          return fillBinary<float>([](float a, float b) { return a + b; });
        })
        .Case([&](nn::SubOp) {
          return fillBinary<float>([](float a, float b) { return a - b; });
        })
        .Case([&](nn::MulOp) {
          return fillBinary<float>([](float a, float b) { return a * b; });
        })
        .Case([&](nn::DivOp) {
          return fillBinary<float>([](float a, float b) { return a / b; });
        })
        .Case([&](nn::SqrtOp) {
          return fillUnary<float>([](float a) { return std::sqrt(a); });
        })
        .Case([&](nn::NegOp) {
          return fillUnary<float>([](float a) { return -a; });
        })
        .Case([&](nn::ReciprocalOp) {
          return fillUnary<float>([](float a) { return 1.0f / a; });
        })
        .Default([](Operation *) { return false; });
  }

  template <typename T> bool fillIntegers() {
    return TypeSwitch<Operation *, bool>(op)
        .Case([&](nn::AddOp) {
          return fillBinary<T>([](T a, T b) { return a + b; });
        })
        .Case([&](nn::SubOp) {
          return fillBinary<T>([](T a, T b) { return a - b; });
        })
        .Case([&](nn::MulOp) {
          return fillBinary<T>([](T a, T b) { return a * b; });
        })
        .Default([](Operation *) { return false; });
  }

  /// Calls `use` with a reader of the integers of an operand, where these are
  /// of a usual type.
  template <typename Use> bool withIntegers(size_t operand, Use use) {
    auto integer = dyn_cast<IntegerType>(typeOf(operand).getElementType());
    if (!integer)
      return false;
    const char *from = storage[operand].data();
    auto with = [&](auto zero) {
      use([from](int64_t index) { return read<decltype(zero)>(from, index); });
      return true;
    };
    switch (integer.getWidth()) {
    case 8:
      return integer.isUnsigned() ? with(uint8_t()) : with(int8_t());
    case 16:
      return integer.isUnsigned() ? with(uint16_t()) : with(int16_t());
    case 32:
      return integer.isUnsigned() ? with(uint32_t()) : with(int32_t());
    case 64:
      return !integer.isUnsigned() && with(int64_t());
    default:
      return false;
    }
  }

  /// Integers as floats or as integers of at least their width.
  bool fillConverted() {
    Type from = typeOf(0).getElementType(), to = type.getElementType();
    bool isKnown = to.isF32() || to.isInteger(64) ||
                   (to.isInteger(32) && from.isIntOrFloat() &&
                    from.getIntOrFloatBitWidth() <= 32);
    if (!isKnown)
      return false;
    return withIntegers(0, [&](auto read) {
      for (int64_t index = 0, count = type.getNumElements(); index < count;
           ++index)
        if (to.isF32())
          write(result.data(), index, static_cast<float>(read(index)));
        else if (to.isInteger(32))
          write(result.data(), index, static_cast<int32_t>(read(index)));
        else
          write(result.data(), index, static_cast<int64_t>(read(index)));
    });
  }

  /// Bytes and numbers of 32 bits, with one scale, or one for each place of an
  /// axis.
  bool fillDequantized(nn::DequantizeLinearOp dequantize) {
    RankedTensorType scales = typeOf(1);
    int64_t many = scales.getNumElements(), rank = type.getRank();
    int64_t axis = dequantize.getAxis();
    axis += axis < 0 ? rank : 0;
    bool isByAxis = scales.getRank() == 1 && many > 1;
    bool hasZeros = operands.size() == 3;
    if (!type.getElementType().isF32() || !scales.getElementType().isF32() ||
        dequantize.getBlockSize() > 0 || (many != 1 && !isByAxis) ||
        (isByAxis &&
         (axis < 0 || axis >= rank || type.getDimSize(axis) != many)) ||
        (hasZeros &&
         (typeOf(2).getElementType() != typeOf(0).getElementType() ||
          typeOf(2).getNumElements() != many)) ||
        typeOf(0).getElementType().isInteger(64))
      return false;
    int64_t inner = type.getNumElements();
    if (isByAxis) {
      inner = 1;
      for (int64_t size : type.getShape().drop_front(axis + 1))
        inner *= size;
    }
    return withIntegers(0, [&](auto read) {
      SmallVector<int32_t> zeros(many, 0);
      if (hasZeros)
        withIntegers(2, [&](auto zero) {
          for (int64_t place = 0; place < many; ++place)
            zeros[place] = static_cast<int32_t>(zero(place));
        });
      int64_t count = type.getNumElements();
      for (int64_t begin = 0, place = 0; begin < count;
           begin += inner, place = (place + 1) % many) {
        float scale = ::read<float>(storage[1].data(), place);
        for (int64_t index = begin; index < begin + inner; ++index) {
          // Differences wrap as they do in code.
          auto number =
              static_cast<int32_t>(static_cast<uint32_t>(read(index)) -
                                   static_cast<uint32_t>(zeros[place]));
          float wide = hasZeros ? static_cast<float>(number)
                                : static_cast<float>(read(index));
          write(result.data(), index, wide * scale);
        }
      }
    });
  }

  Operation *op;
  ArrayRef<ElementsAttr> operands;
  RankedTensorType type;
  SmallVector<ArrayRef<char>> storage;
  /// Of operands whose bytes lie nowhere as they are.
  std::list<SmallVector<char>> copies;
  SmallVector<char> result;
};
} // namespace

ElementsAttr burnish::compute(Operation *op, ArrayRef<ElementsAttr> operands) {
  if (op->getNumResults() != 1 || operands.empty() ||
      llvm::any_of(operands, [](ElementsAttr operand) { return !operand; }))
    return {};
  return Computation(op, operands).run();
}
