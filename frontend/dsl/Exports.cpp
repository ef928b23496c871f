// Exports.cpp - which net of a file is meant, and what its exports say.
#include "frontend/dsl/NetworkImporter.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;

const Layer *dsl::findNet(const Unit &unit, Ident name, Messages &messages) {
  if (const Layer *found = unit.layers.lookup(name.text)) {
    if (found->isNet)
      return found;
    messages.error(name.span, quoted(name.text) + " is a layer, and no net",
                   {{found->span, "it is declared here"}});
    return nullptr;
  }
  std::vector<StringRef> nets;
  for (const auto &layer : unit.file.layers)
    if (layer->isNet)
      nets.push_back(layer->name.text);
  messages.error(name.span, "no net is called " + quoted(name.text) +
                                nearest(name.text, nets));
  return nullptr;
}

std::map<StringRef, Span> dsl::openDims(const Layer &net) {
  std::map<StringRef, Span> names;
  for (const TensorParam &param : net.params)
    for (const DimRef &dim : param.type.dims)
      if (auto *name = dyn_cast_or_null<NameExpr>(dim.expr.get()))
        names.try_emplace(name->name, name->span);
  return names;
}

bool NetworkImporter::checkExports() {
  llvm::StringMap<Span> taken;
  bool isFine = true;
  for (const Export &each : unit->file.exports) {
    const Layer *exported = findNet(*unit, each.net, messages);
    if (!exported) {
      isFine = false;
      continue;
    }
    if (each.isTraining) {
      bool hasRecipe = llvm::any_of(unit->file.trains, [&](const Train &train) {
        return train.net.text == each.net.text;
      });
      if (!hasRecipe)
        isFine = messages.error(each.span, quoted(each.net.text) +
                                               " has no recipe: no train block "
                                               "names it");
      continue;
    }
    Ident name = each.alias ? each.alias : each.net;
    auto [entry, isNew] = taken.try_emplace(name.text, name.span);
    if (!isNew)
      isFine = messages.error(name.span,
                              "a second export called " + quoted(name.text),
                              {{entry->second, "the first is here"}});
    std::map<StringRef, Span> open = openDims(*exported);
    for (const Argument &dim : each.dims)
      if (!open.erase(dim.name.text)) {
        std::vector<StringRef> names;
        for (auto &[known, span] : openDims(*exported))
          names.push_back(known);
        isFine = messages.error(dim.name.span,
                                "no input of " + quoted(each.net.text) +
                                    " has a dim " + quoted(dim.name.text) +
                                    nearest(dim.name.text, names),
                                {{exported->span, "it is declared here"}});
      }
    for (auto &[dim, span] : open)
      isFine = messages.error(each.span,
                              "the export leaves the dim " + quoted(dim) +
                                  " of " + quoted(each.net.text) + " open",
                              {{span, "it is here"}},
                              (dim + " = 1 would give it a size").str());
  }
  return isFine;
}

bool NetworkImporter::choose() {
  const Export *exported = nullptr;
  const Layer *last = nullptr;
  for (const auto &layer : unit->file.layers)
    if (layer->isNet)
      last = layer.get();
  for (const Export &each : unit->file.exports) {
    StringRef name = each.alias ? each.alias.text : each.net.text;
    bool isWanted =
        options.net.empty() ? options.prefersExports : options.net == name;
    if (!each.isTraining && isWanted)
      exported = &each;
  }
  if (!options.net.empty()) {
    auto named = unit->layers.find(options.net);
    if (named != unit->layers.end() && named->second->isNet)
      net = named->second;
  } else {
    net = last;
  }
  dims = options.dims;
  if (exported && (!net || options.net.empty() || exported->alias.text != "")) {
    if (const Layer *named = unit->layers.lookup(exported->net.text))
      net = named;
    for (const Argument &dim : exported->dims)
      dims.try_emplace(dim.name.text.str(),
                       cast<NumberExpr>(*dim.value).integer);
    cName =
        exported->alias ? exported->alias.text.str() : exported->net.text.str();
  }
  if (net)
    return true;
  // A net that could not be read is no net that is missing.
  if (options.net.empty() && messages.hasErrors())
    return false;
  if (options.net.empty())
    return messages.error({unit->file.source, 0, 0},
                          "the file has no net that could be compiled");
  std::vector<StringRef> names;
  for (const auto &layer : unit->file.layers)
    if (layer->isNet)
      names.push_back(layer->name.text);
  for (const Export &each : unit->file.exports)
    if (each.alias)
      names.push_back(each.alias.text);
  return diagnostics.error("", "no net is called " + quoted(options.net) +
                                   nearest(options.net, names));
}
