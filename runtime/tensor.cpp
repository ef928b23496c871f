// tensor.cpp - names, sizes and values of elements and shapes.
#include "tensor.h"
#include "text.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

using namespace burnish;

// numpy knows bytes without meaning, '|V1', where a type comes from the package
// ml_dtypes.
static constexpr ElementType kTypes[] = {
    {BURNISH_FLOAT, "float32", "<f4", nullptr},
    {BURNISH_UINT8, "uint8", "|u1", nullptr},
    {BURNISH_INT8, "int8", "|i1", nullptr},
    {BURNISH_UINT16, "uint16", "<u2", nullptr},
    {BURNISH_INT16, "int16", "<i2", nullptr},
    {BURNISH_INT32, "int32", "<i4", nullptr},
    {BURNISH_INT64, "int64", "<i8", nullptr},
    {BURNISH_BOOL, "bool", "|b1", nullptr},
    {BURNISH_FLOAT16, "float16", "<f2", nullptr},
    {BURNISH_DOUBLE, "float64", "<f8", nullptr},
    {BURNISH_UINT32, "uint32", "<u4", nullptr},
    {BURNISH_UINT64, "uint64", "<u8", nullptr},
    {BURNISH_COMPLEX64, "complex64", "<c8", nullptr},
    {BURNISH_COMPLEX128, "complex128", "<c16", nullptr},
    {BURNISH_BFLOAT16, "bfloat16", "<V2", "bfloat16"},
    {BURNISH_FLOAT8E4M3FN, "float8_e4m3fn", "<V1", nullptr},
    {BURNISH_FLOAT8E4M3FNUZ, "float8_e4m3fnuz", "<V1", nullptr},
    {BURNISH_FLOAT8E5M2, "float8_e5m2", "<V1", "<f1"},
    {BURNISH_FLOAT8E5M2FNUZ, "float8_e5m2fnuz", "<V1", nullptr},
    {BURNISH_UINT4, "uint4", "<V1", "|u1"},
    {BURNISH_INT4, "int4", "<V1", "|i1"},
    {BURNISH_FLOAT4E2M1, "float4_e2m1fn", "<V1", nullptr},
    {BURNISH_FLOAT8E8M0, "float8_e8m0fnu", "<V1", nullptr},
    {BURNISH_UINT2, "uint2", "<V1", "|u1"},
    {BURNISH_INT2, "int2", "<V1", "|i1"},
};

const ElementType *burnish::elementType(int32_t type) {
  for (const ElementType &known : kTypes)
    if (known.type == type)
      return &known;
  return nullptr;
}

const char *burnish::typeName(int32_t type) {
  const ElementType *known = elementType(type);
  return known ? known->name : type == BURNISH_STRING ? "string" : "unknown";
}

bool burnish::multiplySize(int64_t &product, int64_t factor) {
  return !__builtin_mul_overflow(product, factor, &product);
}

int64_t burnish::elementCount(const int64_t *dims, int32_t rank) {
  // A zero anywhere makes any other dim harmless.
  int64_t count = 1;
  bool isEmpty = false, fits = true;
  for (int32_t i = 0; i < rank; ++i) {
    if (dims[i] < 0)
      return -1;
    isEmpty |= dims[i] == 0;
    fits = fits && multiplySize(count, dims[i]);
  }
  constexpr int64_t kLargestElement = 16;
  return isEmpty                                        ? 0
         : fits && count <= INT64_MAX / kLargestElement ? count
                                                        : -1;
}

GrownLines::GrownLines(const burnish_info &input, const int64_t *dims) {
  int32_t grown = input.grows - 1;
  int64_t bytes = burnish_type_size(input.type);
  for (int32_t axis = 0; axis < input.rank; ++axis)
    (axis < grown ? count : bytes) *= axis == grown ? 1 : dims[axis];
  used = bytes * dims[grown];
  room = bytes * input.bounds[2 * grown + 1];
}

bool burnish::hasFixedShape(const burnish_info &info) {
  for (int32_t i = 0; i < info.rank; ++i)
    if (info.dims[i] < 0)
      return false;
  return true;
}

ShapeText::ShapeText(const char *type, const int64_t *dims, int32_t rank,
                     const char *const *dimNames) {
  Text to(text);
  to << type << "[";
  for (int32_t i = 0; i < rank; ++i) {
    to << (i ? "," : "");
    if (dims[i] >= 0)
      to << dims[i];
    else
      to << (dimNames && dimNames[i] && *dimNames[i] ? dimNames[i] : "?");
  }
  if (!(to << "]").fits())
    memcpy(text + sizeof text - 4, "...", 4);
}

//===- values ---===//

template <typename T> static T element(const void *data, int64_t index) {
  T value;
  memcpy(&value,
         static_cast<const char *>(data) +
             index * static_cast<int64_t>(sizeof(T)),
         sizeof(T));
  return value;
}

// Not hypot and ldexp: they alone would make every program load libm.
static double length(double real, double imaginary) {
  return __builtin_sqrt(real * real + imaginary * imaginary);
}
static double power(int exponent) {
  return __builtin_bit_cast(double, static_cast<uint64_t>(exponent + 1023)
                                        << 52);
}

namespace {
/// A float of a byte or two: sign, exponent, mantissa; and which bits are no
/// numbers.
struct SmallFloat {
  int exponentBits, mantissaBits, bias;
  enum { Ieee, AllOnesIsNan, MinusZeroIsNan, Finite } special;
};
} // namespace

