// memory.cpp - blocks of memory that give themselves back.
#include "memory.h"
#include <sys/mman.h>
#include <sys/sysinfo.h>

using namespace burnish;

bool burnish::mayFit(uint64_t bytes) {
  // Most are so few that they are not worth the call.
  struct sysinfo info;
  return bytes < (1u << 28) || sysinfo(&info) != 0 ||
         bytes / info.mem_unit <= info.totalram + info.totalswap;
}

bool Pages::allocate(uint64_t bytes) {
  clear();
  if (bytes == 0)
    return true;
  if (bytes > SIZE_MAX / 2)
    return false;
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    return false;
  base = static_cast<uint8_t *>(memory);
  length = bytes;
#ifdef MADV_HUGEPAGE
  // Only the whole huge pages inside: no byte more than asked for becomes
  // resident.
  constexpr uintptr_t kHuge = 2 << 20;
  uintptr_t start = reinterpret_cast<uintptr_t>(base);
  uintptr_t first = (start + kHuge - 1) / kHuge * kHuge;
  uintptr_t last = (start + bytes) / kHuge * kHuge;
  if (first < last)
    madvise(base + (first - start), last - first, MADV_HUGEPAGE);
#endif
  return true;
}

void Pages::clear() {
  if (base)
    munmap(base, length);
  base = nullptr;
  length = 0;
}

void Pages::swap(Pages &other) {
  uint8_t *otherBase = other.base;
  uint64_t otherLength = other.length;
  other.base = base, other.length = length;
  base = otherBase, length = otherLength;
}
