// profile.h - what a program that was compiled to be timed knows of its time.
#pragma once
#include "burnish.h"

/// A place in the model's code, in the table that its object has.
struct burnish_profile_entry {
  /// Members of a JSON object.
  const char *facts;
  int64_t calls, nanoseconds, least;
};

struct burnish_profile {
  /// Members of a JSON object about the whole model.
  const char *facts;
  /// Of the target: bits of a vector; whether it multiplies and adds in one
  /// instruction; products of bytes that one adds up in each lane.
  int64_t vectorBits, hasFma, bytesAtOnce;
  int64_t count;
  burnish_profile_entry entries[];
};

// Only profile.cpp has these, and only a program whose code calls the first two
// has profile.cpp.
extern "C" {
/// The time, in nanoseconds.
int64_t burnish_profile_begin(void);
/// The entry's code ran once, and had begun at that time.
void burnish_profile_end(void *profile, int64_t entry, int64_t begun);

/// After a first run: measures what the machine could do.
__attribute__((weak)) void burnish_profile_start(const burnish_context *context,
                                                 int32_t threads);
/// Forgets all times.
__attribute__((weak)) void burnish_profile_reset(void);
/// Prints `, "profile": {...}` about the runs since then.
__attribute__((weak)) void burnish_profile_print(const burnish_model &model,
                                                 int64_t runs);
}
