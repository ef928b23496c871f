// Messages.cpp - what is wrong with a network, each with its line and a caret.
#include "frontend/dsl/Messages.h"

using namespace burnish;
using namespace burnish::dsl;
using llvm::StringRef;

std::string Messages::position(Span place) const {
  auto [line, column] = sources.lineAndColumn(place);
  return sources.path(place.file).str() + ":" + std::to_string(line) + ":" +
         std::to_string(column);
}

std::string Messages::excerpt(Span place) const {
  return burnish::excerpt(sources.line(place),
                          sources.lineAndColumn(place).second,
                          place.end - place.begin);
}

bool Messages::error(Span place, const llvm::Twine &reason,
                     llvm::ArrayRef<Note> notes, const llvm::Twine &remedy) {
  Problem problem;
  problem.position = position(place);
  problem.reason = reason.str();
  problem.remedy = remedy.str();
  problem.excerpt = excerpt(place);
  auto add = [&](const Note &note) {
    problem.excerpt += "\n" + position(note.place) + ": note: " + note.text +
                       excerpt(note.place);
  };
  for (const Note &note : notes)
    add(note);
  for (const Note &call : llvm::reverse(trail))
    add(call);
  return diagnostics.report(std::move(problem));
}
