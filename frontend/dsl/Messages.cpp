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
  // A line of a megabyte helps nobody: what is shown begins near the place.
  constexpr size_t kWidest = 160, kBefore = 60;
  StringRef line = sources.line(place);
  size_t column = sources.lineAndColumn(place).second - 1;
  size_t from =
      line.size() > kWidest && column > kBefore ? column - kBefore : 0;
  line = line.substr(from, kWidest);
  column -= from;
  size_t width =
      std::clamp<size_t>(place.end - place.begin, 1,
                         line.size() > column ? line.size() - column : 1);
  std::string text = "\n    ", carets = "\n    ";
  for (char c : line)
    text += c == '\t' || (c >= 0 && c < 0x20) || c == 0x7f ? ' ' : c;
  // A character of several bytes is one column on a terminal.
  for (size_t i = 0; i < column && i < line.size(); ++i)
    if ((line[i] & 0xC0) != 0x80)
      carets += ' ';
  carets += '^';
  for (size_t i = column + 1; i < column + width && i < line.size(); ++i)
    if ((line[i] & 0xC0) != 0x80)
      carets += '~';
  return text + carets;
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
