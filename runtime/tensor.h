// tensor.h - names, sizes and values of elements and shapes.
#pragma once
#include "burnish.h"
#include "memory.h"
#include <stdio.h>

namespace burnish {

/// An element type and what numpy calls it.
struct ElementType {
  int32_t type;
  const char *name;
  /// What is written into .npy files; and what else stands for it there, or
  /// null.
  const char *descr, *otherDescr;
};

/// Null for numbers that are no element type of a file.
const ElementType *elementType(int32_t type);
/// A word for a burnish_type: "float32", "bfloat16".
const char *typeName(int32_t type);

/// Multiplies sizes; false past 63 bits.
bool multiplySize(int64_t &product, int64_t factor);
/// Elements of a shape; -1 if a dim is negative or there are too many to count
/// in bytes.
int64_t elementCount(const int64_t *dims, int32_t rank);

/// Whether all dims are known before a run.
bool hasFixedShape(const burnish_info &info);

/// How a state that grows lies in its buffer: `count` lines with `room` for so
/// many bytes, `used` of which are there now.
struct GrownLines {
  int64_t count = 1, used, room;

  GrownLines(const burnish_info &input, const int64_t *dims);
};

/// A shape as text, with '?' or a dim's name for -1: "float32[batch,3]". Cut to
/// its space.
struct ShapeText {
  char text[160];

  ShapeText(const char *type, const int64_t *dims, int32_t rank,
            const char *const *dimNames = nullptr);
};

/// A real element as a double; of a complex number its absolute value.
double valueAt(const void *data, int32_t type, int64_t index);
/// Writes one element as a person reads it, in `text` of `size` bytes.
void printValue(char *text, size_t size, const void *data, int32_t type,
                int64_t index);

/// One tensor of a run with memory of its own.
struct Tensor {
  burnish_tensor view = {};
  Pages pages;
};

} // namespace burnish
