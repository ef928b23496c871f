// message.cpp - one line that says what is wrong.
#include "message.h"
#include <stdarg.h>
#include <stdio.h>

using namespace burnish;

bool Message::set(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  // Names in files may hold what moves a terminal's cursor.
  for (char *c = text; *c; ++c)
    if (static_cast<unsigned char>(*c) < ' ' || *c == 127)
      *c = '?';
  return false;
}
