// Measure.h - compiled programs are run for their figures.
#pragma once
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include <string>
#include <vector>

namespace burnish {

/// Runs a program; its exit status, with what it wrote to its standard output
/// in `said`. -1 when it could not start.
int capture(std::vector<std::string> words, std::string &said);

/// The figures that a program with --bench printed.
llvm::Expected<llvm::json::Object> figuresOf(llvm::StringRef program,
                                             llvm::StringRef said);

} // namespace burnish
