// Guarded.h - memory that shows what is read or written beside it.
#pragma once
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace burnish {

/// What memory holds before a run: NaN in every floating-point type, so that
/// nothing goes unseen which is read before it is written.
inline constexpr unsigned char kUnset = 0xff;

/// Memory that ends at a page which may not be touched, with a margin before it
/// whose bytes tell whether something was written there.
class Guarded {
public:
  explicit Guarded(int64_t bytes, int64_t alignment = 1)
      : size(bytes), page(sysconf(_SC_PAGESIZE)) {
    int64_t taken = llvm::alignTo(bytes, alignment);
    if (bytes < 0 || bytes > kMost)
      return;
    whole = llvm::alignTo(taken + kMargin, page);
    void *mapped = ::mmap(nullptr, whole + page, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED)
      return;
    memory = static_cast<unsigned char *>(mapped);
    ::mprotect(memory + whole, page, PROT_NONE);
    start = memory + whole - taken;
    std::memset(start - kMargin, kMark, kMargin);
    std::memset(start, kUnset, size);
    std::memset(start + size, kMark, taken - size);
  }
  Guarded(Guarded &&other)
      : memory(std::exchange(other.memory, nullptr)), start(other.start),
        size(other.size), whole(other.whole), page(other.page) {}
  ~Guarded() {
    if (memory)
      ::munmap(memory, whole + page);
  }
  Guarded &operator=(Guarded &&) = delete;
  bool isThere() const { return memory; }
  char *data() const { return reinterpret_cast<char *>(start); }
  bool isIntact() const {
    auto isMark = [](unsigned char byte) { return byte == kMark; };
    return std::all_of(start - kMargin, start, isMark) &&
           std::all_of(start + size, memory + whole, isMark);
  }

private:
  static constexpr int64_t kMargin = 64, kMost = int64_t(1) << 46;
  static constexpr unsigned char kMark = 0xa5;
  unsigned char *memory = nullptr, *start = nullptr;
  int64_t size, whole = 0, page;
};

/// What a run asks the context for, each with its guard.
class GuardedHeap {
public:
  void *allocate(int64_t bytes) {
    Guarded guarded(std::max<int64_t>(bytes, 1), kAlignment);
    if (!guarded.isThere())
      return nullptr;
    void *address = guarded.data();
    std::lock_guard lock(mutex);
    blocks.emplace(address, std::move(guarded));
    return address;
  }
  void release(void *address) {
    std::lock_guard lock(mutex);
    auto block = blocks.find(address);
    wasIntact &= block != blocks.end() && block->second.isIntact();
    if (block != blocks.end())
      blocks.erase(block);
  }
  bool isIntact() const {
    return wasIntact && llvm::all_of(blocks, [](const auto &block) {
             return block.second.isIntact();
           });
  }

  static constexpr int64_t kAlignment = 64;

private:
  std::mutex mutex;
  std::map<void *, Guarded> blocks;
  bool wasIntact = true;
};

} // namespace burnish
