// file.h - reads files at any place, and writes them whole or not at all.
#pragma once
#include "memory.h"
#include "message.h"
#include <limits.h>

namespace burnish {

/// A file to read from. What is no regular file, as a pipe, is taken into
/// memory first.
class InputFile {
public:
  InputFile() = default;
  InputFile(const InputFile &) = delete;
  InputFile &operator=(const InputFile &) = delete;
  ~InputFile();

  /// `-` is standard input. `path` must outlive the file.
  bool open(const char *path, Message &message);
  /// A file that was looked at before, when it had so many bytes.
  bool openAgain(const char *path, uint64_t size, Message &message);
  /// Fills `bytes` bytes from `offset` on; the caller has checked that they lie
  /// within the size.
  bool read(uint64_t offset, void *to, uint64_t bytes, Message &message) const;

  const char *path() const { return name; }
  uint64_t size() const { return length; }

private:
  bool takeIn(Message &message);

  const char *name = nullptr;
  int descriptor = -1;
  uint64_t length = 0;
  Pages contents;
};

/// A file to write: beside its place under another name until `commit`, and
/// gone if that never comes. A place that holds a device or a pipe is written
/// to directly.
class OutputFile {
public:
  OutputFile() = default;
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;
  ~OutputFile();

  /// Beside its place it has a name of this process, which others that write
  /// the same file do not disturb; or `isOneName`: always the place's with
  /// ".new", so that a program that is killed again and again leaves one file
  /// at most.
  bool open(const char *path, Message &message, bool isOneName = false);
  bool write(const void *bytes, uint64_t count, Message &message);
  /// A durable file is on the disk before it takes its place, and its place
  /// before this returns: after a power cut there is the old file or the new.
  bool commit(Message &message, bool isDurable = false);

  uint64_t size() const { return written; }

private:
  bool flush(Message &message);
  bool writeOut(const uint8_t *bytes, uint64_t count, Message &message);

  const char *name = nullptr;
  int descriptor = -1;
  uint64_t written = 0, buffered = 0;
  /// Where the file goes, links followed; and where it is until then, "" for
  /// one written in place.
  char target[PATH_MAX] = "", temporary[PATH_MAX] = "";
  uint8_t buffer[4096];
};

} // namespace burnish
