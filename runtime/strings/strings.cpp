// strings.cpp - the strings of compiled code: what they hold, comparison,
// lookup, and memory for new ones.
#include "strings/strings.h"

using namespace burnish;

//===- Memory ---===//

extern "C" int32_t burnish_string_begin(const burnish_context *context) {
  if (!context || !context->text || !context->text->data ||
      context->text->bytes < 0 ||
      reinterpret_cast<uintptr_t>(context->text->data) % 8 != 0)
    return 0;
  context->text->needed = 0;
  return 1;
}

char *burnish::takeText(const burnish_context *context, int64_t bytes) {
  burnish_text &text = *context->text;
  int64_t rounded, end;
  if (__builtin_add_overflow(bytes, int64_t(7), &rounded) ||
      __builtin_add_overflow(text.needed, rounded & ~int64_t(7), &end))
    return nullptr;
  char *place = static_cast<char *>(text.data) + text.needed;
  text.needed = end;
  return end <= text.bytes ? place : nullptr;
}

Handle burnish::makeString(const burnish_context *context, int64_t size,
                           char *&data) {
  int64_t bytes;
  if (__builtin_add_overflow(size, static_cast<int64_t>(sizeof(burnish_string)),
                             &bytes))
    return kNoRoom;
  char *place = takeText(context, bytes);
  if (!place)
    return kNoRoom;
  data = place + sizeof(burnish_string);
  burnish_string string = {data, size};
  memcpy(place, &string, sizeof string);
  return static_cast<Handle>(reinterpret_cast<uintptr_t>(place));
}

//===- Contents ---===//

extern "C" int64_t burnish_string_data(Handle handle) {
  return static_cast<int64_t>(
      reinterpret_cast<uintptr_t>(StringView(handle).data));
}

extern "C" int64_t burnish_string_size(Handle handle) {
  return StringView(handle).size;
}

/// -1, 0 or 1 as the bytes of one are before those of the other, without signs.
extern "C" int32_t burnish_string_compare(Handle left, Handle right) {
  StringView a(left), b(right);
  int64_t common = a.size < b.size ? a.size : b.size;
  int order = common ? memcmp(a.data, b.data, static_cast<size_t>(common)) : 0;
  return order              ? (order < 0 ? -1 : 1)
         : a.size == b.size ? 0
         : a.size < b.size  ? -1
                            : 1;
}

extern "C" int32_t burnish_string_equal(Handle left, Handle right) {
  StringView a(left), b(right);
  return a.size == b.size &&
         (a.size == 0 ||
          memcmp(a.data, b.data, static_cast<size_t>(a.size)) == 0);
}

//===- Lookup ---===//

/// FNV-1a; ir/Strings.cpp fills tables by the same.
static uint32_t hashOf(StringView string) {
  uint32_t hash = 2166136261u;
  for (int64_t i = 0; i < string.size; ++i)
    hash = (hash ^ static_cast<uint8_t>(string.data[i])) * 16777619u;
  return hash ^ hash >> 15;
}

namespace {
/// A slot of a table of keys, which has a power of two of them behind their
/// number; an empty one has the place -1. `offset` counts from the table.
struct Slot {
  uint32_t hash;
  int32_t place;
  uint32_t offset, size;
};
} // namespace

/// The place of a string among the keys of a table; -1 where it is none.
extern "C" int64_t burnish_string_find(int64_t table, Handle handle) {
  StringView string(handle);
  const char *start = StringView::at<char>(table);
  int64_t count;
  memcpy(&count, start, sizeof count);
  uint32_t hash = hashOf(string);
  for (int64_t at = hash & (count - 1);; at = (at + 1) & (count - 1)) {
    Slot slot;
    memcpy(&slot, start + sizeof count + at * int64_t(sizeof slot),
           sizeof slot);
    if (slot.place < 0)
      return -1;
    if (slot.hash == hash && slot.size == string.size &&
        (slot.size == 0 ||
         memcmp(start + slot.offset, string.data, slot.size) == 0))
      return slot.place;
  }
}

