// NetFunction.cpp - a function of a net: inputs, what it computes, outputs.
#include "frontend/dsl/NetworkImporter.h"
#include "ir/Signature.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;

std::optional<RankedTensorType>
NetworkImporter::inputType(const TensorParam &param,
                           SmallVector<StringRef> &names) {
  if (param.type.isTuple()) {
    messages.error(param.type.span, "an input is one tensor");
    return std::nullopt;
  }
  Type elementType = elementTypeOf(param.type.elementType.text, &context);
  if (!elementType) {
    messages.error(param.type.elementType.span,
                   "an input has elements of one type, as i64");
    return std::nullopt;
  }
  SmallVector<int64_t> shape;
  for (const DimRef &dim : param.type.dims) {
    auto *name = dyn_cast_or_null<NameExpr>(dim.expr.get());
    auto *number = dyn_cast_or_null<NumberExpr>(dim.expr.get());
    if (number && number->isInteger) {
      shape.push_back(number->integer);
      names.push_back("");
    } else if (name) {
      auto pinned = dims.find(name->name.str());
      shape.push_back(pinned == dims.end() ? ShapedType::kDynamic
                                           : pinned->second);
      names.push_back(pinned == dims.end() ? name->name : StringRef());
    } else if (isa_and_nonnull<PlaceholderExpr>(dim.expr.get())) {
      shape.push_back(ShapedType::kDynamic);
      names.push_back("");
    } else {
      messages.error(dim.span, "a dim of an input is a number, a name or '_'");
      return std::nullopt;
    }
  }
  auto whole = options.shapes.find(param.name.text.str());
  if (whole != options.shapes.end()) {
    bool fits = whole->second.size() == shape.size();
    for (size_t axis = 0; fits && axis < shape.size(); ++axis)
      fits = ShapedType::isDynamic(shape[axis]) ||
             shape[axis] == whole->second[axis];
    if (!fits) {
      messages.error(param.type.span, "the shape given for input " +
                                          quoted(param.name.text) +
                                          " does not fit this type");
      return std::nullopt;
    }
    shape.assign(whole->second.begin(), whole->second.end());
    names.assign(shape.size(), "");
  }
  int64_t count = 1;
  for (int64_t dim : shape)
    if (!ShapedType::isDynamic(dim) &&
        (llvm::MulOverflow(count, std::max<int64_t>(dim, 1), count) ||
         count >= int64_t(1) << 48)) {
      messages.error(param.type.span, "an input of more than 2^48 elements");
      return std::nullopt;
    }
  return RankedTensorType::get(shape, elementType);
}

static DictionaryAttr portAttributes(OpBuilder &builder, StringRef name,
                                     ArrayRef<StringRef> dimNames) {
  SmallVector<NamedAttribute> attributes;
  if (llvm::any_of(dimNames, [](StringRef dim) { return !dim.empty(); }))
    attributes.push_back(
        builder.getNamedAttr("nn.dims", builder.getStrArrayAttr(dimNames)));
  attributes.push_back(
      builder.getNamedAttr("nn.name", builder.getStringAttr(name)));
  return builder.getDictionaryAttr(attributes);
}

func::FuncOp NetworkImporter::function(ModuleOp module, ParamSource &params,
                                       const Layer &net, StringRef name) {
  OpBuilder moduleBuilder = OpBuilder::atBlockEnd(module.getBody());
  auto [line, column] = sources.lineAndColumn(net.span);
  Location loc =
      FileLineColLoc::get(&context, sources.path(net.span.file), line, column);
  SmallVector<Type> types;
  SmallVector<SmallVector<StringRef>> dimNames;
  // What does not come up in an input is a mistake of the command line.
  std::map<StringRef, Span> open = openDims(net);
  bool isChosen = &net == this->net && options.model.empty();
  for (const auto &[dim, size] : options.dims)
    if (isChosen && !open.count(dim))
      diagnostics.error("", "no input of " + quoted(net.name.text) +
                                " has a dim named " + quoted(dim));
  for (const auto &[input, shape] : options.shapes)
    if (isChosen && llvm::none_of(net.params, [&](const TensorParam &param) {
          return param.name.text == input;
        }))
      diagnostics.error("", "no input is named " + quoted(input));
  for (const auto &[input, length] : options.lengths)
    if (isChosen)
      diagnostics.error("", "no input is a sequence or optional, and --length "
                            "names " +
                                quoted(input));
  for (const TensorParam &param : net.params) {
    SmallVector<StringRef> names;
    std::optional<RankedTensorType> type = inputType(param, names);
    if (!type)
      return {};
    types.push_back(*type);
    dimNames.push_back(std::move(names));
  }
  auto func = func::FuncOp::create(moduleBuilder, loc, name,
                                   FunctionType::get(&context, types, {}));
  mlir::Block *entry = func.addEntryBlock();
  nn::ShapeScope shapes(&context);
  nn::NetBuilder builder(loc, OpBuilder::atBlockBegin(entry), shapes);
  Elaborator elaborator(program, messages, params, imports, builder, *entry);
  elaborator.place = net.span;
  // What shape rules refuse is said of the expression it came from.
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    return elaborator.report(diagnostic);
  });
  for (auto [index, names] : enumerate(dimNames)) {
    BlockArgument argument = func.getArgument(index);
    shapes.nameDims(argument, names);
    for (auto [dim, dimName] : llvm::zip(shapes.dims(argument), names))
      if (!dimName.empty())
        elaborator.nameDim(dim, dimName);
  }
  SmallVector<Value> arguments(entry->getArguments());
  std::vector<Term> results = elaborator.net(net, *unit, arguments);
  if (messages.hasErrors())
    return {};
  SmallVector<Value> returned;
  for (const Term &result : results)
    returned.push_back(result.tensor);
  std::vector<std::string> names = elaborator.resultNames(net);
  SmallVector<DictionaryAttr> argumentAttributes, resultAttributes;
  for (auto [index, param] : enumerate(net.params))
    argumentAttributes.push_back(
        portAttributes(moduleBuilder, param.name.text, dimNames[index]));
  for (const std::string &each : names)
    resultAttributes.push_back(portAttributes(moduleBuilder, each, {}));
  // What a net keeps between calls, the caller keeps for it.
  for (const Elaborator::Slot &state : elaborator.slots) {
    types.push_back(state.argument.getType());
    argumentAttributes.push_back(portAttributes(moduleBuilder, state.path, {}));
    returned.push_back(state.value);
    resultAttributes.push_back(portAttributes(moduleBuilder, state.path, {}));
  }
  for (auto [value, attributes] : llvm::zip_equal(returned, resultAttributes)) {
    SmallVector<StringRef> dimsOf;
    for (nn::Dim dim : shapes.dims(value))
      dimsOf.push_back(elaborator.dimName(dim));
    auto portName = cast<StringAttr>(attributes.get("nn.name")).getValue();
    attributes = portAttributes(moduleBuilder, portName, dimsOf);
  }
  func::ReturnOp::create(builder, loc, returned);
  func.setFunctionType(
      FunctionType::get(&context, types, ValueRange(returned).getTypes()));
  func.setAllArgAttrs(argumentAttributes);
  func.setAllResultAttrs(resultAttributes);
  return func;
}
