// Diagnostics.cpp - collects what is wrong with a model, so that one run
// reports everything.
#include "frontend/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"

using namespace llvm;

namespace burnish {

// The length of the UTF-8 sequence at the start of `text`, or 0 where there is
// none that a terminal can show.
static size_t utf8Length(StringRef text) {
  unsigned length = getNumBytesForUTF8(static_cast<UTF8>(text.front()));
  auto *begin = reinterpret_cast<const UTF8 *>(text.data());
  return length > 1 && length <= text.size() &&
                 isLegalUTF8Sequence(begin, begin + length)
             ? length
             : 0;
}

// Moves the first character of `rest` to the end of `result`, escaped where a
// terminal would not show it.
static void takeCharacter(StringRef &rest, std::string &result) {
  char c = rest.front();
  size_t length = 1;
  if (c == '\n') {
    result += "\\n";
  } else if (c >= 0x20 && c < 0x7f) {
    result += c;
  } else if (size_t sequence = utf8Length(rest);
             sequence && static_cast<unsigned char>(c) >= 0xc3) {
    // From U+00C0 on: the controls of U+0080 to U+009F stay escaped.
    length = sequence;
    result += rest.take_front(length);
  } else {
    result += "\\x" + toHex(StringRef(&c, 1), /*LowerCase=*/true);
  }
  rest = rest.drop_front(length);
}

std::string quoted(StringRef name) {
  constexpr size_t kLongest = 80;
  std::string result = "'";
  StringRef rest = name;
  while (!rest.empty() && name.size() - rest.size() < kLongest) {
    if (rest.front() == '\'' || rest.front() == '\\')
      result += '\\';
    takeCharacter(rest, result);
  }
  result += "'";
  if (!rest.empty())
    result += "... (" + std::to_string(name.size()) + " bytes)";
  return result;
}

std::string legible(StringRef text) {
  constexpr size_t kLongest = 2000, kTail = 200;
  std::string result;
  StringRef rest = text;
  while (!rest.empty()) {
    size_t done = text.size() - rest.size();
    if (text.size() > kLongest + kTail && done >= kLongest) {
      result +=
          "... (" + std::to_string(rest.size() - kTail) + " bytes more) ...";
      rest = text.take_back(kTail);
      text = rest;
    }
    takeCharacter(rest, result);
  }
  return result;
}

std::string excerpt(StringRef line, size_t column, size_t width) {
  // A line of a megabyte helps nobody: what is shown begins near the place.
  constexpr size_t kWidest = 160, kBefore = 60;
  --column;
  size_t from =
      line.size() > kWidest && column > kBefore ? column - kBefore : 0;
  line = line.substr(from, kWidest);
  column -= from;
  width = std::clamp<size_t>(width, 1,
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

std::string nearest(StringRef name, ArrayRef<StringRef> known) {
  // A third of a name may be wrong: `frist` is first, `x` is not `y`.
  unsigned least = std::max<size_t>(1, (name.size() + 1) / 3) + 1;
  StringRef best;
  // `acc` begins accuracy, and ReLU is relu in large letters.
  for (StringRef each : known)
    if (name.size() > 2 && each.starts_with(name) && best.empty())
      least = 1, best = each;
  for (StringRef each : known)
    if (unsigned distance = name.edit_distance_insensitive(each, true, least);
        distance < least)
      least = distance, best = each;
  return best.empty() || name.size() < 2
             ? ""
             : "; did you mean '" + best.str() + "'";
}

bool Diagnostics::error(const Twine &where, const Twine &reason,
                        const Twine &remedy) {
  Problem problem;
  problem.where = where.str();
  problem.reason = reason.str();
  problem.remedy = remedy.str();
  return report(std::move(problem));
}

bool Diagnostics::report(Problem problem) {
  // What a reason quotes may be as long as the file.
  problem.reason = legible(problem.reason);
  if (found.size() >= kLimit)
    ++surplus;
  else if (said.insert(message(problem)).second)
    found.push_back(std::move(problem));
  return false;
}

void Diagnostics::takeBack(Mark mark) {
  for (const Problem &problem : ArrayRef(found).drop_front(mark))
    said.erase(message(problem));
  found.resize(mark);
}

std::string Diagnostics::message(const Problem &problem) const {
  std::string text =
      problem.position.empty() ? file + ": " : problem.position + ": error: ";
  if (!problem.where.empty())
    text += problem.where + ": ";
  text += problem.reason;
  if (!problem.remedy.empty())
    text += "; " + problem.remedy;
  return text + problem.excerpt;
}

} // namespace burnish
