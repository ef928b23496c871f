// Storage.h - memory and mapped files that stay until their owner goes.
#pragma once
#include "../file.h"
#include <signal.h>

namespace burnish {

/// Gives out memory that is never given back one by one.
class Storage {
public:
  Storage() = default;
  Storage(const Storage &) = delete;
  Storage &operator=(const Storage &) = delete;
  ~Storage() { clear(); }

  /// Zeroed and aligned to 64; null where there is no memory. 0 bytes are a
  /// valid pointer.
  void *take(uint64_t bytes);
  /// A terminated copy; null where there is no memory.
  const char *text(const char *start, uint64_t length);
  /// The whole of a file as it lies on disk, or as read where it is no regular
  /// file. Where it is made shorter while it is in use, or its disk fails, the
  /// program ends: see `endWhereFilesShrink`.
  bool map(const char *path, const uint8_t *&data, uint64_t &size,
           Message &message);
  /// Takes over pages; false, and they stay, where there is no memory.
  bool adopt(Pages &pages);
  /// Takes over all that another has given out.
  void adopt(Storage &other);
  void clear();

  /// For SIGBUS.
  static void complain(int signal, siginfo_t *info, void *context);

private:
  struct Block;
  Block *add(void *base, uint64_t length);
  static bool know(Block *block, const char *path);
  static void forget(Block *block);

  Block *blocks = nullptr;
  uint8_t *next = nullptr;
  uint64_t room = 0;
};

/// From now on a mapped file that loses its bytes ends the program with a
/// message and status 1, not with the signal. Files that it writes are written
/// beside, so that what was there before stays.
void endWhereFilesShrink(const char *program);

/// A list of plain values that grows at its end.
template <typename T> class List {
public:
  List() = default;
  List(const List &) = delete;
  List &operator=(const List &) = delete;
  ~List() { free(values); }

  /// False where there is no memory.
  bool push(const T &value) {
    if (count == room) {
      int64_t wanted = room ? room * 2 : 16;
      void *larger = wanted > INT64_MAX / 2 / static_cast<int64_t>(sizeof(T))
                         ? nullptr
                         : realloc(static_cast<void *>(values),
                                   static_cast<size_t>(wanted) * sizeof(T));
      if (!larger)
        return false;
      values = static_cast<T *>(larger);
      room = wanted;
    }
    values[count++] = value;
    return true;
  }
  void clear() { count = 0; }
  int64_t size() const { return count; }
  T &operator[](int64_t index) const { return values[index]; }
  T *data() const { return values; }

private:
  T *values = nullptr;
  int64_t count = 0, room = 0;
};

} // namespace burnish
