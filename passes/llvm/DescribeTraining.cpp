// DescribeTraining.cpp - the constants that say what a training is.
#include "ir/Signature.h"
#include "ir/Storage.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_DESCRIBETRAINING
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
/// Makes a constant of an attribute: an array is a struct of its elements, a
/// dictionary a pointer to its `elements`, a text and the bytes of a tensor
/// pointers to them, a symbol its address, and a unit a null pointer.
class Emitter {
public:
  Emitter(ModuleOp module, StringRef name)
      : module(module), name(name),
        b(module.getLoc(), OpBuilder::atBlockEnd(module.getBody())),
        pointer(LLVM::LLVMPointerType::get(module.getContext())) {}

  void emit(Attribute training, bool isProgram) {
    layOutStored(training);
    define(name, training, LLVM::Linkage::External);
    if (isProgram)
      define("burnish_program_training",
             FlatSymbolRefAttr::get(b.getContext(), name),
             LLVM::Linkage::External);
  }

private:
  /// Tensors go to the weights, one after the other.
  void layOutStored(Attribute training) {
    SmallVector<Attribute> entries;
    int64_t end = 0;
    training.walk([&](ElementsAttr elements) {
      int64_t bytes = elements.getNumElements() *
                      nn::elementBytes(elements.getElementType());
      if (!offsets.try_emplace(elements, end).second)
        return WalkResult::skip();
      entries.push_back(elements);
      entries.push_back(b.getI64IntegerAttr(end));
      end += llvm::alignTo(bytes, 64);
      return WalkResult::skip();
    });
    module->setAttr(nn::kWeightsAttr, b.getArrayAttr(entries));
    module->setAttr(nn::kWeightsBytesAttr, b.getI64IntegerAttr(end));
    if (!end)
      return;
    auto weights = LLVM::GlobalOp::create(
        b, LLVM::LLVMArrayType::get(b.getI8Type(), end), /*isConstant=*/true,
        LLVM::Linkage::External, weightsName(), Attribute(), /*alignment=*/64);
    weights.setVisibility_(LLVM::Visibility::Hidden);
  }
  std::string weightsName() const { return (name + "_weights").str(); }

  Type typeOf(Attribute attribute) {
    if (auto record = dyn_cast<ArrayAttr>(attribute))
      return LLVM::LLVMStructType::getLiteral(
          b.getContext(), llvm::map_to_vector(record, [&](Attribute field) {
            return typeOf(field);
          }));
    if (auto number = dyn_cast<TypedAttr>(attribute);
        number && isa<IntegerAttr, FloatAttr>(attribute))
      return number.getType();
    return pointer;
  }

  /// What lies behind a pointer becomes a global of its own, first.
  void prepare(Attribute attribute) {
    if (symbols.contains(attribute))
      return;
    if (auto record = dyn_cast<ArrayAttr>(attribute)) {
      for (Attribute field : record)
        prepare(field);
    } else if (auto several = dyn_cast<DictionaryAttr>(attribute)) {
      auto elements = cast<ArrayAttr>(several.get("elements"));
      for (Attribute each : elements)
        prepare(each);
      std::string symbol = unique("list");
      auto type =
          LLVM::LLVMArrayType::get(typeOf(elements[0]), elements.size());
      global(symbol, type, LLVM::Linkage::Internal,
             [&] { return aggregate(type, elements.getValue()); });
      symbols[attribute] = symbol;
    } else if (auto text = dyn_cast<StringAttr>(attribute)) {
      std::string symbol = unique("text"), terminated = text.str() + '\0';
      b.setInsertionPointToEnd(module.getBody());
      LLVM::GlobalOp::create(
          b, LLVM::LLVMArrayType::get(b.getI8Type(), terminated.size()),
          /*isConstant=*/true, LLVM::Linkage::Internal, symbol,
          b.getStringAttr(terminated));
      symbols[attribute] = symbol;
    } else if (auto symbol = dyn_cast<FlatSymbolRefAttr>(attribute);
               symbol && !module.lookupSymbol(symbol.getValue())) {
      b.setInsertionPointToEnd(module.getBody());
      LLVM::GlobalOp::create(b, pointer, /*isConstant=*/true,
                             LLVM::Linkage::External, symbol.getValue(),
                             Attribute());
    }
  }

  Value valueOf(Attribute attribute) {
    if (auto record = dyn_cast<ArrayAttr>(attribute))
      return aggregate(typeOf(record), record.getValue());
    if (isa<IntegerAttr, FloatAttr>(attribute))
      return LLVM::ConstantOp::create(b, typeOf(attribute),
                                      cast<TypedAttr>(attribute));
    if (auto symbol = dyn_cast<FlatSymbolRefAttr>(attribute))
      return LLVM::AddressOfOp::create(b, pointer, symbol.getValue());
    if (auto found = symbols.find(attribute); found != symbols.end())
      return LLVM::AddressOfOp::create(b, pointer, found->second);
    if (auto found = offsets.find(attribute); found != offsets.end())
      return LLVM::GEPOp::create(
          b, pointer, b.getI8Type(),
          LLVM::AddressOfOp::create(b, pointer, weightsName()),
          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(found->second)});
    return LLVM::ZeroOp::create(b, pointer);
  }

  Value aggregate(Type type, ArrayRef<Attribute> fields) {
    Value value = LLVM::UndefOp::create(b, type);
    for (auto [position, field] : llvm::enumerate(fields))
      value = LLVM::InsertValueOp::create(
          b, value, valueOf(field),
          ArrayRef<int64_t>{static_cast<int64_t>(position)});
    return value;
  }

  void global(StringRef symbol, Type type, LLVM::Linkage linkage,
              llvm::function_ref<Value()> value) {
    b.setInsertionPointToEnd(module.getBody());
    auto made = LLVM::GlobalOp::create(b, type, /*isConstant=*/true, linkage,
                                       symbol, Attribute());
    b.createBlock(&made.getInitializerRegion());
    LLVM::ReturnOp::create(b, value());
    b.setInsertionPointToEnd(module.getBody());
  }
  void define(StringRef symbol, Attribute value, LLVM::Linkage linkage) {
    prepare(value);
    global(symbol, typeOf(value), linkage, [&] { return valueOf(value); });
  }
  std::string unique(StringRef what) {
    return (name + "_" + what + "_" + Twine(counter++)).str();
  }

  ModuleOp module;
  StringRef name;
  ImplicitLocOpBuilder b;
  LLVM::LLVMPointerType pointer;
  llvm::DenseMap<Attribute, std::string> symbols;
  llvm::DenseMap<Attribute, int64_t> offsets;
  unsigned counter = 0;
};

struct DescribeTraining
    : burnish::impl::DescribeTrainingBase<DescribeTraining> {
  using DescribeTrainingBase::DescribeTrainingBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto training = module->getAttrOfType<ArrayAttr>(nn::kTrainingAttr);
    auto name = training && !training.empty()
                    ? dyn_cast<StringAttr>(training[0])
                    : StringAttr();
    if (!name) {
      module.emitError() << "has no description of a training in '"
                         << nn::kTrainingAttr << "'";
      return signalPassFailure();
    }
    nn::Signature signature;
    signature.name = name.str();
    signature.record(module);
    module->setAttr(nn::kWorkspaceAttr,
                    Builder(&getContext()).getI64IntegerAttr(0));
    Emitter(module, signature.name).emit(training, isProgram);
  }
};
} // namespace
