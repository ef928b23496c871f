// Log.h - a run as lines of JSON.
#pragma once
#include "message.h"
#include "runtime/train/Metrics.h"

namespace burnish {

/// Each line is written at once and whole. A run that goes on cuts the file
/// back to where its checkpoint was, and writes the same lines again.
class Log {
public:
  ~Log();
  /// Null: there is none. `position` is where to go on.
  bool open(const char *path, int64_t position, Message &message);

  struct Step {
    int64_t fold, epoch, step;
    double loss, rate, samplesPerSecond;
  };
  bool step(const Step &step, Message &message);
  /// `validation` may be null.
  bool epoch(int64_t fold, int64_t epoch, int64_t step, double rate,
             double seconds, Metrics &train, Metrics *validation,
             Message &message);
  bool test(int64_t fold, Metrics &metrics, Message &message);

  int64_t position() const { return length; }
  bool sync(Message &message);

private:
  void begin(int64_t fold, int64_t epoch, int64_t step);
  void number(const char *name, double value);
  void metrics(const char *name, Metrics &metrics, bool isTraining);
  __attribute__((format(printf, 2, 3))) void put(const char *format, ...);
  bool end(Message &message);

  const char *name = nullptr;
  int descriptor = -1;
  int64_t length = 0;
  Pages line;
  size_t used = 0;
};

} // namespace burnish
