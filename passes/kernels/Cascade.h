// Cascade.h - products and windows that follow each other, line by line.
#pragma once
#include "passes/kernels/Nest.h"

namespace burnish {

/// A kernel of a cascade, and its loops over images and over their lines; these
/// are absent where there is one.
struct CascadeStage {
  nn::KernelOp kernel;
  Nest nest;
  std::optional<unsigned> image, line;

  /// Loops over one line.
  Nest lineNest(mlir::ImplicitLocOpBuilder *builder, mlir::Value imageIndex,
                mlir::Value lineIndex) const;
};

/// A kernel whose region has kernels: a product that makes the lines of images
/// [image, line, place, channel] (the producer), windows over these with a
/// border around them, and a product of each line of the windows' results (the
/// consumer). Only as many lines as a window is high are kept of the first, and
/// one of the second. Producer or consumer may be absent. Where there is no
/// consumer, each line of the windows' results may be added up over its places
/// (`sums`) while it is near, which is a second result [image, line, channel].
struct Cascade {
  /// Layouts are those of the kernel's operands; null builder: as in Nest::of.
  static llvm::FailureOr<Cascade> of(nn::KernelOp kernel,
                                     Nest::LayoutOf layoutOf,
                                     mlir::ImplicitLocOpBuilder *builder);

  std::optional<CascadeStage> producer, consumer, sums;
  CascadeStage windows;
  /// Images, and lines of the windows' results in each.
  int64_t images, lines;
  /// From window to window, from tap to tap, and the taps; in lines.
  int64_t step, spacing, taps;
  /// Lines that the producer makes, and the border before them and before and
  /// after the places of each, with what is in it (null: there is none).
  int64_t made, top = 0, left = 0, right = 0;
  mlir::TypedAttr border;
  /// Places of a line with its border, its channels, and elements of a line of
  /// the windows' results.
  int64_t places, channels, resultSize;

  /// Lines that are kept.
  int64_t kept() const { return (taps - 1) * spacing + 1; }
  int64_t lineSize() const { return places * channels; }
  /// Bytes of what is kept, in the frame of each thread.
  int64_t frameBytes() const;
};

/// Of more, threads of any kind may have too little.
constexpr int64_t kCascadeBytes = 384 << 10;

/// Fills the present function; a task is one line of one image.
void makeCascade(mlir::ImplicitLocOpBuilder &b, nn::KernelOp kernel,
                 llvm::ArrayRef<mlir::Value> data,
                 llvm::ArrayRef<Layout> layouts, mlir::Value begin,
                 mlir::Value end);
int64_t tasksOfCascade(nn::KernelOp kernel);
std::string nameOfCascade(nn::KernelOp kernel);

} // namespace burnish
