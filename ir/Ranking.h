// Ranking.h - the greatest of many elements, and their order, by keys.
#pragma once
#include "ir/Loops.h"

namespace burnish::nn {

/// Integers without sign that are in the order of elements of one type: NaN is
/// the greatest, both zeros are equal. Of the least elements when these come
/// first, so that the greatest key always does.
class Keys {
public:
  Keys(mlir::Type elementType, bool isLargest)
      : elementType(elementType), isLargest(isLargest) {}

  /// Of 16, 32 or 64 bits.
  mlir::IntegerType type() const;
  /// The key of a scalar as it is computed with.
  mlir::Value of(mlir::ImplicitLocOpBuilder &builder,
                 mlir::Value element) const;
  mlir::Value isGreater(mlir::ImplicitLocOpBuilder &builder, mlir::Value left,
                        mlir::Value right) const;

private:
  mlir::Type elementType;
  bool isLargest;
};

/// Keys and the places that they come from, with memory to rank them: what
/// loops carry.
struct Ranks {
  mlir::Value keys, places, spareKeys, sparePlaces, counts;

  /// Memory for so many.
  static Ranks make(Lowering &lowering, const Keys &keys,
                    mlir::OpFoldResult room);
  static Ranks of(mlir::ValueRange carried) {
    return {carried[0], carried[1], carried[2], carried[3], carried[4]};
  }
  static constexpr size_t kCarried = 5;
  llvm::SmallVector<mlir::Value> carried() const {
    return {keys, places, spareKeys, sparePlaces, counts};
  }

  /// With a key and its place at the end of the first `count`.
  Ranks with(mlir::ImplicitLocOpBuilder &builder, mlir::Value count,
             mlir::Value key, mlir::Value place) const;
  mlir::Value placeAt(mlir::ImplicitLocOpBuilder &builder,
                      mlir::Value index) const;

  /// Keeps `wanted` of the first `count`, which stay in their order: those with
  /// the greatest keys, of equal ones the first. Also gives a key that is not
  /// greater than any that is kept, so that none below it would be.
  std::pair<Ranks, mlir::Value> select(mlir::ImplicitLocOpBuilder &builder,
                                       mlir::Value count,
                                       mlir::Value wanted) const;
  /// The first `count` from the greatest key to the least, equal ones as they
  /// stood.
  Ranks sort(mlir::ImplicitLocOpBuilder &builder, mlir::Value count) const;
};

} // namespace burnish::nn
