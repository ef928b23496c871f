// Checkpoint.cpp - all that a run needs to go on after it was cut off.
#include "runtime/train/Checkpoint.h"
#include "file.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

using namespace burnish;

namespace {
struct Header {
  static constexpr char kMark[8] = {'B', 'R', 'N', 'C', 'H', 'K', '0', '2'};

  char mark[8];
  /// Which training it is of, and the sizes of what follows.
  uint64_t fingerprint;
  int64_t doubles, stateBytes;
  /// Of the progress and the doubles, and of this header up to here.
  uint64_t bodySum, headerSum;
};
} // namespace

static constexpr int64_t kStart = sizeof(Header) + sizeof(Progress);

Checkpoint::Checkpoint(const burnish_training &training, const char *path,
                       int64_t doubles)
    : training(training), name(path), count(doubles) {
  buffer.allocate(static_cast<uint64_t>(kStart + 8 * doubles +
                                        burnish_train_saved_bytes(&training)));
}

double *Checkpoint::doubles() const {
  return reinterpret_cast<double *>(buffer.data() + kStart);
}

bool Checkpoint::save(const Progress &progress, const void *state,
                      Message &message) {
  uint8_t *bytes = buffer.data();
  memcpy(bytes + sizeof(Header), &progress, sizeof progress);
  Header header = {};
  memcpy(header.mark, Header::kMark, sizeof header.mark);
  header.fingerprint = fingerprint(training);
  header.doubles = count;
  header.stateBytes = training.state_bytes;
  header.bodySum = checksum(bytes + sizeof(Header),
                            static_cast<int64_t>(sizeof progress) + 8 * count);
  header.headerSum = checksum(&header, offsetof(Header, headerSum));
  memcpy(bytes, &header, sizeof header);
  burnish_train_save(&training, state, bytes + kStart + 8 * count);

  OutputFile file;
  return file.open(name, message, /*isOneName=*/true) &&
         file.write(bytes, buffer.size(), message) &&
         file.commit(message, /*isDurable=*/true);
}

bool Checkpoint::load(Progress &progress, void *state, bool &isThere,
                      Message &message) {
  struct stat status;
  isThere = stat(name, &status) == 0 || errno != ENOENT;
  if (!isThere)
    return true;
  InputFile file;
  if (!file.open(name, message))
    return false;
  Header header;
  if (file.size() < sizeof header)
    return message.set("%s: is damaged: it has %llu bytes", name,
                       static_cast<unsigned long long>(file.size()));
  if (!file.read(0, &header, sizeof header, message))
    return false;
  if (memcmp(header.mark, Header::kMark, sizeof header.mark) != 0)
    return message.set("%s: is no checkpoint", name);
  if (header.headerSum != checksum(&header, offsetof(Header, headerSum)))
    return message.set("%s: is damaged: the checksum of its header is wrong",
                       name);
  if (header.fingerprint != fingerprint(training) || header.doubles != count ||
      header.stateBytes != training.state_bytes)
    return message.set("%s: is a checkpoint of another recipe or network",
                       name);
  if (file.size() != buffer.size())
    return message.set("%s: is damaged: it has %llu bytes in place of %llu",
                       name, static_cast<unsigned long long>(file.size()),
                       static_cast<unsigned long long>(buffer.size()));
  uint8_t *bytes = buffer.data();
  if (!file.read(0, bytes, buffer.size(), message))
    return false;
  if (header.bodySum !=
      checksum(bytes + sizeof header,
               static_cast<int64_t>(sizeof progress) + 8 * count))
    return message.set("%s: is damaged: the checksum of its counters is wrong",
                       name);
  if (burnish_train_load(&training, state, bytes + kStart + 8 * count,
                         burnish_train_saved_bytes(&training)) != BURNISH_OK)
    return message.set("%s: is damaged: the checksum of its state is wrong",
                       name);
  memcpy(&progress, bytes + sizeof header, sizeof progress);
  return true;
}
