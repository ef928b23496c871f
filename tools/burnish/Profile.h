// Profile.h - where the time of a run goes.
#pragma once
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <optional>
#include <string>
#include <vector>

namespace burnish {

/// What the machine was seen to do at most: billions of operations and
/// gigabytes a second, and how much its caches hold.
struct Roofline {
  double gflops = 0, byteGops = 0, l2 = 0, l3 = 0, memory = 0;
  double l2Bytes = 0, l3Bytes = 0;
  /// Weights and workspace: what a run goes through before it comes back to a
  /// weight.
  double runBytes = 0;

  struct Level {
    llvm::StringRef name;
    double bandwidth;
  };
  /// Where so many bytes lie that are used again and again.
  Level levelOf(double bytes) const;
};

/// A kernel, or another loop nest, at one place of the model's code or at
/// several: in one run all together.
struct KernelTime {
  std::string kernel, where, shape, partOf;
  double operations = 0, byteOperations = 0, plainOperations = 0;
  double bytes = 0, constantBytes = 0;
  double calls = 0, ms = 0, leastMs = 0;
  int64_t places = 1;

  /// Milliseconds that the operations take at the peak, and the bytes at the
  /// bandwidth of where they lie.
  double operationsMs(const Roofline &machine) const;
  double bytesMs(const Roofline &machine) const;
  /// Adds the work and the time of another.
  KernelTime &operator+=(const KernelTime &other);
};

struct Profile {
  Roofline machine;
  double medianMs = 0, portBytes = 0, weightsBytes = 0;
  /// In the order of the model's code.
  std::vector<KernelTime> places;

  /// From what a program printed for --bench; nothing when there is no profile
  /// in it.
  static std::optional<Profile> of(const llvm::json::Object &result);
  /// Places with the same function together, the longest first.
  std::vector<KernelTime> kernels() const;
};

/// The table for `burnish bench --profile`.
void printProfile(const llvm::json::Object &result, llvm::raw_ostream &out);

} // namespace burnish
