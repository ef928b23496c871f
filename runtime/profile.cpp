// profile.cpp - times of the kernels of a program that was compiled for that.
//
// The model's object has the table, and hands it over with each time. One
// thread at a time runs a model here, so that nothing is locked.
#include "profile.h"
#include "peaks.h"
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

using namespace burnish;

// The signatures are those that compiled code calls.
using I64 = int64_t;
using PTR = void *;
using VOID = void;
#define BURNISH_TIMER(name, result, ...)                                       \
  static_assert(__is_same(decltype(name), result(__VA_ARGS__)),                \
                "abi.def and profile.h differ");
#include "abi.def"

static burnish_profile *known;
static Peaks peaks;

int64_t burnish_profile_begin(void) {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000ll + time.tv_nsec;
}

void burnish_profile_end(void *profile, int64_t entry, int64_t begun) {
  int64_t time = burnish_profile_begin() - begun;
  known = static_cast<burnish_profile *>(profile);
  burnish_profile_entry &at = known->entries[entry];
  at.least = at.calls == 0 || time < at.least ? time : at.least;
  at.nanoseconds += time;
  ++at.calls;
}

void burnish_profile_start(const burnish_context *context, int32_t threads) {
  if (known)
    peaks = measurePeaks(*known, context, threads);
}

void burnish_profile_reset(void) {
  for (int64_t i = 0; known && i < known->count; ++i)
    known->entries[i].calls = known->entries[i].nanoseconds = 0;
}

void burnish_profile_print(const burnish_model &, int64_t runs) {
  printf(", \"profile\": {\"gflops\": %.3f, \"byte_gops\": %.3f, "
         "\"l2_bytes\": %" PRId64 ", \"l2_gbs\": %.3f, \"l3_bytes\": %" PRId64
         ", \"l3_gbs\": %.3f, \"memory_gbs\": %.3f",
         peaks.gflops, peaks.byteGops, peaks.l2Bytes, peaks.l2, peaks.l3Bytes,
         peaks.l3, peaks.memory);
  if (known)
    printf(", %s", known->facts);
  printf(", \"places\": [");
  for (int64_t i = 0; known && i < known->count; ++i) {
    const burnish_profile_entry &entry = known->entries[i];
    printf("%s\n{%s, \"calls\": %.6g, \"ms\": %.6f, \"least_ms\": %.6f}",
           i ? "," : "", entry.facts,
           static_cast<double>(entry.calls) / static_cast<double>(runs),
           static_cast<double>(entry.nanoseconds) * 1e-6 /
               static_cast<double>(runs),
           entry.calls ? static_cast<double>(entry.least) * 1e-6 : 0.0);
  }
  printf("]}");
}
