// Sources.cpp - the texts of the files of a network, and places in them.
#include "frontend/dsl/Sources.h"
#include <algorithm>

using namespace burnish::dsl;
using llvm::StringRef;

uint32_t Sources::add(StringRef path,
                      std::unique_ptr<llvm::MemoryBuffer> text) {
  File file{path.str(), std::move(text), {0}};
  StringRef all = file.buffer->getBuffer();
  for (size_t at = all.find('\n'); at != StringRef::npos;
       at = all.find('\n', at + 1))
    file.lineStarts.push_back(at + 1);
  files.push_back(std::move(file));
  return files.size() - 1;
}

std::pair<unsigned, unsigned> Sources::lineAndColumn(Span span) const {
  const std::vector<uint32_t> &starts = files[span.file].lineStarts;
  auto next = std::upper_bound(starts.begin(), starts.end(), span.begin);
  return {next - starts.begin(), span.begin - *std::prev(next) + 1};
}

StringRef Sources::line(Span span) const {
  unsigned number = lineAndColumn(span).first;
  StringRef rest =
      text(span.file).drop_front(files[span.file].lineStarts[number - 1]);
  return rest.take_until([](char c) { return c == '\n' || c == '\r'; });
}
