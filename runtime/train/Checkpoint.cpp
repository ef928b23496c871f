// Checkpoint.cpp - all that a run needs to go on after it was cut off.
#include "runtime/train/Checkpoint.h"
#include "file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace burnish;

namespace {
struct Header {
  static constexpr char kMark[8] = {'B', 'R', 'N', 'C', 'H', 'K', '0', '1'};

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

/// So that the new name outlives a loss of power as well.
static void syncFolderOf(const char *path) {
  char folder[PATH_MAX] = ".";
  if (const char *slash = strrchr(path, '/'))
    snprintf(folder, sizeof folder, "%.*s",
             static_cast<int>(slash == path ? 1 : slash - path), path);
  int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0)
    return;
  fsync(descriptor);
  close(descriptor);
}

static bool writeAll(int descriptor, const uint8_t *bytes, uint64_t count) {
  while (count > 0) {
    ssize_t put =
        write(descriptor, bytes, count < (1u << 30) ? count : 1u << 30);
    if (put < 0 && errno == EINTR)
      continue;
    if (put <= 0)
      return false;
    bytes += put;
    count -= static_cast<uint64_t>(put);
  }
  return true;
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

  // Always the same name, so that a run that is killed here leaves one at most.
  char beside[PATH_MAX];
  if (snprintf(beside, sizeof beside, "%s.new", name) >=
      static_cast<int>(sizeof beside))
    return message.set("%s: cannot write: %s", name, strerror(ENAMETOOLONG));
  int descriptor = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  bool isWritten = descriptor >= 0 &&
                   writeAll(descriptor, bytes, buffer.size()) &&
                   fsync(descriptor) == 0;
  int error = errno;
  if (descriptor >= 0 && close(descriptor) != 0 && isWritten) {
    isWritten = false;
    error = errno;
  }
  if (isWritten && rename(beside, name) != 0) {
    isWritten = false;
    error = errno;
  }
  if (!isWritten) {
    if (descriptor >= 0)
      unlink(beside);
    return message.set("%s: cannot write the checkpoint: %s", name,
                       strerror(error));
  }
  syncFolderOf(name);
  return true;
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
