// file.cpp - reads files at any place, and writes them whole or not at all.
#include "file.h"
#include "text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace burnish;

// Linux transfers at most 2 GB in one call.
static size_t chunk(uint64_t bytes) {
  return bytes < (1u << 30) ? static_cast<size_t>(bytes) : 1u << 30;
}

//===- reading ---===//

InputFile::~InputFile() {
  if (descriptor > STDIN_FILENO)
    close(descriptor);
}

bool InputFile::open(const char *path, Message &message) {
  bool isStdin = strcmp(path, "-") == 0;
  name = isStdin ? "<stdin>" : path;
  descriptor = isStdin ? STDIN_FILENO : ::open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (descriptor < 0 || fstat(descriptor, &status) != 0)
    return message.set("%s: cannot open: %s", name, strerror(errno));
  if (S_ISDIR(status.st_mode))
    return message.set("%s: is a folder", name);
  if (!S_ISREG(status.st_mode))
    return takeIn(message);
  length = static_cast<uint64_t>(status.st_size);
  return true;
}

bool InputFile::openAgain(const char *path, uint64_t size, Message &message) {
  return open(path, message) &&
         (length == size || message.set("%s: changed while it was read", name));
}

bool InputFile::takeIn(Message &message) {
  for (;;) {
    if (length == contents.size()) {
      Pages larger;
      // Both are there while the one is copied.
      if (!mayFit(length * 3) ||
          !larger.allocate(length ? length * 2 : 1 << 16))
        return message.set("%s: no memory for more than %llu bytes", name,
                           static_cast<unsigned long long>(length));
      if (length)
        memcpy(larger.data(), contents.data(), length);
      contents.swap(larger);
    }
    ssize_t got = ::read(descriptor, contents.data() + length,
                         chunk(contents.size() - length));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return message.set("%s: cannot read: %s", name, strerror(errno));
    if (got == 0)
      return true;
    length += static_cast<uint64_t>(got);
  }
}

bool InputFile::read(uint64_t offset, void *to, uint64_t bytes,
                     Message &message) const {
  if (contents.data()) {
    if (bytes)
      memcpy(to, contents.data() + offset, bytes);
    return true;
  }
  for (uint8_t *next = static_cast<uint8_t *>(to); bytes > 0;) {
    ssize_t got =
        pread(descriptor, next, chunk(bytes), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return message.set("%s: cannot read: %s", name, strerror(errno));
    if (got == 0)
      return message.set("%s: became shorter while it was read", name);
    next += got;
    offset += static_cast<uint64_t>(got);
    bytes -= static_cast<uint64_t>(got);
  }
  return true;
}

//===- writing ---===//

OutputFile::~OutputFile() {
  if (descriptor >= 0)
    close(descriptor);
  if (temporary[0])
    unlink(temporary);
}

bool OutputFile::open(const char *path, Message &message, bool isOneName) {
  name = path;
  struct stat status;
  bool isThere = stat(path, &status) == 0;
  if (isThere && S_ISDIR(status.st_mode))
    return message.set("%s: is a folder", name);
  if (isThere && !S_ISREG(status.st_mode)) {
    descriptor = ::open(path, O_WRONLY | O_CLOEXEC);
    return descriptor >= 0 ||
           message.set("%s: cannot write: %s", name, strerror(errno));
  }
  // A file that may not be written stays as it is, though its folder would let
  // us put another in its place.
  if (isThere && access(path, W_OK) != 0)
    return message.set("%s: cannot write: %s", name, strerror(errno));
  Text place(target);
  if (isThere ? !realpath(path, target) : !(place << path).fits())
    return message.set("%s: cannot write: %s", name,
                       strerror(isThere ? errno : ENAMETOOLONG));

  for (int attempt = 0; attempt < 100; ++attempt) {
    Text text(temporary);
    if (isOneName)
      text << target << ".new";
    else
      text << target << "." << int64_t(syscall(SYS_getpid)) << "-"
           << int64_t(attempt);
    if (!text.fits()) {
      temporary[0] = 0;
      return message.set("%s: cannot write: %s", name, strerror(ENAMETOOLONG));
    }
    descriptor =
        ::open(temporary,
               O_WRONLY | O_CREAT | O_CLOEXEC | (isOneName ? O_TRUNC : O_EXCL),
               isThere ? status.st_mode & 0777 : 0666);
    if (descriptor >= 0)
      return true;
    if (errno != EEXIST)
      break;
  }
  temporary[0] = 0;
  return message.set("%s: cannot write: %s", name, strerror(errno));
}

bool OutputFile::writeOut(const uint8_t *bytes, uint64_t count,
                          Message &message) {
  while (count > 0) {
    ssize_t put = ::write(descriptor, bytes, chunk(count));
    if (put < 0 && errno == EINTR)
      continue;
    if (put <= 0)
      return message.set("%s: cannot write: %s", name,
                         strerror(put < 0 ? errno : EIO));
    bytes += put;
    count -= static_cast<uint64_t>(put);
  }
  return true;
}

bool OutputFile::flush(Message &message) {
  uint64_t count = buffered;
  buffered = 0;
  return writeOut(buffer, count, message);
}

bool OutputFile::write(const void *bytes, uint64_t count, Message &message) {
  written += count;
  if (count > sizeof buffer - buffered && !flush(message))
    return false;
  if (count > sizeof buffer)
    return writeOut(static_cast<const uint8_t *>(bytes), count, message);
  if (count)
    memcpy(buffer + buffered, bytes, count);
  buffered += count;
  return true;
}

/// Puts the entry of a file in its folder on the disk.
static bool syncFolder(const char *path) {
  char folder[PATH_MAX];
  const char *slash = strrchr(path, '/');
  size_t length = slash ? static_cast<size_t>(slash - path) + 1 : 0;
  memcpy(folder, path, length);
  folder[length] = 0;
  int descriptor = ::open(length ? folder : ".", O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return false;
  // EINVAL: a file system that knows no such thing.
  bool isDone = fsync(descriptor) == 0 || errno == EINVAL;
  close(descriptor);
  return isDone;
}

bool OutputFile::commit(Message &message, bool isDurable) {
  if (!flush(message))
    return false;
  isDurable &= temporary[0] != 0;
  if (isDurable && fsync(descriptor) != 0)
    return message.set("%s: cannot write: %s", name, strerror(errno));
  // Some file systems tell only now that they are full.
  int closed = close(descriptor);
  descriptor = -1;
  if (closed != 0)
    return message.set("%s: cannot write: %s", name, strerror(errno));
  if (temporary[0] && rename(temporary, target) != 0)
    return message.set("%s: cannot write: %s", name, strerror(errno));
  temporary[0] = 0;
  if (isDurable && !syncFolder(target))
    return message.set("%s: cannot write: %s", name, strerror(errno));
  return true;
}
