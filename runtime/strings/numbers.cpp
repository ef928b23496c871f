// numbers.cpp - numbers to strings and back, as ONNX's Cast has them.
#include "strings/strings.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

using namespace burnish;

static Handle copy(const burnish_context *context, const char *text,
                   int64_t size) {
  char *to;
  Handle made = makeString(context, size, to);
  if (made != kNoRoom)
    memcpy(to, text, static_cast<size_t>(size));
  return made;
}

extern "C" Handle burnish_string_of_float(const burnish_context *context,
                                          double value) {
  char text[40];
  int size;
  if (value != value)
    size = snprintf(text, sizeof text, "NaN");
  else if (value - value != 0)
    size = snprintf(text, sizeof text, value < 0 ? "-INF" : "INF");
  else
    size = snprintf(text, sizeof text, "%.8g", value);
  return copy(context, text, size);
}

extern "C" Handle burnish_string_of_integer(const burnish_context *context,
                                            int64_t value, int32_t isSigned) {
  char text[24];
  char *end = text + sizeof text, *next = end;
  bool isNegative = isSigned && value < 0;
  uint64_t left = static_cast<uint64_t>(value);
  if (isNegative)
    left = 0 - left;
  do
    *--next = static_cast<char>('0' + left % 10);
  while (left /= 10);
  if (isNegative)
    *--next = '-';
  return copy(context, next, end - next);
}

/// The start of a string with a zero behind it; what strtod needs of more is
/// none.
struct Terminated {
  char text[1200];

  explicit Terminated(StringView string) {
    int64_t size = string.size < int64_t(sizeof text) - 1
                       ? string.size
                       : int64_t(sizeof text) - 1;
    if (size > 0)
      memcpy(text, string.data, static_cast<size_t>(size));
    text[size > 0 ? size : 0] = 0;
  }
};

/// The number that a string begins with; false without one, or when it is
/// larger than a double holds.
static bool parseFloat(StringView string, double &value) {
  Terminated copied(string);
  char *end;
  value = strtod(copied.text, &end);
  if (end == copied.text)
    return false;
  bool isInfinite = value - value != 0 && value == value;
  // An infinity is a word, and overflow is not.
  const char *at = end - 1;
  return !isInfinite || ((*at | 32) >= 'f' && (*at | 32) <= 'y');
}

extern "C" int32_t burnish_string_has_float(Handle handle) {
  double value;
  return parseFloat(StringView(handle), value);
}

extern "C" double burnish_string_float(Handle handle) {
  double value;
  return parseFloat(StringView(handle), value) ? value : 0;
}

/// The whole number that a string begins with, between -2^63 and 2^63, or up to
/// 2^64 where none is below zero.
static bool parseInteger(StringView string, bool isSigned, int64_t &value) {
  int64_t at = 0;
  auto isThere = [&](char low, char high) {
    return at < string.size && string.data[at] >= low &&
           string.data[at] <= high;
  };
  while (isThere(' ', ' ') || isThere('\t', '\r'))
    ++at;
  bool isNegative = isThere('-', '-');
  at += isNegative || isThere('+', '+');
  if (!isThere('0', '9'))
    return false;
  uint64_t size = 0;
  for (; isThere('0', '9'); ++at)
    if (__builtin_mul_overflow(size, uint64_t(10), &size) ||
        __builtin_add_overflow(
            size, static_cast<uint64_t>(string.data[at] - '0'), &size))
      return false;
  uint64_t most = isSigned ? (uint64_t(1) << 63) - !isNegative : UINT64_MAX;
  value = static_cast<int64_t>(isNegative ? 0 - size : size);
  return size <= most;
}

extern "C" int32_t burnish_string_has_integer(Handle handle, int32_t isSigned) {
  int64_t value;
  return parseInteger(StringView(handle), isSigned != 0, value);
}

extern "C" int64_t burnish_string_integer(Handle handle, int32_t isSigned) {
  int64_t value;
  return parseInteger(StringView(handle), isSigned != 0, value) ? value : 0;
}
