// summary.cpp - outputs as a person wants to see them first.
#include "program.h"
#include <inttypes.h>
#include <math.h>

using namespace burnish;

static bool isVector(const burnish_tensor &tensor, int32_t rank) {
  for (int32_t axis = 0; axis < rank - 1; ++axis)
    if (tensor.dims[axis] != 1)
      return false;
  return rank > 0;
}

/// The largest values with their places, largest first; of equal ones the first
/// comes first.
static void printLargest(const burnish_tensor &tensor, int32_t type,
                         int64_t count) {
  constexpr int kShown = 5;
  int64_t best[kShown + 1];
  int found = 0;
  for (int64_t i = 0; i < count; ++i) {
    double value = valueAt(tensor.data, type, i);
    if (isnan(value))
      continue;
    int at = found;
    for (; at > 0 && value > valueAt(tensor.data, type, best[at - 1]); --at)
      best[at] = best[at - 1];
    best[at] = i;
    found = found < kShown ? found + 1 : kShown;
  }
  for (int i = 0; i < found; ++i) {
    char text[80];
    printValue(text, sizeof text, tensor.data, type, best[i]);
    printf("  %6" PRId64 "  %s\n", best[i], text);
  }
}

/// A string in quotes, cut where it is long; bytes that steer a terminal are
/// shown as dots.
static void printString(const burnish_string &string) {
  constexpr int64_t kShown = 60;
  putchar('"');
  for (int64_t i = 0; i < string.size && i < kShown; ++i) {
    auto byte = static_cast<unsigned char>(string.data[i]);
    putchar(byte < 32 || byte == 127 ? '.' : byte);
  }
  fputs(string.size > kShown ? "...\"" : "\"", stdout);
}

static void printStrings(const burnish_string *strings, int64_t count) {
  constexpr int64_t kShown = 5;
  if (count == 1) {
    putchar(' ');
    printString(strings[0]);
  }
  putchar('\n');
  for (int64_t i = 0; count > 1 && i < count && i < kShown; ++i) {
    printf("  %6" PRId64 "  ", i);
    printString(strings[i]);
    putchar('\n');
  }
}

static void printOutput(const burnish_info &info,
                        const burnish_tensor &tensor) {
  fputs(info.name, stdout);
  printf(": %s", ShapeText(typeName(info.type), tensor.dims, info.rank).text);
  if (info.type == BURNISH_STRING)
    return printStrings(static_cast<const burnish_string *>(tensor.data),
                        elementCount(tensor.dims, info.rank));
  int64_t count = burnish_type_size(info.type)
                      ? elementCount(tensor.dims, info.rank)
                      : 0,
          smallest = -1, largest = -1, nans = 0;
  for (int64_t i = 0; i < count; ++i) {
    double value = valueAt(tensor.data, info.type, i);
    if (isnan(value)) {
      ++nans;
      continue;
    }
    if (smallest < 0 || value < valueAt(tensor.data, info.type, smallest))
      smallest = i;
    if (largest < 0 || value > valueAt(tensor.data, info.type, largest))
      largest = i;
  }
  char low[80], high[80];
  if (largest >= 0) {
    printValue(low, sizeof low, tensor.data, info.type, smallest);
    printValue(high, sizeof high, tensor.data, info.type, largest);
    if (count == 1)
      printf(" %s", low);
    else
      printf(", %s to %s", low, high);
  }
  if (nans)
    printf(", %" PRId64 " of %" PRId64 " not a number", nans, count);
  putchar('\n');
  if (count > 1 && isVector(tensor, info.rank))
    printLargest(tensor, info.type, count);
}

void burnish::printSummary(const burnish_model &model, const Session &session) {
  for (int32_t i = 0; i < model.output_count; ++i)
    printOutput(model.outputs[i], session.output(i));
}
