// Live.cpp - what a run shows while it goes on.
#include "runtime/train/Live.h"
#include <stdio.h>
#include <time.h>
#include <unistd.h>

using namespace burnish;

int64_t burnish::nanosecondsNow() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000ll + time.tv_nsec;
}

void burnish::printSeconds(char *text, size_t room, double seconds) {
  long long whole = seconds < 1e9 ? static_cast<long long>(seconds) : 999999999;
  if (seconds < 60)
    snprintf(text, room, "%.1f s", seconds);
  else if (whole < 3600)
    snprintf(text, room, "%lld:%02lld", whole / 60, whole % 60);
  else
    snprintf(text, room, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60,
             whole % 60);
}

Live::Live() : isTerminal(isatty(STDOUT_FILENO) == 1) {}

void Live::show(const State &state, int64_t now) {
  constexpr int64_t kPause = 100'000'000;
  if (!isTerminal || (isShown && now - last < kPause))
    return;
  last = now;
  isShown = true;
  char left[32];
  printSeconds(left, sizeof left, state.secondsLeft);
  printf("\r\033[K");
  if (state.fold > 0)
    printf("fold %lld  ", static_cast<long long>(state.fold));
  printf("epoch %lld/%lld  step %lld/%lld  loss %.5g",
         static_cast<long long>(state.epoch),
         static_cast<long long>(state.epochs),
         static_cast<long long>(state.step),
         static_cast<long long>(state.steps), state.loss);
  if (state.metric)
    printf("  %s %.4g", state.metric, state.value);
  printf("  %.0f samples/s  %s left", state.samplesPerSecond, left);
  fflush(stdout);
}

void Live::clear() {
  if (isTerminal && isShown)
    printf("\r\033[K");
  isShown = false;
}
