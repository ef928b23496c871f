// Tune.h - measures which of several schedules is best here.
#pragma once
#include "tools/burnish/Options.h"
#include "tools/burnish/Schedules.h"

namespace burnish {

/// What could be chosen for a shape, what is chosen first, and milliseconds a
/// run of the model spends on it; a negative time was not measured.
struct TunedShape {
  struct Choice {
    std::string schedule;
    double ms = -1;
  };
  std::string shape;
  double calls = 0;
  std::vector<Choice> choices;
  size_t best = 0;

  double loss() const {
    return choices[best].ms > 0 ? choices[0].ms / choices[best].ms : 1;
  }
};

/// Measures for about options.tuneSeconds, and puts what wins into `schedules`.
/// False after it has said what went wrong.
bool tune(const Options &options, Schedules &schedules,
          std::vector<TunedShape> &shapes);

/// `burnish bench MODEL --tune`: a table of what is chosen and what is best.
int benchAlternatives(const Options &options);

} // namespace burnish
