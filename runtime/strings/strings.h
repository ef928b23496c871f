// strings.h - what compiled code's strings are.
//
// Inside a model a string is a number of 64 bits, so that whatever moves
// elements moves strings: 0 is the empty string; an even number the address of
// a burnish_string; an odd one, 1 beyond the address of a size with the bytes
// behind it, as constants have them.
#pragma once
#include "burnish.h"
#include <string.h>

namespace burnish {

using Handle = int64_t;
/// What a function that makes a string returns when there is no room for it.
constexpr Handle kNoRoom = -1;

struct StringView {
  const char *data = nullptr;
  int64_t size = 0;

  explicit StringView(Handle handle) {
    if (handle & 1) {
      const char *record = at<char>(handle - 1);
      memcpy(&size, record, sizeof size);
      data = record + sizeof size;
    } else if (handle) {
      const burnish_string *record = at<burnish_string>(handle);
      data = record->data;
      size = record->size;
    }
  }
  StringView(const char *data, int64_t size) : data(data), size(size) {}

  template <typename T> static const T *at(int64_t address) {
    return reinterpret_cast<const T *>(static_cast<uintptr_t>(address));
  }
};

/// Room in the context's text memory for so many bytes, aligned to 8; null when
/// there is none. Counts what it would take.
char *takeText(const burnish_context *context, int64_t bytes);
/// A new string of so many bytes, which the caller writes to `data`.
Handle makeString(const burnish_context *context, int64_t size, char *&data);

} // namespace burnish
