// bench.cpp - how long a run takes.
#include "profile.h"
#include "program.h"
#include "text.h"
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

using namespace burnish;

static int64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000ll + time.tv_nsec;
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
  if (const char *digit = strstr(text, "VmHWM:")) {
    int64_t kilobytes = 0;
    for (digit += strlen("VmHWM:"); *digit && *digit != 'k'; ++digit)
      kilobytes = *digit >= '0' && *digit <= '9' ? kilobytes * 10 + *digit - '0'
                                                 : kilobytes;
    return kilobytes * 1024;
  }
  rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss * 1024 : 0;
}

namespace {
/// Times of runs in nanoseconds, thinned out evenly when there are too many to
/// keep.
struct Samples {
  static constexpr int kMost = 16384;
  float *times;
  int count = 0;
  int64_t stride = 1;

  void add(int64_t run, int64_t time) {
    if (run % stride != 0)
      return;
    if (count == kMost) {
      stride *= 2;
      for (count = 0; count < kMost / 2; ++count)
        times[count] = times[2 * count];
      if (run % stride != 0)
        return;
    }
    times[count++] = static_cast<float>(time);
  }

  /// The time in the middle, by Hoare's selection.
  int64_t median() {
    int middle = count / 2;
    for (int low = 0, high = count - 1; low < high;) {
      float pivot = times[(low + high) / 2];
      int i = low, j = high;
      while (i <= j) {
        while (times[i] < pivot)
          ++i;
        while (times[j] > pivot)
          --j;
        if (i > j)
          break;
        float swapped = times[i];
        times[i++] = times[j];
        times[j--] = swapped;
      }
      if (middle > j)
        low = i;
      if (middle < i)
        high = j;
    }
    return static_cast<int64_t>(times[middle]);
  }
};
} // namespace

int32_t burnish::bench(const Timed &timed, int64_t nanoseconds,
                       int32_t threads) {
  Array<float> space(Samples::kMost);
  if (!space.isValid())
    return BURNISH_NO_MEMORY;
  Samples samples = {space.data()};
  int64_t start = now();
  if (int32_t status = timed.run(timed.closure))
    return status;
  int64_t last = now(), first = last - start;
  if (burnish_profile_start) {
    burnish_profile_start(timed.pool, threads);
    if (int32_t status = timed.run(timed.closure))
      return status;
    burnish_profile_reset();
    last = now();
  }
  int64_t end = last + nanoseconds, runs = 0, shortest = INT64_MAX;
  do {
    if (int32_t status = timed.run(timed.closure))
      return status;
    // One look at the clock a run: small networks take no longer than that.
    int64_t time = now();
    shortest = time - last < shortest ? time - last : shortest;
    samples.add(runs++, time - last);
    last = time;
  } while (last < end);
  char line[400];
  Text text(line);
  text << "{\"runs\": " << runs << ", \"median_ms\": ";
  text.millionths(samples.median()) << ", \"min_ms\": ";
  text.millionths(shortest) << ", \"first_ms\": ";
  text.millionths(first) << ", \"threads\": " << int64_t(threads)
                         << ", \"workspace_bytes\": "
                         << (timed.workspaceBytes ? *timed.workspaceBytes
                                                  : timed.model.workspace_bytes)
                         << ", \"peak_rss_bytes\": " << peakResidentBytes();
  fputs(line, stdout);
  if (burnish_profile_print)
    burnish_profile_print(timed.model, runs);
  puts("}");
  return BURNISH_OK;
}
