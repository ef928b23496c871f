// BoundPairs.cpp - weights of which pairs of products with bytes fit 16 bits.
#include "passes/loops/BoundPairs.h"
#include "llvm/Support/MathExtras.h"
#include <cstdlib>
#include <cstring>

using namespace burnish;

/// Steps that lie side by side in a lane.
static constexpr int64_t kSteps = 4;
/// 255 * 128 and 255 * -128 fit 16 bits.
static constexpr int kMostOfPair = 128;

/// By how much a pair goes too far; with the sign in which it does. Bytes of
/// two signs never do.
static int tooMuch(int first, int second) {
  if (first > 0 && second > 0)
    return std::max(0, first + second - kMostOfPair);
  if (first < 0 && second < 0)
    return std::min(0, first + second + kMostOfPair);
  return 0;
}

namespace {
/// The lanes of one vector of a tile.
class Lanes {
public:
  Lanes(int8_t *first, int64_t tile, int64_t width, int64_t line)
      : first(first), tile(tile), width(width), line(line) {}

  /// Takes what is too much out of `steps` steps.
  void bound(int64_t steps) {
    for (int64_t begin = 0; begin < steps; begin += line)
      for (int64_t pair = begin; pair < begin + line;)
        if (isTooMuch(pair))
          takeOut(pair, begin + line);
        else
          pair += 2;
  }

  llvm::SmallVector<int32_t> places;
  llvm::SmallVector<int8_t> taken;

private:
  int8_t &at(int64_t step, int64_t lane) {
    return first[(step / kSteps * tile + lane) * kSteps + step % kSteps];
  }
  int tooMuchAt(int64_t pair, int64_t lane) {
    return tooMuch(at(pair, lane), at(pair + 1, lane));
  }
  bool isTooMuch(int64_t pair) {
    for (int64_t lane = 0; lane < width; ++lane)
      if (tooMuchAt(pair, lane))
        return true;
    return false;
  }

  /// Either of a pair has as much as is too much. An entry begins with the
  /// second of its first pair, so that it reaches a third one.
  void takeOut(int64_t pair, int64_t end) {
    int64_t start = std::min(pair + 1, end - kSteps);
    llvm::SmallVector<int8_t> entry(width * kSteps, 0);
    for (int64_t lane = 0; lane < width; ++lane) {
      int8_t *own = &entry[lane * kSteps];
      for (int64_t step = start; step < start + kSteps; ++step) {
        int excess = tooMuchAt(step / 2 * 2, lane);
        int8_t &here = own[step - start], &beside = own[(step - start) ^ 1];
        if (excess == 0 || tooMuch(excess, beside))
          continue;
        here = static_cast<int8_t>(excess);
        at(step, lane) -= excess;
      }
    }
    places.push_back(static_cast<int32_t>(start));
    taken.append(entry);
  }

  int8_t *first;
  int64_t tile, width, line;
};
} // namespace

std::optional<Excess> burnish::boundPairs(llvm::MutableArrayRef<char> packed,
                                          int64_t tiles, int64_t tile,
                                          int64_t width, int64_t line) {
  int64_t bytes = packed.size() / tiles, steps = bytes / tile, most = 0;
  llvm::SmallVector<Lanes> vectors;
  for (int64_t lane = 0; lane < tiles * tile; lane += width) {
    auto *first = reinterpret_cast<int8_t *>(packed.data()) +
                  lane / tile * bytes + lane % tile * kSteps;
    vectors.emplace_back(first, tile, width, line).bound(steps);
    most = std::max<int64_t>(most, vectors.back().places.size());
  }
  if (most == 0)
    return std::nullopt;
  // Kernels of one shape are one function more often when these numbers are the
  // same.
  constexpr int64_t kParts = 32;
  Excess excess;
  excess.most = llvm::alignTo(most, std::max<int64_t>(1, steps / kParts));
  int64_t entry = width * kSteps;
  excess.bytes.resize(vectors.size() * excess.most * entry);
  llvm::SmallVector<int32_t> places(vectors.size() * (1 + excess.most));
  for (auto [index, own] : llvm::enumerate(vectors)) {
    std::memcpy(excess.bytes.data() + index * excess.most * entry,
                own.taken.data(), own.taken.size());
    int32_t *to = places.data() + index * (1 + excess.most);
    *to = static_cast<int32_t>(own.places.size());
    llvm::copy(own.places, to + 1);
  }
  excess.places.resize(places.size() * sizeof(int32_t));
  std::memcpy(excess.places.data(), places.data(), excess.places.size());
  return excess;
}
