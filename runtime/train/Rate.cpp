// Rate.cpp - the learning rate of an update. Nothing here calls libm, so that
// it is the same everywhere.
#include "runtime/train/Recipe.h"

#pragma STDC FP_CONTRACT OFF

using namespace burnish;

/// The cosine of `x` half turns, for x in [0, 1].
static double cosine(double x) {
  bool isLate = x > 0.5;
  double angle = 3.141592653589793 * (isLate ? 1 - x : x);
  double square = angle * angle, sum = 1;
  // The series from its end: 24 terms are below 1e-19.
  for (int n = 24; n >= 2; n -= 2)
    sum = 1 - square / (n * (n - 1)) * sum;
  return isLate ? -sum : sum;
}

/// From `from` to `to` along half a wave, `x` in [0, 1].
static double anneal(double from, double to, double x) {
  return to + (from - to) * 0.5 * (1 + cosine(x));
}

double burnish_train_rate(const burnish_training *training,
                          const double *values, int64_t step) {
  auto value = [&](const char *name, double otherwise) {
    return valueOf(*training, values, name, otherwise);
  };
  double rate = value("lr", 0), warmup = value("lr.warmup", 0),
         length = value("steps", 0);
  const burnish_clause *schedule = findClause(*training, "schedule");
  const char *kind = schedule ? schedule->name : "constant";
  double done = static_cast<double>(step - 1);
  if (done + 1 <= warmup)
    return rate * (done + 1) / warmup;
  done -= warmup > 0 ? warmup : 0;
  if (isSame(kind, "step")) {
    double every = value("lr.every", 0), factor = value("lr.factor", 0.1);
    for (double passed = every; every >= 1 && passed <= done && rate > 0;
         passed += every)
      rate *= factor;
    return rate;
  }
  // The others go from the first update to the last, and stay at the beginning
  // where nobody said which that is.
  length -= warmup > 0 ? warmup : 0;
  if (!(length > 0))
    return rate;
  double part = done < length ? done / length : 1;
  if (isSame(kind, "linear"))
    return rate + (value("lr.to", 0) - rate) * part;
  if (isSame(kind, "cosine"))
    return anneal(rate, value("lr.to", 0), part);
  if (isSame(kind, "onecycle")) {
    // Smith and Topin, "Super-convergence", 2018; down to 1e-4 of where it
    // began.
    double peak = value("lr.peak", 0.3), low = rate / value("lr.divide", 25);
    return part < peak ? anneal(low, rate, part / peak)
                       : anneal(rate, low * 1e-4,
                                peak < 1 ? (part - peak) / (1 - peak) : 1);
  }
  return rate;
}
