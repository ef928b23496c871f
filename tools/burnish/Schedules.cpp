// Schedules.cpp - files with schedules that were measured.
#include "tools/burnish/Schedules.h"
#include "codegen/Output.h"
#include "passes/schedules/Table.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace burnish;
using llvm::StringRef;

static constexpr StringRef kFirstLine = "burnish schedules 1";
static constexpr StringRef kArrow = " -> ";

std::string Schedules::nameOf(const Target &target) {
  return target.triple.getArchName().str() + "-" + target.cpu + "-" +
         std::to_string(target.vectorBits) +
         (target.isDeterministic ? "-deterministic" : "");
}

llvm::Expected<Schedules> Schedules::parse(StringRef file, StringRef text) {
  Schedules schedules;
  size_t number = 0;
  auto wrong = [&](const char *what) {
    return llvm::createStringError("%s:%zu: %s", file.str().c_str(), number,
                                   what);
  };
  while (!text.empty()) {
    StringRef line;
    std::tie(line, text) = text.split('\n');
    line = line.rtrim("\r");
    if (++number == 1) {
      if (line != kFirstLine)
        return wrong("is no file of schedules; these begin with 'burnish "
                     "schedules 1'");
      continue;
    }
    if (line.trim().empty() || line.starts_with("#"))
      continue;
    auto [target, rest] = line.split(": ");
    auto [shape, schedule] = rest.split(kArrow);
    if (target.empty() || target.contains(' ') || schedule.empty())
      return wrong("is not 'TARGET: SHAPE -> SCHEDULE'");
    StringRef kind = shape.split(' ').first;
    if (kind != "product" && kind != "elements" && kind != "convolution")
      return wrong("has a shape that is none of product, elements and "
                   "convolution");
    if (!isScheduleText(schedule))
      return wrong("has a schedule that is not words like rows=4");
    if (!schedules.tables[target.str()]
             .try_emplace(shape.str(), schedule.str())
             .second)
      return wrong("has the shape of an earlier line");
  }
  if (number == 0)
    return wrong("is empty; files of schedules begin with 'burnish schedules "
                 "1'");
  return schedules;
}

llvm::Expected<Schedules> Schedules::read(StringRef file, bool mayBeNew) {
  if (file.empty() || (mayBeNew && !llvm::sys::fs::exists(file)))
    return Schedules();
  auto buffer = llvm::MemoryBuffer::getFile(file);
  if (!buffer)
    return fileError(file, buffer.getError());
  return parse(file, (*buffer)->getBuffer());
}

std::string Schedules::text() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << kFirstLine << "\n";
  for (const auto &[target, table] : tables)
    for (const auto &[shape, schedule] : table)
      os << target << ": " << shape << kArrow << schedule << "\n";
  return text;
}
