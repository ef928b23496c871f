// text.cpp - puts short texts together without stdio.
#include "text.h"

using namespace burnish;

void Text::put(char c) {
  if (room == 0) {
    isCut = true;
    return;
  }
  *at++ = c;
  *at = 0;
  --room;
}

Text &Text::operator<<(const char *text) {
  for (; *text; ++text)
    put(*text);
  return *this;
}

Text &Text::operator<<(int64_t number) {
  char digits[20];
  int count = 0;
  uint64_t rest = number < 0 ? 0 - static_cast<uint64_t>(number)
                             : static_cast<uint64_t>(number);
  do
    digits[count++] = static_cast<char>('0' + rest % 10);
  while (rest /= 10);
  if (number < 0)
    put('-');
  while (count > 0)
    put(digits[--count]);
  return *this;
}

Text &Text::millionths(int64_t number) {
  *this << number / 1000000;
  put('.');
  for (int64_t unit = 100000; unit > 0; unit /= 10)
    put(static_cast<char>('0' + number / unit % 10));
  return *this;
}

void Scanner::skipSpace() {
  while (next < end &&
         (*next == ' ' || *next == '\n' || *next == '\t' || *next == '\r'))
    ++next;
}

bool Scanner::accept(char wanted) {
  skipSpace();
  if (next == end || *next != wanted)
    return false;
  ++next;
  return true;
}

bool Scanner::number(int64_t &value) {
  skipSpace();
  const char *first = next;
  for (value = 0; next < end && *next >= '0' && *next <= '9'; ++next)
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, *next - '0', &value))
      return false;
  return next > first;
}

bool burnish::parseNumber(const char *text, int64_t most, int64_t &number,
                          int places) {
  auto digits = [&text, &number](int count) {
    int taken = 0;
    for (; taken < count && *text >= '0' && *text <= '9'; ++taken, ++text)
      if (__builtin_mul_overflow(number, 10, &number) ||
          __builtin_add_overflow(number, *text - '0', &number))
        return -1;
    return taken;
  };
  number = 0;
  if (digits(INT32_MAX) <= 0 || number > most)
    return false;
  if (places && *text == '.') {
    int taken = digits((++text, places));
    if (taken <= 0)
      return false;
    places -= taken;
  }
  for (; places > 0; --places)
    if (__builtin_mul_overflow(number, 10, &number))
      return false;
  return *text == 0;
}
