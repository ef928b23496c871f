// text.h - puts short texts together without stdio.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace burnish {

/// Fills a buffer, and keeps it terminated. What a run prints and names when
/// all is well comes from here: printf makes 450 KB of libc resident, a third
/// of a small program.
class Text {
public:
  template <size_t kSize>
  explicit Text(char (&buffer)[kSize]) : Text(buffer, kSize) {}
  Text(char *buffer, size_t size) : start(buffer), at(buffer), room(size - 1) {
    *at = 0;
  }

  Text &operator<<(const char *text);
  Text &operator<<(int64_t number);
  /// A number of millionths as a decimal fraction, such as 0.001234.
  Text &millionths(int64_t number);

  size_t size() const { return static_cast<size_t>(at - start); }
  /// Whether everything found room.
  bool fits() const { return !isCut; }

private:
  void put(char c);

  char *start, *at;
  size_t room;
  bool isCut = false;
};

/// Goes through a text of tokens with space between them.
struct Scanner {
  const char *next, *end;

  void skipSpace();
  bool accept(char wanted);
  /// Digits of a number that fits.
  bool number(int64_t &value);
};

/// Reads a number from 0 to `most`, with up to `places` decimal places, and
/// gives it times 10 to the power of `places`; false if the text is anything
/// else.
bool parseNumber(const char *text, int64_t most, int64_t &number,
                 int places = 0);

} // namespace burnish
