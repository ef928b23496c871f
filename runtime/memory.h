// memory.h - blocks of memory that give themselves back.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

namespace burnish {

/// False where the machine cannot have so many bytes at once: they would be
/// promised, and the program killed once it used them.
bool mayFit(uint64_t bytes);

/// Pages of their own, all zero at first and resident only once touched.
class Pages {
public:
  Pages() = default;
  Pages(const Pages &) = delete;
  Pages &operator=(const Pages &) = delete;
  ~Pages() { clear(); }

  /// False where there is no memory; 0 bytes are always there.
  bool allocate(uint64_t bytes);
  void clear();
  void swap(Pages &other);
  /// Leaves the pages to somebody else, who unmaps them.
  void release() { base = nullptr, length = 0; }

  uint8_t *data() const { return base; }
  uint64_t size() const { return length; }

private:
  uint8_t *base = nullptr;
  uint64_t length = 0;
};

/// `count` zeroed values of a plain type; `isValid` is false where there was no
/// memory.
template <typename T> class Array {
public:
  explicit Array(int64_t count)
      : values(static_cast<T *>(
            calloc(static_cast<size_t>(count) + (count == 0), sizeof(T)))) {}
  Array(const Array &) = delete;
  Array &operator=(const Array &) = delete;
  ~Array() { free(static_cast<void *>(values)); }

  bool isValid() const { return values; }
  T &operator[](int64_t index) const { return values[index]; }
  T *data() const { return values; }

private:
  T *values;
};

} // namespace burnish
