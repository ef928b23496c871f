// Live.h - what a run shows while it goes on.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace burnish {

/// A line on a terminal that is written over again and again; nothing
/// elsewhere.
class Live {
public:
  Live();

  struct State {
    int64_t fold, epoch, epochs, step, steps;
    double loss, samplesPerSecond, secondsLeft;
    /// What is watched, as "val.accuracy", and its best value; or null.
    const char *metric;
    double value;
  };
  /// At most ten times a second.
  void show(const State &state, int64_t now);
  void clear();

private:
  bool isTerminal, isShown = false;
  int64_t last = 0;
};

/// "1:02:03", "2:03" or "3.1 s".
void printSeconds(char *text, size_t room, double seconds);
int64_t nanosecondsNow();

} // namespace burnish
