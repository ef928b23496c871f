// Log.cpp - a run as lines of JSON.
#include "runtime/train/Log.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace burnish;

/// Of one line; it is shared with a confusion matrix, which is left out where
/// it does not fit.
static constexpr size_t kRoom = 1 << 20;

Log::~Log() {
  if (descriptor >= 0)
    close(descriptor);
}

bool Log::open(const char *path, int64_t position, Message &message) {
  if (!path)
    return true;
  name = path;
  struct stat status;
  bool isThere = stat(path, &status) == 0, isFile = true;
  descriptor = ::open(path,
                      (isThere && S_ISREG(status.st_mode) ? O_RDWR : O_WRONLY) |
                          O_CREAT | O_CLOEXEC,
                      0666);
  if (descriptor < 0 || fstat(descriptor, &status) != 0)
    return message.set("%s: cannot write: %s", name, strerror(errno));
  // What is cut here should be a log, and not somebody's data.
  char first = '{';
  isFile = S_ISREG(status.st_mode);
  if (isThere && isFile && pread(descriptor, &first, 1, 0) >= 0 && first != '{')
    return message.set("%s: is no log of a training, and is left as it is",
                       name);
  // A log that was taken away begins again.
  length = isFile && position > status.st_size ? 0 : position;
  if (isFile && (ftruncate(descriptor, length) != 0 ||
                 lseek(descriptor, length, SEEK_SET) < 0))
    return message.set("%s: cannot write: %s", name, strerror(errno));
  return line.allocate(kRoom) || message.set("no memory for a log");
}

void Log::put(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int count = vsnprintf(reinterpret_cast<char *>(line.data()) + used,
                        kRoom - used, format, arguments);
  va_end(arguments);
  if (count > 0)
    used += static_cast<size_t>(count);
  used = used < kRoom ? used : kRoom - 1;
}

void Log::begin(int64_t fold, int64_t epoch, int64_t step) {
  used = 0;
  put("{");
  if (fold > 0)
    put("\"fold\": %lld, ", static_cast<long long>(fold));
  if (epoch > 0)
    put("\"epoch\": %lld, \"step\": %lld, ", static_cast<long long>(epoch),
        static_cast<long long>(step));
}

void Log::number(const char *name, double value) {
  // JSON has no NaN.
  if (isfinite(value))
    put("\"%s\": %.9g", name, value);
  else
    put("\"%s\": null", name);
}

bool Log::end(Message &message) {
  put("}\n");
  for (size_t written = 0; written < used;) {
    ssize_t count = write(descriptor, line.data() + written, used - written);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return message.set("%s: cannot write: %s", name,
                         strerror(count < 0 ? errno : EIO));
    written += static_cast<size_t>(count);
  }
  length += static_cast<int64_t>(used);
  return true;
}

bool Log::step(const Step &step, Message &message) {
  if (descriptor < 0)
    return true;
  begin(step.fold, step.epoch, step.step);
  number("loss", step.loss);
  put(", ");
  number("lr", step.rate);
  put(", \"samples_s\": %.4g", step.samplesPerSecond);
  return end(message);
}

void Log::metrics(const char *name, Metrics &metrics, bool isTraining) {
  put("\"%s\": {", name);
  number("loss", metrics.loss());
  for (int32_t i = 0; i < metrics.count(); ++i) {
    double value = metrics.value(i);
    if (isTraining && isnan(value))
      continue;
    put(", ");
    const Metric &metric = metrics[i];
    int64_t classes = metrics.classes();
    if (metric.kind != Metric::Confusion) {
      number(metric.name, value);
      continue;
    }
    put("\"confusion\": ");
    if (isTraining || classes > 256) {
      put("null");
      continue;
    }
    for (int64_t row = 0; row < classes; ++row) {
      put(row ? ", [" : "[[");
      for (int64_t column = 0; column < classes; ++column)
        put(column ? ", %.0f" : "%.0f", metrics.matrix(row, column));
      put("]");
    }
    put("]");
  }
  put("}");
}

bool Log::epoch(int64_t fold, int64_t epoch, int64_t step, double rate,
                double seconds, Metrics &train, Metrics *validation,
                Message &message) {
  if (descriptor < 0)
    return true;
  begin(fold, epoch, step);
  // Whoever looks at losses alone finds one in each line.
  number("loss", train.loss());
  put(", ");
  number("lr", rate);
  put(", \"seconds\": %.4g, ", seconds);
  metrics("train", train, true);
  if (validation) {
    put(", ");
    metrics("val", *validation, false);
  }
  return end(message);
}

bool Log::test(int64_t fold, Metrics &values, Message &message) {
  if (descriptor < 0)
    return true;
  begin(fold, 0, 0);
  metrics("test", values, false);
  return end(message);
}

bool Log::sync(Message &message) {
  return descriptor < 0 || fsync(descriptor) == 0 || errno == EINVAL ||
         errno == EROFS ||
         message.set("%s: cannot write: %s", name, strerror(errno));
}
