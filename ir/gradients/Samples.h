// Samples.h - images read at places between their elements: each sample is a
// sum of weighed elements, its taps, and weights change with the place.
#pragma once
#include "ir/Gradients.h"

namespace burnish::nn {

/// What a sample reads along one axis: the element at `place` (a whole float),
/// its weight, and by how much that grows with the coordinate (null: not at
/// all).
struct Tap {
  mlir::Value place, weight, slope;
};

/// Samples (B, C, P) of images (B, C, elements): each of B images has P places
/// of its own, which all its channels share.
struct Samples {
  GradientBuilder &b;
  mlir::Value images;
  llvm::SmallVector<int64_t> sizes;
  /// For each spatial axis its taps, as (B, P).
  llvm::SmallVector<llvm::SmallVector<Tap>> axes;
  /// What lies outside counts as 0; else it is the nearest element.
  bool dropsOutside;
  /// Where given: for each choice of taps, whether a sample is what this reads,
  /// as (B, C, P).
  llvm::SmallVector<mlir::Value> isTaken = {};

  /// The samples themselves, and what each choice of taps adds to them.
  mlir::Value values();
  llvm::SmallVector<mlir::Value> parts();
  /// The gradients by the images and by the coordinates of each axis.
  mlir::Value byImages(mlir::Value dy);
  llvm::SmallVector<mlir::Value> byCoordinates(mlir::Value dy);

private:
  /// One choice of a tap for each axis: the flat position, and where it counts.
  struct Choice {
    mlir::Value position, isInside;
    llvm::SmallVector<const Tap *> taps;
    size_t index;
  };
  void forEach(llvm::function_ref<void(const Choice &)> visit);
  /// The positions of a choice for all channels, and the elements there.
  mlir::Value positions(const Choice &choice);
  mlir::Value elements(const Choice &choice);
  /// The product of weights, but for the slope along one axis, as (B, P); null
  /// where it is 0.
  mlir::Value factor(const Choice &choice, int64_t sloped = -1);
  /// The gradient by what a choice reads.
  mlir::Value gradientOf(const Choice &choice, mlir::Value dy) {
    return isTaken.empty() ? dy : b.masked(isTaken[choice.index], dy);
  }
};

/// The two elements around a coordinate, nearer ones weighing more.
llvm::SmallVector<Tap> linearTaps(GradientBuilder &b, mlir::Value coordinate);

/// A value in f32, or in f64 where it is that: the type of coordinates.
mlir::Value wide(GradientBuilder &b, mlir::Value value);

} // namespace burnish::nn
