// Messages.h - what is wrong with a network, each with its line and a caret.
#pragma once
#include "frontend/Diagnostics.h"
#include "frontend/dsl/Sources.h"
#include "llvm/ADT/SmallVector.h"

namespace burnish::dsl {

/// A second place that a message speaks of.
struct Note {
  Span place;
  std::string text;
};

/// Turns places into messages of the compile:
///
///   net.nn:7:12: error: unknown name 'wieght'; did you mean 'weight'
///       x @ wieght
///           ^~~~~~
class Messages {
public:
  Messages(const Sources &sources, Diagnostics &diagnostics)
      : sources(sources), diagnostics(diagnostics) {}

  /// Always false, so that `return messages.error(...)` reads well. Notes that
  /// hold for everything reported now, such as the calls that led here, follow
  /// those given.
  bool error(Span place, const llvm::Twine &reason,
             llvm::ArrayRef<Note> notes = {}, const llvm::Twine &remedy = "");
  bool hasErrors() const { return diagnostics.hasErrors(); }
  size_t count() const {
    return diagnostics.problems().size() + diagnostics.leftOut();
  }

  /// The calls that are being followed, outermost first.
  llvm::SmallVector<Note> trail;

  const Sources &sources;

private:
  std::string excerpt(Span place) const;
  std::string position(Span place) const;

  Diagnostics &diagnostics;
};

} // namespace burnish::dsl
