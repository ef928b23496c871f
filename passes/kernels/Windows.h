// Windows.h - sums over windows, each channel by itself: depthwise
// convolutions.
#pragma once
#include "passes/kernels/Nest.h"

namespace burnish {

/// A nest seen as windows that move over an image: result[outer][row][lanes] is
/// a sum over taps of image[row * step + tap * spacing][lanes] and
/// weights[tap][lanes].
struct WindowForm {
  /// Which input has the image, and which the weights.
  unsigned image, weights;
  /// Channels, which lie side by side everywhere; the loop along which windows
  /// stand side by side; the taps along it, and the other taps.
  unsigned lanes, row, taps;
  llvm::SmallVector<unsigned> outer, otherTaps;

  static llvm::FailureOr<WindowForm> of(const Nest &nest);

  /// Taps of a window, and those of them that lie along the row.
  int64_t tapCount(const Nest &nest) const;
  int64_t rowTaps(const Nest &nest) const { return nest.loops[taps].known(); }
};

} // namespace burnish
