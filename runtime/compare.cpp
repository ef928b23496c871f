// compare.cpp - outputs beside those that another run kept.
#include "characters.h"
#include "program.h"
#include <math.h>

using namespace burnish;

namespace {
/// Sums over the elements of one output.
struct Difference {
  double largest = 0, largestValue = 0, squares = 0, valueSquares = 0;
  int64_t nans = 0;

  void add(double computed, double kept) {
    if (isnan(computed) || isnan(kept)) {
      nans += isnan(computed) != isnan(kept);
      return;
    }
    // Infinities of one sign are the same.
    double difference = computed == kept ? 0 : fabs(computed - kept);
    largest = fmax(largest, difference);
    largestValue = fmax(largestValue, fabs(kept));
    squares += difference * difference;
    valueSquares += kept * kept;
  }
};
} // namespace

/// As a share of the size of what was kept, where that has any.
static double shareOf(double difference, double value) {
  return value > 0 ? difference / value : difference;
}

bool burnish::printDifferences(const burnish_model &model,
                               const Session &session, const Inputs &kept,
                               const char *path, Message &message) {
  for (int32_t i = 0; i < model.output_count; ++i) {
    const burnish_info &info = model.outputs[i];
    const burnish_tensor &tensor = session.output(i), &other = kept.data()[i];
    for (int32_t axis = 0; axis < info.rank; ++axis)
      if (tensor.dims[axis] != other.dims[axis])
        return message.set(
            "%s: output '%s': is %s, and the run gave %s", path, info.name,
            ShapeText(typeName(info.type), other.dims, info.rank).text,
            ShapeText(typeName(info.type), tensor.dims, info.rank).text);
    int64_t count = elementCount(tensor.dims, info.rank);
    if (info.type == BURNISH_STRING) {
      int64_t different = countDifferent(
          static_cast<const burnish_string *>(tensor.data),
          static_cast<const burnish_string *>(other.data), count);
      printf("%s: %lld of %lld strings differ\n", info.name,
             static_cast<long long>(different), static_cast<long long>(count));
      continue;
    }
    Difference difference;
    for (int64_t element = 0; element < count; ++element)
      difference.add(valueAt(tensor.data, info.type, element),
                     valueAt(other.data, info.type, element));
    printf(
        "%s: largest difference %.2g of the largest value, in the mean (rms) "
        "%.2g",
        info.name, shareOf(difference.largest, difference.largestValue),
        sqrt(shareOf(difference.squares, difference.valueSquares)));
    if (difference.nans)
      printf("; %lld not a number in one of them",
             static_cast<long long>(difference.nans));
    putchar('\n');
  }
  return true;
}
