// options.h - what every compiled program takes on its command line.
#pragma once
#include "message.h"
#include <stdint.h>

namespace burnish {

struct CommonOptions {
  const char *output = nullptr;
  /// 0: as many as there are cores.
  int32_t threads = 0;
  /// Negative: no bench.
  int64_t benchNanoseconds = -1;
};

/// What follows `name` if an argument begins with it, else null.
const char *valueOfOption(const char *argument, const char *name);

/// Reads -o FILE, --threads=N or --bench=SECONDS at `index`, which goes to the
/// last argument that belongs to it. `isKnown` says whether it was one of them;
/// false after a message.
bool parseCommon(int &index, char **arguments, CommonOptions &options,
                 bool &isKnown, Message &message);

} // namespace burnish
