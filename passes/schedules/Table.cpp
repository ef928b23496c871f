// Table.cpp - schedules that were measured, before those that are computed.
#include "passes/schedules/Table.h"

using namespace mlir;
using namespace burnish;

std::string burnish::textOf(nn::ScheduleAttr schedule) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "lanes=" << schedule.getLanes() << " vectors=" << schedule.getVectors()
     << " rows=" << schedule.getRows();
  if (schedule.getStreams() > 1)
    os << " streams=" << schedule.getStreams();
  if (schedule.getPacks())
    os << " packs=1";
  if (schedule.getRowsOutside())
    os << " rowsOutside=1";
  return text;
}

std::string burnish::textOf(const WinogradSchedule &schedule) {
  if (schedule.tile == 0)
    return "tile=0";
  return ("tile=" + Twine(schedule.tile) + " images=" + Twine(schedule.images) +
          " tileRows=" + Twine(schedule.tileRows) +
          (schedule.outs ? " outs=" + Twine(schedule.outs) : Twine()))
      .str();
}

std::string burnish::textOf(const WinogradShape &shape) {
  auto sizeText = [](int64_t size) {
    return ShapedType::isDynamic(size) ? "n" : std::to_string(size);
  };
  return ("convolution " + sizeText(shape.images) + "x" + sizeText(shape.rows) +
          "x" + sizeText(shape.columns) + "x" + Twine(shape.inChannels) + "x" +
          Twine(shape.outChannels) + " f32 3x3")
      .str();
}

bool burnish::isScheduleText(StringRef text) {
  SmallVector<StringRef> words;
  text.split(words, ' ');
  return llvm::all_of(words, [](StringRef word) {
    auto [name, value] = word.split('=');
    unsigned number;
    return !name.empty() && llvm::all_of(name, llvm::isAlpha) &&
           !value.getAsInteger(10, number);
  });
}

ScheduleTable::ScheduleTable(ModuleOp module)
    : module(module),
      attribute(module->getAttrOfType<DictionaryAttr>(kSchedulesAttr)) {
  if (auto before = module->getAttrOfType<DictionaryAttr>(kAlternativesAttr))
    met.append(before.getValue());
}

size_t ScheduleTable::choose(Operation *place, StringRef shape,
                             ArrayRef<std::string> alternatives) {
  if (!attribute)
    return 0;
  Builder b(module.getContext());
  met.set(shape, b.getStrArrayAttr(llvm::map_to_vector(
                     alternatives,
                     [](const std::string &text) { return StringRef(text); })));
  auto wanted = attribute.getAs<StringAttr>(shape);
  if (!wanted)
    return 0;
  const std::string *found = llvm::find(alternatives, wanted.getValue());
  if (found != alternatives.end())
    return found - alternatives.begin();
  isWrong = true;
  place->emitError() << "no schedule '" << wanted.getValue() << "' is for '"
                     << shape << "'; what fits is one of "
                     << alternatives.size() << ", as '" << alternatives.front()
                     << "'";
  return 0;
}

void ScheduleTable::record() {
  if (attribute && !met.empty())
    module->setAttr(kAlternativesAttr, met.getDictionary(module.getContext()));
}
