// DataSet.h - a compiled model run on the data of a case, and compared with
// what the case expects.
#pragma once
#include "runtime/include/burnish.h"
#include "tools/burnish/Case.h"

namespace burnish {

/// How far outputs may be off, as `compare` takes it; or between which numbers
/// they lie, whatever the case has, where they are random.
struct Tolerance {
  double relative = 1e-3, absolute = 1e-7;
  std::optional<std::pair<double, double>> range;
};

/// Runs the model on the data set in the folder `set` and adds what differs to
/// `outcome`; false when there is more to say than that. The last tolerance is
/// for all outputs that follow, too.
bool runDataSet(const burnish_model &model, llvm::StringRef set,
                int64_t threads, const void *weights,
                llvm::ArrayRef<Tolerance> tolerances, Outcome &outcome);

} // namespace burnish
