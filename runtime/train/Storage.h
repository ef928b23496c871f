// Storage.h - memory and mapped files that stay until their owner goes.
#pragma once
#include "../file.h"

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
  /// file. It must not be made shorter while it is in use.
  bool map(const char *path, const uint8_t *&data, uint64_t &size,
           Message &message);
  /// Takes over pages; false, and they stay, where there is no memory.
  bool adopt(Pages &pages);
  /// Takes over all that another has given out.
  void adopt(Storage &other);
  void clear();

private:
  struct Block;
  Block *add(void *base, uint64_t length);

  Block *blocks = nullptr;
  uint8_t *next = nullptr;
  uint64_t room = 0;
};

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
