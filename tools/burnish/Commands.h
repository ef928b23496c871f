// Commands.h - what `burnish` can be asked to do, one file each.
#pragma once
#include "tools/burnish/Options.h"

namespace burnish {

// Each returns the exit status, after it has said what went wrong.
int compile(const Options &options);
int check(const Options &options);
int run(const Options &options);
int test(const Options &options);
int bench(const Options &options);
int format(const Options &options);
int plot(const Options &options);
int gradcheck(const Options &options);

class Compiler;
/// The rest of a compile, once a model is loaded: what the options ask for, in
/// the file `output`. False after it has said what went wrong.
bool finishCompile(Compiler &compiler, const Options &options,
                   const std::string &output);

/// The compiler's own file, through which its runtime is found.
std::string executablePath();

constexpr int kDone = 0, kBadInput = 1, kBadCommandLine = 2;

} // namespace burnish
