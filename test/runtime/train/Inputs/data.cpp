// data.cpp - loads a source and prints its columns; or checks random numbers.
#include "tensor.h"
#include "train/Batches.h"
#include "train/Random.h"
#include "train/SafeTensors.h"
#include <inttypes.h>
#include <string.h>
using namespace burnish;

static int checkRandom() {
  for (uint32_t word : Philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                              {0xa4093822, 0x299f31d0})
                           .words)
    printf("%08x ", word);
  double sum = 0, squares = 0;
  Random normal(7);
  for (int i = 0; i < 1000000; ++i) {
    double value = static_cast<double>(normal.normal());
    sum += value, squares += value * value;
  }
  // One is added so that a mean of -0.001 does not print a sign.
  printf("mean %.2f variance %.2f\n", sum / 1e6 + 1, squares / 1e6);
  return 0;
}

int main(int count, char **arguments) {
  if (count < 4)
    return checkRandom();
  Message message = {""};
  static constexpr const char *kKinds = "icnzsmt";
  Source source = {
      static_cast<SourceKind>(strchr(kKinds, *arguments[1]) - kKinds),
      arguments + 2,
      1,
      arguments + 3,
      count - 3,
      {}};
  source.options.window = 4;
  if (*arguments[1] == 'c') {
    source.columnCount = 0;
    source.options.label = arguments[3];
    source.options.features = "x";
  } else if (strcmp(arguments[3], "*") == 0) {
    source.columnCount = 0;
  }
  Dataset data;
  if (!data.add(source, message))
    return printf("%s\n", message.text), 1;
  for (int64_t i = 0; i < data.size(); ++i) {
    printf("%s %" PRId64 " x %s:", data[i].name, data[i].rows,
           ShapeText(typeName(data[i].type), data[i].dims, data[i].rank).text);
    for (int64_t k = 0; k < data[i].elements(); ++k)
      printf(" %g", valueAt(data[i].row(data[i].rows - 1), data[i].type, k));
    printf("\n");
  }
  return 0;
}
