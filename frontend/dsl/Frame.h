// Frame.h - the calls, blocks and scans that are open while a net is built,
// with what is known in each.
#pragma once
#include "frontend/dsl/Program.h"
#include "frontend/dsl/Term.h"
#include "ir/Shapes.h"
#include "mlir/IR/Block.h"

namespace burnish::dsl {

/// A dim of a layer, and what gave it its size.
struct BoundDim {
  nn::Dim size;
  Span place;
  std::string by;
};

/// One call of a layer.
struct Frame {
  const Layer &layer;
  Unit &unit;
  /// Before the names of its params: `lenet.c1.`.
  std::string path;
  const Frame *caller;
  llvm::StringMap<BoundDim> dims;

  Frame(const Layer &layer, Unit &unit, std::string path,
        const Frame *caller = nullptr)
      : layer(layer), unit(unit), path(std::move(path)), caller(caller) {}

  /// What `...` stands for in its types.
  std::optional<nn::Dims> rest;
  /// Labels of the calls in it, and their places; how often each layer was
  /// called without one.
  llvm::StringMap<Span> labels;
  llvm::StringMap<unsigned> calls;
};

/// The names of a block, inside those of the block around it.
struct Scope {
  explicit Scope(Scope *outer = nullptr, const Term *piped = nullptr)
      : outer(outer), piped(piped) {}

  Scope *outer;
  /// What `_` stands for.
  const Term *piped;
  llvm::StringMap<Term> values;
};

/// The index of a scan, and the tensors that are indexed by it: each becomes an
/// operand that the scan walks along an axis.
struct ScanContext {
  ScanContext(const ScanExpr &expr, mlir::Block *body, nn::Dim extent)
      : expr(expr), body(body), extent(extent) {}

  const ScanExpr &expr;
  mlir::Block *body;
  nn::Dim extent;
  struct Walked {
    mlir::Value tensor;
    int64_t axis;
    mlir::BlockArgument element;
  };
  llvm::SmallVector<Walked> walked;
  /// The dims of carried values that may change, by place.
  llvm::SmallVector<llvm::SmallVector<bool>> mayChange;
  /// The index itself, made when it is asked for.
  mlir::BlockArgument position;
  std::vector<Term> emitted;
  std::vector<int64_t> emitAxes;
  /// Carried values whose last ones are results, too, by their place.
  std::vector<unsigned> lasts;
};

} // namespace burnish::dsl
