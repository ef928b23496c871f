// bench.cpp - how long a run takes.
#include "program.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

using namespace burnish;

static double now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_nsec) * 1e-9;
}

/// The most memory this program ever had resident. Not from getrusage where it
/// can be helped: that counts what the process was before it became this
/// program.
static int64_t peakResidentBytes() {
  char text[4096];
  int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  ssize_t length = file < 0 ? 0 : read(file, text, sizeof text - 1);
  if (file >= 0)
    close(file);
  text[length < 0 ? 0 : length] = 0;
  if (const char *line = strstr(text, "VmHWM:"))
    return atoll(line + strlen("VmHWM:")) * 1024;
  rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss * 1024 : 0;
}

namespace {
/// Times of runs, thinned out evenly when there are too many to keep.
struct Samples {
  static constexpr int kMost = 16384;
  float *seconds;
  int count = 0;
  int64_t stride = 1;

  void add(int64_t run, double time) {
    if (run % stride != 0)
      return;
    if (count == kMost) {
      stride *= 2;
      for (count = 0; count < kMost / 2; ++count)
        seconds[count] = seconds[2 * count];
      if (run % stride != 0)
        return;
    }
    seconds[count++] = static_cast<float>(time);
  }
  double median() {
    qsort(seconds, static_cast<size_t>(count), sizeof *seconds,
          [](const void *a, const void *b) {
            float left = *static_cast<const float *>(a),
                  right = *static_cast<const float *>(b);
            return left < right ? -1 : left > right;
          });
    float upper = seconds[count / 2], lower = seconds[(count - 1) / 2];
    return (static_cast<double>(lower) + static_cast<double>(upper)) / 2;
  }
};
} // namespace

int32_t burnish::bench(const burnish_model &model, Session &session,
                       const Inputs &inputs, double seconds, int32_t threads) {
  Array<float> space(Samples::kMost);
  if (!space.isValid())
    return BURNISH_NO_MEMORY;
  Samples samples = {space.data()};
  double start = now(), shortest = 1e300;
  if (int32_t status = session.run(inputs))
    return status;
  double last = now(), first = last - start, end = last + seconds;
  int64_t runs = 0;
  do {
    if (int32_t status = session.run(inputs))
      return status;
    // One look at the clock a run: small networks take no longer than that.
    double time = now();
    shortest = time - last < shortest ? time - last : shortest;
    samples.add(runs++, time - last);
    last = time;
  } while (last < end);
  printf("{\"runs\": %" PRId64
         ", \"median_ms\": %.6f, \"min_ms\": %.6f, \"first_ms\": %.6f, "
         "\"threads\": %d, \"workspace_bytes\": %" PRId64
         ", \"peak_rss_bytes\": %" PRId64 "}\n",
         runs, samples.median() * 1e3, shortest * 1e3, first * 1e3, threads,
         model.workspace_bytes, peakResidentBytes());
  return BURNISH_OK;
}
