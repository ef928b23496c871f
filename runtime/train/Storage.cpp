// Storage.cpp - memory and mapped files that stay until their owner goes.
#include "Storage.h"
#include "../text.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace burnish;

struct Storage::Block {
  Block *before;
  void *base;
  uint64_t length; ///< of what was mapped
  /// Of a mapped file: its name, and the one that was mapped before.
  char *file;
  Block *mapped;
};

/// All mapped files, for the handler of signals.
static void *lastMapped = nullptr;
static const char *programName = "";

// Small pieces share a block of this size; larger ones have their own pages.
static constexpr uint64_t kBlock = 1 << 16, kAlign = 64;

Storage::Block *Storage::add(void *base, uint64_t length) {
  Block *block = static_cast<Block *>(malloc(sizeof(Block)));
  if (!block) {
    munmap(base, length);
    return nullptr;
  }
  *block = {blocks, base, length, nullptr, nullptr};
  return blocks = block;
}

/// Makes the file of a block known to the handler.
bool Storage::know(Block *block, const char *path) {
  if (!block || !(block->file = strdup(path)))
    return false;
  block->mapped = static_cast<Block *>(lastMapped);
  lastMapped = block;
  return true;
}

void Storage::forget(Block *block) {
  Block *next = static_cast<Block *>(lastMapped);
  if (next == block)
    lastMapped = block->mapped;
  for (; next; next = next->mapped)
    if (next->mapped == block)
      next->mapped = block->mapped;
  free(block->file);
}

void Storage::complain(int signal, siginfo_t *info, void *) {
  uintptr_t at = reinterpret_cast<uintptr_t>(info->si_addr);
  for (auto *block = static_cast<Block *>(lastMapped); block;
       block = block->mapped) {
    uintptr_t start = reinterpret_cast<uintptr_t>(block->base);
    // The last page counts as a whole.
    if (at < start || at - start >= block->length + 4096)
      continue;
    char line[512];
    Text text(line, sizeof line - 1);
    text << programName << ": " << block->file
         << ": became shorter while it was read, or cannot be read";
    size_t size = text.size();
    line[size] = '\n';
    // Whether that could be said changes nothing.
    (void)!::write(STDERR_FILENO, line, size + 1);
    _exit(1);
  }
  // Not ours: the same access again, without a handler.
  ::signal(signal, SIG_DFL);
}

void burnish::endWhereFilesShrink(const char *program) {
  programName = program;
  struct sigaction action = {};
  action.sa_sigaction = Storage::complain;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
}

void Storage::clear() {
  while (Block *block = blocks) {
    blocks = block->before;
    if (block->file)
      forget(block);
    munmap(block->base, block->length);
    free(block);
  }
  next = nullptr;
  room = 0;
}

void *Storage::take(uint64_t bytes) {
  if (bytes > SIZE_MAX / 2)
    return nullptr;
  uint64_t rounded = bytes ? (bytes + kAlign - 1) / kAlign * kAlign : kAlign;
  if (rounded <= room) {
    void *piece = next;
    next += rounded, room -= rounded;
    return piece;
  }
  bool isOwn = rounded > kBlock / 4;
  uint64_t length = isOwn ? rounded : kBlock;
  if (!mayFit(length))
    return nullptr;
  void *memory = mmap(nullptr, length, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED || !add(memory, length))
    return nullptr;
  if (!isOwn) {
    next = static_cast<uint8_t *>(memory) + rounded;
    room = length - rounded;
  }
  return memory;
}

bool Storage::adopt(Pages &pages) {
  if (pages.size() == 0)
    return true;
  Block *block = static_cast<Block *>(malloc(sizeof(Block)));
  if (!block)
    return false;
  *block = {blocks, pages.data(), pages.size(), nullptr, nullptr};
  blocks = block;
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
  other.next = nullptr;
  other.room = 0;
}

const char *Storage::text(const char *start, uint64_t length) {
  char *copy = static_cast<char *>(take(length + 1));
  if (copy && length)
    memcpy(copy, start, length);
  return copy;
}

bool Storage::map(const char *path, const uint8_t *&data, uint64_t &size,
                  Message &message) {
  int descriptor = ::open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (descriptor < 0 || fstat(descriptor, &status) != 0) {
    message.set("%s: cannot open: %s", path, strerror(errno));
    if (descriptor >= 0)
      close(descriptor);
    return false;
  }
  if (S_ISREG(status.st_mode) && status.st_size > 0) {
    size = static_cast<uint64_t>(status.st_size);
    void *memory = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    int error = errno;
    close(descriptor);
    if (memory == MAP_FAILED)
      return message.set("%s: cannot map: %s", path, strerror(error));
    data = static_cast<const uint8_t *>(memory);
    return know(add(memory, size), path) || message.set("%s: no memory", path);
  }
  close(descriptor);
  InputFile file;
  if (!file.open(path, message))
    return false;
  size = file.size();
  uint8_t *copy = static_cast<uint8_t *>(take(size));
  data = copy;
  if (!copy)
    return message.set("%s: no memory for its %llu bytes", path,
                       static_cast<unsigned long long>(size));
  return file.read(0, copy, size, message);
}
