// Saved.cpp - a state as bytes that another run can check. Takes no memory.
#include "runtime/train/Recipe.h"

using namespace burnish;

namespace {
/// What stands before the state. Numbers are in the order of this machine's
/// bytes, and the mark shows which that is.
struct Header {
  static constexpr uint64_t kMark = 0x31455441'54535242u;

  uint64_t mark, fingerprint;
  int64_t stateBytes;
  /// Of the state, and of what stands above.
  uint64_t stateSum, headerSum;
  uint64_t reserved[3];
};
static_assert(sizeof(Header) == 64);
} // namespace

int64_t burnish_train_saved_bytes(const burnish_training *training) {
  return static_cast<int64_t>(sizeof(Header)) + training->state_bytes;
}

void burnish_train_save(const burnish_training *training, const void *state,
                        void *buffer) {
  Header header = {};
  header.mark = Header::kMark;
  header.fingerprint = fingerprint(*training);
  header.stateBytes = training->state_bytes;
  header.stateSum = checksum(state, training->state_bytes);
  header.headerSum = checksum(&header, offsetof(Header, headerSum));
  __builtin_memcpy(buffer, &header, sizeof header);
  __builtin_memcpy(static_cast<char *>(buffer) + sizeof header, state,
                   static_cast<size_t>(training->state_bytes));
}

int32_t burnish_train_load(const burnish_training *training, void *state,
                           const void *buffer, int64_t bytes) {
  Header header;
  if (bytes != burnish_train_saved_bytes(training))
    return BURNISH_BAD_VALUE;
  __builtin_memcpy(&header, buffer, sizeof header);
  const char *saved = static_cast<const char *>(buffer) + sizeof header;
  bool isWhole =
      header.mark == Header::kMark &&
      header.headerSum == checksum(&header, offsetof(Header, headerSum)) &&
      header.fingerprint == fingerprint(*training) &&
      header.stateBytes == training->state_bytes &&
      header.stateSum == checksum(saved, training->state_bytes);
  for (uint64_t word : header.reserved)
    isWhole &= word == 0;
  if (!isWhole)
    return BURNISH_BAD_VALUE;
  __builtin_memcpy(state, saved, static_cast<size_t>(training->state_bytes));
  return BURNISH_OK;
}
