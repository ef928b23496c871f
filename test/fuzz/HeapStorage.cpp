// HeapStorage.cpp - the runtime's Storage on the heap, each piece by itself, so
// that a sanitizer sees the end of each. Its Pages are in heap.cpp.
#include "runtime/train/Storage.h"
#include <string.h>

using namespace burnish;

struct Storage::Block {
  Block *before;
  void *base;
};

Storage::Block *Storage::add(void *base, uint64_t) {
  return blocks = new Block{blocks, base};
}

void Storage::clear() {
  while (Block *block = blocks) {
    blocks = block->before;
    free(block->base);
    delete block;
  }
}

void *Storage::take(uint64_t bytes) {
  void *memory = nullptr;
  if (bytes > 1 << 24 || posix_memalign(&memory, 64, bytes + !bytes) != 0)
    return nullptr;
  return add(memset(memory, 0, bytes), bytes)->base;
}

const char *Storage::text(const char *start, uint64_t length) {
  char *copy = static_cast<char *>(take(length + 1));
  if (copy && length)
    memcpy(copy, start, length);
  return copy;
}

bool Storage::map(const char *path, const uint8_t *&data, uint64_t &size,
                  Message &message) {
  InputFile file;
  if (!file.open(path, message))
    return false;
  size = file.size();
  uint8_t *copy = static_cast<uint8_t *>(take(size));
  data = copy;
  return file.read(0, copy, size, message);
}

bool Storage::adopt(Pages &pages) {
  if (pages.size() == 0)
    return true;
  add(pages.data(), 0);
  pages.release();
  return true;
}

void Storage::adopt(Storage &other) {
  Block **last = &other.blocks;
  while (*last)
    last = &(*last)->before;
  *last = blocks;
  blocks = other.blocks;
  other.blocks = nullptr;
}
