// Cache.h - programs that `burnish run` and `burnish bench` keep.
#pragma once
#include "tools/burnish/Options.h"

namespace burnish {

/// The program compiled from options.files[0]: kept from last time if the model
/// with all its files, the options, the machine and the compiler are the same,
/// else compiled now. Any number of processes may ask at once. Empty, with the
/// exit status in `status`, after something went wrong.
std::string cachedProgram(const Options &options, int &status);

} // namespace burnish
