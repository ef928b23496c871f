// Compare.cpp - how far computed values are from expected ones.
#include "tools/burnish/Compare.h"
#include "runtime/include/burnish.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <cstdio>
#include <cstring>

using namespace burnish;

namespace {
/// What one element of a type is: a float with these semantics, or an integer.
struct Element {
  llvm::StringRef name;
  int64_t bytes;
  const llvm::fltSemantics *semantics = nullptr;
  bool isSigned = false;
  int64_t parts = 1;
};
} // namespace

static Element elementOf(int32_t type) {
  switch (type) {
  case 1:
    return {"float", 4, &llvm::APFloat::IEEEsingle()};
  case 2:
    return {"uint8", 1};
  case 3:
    return {"int8", 1, nullptr, true};
  case 4:
    return {"uint16", 2};
  case 5:
    return {"int16", 2, nullptr, true};
  case 6:
    return {"int32", 4, nullptr, true};
  case 7:
    return {"int64", 8, nullptr, true};
  case 8:
    return {"string", sizeof(burnish_string)};
  case 9:
    return {"bool", 1};
  case 10:
    return {"float16", 2, &llvm::APFloat::IEEEhalf()};
  case 11:
    return {"double", 8, &llvm::APFloat::IEEEdouble()};
  case 12:
    return {"uint32", 4};
  case 13:
    return {"uint64", 8};
  case 14:
    return {"complex64", 4, &llvm::APFloat::IEEEsingle(), false, 2};
  case 15:
    return {"complex128", 8, &llvm::APFloat::IEEEdouble(), false, 2};
  case 16:
    return {"bfloat16", 2, &llvm::APFloat::BFloat()};
  case 17:
    return {"float8e4m3fn", 1, &llvm::APFloat::Float8E4M3FN()};
  case 18:
    return {"float8e4m3fnuz", 1, &llvm::APFloat::Float8E4M3FNUZ()};
  case 19:
    return {"float8e5m2", 1, &llvm::APFloat::Float8E5M2()};
  case 20:
    return {"float8e5m2fnuz", 1, &llvm::APFloat::Float8E5M2FNUZ()};
  case 21:
    return {"uint4", 1};
  case 22:
    return {"int4", 1, nullptr, true};
  case 23:
    return {"float4e2m1", 1, &llvm::APFloat::Float4E2M1FN()};
  case 24:
    return {"float8e8m0", 1, &llvm::APFloat::Float8E8M0FNU()};
  case 25:
    return {"uint2", 1};
  case 26:
    return {"int2", 1, nullptr, true};
  default:
    return {"", 0};
  }
}

std::string burnish::nameOfType(int32_t type) {
  llvm::StringRef name = elementOf(type).name;
  return name.empty() ? "type " + std::to_string(type) : name.str();
}

int64_t burnish::bytesOfType(int32_t type) {
  Element element = elementOf(type);
  return element.bytes * element.parts;
}

static uint64_t bitsAt(llvm::ArrayRef<char> bytes, int64_t index,
                       int64_t size) {
  uint64_t bits = 0;
  std::memcpy(&bits, bytes.data() + index * size, size);
  return bits;
}

static double valueOf(const Element &element, uint64_t bits) {
  if (element.semantics == &llvm::APFloat::IEEEsingle())
    return llvm::bit_cast<float>(static_cast<uint32_t>(bits));
  if (element.semantics == &llvm::APFloat::IEEEdouble())
    return llvm::bit_cast<double>(bits);
  if (element.semantics) {
    unsigned width = llvm::APFloat::getSizeInBits(*element.semantics);
    llvm::APFloat value(
        *element.semantics,
        llvm::APInt(width, bits & llvm::maskTrailingOnes<uint64_t>(width)));
    bool losesInfo;
    value.convert(llvm::APFloat::IEEEdouble(),
                  llvm::APFloat::rmNearestTiesToEven, &losesInfo);
    return value.convertToDouble();
  }
  return element.isSigned
             ? static_cast<double>(llvm::SignExtend64(bits, 8 * element.bytes))
             : static_cast<double>(bits);
}

/// The place of a number among all of its type, so that neighbours differ by
/// one.
static double rankOf(const Element &element, uint64_t bits) {
  uint64_t sign = 1ull << (8 * element.bytes - 1);
  double magnitude = static_cast<double>(bits & (sign - 1));
  return bits & sign ? -magnitude : magnitude;
}