//===- Joining and splitting ---===//

extern "C" Handle burnish_string_concat(const burnish_context *context,
                                        Handle left, Handle right) {
  StringView a(left), b(right);
  if (a.size == 0)
    return right;
  if (b.size == 0)
    return left;
  int64_t size;
  char *to;
  if (__builtin_add_overflow(a.size, b.size, &size))
    return kNoRoom;
  Handle made = makeString(context, size, to);
  if (made != kNoRoom) {
    memcpy(to, a.data, static_cast<size_t>(a.size));
    memcpy(to + a.size, b.data, static_cast<size_t>(b.size));
  }
  return made;
}

static bool isSpace(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
}

/// The pieces of a string, one after the other; `most` splits, or any number
/// when it is negative. Without a delimiter, spaces separate, and are none of
/// the pieces (but for those behind the last one that may be split).
template <typename Take>
static int64_t splitPieces(StringView string, StringView delimiter,
                           int64_t most, Take take) {
  const char *next = string.data, *end = string.data + string.size;
  int64_t count = 0;
  if (delimiter.size == 0) {
    for (;;) {
      while (next < end && isSpace(*next))
        ++next;
      if (next == end)
        return count;
      const char *from = next;
      if (most >= 0 && count == most)
        next = end;
      while (next < end && !isSpace(*next))
        ++next;
      take(count++, from, next - from);
    }
  }
  const char *from = next;
  while (end - next >= delimiter.size && (most < 0 || count < most)) {
    if (memcmp(next, delimiter.data, static_cast<size_t>(delimiter.size)) !=
        0) {
      ++next;
      continue;
    }
    take(count++, from, next - from);
    from = next = next + delimiter.size;
  }
  take(count++, from, end - from);
  return count;
}

/// How many pieces there are.
extern "C" int64_t burnish_string_pieces(Handle handle, Handle delimiter,
                                         int64_t most) {
  return splitPieces(StringView(handle), StringView(delimiter), most,
                     [](int64_t, const char *, int64_t) {});
}

/// The first of the pieces, whose numbers are 16 apart; they share their bytes
/// with the whole. 0 when there are none.
extern "C" Handle burnish_string_split(const burnish_context *context,
                                       Handle handle, Handle delimiter,
                                       int64_t most) {
  StringView string(handle), by(delimiter);
  int64_t count = burnish_string_pieces(handle, delimiter, most), bytes;
  if (count == 0)
    return 0;
  if (__builtin_mul_overflow(
          count, static_cast<int64_t>(sizeof(burnish_string)), &bytes))
    return kNoRoom;
  char *place = takeText(context, bytes);
  if (!place)
    return kNoRoom;
  splitPieces(
      string, by, most, [&](int64_t index, const char *data, int64_t size) {
        burnish_string piece = {data, size};
        memcpy(place + index * int64_t(sizeof piece), &piece, sizeof piece);
      });
  return static_cast<Handle>(reinterpret_cast<uintptr_t>(place));
}

//===- Matching ---===//

namespace {
/// What an automaton's table begins with; behind it `states` numbers that say
/// whether one accepts, and then the next state for each state and class.
struct Automaton {
  uint32_t states, classes, start, unused;
  uint8_t classOf[256];
};
} // namespace

/// Whether the whole of a string is accepted. State 0 is where nothing is any
/// more.
extern "C" int32_t burnish_string_matches(int64_t table, Handle handle) {
  StringView string(handle);
  const auto &automaton = *StringView::at<Automaton>(table);
  const auto *accepts = reinterpret_cast<const uint32_t *>(&automaton + 1),
             *next = accepts + automaton.states;
  uint32_t state = automaton.start;
  for (int64_t i = 0; i < string.size && state; ++i)
    state = next[state * automaton.classes +
                 automaton.classOf[static_cast<uint8_t>(string.data[i])]];
  return accepts[state] != 0;
}
