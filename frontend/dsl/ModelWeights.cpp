// ModelWeights.cpp - other values for the initialisers of a model.
#include "frontend/dsl/ModelWeights.h"
#include "frontend/dsl/Messages.h"
#include "frontend/dsl/Params.h"
#include "ir/Dialect.h"
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "ir/Storage.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;

namespace {
struct Storage {
  std::shared_ptr<void> model;
  std::shared_ptr<SafeTensors> weights;
};
} // namespace

bool burnish::giveWeights(ImportedModel &model, StringRef file,
                          Diagnostics &diagnostics) {
  llvm::Expected<std::shared_ptr<SafeTensors>> read = SafeTensors::read(file);
  if (!read)
    return diagnostics.error("", llvm::toString(read.takeError()));
  SafeTensors &weights = **read;
  llvm::StringSet<> used;
  std::vector<StringRef> names;
  auto function = *model.module->getOps<func::FuncOp>().begin();
  // Those of bodies are no weights of the model.
  for (auto constant : function.getBody().front().getOps<nn::ConstantOp>()) {
    auto name = constant->getAttrOfType<StringAttr>(nn::kInitializerAttr);
    if (!name)
      continue;
    names.push_back(name.getValue());
    const SafeTensors::Entry *entry = weights.find(name.getValue());
    if (!entry)
      continue;
    used.insert(name.getValue());
    auto type = cast<RankedTensorType>(constant.getType());
    if (std::string reason = whyUnlike(*entry, type); !reason.empty()) {
      diagnostics.error("initializer " + quoted(name.getValue()),
                        weights.path() + ": the key is " + reason);
      continue;
    }
    constant.setValueAttr(
        nn::constantOver(type, paramKey(name.getValue()), entry->bytes));
  }
  for (StringRef key : weights.keys())
    if (!used.contains(key))
      diagnostics.error("", weights.path() + ": key " + quoted(key) +
                                " is no initializer of the model" +
                                nearest(key, names));
  if (diagnostics.hasErrors())
    return false;
  model.module->getContext()->getLoadedDialect<nn::NNDialect>()->addMapping(
      weights.mapping());
  auto storage = std::make_shared<Storage>();
  *storage = {std::move(model.storage), std::move(*read)};
  model.storage = std::move(storage);
  return true;
}
