// TrainedModel.cpp - a net of the ONNX model that the file's recipe trains.
#include "frontend/dsl/ModelNet.h"
#include "frontend/dsl/NetworkImporter.h"
#include "frontend/dsl/Recipe.h"
#include "frontend/dsl/Training.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;

/// A step has one size: all dims of what it is given are known.
bool NetworkImporter::checkInput(func::FuncOp model, unsigned index,
                                 Span span) {
  auto type = cast<RankedTensorType>(model.getArgumentTypes()[index]);
  auto name = model.getArgAttrOfType<StringAttr>(index, "nn.name");
  auto dims = model.getArgAttrOfType<ArrayAttr>(index, "nn.dims");
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    if (!type.isDynamicDim(axis))
      continue;
    StringRef dim = dims ? cast<StringAttr>(dims[axis]).getValue() : "";
    return messages.error(
        span,
        "input " + quoted(name.getValue()) + " of " + quoted(options.model) +
            " is open at axis " + Twine(axis) +
            (dim.empty() ? Twine() : ", its dim " + quoted(dim)),
        {},
        dim.empty() ? Twine() : "batch N = 64, " + dim + " = 8 would close it");
  }
  return true;
}

/// Makes a net of the model that the file's recipe trains, under the name that
/// the recipe gives it.
bool NetworkImporter::readModel() {
  ArrayRef<Train> trains = unit->file.trains;
  if (trains.empty())
    return messages.error({unit->file.source, 0, 0},
                          "the file has no recipe: no train block");
  const Train &train = trains[0];
  Ident name = train.net;
  if (trains.size() > 1)
    return messages.error(trains[1].span,
                          "a second recipe, and one is to train " +
                              quoted(options.model),
                          {{train.span, "the first is here"}});
  if (Program::Found found = program.find(*unit, name.text);
      found && !found.unit->isStandard)
    return messages.error(
        name.span,
        quoted(name.text) +
            " is a name of this file, and the "
            "recipe is to train " +
            quoted(options.model),
        {{found.layer ? found.layer->span : found.import->span,
          "it is declared here"}});
  size_t before = messages.count();
  RecipeFacts recipe = readRecipe(train, messages);
  if (messages.count() != before)
    return false;
  if (recipe.dims.empty())
    return complainOfNoBatch(name, messages);
  ImportOptions model;
  model.path = options.model;
  model.name = name.text.str();
  model.namesInitializers = true;
  model.dims = options.dims;
  model.shapes = options.shapes;
  model.lengths = options.lengths;
  bool isOne = options.training == TrainingRole::EvalOne;
  for (auto [index, dim] : enumerate(recipe.dims))
    if (index == 0)
      model.batch = {dim.first.text.str(), isOne ? 1 : dim.second};
    else
      model.dims[dim.first.text.str()] = dim.second;
  wholeName = name.text.str() + "_";
  whole.span = name.span;
  whole.path = {options.model, name.span};
  whole.name = {wholeName, name.span};
  whole.isWhole = true;
  ModuleOp module = importFile(whole, model);
  if (!module)
    return false;
  imports[wholeName] = module;
  auto function = *module.getOps<func::FuncOp>().begin();
  for (unsigned index = 0; index < function.getNumArguments(); ++index)
    if (!checkInput(function, index, name.span))
      return false;
  Unit &made = program.load(
      options.model,
      llvm::MemoryBuffer::getMemBufferCopy(
          modelNetText(function, name.text, wholeName), options.model));
  made.imports[wholeName] = &whole;
  net = made.layers.lookup(name.text);
  unit->uses.push_back(&made);
  unit->layers[name.text] = net;
  return net;
}
