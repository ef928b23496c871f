// message.h - one line that says what is wrong.
#pragma once

namespace burnish {

/// Holds a diagnostic until somebody prints it. What comes out of files may
/// stand in it: it is cut to the space and made printable.
struct Message {
  char text[768];

  /// Sets the text as printf would, and returns false: `return
  /// message.set("in.npy: is empty");`.
  __attribute__((format(printf, 2, 3))) bool set(const char *format, ...);
};

} // namespace burnish
