// ModelData.cpp - the record by which a program finds a compiled model.
#include "passes/llvm/ModelData.h"
#include "ir/Types.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace burnish;

namespace {
class ModelData {
public:
  ModelData(ModuleOp module, const nn::Signature &signature)
      : module(module), signature(signature),
        b(module.getLoc(), OpBuilder::atBlockEnd(module.getBody())),
        pointer(LLVM::LLVMPointerType::get(module.getContext())),
        i32(b.getI32Type()), i64(b.getI64Type()) {}

  void build(const ModelFacts &facts) {
    std::string name = text(signature.name);
    std::string inputs = infos("inputs", signature.inputs),
                outputs = infos("outputs", signature.outputs);
    auto type = structOf(
        {pointer, pointer, pointer, i32, i32, i64, i64, i32, pointer, pointer});
    global(signature.name, type, LLVM::Linkage::External, [&] {
      return aggregate(
          type, {addressOf(name), addressOrNull(inputs), addressOrNull(outputs),
                 constant(i32, signature.inputs.size()),
                 constant(i32, signature.outputs.size()),
                 constant(i64, facts.workspaceBytes),
                 constant(i64, facts.weightsFileBytes),
                 constant(i32, (facts.allocates ? 1 : 0) |
                                   (facts.makesStrings ? 2 : 0)),
                 addressOf(facts.run), addressOrNull(facts.workspaceSize)});
    });
    if (facts.isProgram)
      global("burnish_program_model", pointer, LLVM::Linkage::External,
             [&] { return addressOf(signature.name); });
  }

private:
  LLVM::LLVMStructType structOf(ArrayRef<Type> fields) {
    return LLVM::LLVMStructType::getLiteral(b.getContext(), fields);
  }
  Value constant(Type type, int64_t value) {
    return LLVM::ConstantOp::create(b, type, b.getIntegerAttr(type, value));
  }
  Value addressOf(StringRef symbol) {
    return LLVM::AddressOfOp::create(b, pointer, symbol);
  }
  Value addressOrNull(StringRef symbol) {
    return symbol.empty() ? LLVM::ZeroOp::create(b, pointer).getResult()
                          : addressOf(symbol);
  }

  LLVM::GlobalOp global(StringRef name, Type type, LLVM::Linkage linkage,
                        llvm::function_ref<Value()> value) {
    b.setInsertionPointToEnd(module.getBody());
    auto global = LLVM::GlobalOp::create(b, type, /*isConstant=*/true, linkage,
                                         name, Attribute());
    b.createBlock(&global.getInitializerRegion());
    LLVM::ReturnOp::create(b, value());
    b.setInsertionPointToEnd(module.getBody());
    return global;
  }

  Value aggregate(Type type, ArrayRef<Value> fields) {
    Value value = LLVM::UndefOp::create(b, type);
    for (auto [position, field] : llvm::enumerate(fields))
      value = LLVM::InsertValueOp::create(
          b, value, field, ArrayRef<int64_t>{static_cast<int64_t>(position)});
    return value;
  }

  std::string uniqueName(StringRef what) {
    return (signature.name + "_" + what + "_" + Twine(counter++)).str();
  }

  /// The symbol of a zero-terminated string.
  std::string text(StringRef string) {
    std::string name = uniqueName("text");
    b.setInsertionPointToEnd(module.getBody());
    std::string terminated = string.str() + '\0';
    auto type = LLVM::LLVMArrayType::get(b.getI8Type(), terminated.size());
    LLVM::GlobalOp::create(b, type, /*isConstant=*/true,
                           LLVM::Linkage::Internal, name,
                           b.getStringAttr(terminated));
    return name;
  }

  /// The symbol of an array, or "" of an empty one.
  std::string array(StringRef what, Type elementType, size_t count,
                    llvm::function_ref<Value(size_t)> element) {
    if (count == 0)
      return "";
    std::string name = uniqueName(what);
    auto type = LLVM::LLVMArrayType::get(elementType, count);
    global(name, type, LLVM::Linkage::Internal, [&] {
      SmallVector<Value> elements;
      for (size_t position = 0; position < count; ++position)
        elements.push_back(element(position));
      return aggregate(type, elements);
    });
    return name;
  }

  /// The symbol of an array of burnish_info.
  std::string infos(StringRef what, const std::vector<nn::Port> &ports) {
    struct Symbols {
      std::string name, dims, dimNames, bounds;
    };
    std::vector<Symbols> symbols;
    for (const nn::Port &port : ports) {
      Symbols symbol;
      symbol.name = text(port.name);
      symbol.dims = array("dims", i64, port.dims.size(), [&](size_t axis) {
        return constant(
            i64, ShapedType::isDynamic(port.dims[axis]) ? -1 : port.dims[axis]);
      });
      std::vector<std::string> names;
      names.reserve(port.dimNames.size());
      for (const std::string &dimName : port.dimNames)
        names.push_back(dimName.empty() ? "" : text(dimName));
      if (llvm::any_of(names,
                       [](const std::string &name) { return !name.empty(); }))
        symbol.dimNames =
            array("dim_names", pointer, names.size(),
                  [&](size_t axis) { return addressOrNull(names[axis]); });
      symbol.bounds = array("bounds", i64, port.bounds.size(), [&](size_t at) {
        return constant(i64, port.bounds[at]);
      });
      symbols.push_back(symbol);
    }
    auto info =
        structOf({pointer, pointer, pointer, i32, i32, i32, i32, pointer, i32});
    auto grows = [&](const nn::Port &port, size_t position) -> int64_t {
      bool isInput = &ports == &signature.inputs;
      const nn::Port *output = isInput ? signature.grownFrom(position) : &port;
      return output ? output->grows : -1;
    };
    return array(what, info, ports.size(), [&](size_t position) {
      const nn::Port &port = ports[position];
      const Symbols &symbol = symbols[position];
      return aggregate(
          info,
          {addressOf(symbol.name), addressOrNull(symbol.dims),
           addressOrNull(symbol.dimNames), constant(i32, port.dims.size()),
           constant(i32, nn::onnxType(port.elementType)),
           constant(i32, (port.grows >= 0 ? port.feeds : port.updates) + 1),
           constant(i32, port.feeds + 1), addressOrNull(symbol.bounds),
           constant(i32, grows(port, position) + 1)});
    });
  }

  ModuleOp module;
  const nn::Signature &signature;
  ImplicitLocOpBuilder b;
  LLVM::LLVMPointerType pointer;
  Type i32, i64;
  unsigned counter = 0;
};
} // namespace

void burnish::defineModel(ModuleOp module, const nn::Signature &signature,
                          const ModelFacts &facts) {
  ModelData(module, signature).build(facts);
}