/// A string by the burnish_string at a place.
static llvm::StringRef stringAt(llvm::ArrayRef<char> bytes, int64_t index) {
  burnish_string string;
  std::memcpy(&string, bytes.data() + index * int64_t(sizeof string),
              sizeof string);
  return string.size ? llvm::StringRef(string.data, string.size)
                     : llvm::StringRef();
}

static Difference compareStrings(llvm::ArrayRef<char> computed,
                                 llvm::ArrayRef<char> expected) {
  Difference difference;
  int64_t count = expected.size() / sizeof(burnish_string);
  for (int64_t index = 0; index < count; ++index)
    if (stringAt(computed, index) != stringAt(expected, index) &&
        difference.misses++ == 0)
      difference.firstMiss = index;
  if (difference.misses)
    difference.absolute = difference.relative =
        std::numeric_limits<double>::infinity();
  return difference;
}

void Difference::add(const Difference &other) {
  absolute = std::max(absolute, other.absolute);
  relative = std::max(relative, other.relative);
  ulp = std::max(ulp, other.ulp);
  misses += other.misses;
  if (firstMiss < 0)
    firstMiss = other.firstMiss;
}

Difference burnish::compare(int32_t type, llvm::ArrayRef<char> computed,
                            llvm::ArrayRef<char> expected, double relative,
                            double absolute) {
  if (type == BURNISH_STRING)
    return compareStrings(computed, expected);
  Element element = elementOf(type);
  Difference difference;
  if (element.bytes == 0)
    return difference;
  int64_t count = expected.size() / element.bytes;
  for (int64_t index = 0; index < count; ++index) {
    uint64_t a = bitsAt(computed, index, element.bytes),
             b = bitsAt(expected, index, element.bytes);
    if (a == b)
      continue;
    double x = valueOf(element, a), y = valueOf(element, b);
    if (element.semantics && ((std::isnan(x) && std::isnan(y)) || x == y))
      continue;
    double distance = std::fabs(x - y);
    bool isComparable = std::isfinite(x) && std::isfinite(y);
    if (!isComparable)
      distance = std::numeric_limits<double>::infinity();
    difference.absolute = std::max(difference.absolute, distance);
    difference.relative = std::max(
        difference.relative, y != 0 ? distance / std::fabs(y)
                                    : std::numeric_limits<double>::infinity());
    if (element.semantics)
      difference.ulp = std::max(
          difference.ulp,
          isComparable ? std::fabs(rankOf(element, a) - rankOf(element, b))
                       : std::numeric_limits<double>::infinity());
    double allowed =
        absolute + (element.semantics ? relative * std::fabs(y) : 0);
    bool isClose = isComparable && distance <= allowed;
    if (isClose)
      continue;
    if (difference.misses++ == 0)
      difference.firstMiss = index / element.parts;
  }
  return difference;
}

int64_t burnish::countOutside(int32_t type, llvm::ArrayRef<char> bytes,
                              double least, double most) {
  Element element = elementOf(type);
  int64_t outside = 0;
  if (element.bytes)
    for (int64_t index = 0;
         index < static_cast<int64_t>(bytes.size()) / element.bytes; ++index) {
      double value = valueOf(element, bitsAt(bytes, index, element.bytes));
      outside += !(value >= least && value <= most);
    }
  return outside;
}

std::string burnish::elementText(int32_t type, llvm::ArrayRef<char> bytes,
                                 int64_t index) {
  if (type == BURNISH_STRING)
    return ("'" + stringAt(bytes, index) + "'").str();
  Element element = elementOf(type);
  std::string text;
  for (int64_t part = 0; part < element.parts; ++part) {
    uint64_t bits = bitsAt(bytes, index * element.parts + part, element.bytes);
    if (part)
      text += "+i*";
    if (element.semantics) {
      char buffer[40];
      std::snprintf(buffer, sizeof buffer, "%.9g", valueOf(element, bits));
      text += buffer;
    } else {
      text += element.isSigned
                  ? std::to_string(llvm::SignExtend64(bits, 8 * element.bytes))
                  : std::to_string(bits);
    }
  }
  return text;
}
