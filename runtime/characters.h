// characters.h - numpy's arrays of characters, strings in programs.
#pragma once
#include "npy.h"

namespace burnish {

/// Whether an array is of characters: '<U5', code points, or '|S5', bytes; all
/// elements are as wide, with zeros behind shorter ones.
struct CharacterType {
  bool isWide = false;
  int64_t width = -1;

  explicit CharacterType(const char *descr);
  bool isValid() const { return width >= 0; }
};

/// Reads an array of characters as burnish_string, in UTF-8. What is no code
/// point is refused.
bool readStrings(const NpyBytes &source, const NpyHeader &header,
                 const char *where, Tensor &tensor, Message &message);

/// Strings as numpy has them, and how its header says so. Bytes that are no
/// UTF-8 become U+FFFD.
struct Characters {
  char descr[24];
  uint64_t bytes = 0;
  Pages pages;

  bool make(const burnish_string *strings, int64_t count);
};

/// How many strings of two lists differ.
int64_t countDifferent(const burnish_string *left, const burnish_string *right,
                       int64_t count);

} // namespace burnish
