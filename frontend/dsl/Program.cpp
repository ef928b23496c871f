// Program.cpp - the files of a network, read, and what each name in them is.
#include "frontend/dsl/Program.h"
#include "frontend/dsl/Lexer.h"
#include "frontend/dsl/Parser.h"
#include "frontend/dsl/Standard.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace burnish;
using namespace burnish::dsl;
using llvm::StringRef;

/// Files of one network: more use each other by accident.
static constexpr size_t kMostFiles = 64;

std::string dsl::besides(StringRef file, StringRef name) {
  if (llvm::sys::path::is_absolute(name))
    return name.str();
  llvm::SmallString<128> path(llvm::sys::path::parent_path(file));
  llvm::sys::path::append(path, name);
  return path.str().str();
}

Unit &Program::add(uint32_t source, bool isStandard) {
  units.push_back(std::make_unique<Unit>());
  Unit &unit = *units.back();
  unit.isStandard = isStandard;
  unit.file = parse(sources, source, messages);
  declare(unit);
  return unit;
}

void Program::declare(Unit &unit) {
  llvm::StringMap<Span> seen;
  auto isNew = [&](Ident name) {
    auto [entry, isNew] = seen.try_emplace(name.text, name.span);
    if (!isNew)
      messages.error(name.span,
                     "a second " + quoted(name.text) + " in this file",
                     {{entry->second, "the first is here"}});
    return isNew;
  };
  for (const auto &layer : unit.file.layers)
    if (isNew(layer->name))
      unit.layers[layer->name.text] = layer.get();
  for (const Import &import : unit.file.imports)
    if (isNew(import.name))
      unit.imports[import.name.text] = &import;
  for (const auto &each : unit.file.derivatives) {
    auto [entry, isFirst] =
        unit.derivatives.try_emplace(each->layer.text, each.get());
    if (!isFirst)
      messages.error(each->span,
                     "a second derivative of " + quoted(each->layer.text),
                     {{entry->second->span, "the first is here"}});
  }
}

Unit &Program::standard() {
  if (library)
    return *library;
  // One unit for all files of the library, so that they know each other.
  units.push_back(std::make_unique<Unit>());
  library = units.back().get();
  library->isStandard = true;
  for (const StandardFile &file : standardFiles()) {
    uint32_t source = sources.add(
        file.name, llvm::MemoryBuffer::getMemBuffer(file.text, file.name));
    File parsed = parse(sources, source, messages);
    for (auto &layer : parsed.layers)
      library->file.layers.push_back(std::move(layer));
    for (auto &derivative : parsed.derivatives)
      library->file.derivatives.push_back(std::move(derivative));
  }
  declare(*library);
  return *library;
}

void Program::use(Unit &unit, const Use &use) {
  if (!use.isFile) {
    if (use.name.text == "std")
      unit.uses.push_back(&standard());
    else
      messages.error(use.name.span,
                     quoted(use.name.text) + " is no library" +
                         nearest(use.name.text, {"std"}),
                     {}, "use std, or use \"file.nn\"");
    return;
  }
  std::string path = besides(sources.path(unit.file.source), use.name.text);
  if (llvm::is_contained(open, path)) {
    messages.error(use.name.span, quoted(use.name.text) +
                                      " uses this file: files that use each "
                                      "other in a circle have no beginning");
    return;
  }
  if (Unit *known = byPath.lookup(path)) {
    unit.uses.push_back(known);
    return;
  }
  if (units.size() >= kMostFiles) {
    messages.error(use.name.span, "a network is made of at most " +
                                      llvm::Twine(kMostFiles) + " files");
    return;
  }
  // Devices and pipes might never end.
  if (llvm::sys::fs::exists(path) && !llvm::sys::fs::is_regular_file(path)) {
    messages.error(use.name.span, quoted(path) + " is no file");
    return;
  }
  auto text = llvm::MemoryBuffer::getFile(path);
  if (!text) {
    messages.error(use.name.span,
                   quoted(path) + ": " + text.getError().message());
    return;
  }
  unit.uses.push_back(&load(path, std::move(*text)));
}

Unit &Program::load(StringRef path, std::unique_ptr<llvm::MemoryBuffer> text) {
  Unit &unit = add(sources.add(path, std::move(text)), /*isStandard=*/false);
  byPath[path] = &unit;
  open.push_back(path.str());
  for (const Use &each : unit.file.uses)
    use(unit, each);
  open.pop_back();
  return unit;
}

Program::Found Program::find(Unit &unit, StringRef name) const {
  if (const Layer *layer = unit.layers.lookup(name))
    return {layer, nullptr, &unit};
  if (const Import *import = unit.imports.lookup(name))
    return {nullptr, import, &unit};
  for (bool isStandard : {false, true})
    for (Unit *used : unit.uses)
      if (used->isStandard == isStandard) {
        if (const Layer *layer = used->layers.lookup(name))
          return {layer, nullptr, used};
        if (const Import *import = used->imports.lookup(name))
          return {nullptr, import, used};
      }
  return {};
}

std::vector<StringRef> Program::names(const Unit &unit) const {
  std::vector<StringRef> all;
  auto add = [&](const Unit &each) {
    for (const auto &layer : each.layers)
      all.push_back(layer.first());
    for (const auto &import : each.imports)
      all.push_back(import.first());
  };
  add(unit);
  for (const Unit *used : unit.uses)
    add(*used);
  return all;
}