static double smallFloat(unsigned bits, const SmallFloat &format) {
  int mantissaBits = format.mantissaBits,
      maxExponent = (1 << format.exponentBits) - 1;
  unsigned sign = bits >> (format.exponentBits + mantissaBits) & 1,
           mantissa = bits & ((1u << mantissaBits) - 1);
  int exponent = static_cast<int>(bits >> mantissaBits) & maxExponent;
  bool isAllOnes =
      exponent == maxExponent && mantissa == (1u << mantissaBits) - 1;
  if ((format.special == SmallFloat::AllOnesIsNan && isAllOnes) ||
      (format.special == SmallFloat::MinusZeroIsNan && sign && exponent == 0 &&
       mantissa == 0))
    return static_cast<double>(NAN);
  double value = exponent ? (mantissa + power(mantissaBits)) *
                                power(exponent - format.bias - mantissaBits)
                          : mantissa * power(1 - format.bias - mantissaBits);
  if (format.special == SmallFloat::Ieee && exponent == maxExponent)
    value = mantissa ? static_cast<double>(NAN) : static_cast<double>(INFINITY);
  return sign ? -value : value;
}

double burnish::valueAt(const void *data, int32_t type, int64_t index) {
  unsigned byte = type == BURNISH_BFLOAT16 || type == BURNISH_FLOAT16
                      ? 0
                      : element<uint8_t>(data, index);
  switch (type) {
  case BURNISH_FLOAT:
    return static_cast<double>(element<float>(data, index));
  case BURNISH_DOUBLE:
    return element<double>(data, index);
  case BURNISH_BOOL:
  case BURNISH_UINT8:
    return byte;
  case BURNISH_INT8:
    return static_cast<int8_t>(byte);
  case BURNISH_UINT16:
    return element<uint16_t>(data, index);
  case BURNISH_INT16:
    return element<int16_t>(data, index);
  case BURNISH_UINT32:
    return element<uint32_t>(data, index);
  case BURNISH_INT32:
    return element<int32_t>(data, index);
  case BURNISH_UINT64:
    return static_cast<double>(element<uint64_t>(data, index));
  case BURNISH_INT64:
    return static_cast<double>(element<int64_t>(data, index));
  case BURNISH_COMPLEX64:
    return length(static_cast<double>(element<float>(data, 2 * index)),
                  static_cast<double>(element<float>(data, 2 * index + 1)));
  case BURNISH_COMPLEX128:
    return length(element<double>(data, 2 * index),
                  element<double>(data, 2 * index + 1));
  case BURNISH_FLOAT16:
    return smallFloat(element<uint16_t>(data, index),
                      {5, 10, 15, SmallFloat::Ieee});
  case BURNISH_BFLOAT16:
    return smallFloat(element<uint16_t>(data, index),
                      {8, 7, 127, SmallFloat::Ieee});
  case BURNISH_FLOAT8E4M3FN:
    return smallFloat(byte, {4, 3, 7, SmallFloat::AllOnesIsNan});
  case BURNISH_FLOAT8E4M3FNUZ:
    return smallFloat(byte, {4, 3, 8, SmallFloat::MinusZeroIsNan});
  case BURNISH_FLOAT8E5M2:
    return smallFloat(byte, {5, 2, 15, SmallFloat::Ieee});
  case BURNISH_FLOAT8E5M2FNUZ:
    return smallFloat(byte, {5, 2, 16, SmallFloat::MinusZeroIsNan});
  case BURNISH_FLOAT4E2M1:
    return smallFloat(byte & 15, {2, 1, 1, SmallFloat::Finite});
  case BURNISH_FLOAT8E8M0:
    return byte == 255 ? static_cast<double>(NAN)
                       : power(static_cast<int>(byte) - 127);
  case BURNISH_UINT4:
    return byte & 15;
  case BURNISH_INT4:
    return static_cast<int>(byte & 15) - static_cast<int>((byte & 8) * 2);
  case BURNISH_UINT2:
    return byte & 3;
  case BURNISH_INT2:
    return static_cast<int>(byte & 3) - static_cast<int>((byte & 2) * 2);
  default:
    return 0;
  }
}

void burnish::printValue(char *text, size_t size, const void *data,
                         int32_t type, int64_t index) {
  switch (type) {
  case BURNISH_INT64:
    snprintf(text, size, "%" PRId64, element<int64_t>(data, index));
    break;
  case BURNISH_UINT64:
    snprintf(text, size, "%" PRIu64, element<uint64_t>(data, index));
    break;
  case BURNISH_DOUBLE:
    snprintf(text, size, "%.15g", element<double>(data, index));
    break;
  case BURNISH_BOOL:
    snprintf(text, size, "%s",
             valueAt(data, type, index) != 0 ? "true" : "false");
    break;
  case BURNISH_COMPLEX64:
    snprintf(text, size, "%.7g%+.7gi",
             static_cast<double>(element<float>(data, 2 * index)),
             static_cast<double>(element<float>(data, 2 * index + 1)));
    break;
  case BURNISH_COMPLEX128:
    snprintf(text, size, "%.15g%+.15gi", element<double>(data, 2 * index),
             element<double>(data, 2 * index + 1));
    break;
  case BURNISH_UINT32:
  case BURNISH_INT32:
    snprintf(text, size, "%.10g", valueAt(data, type, index));
    break;
  default:
    snprintf(text, size, "%.7g", valueAt(data, type, index));
    break;
  }
}
