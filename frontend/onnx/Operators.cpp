// Operators.cpp - builds the nn operator of a node: the table that names make.
#include "frontend/onnx/GraphImporter.h"
#include "frontend/onnx/Schemas.h"
#include "mlir/IR/OpDefinition.h"

using namespace mlir;
using llvm::enumerate, llvm::is_contained;
using onnx::AttributeProto;
using onnx::NodeProto;

namespace burnish::onnx_import {

Attribute GraphImporter::convert(const AttributeProto &attribute) {
  switch (typeOf(attribute)) {
  case AttributeProto::INT:
    return builder.getI64IntegerAttr(attribute.i());
  case AttributeProto::FLOAT:
    return builder.getF32FloatAttr(attribute.f());
  case AttributeProto::STRING:
    return builder.getStringAttr(attribute.s());
  case AttributeProto::INTS:
    return builder.getDenseI64ArrayAttr(
        ArrayRef<int64_t>(attribute.ints().data(), attribute.ints_size()));
  case AttributeProto::FLOATS:
    return builder.getDenseF32ArrayAttr(
        ArrayRef<float>(attribute.floats().data(), attribute.floats_size()));
  case AttributeProto::STRINGS: {
    SmallVector<Attribute> strings;
    for (const std::string &each : attribute.strings())
      strings.push_back(builder.getStringAttr(each));
    return builder.getArrayAttr(strings);
  }
  case AttributeProto::TENSOR: {
    Value value = constant(attribute.t(), currentWhere);
    ElementsAttr elements;
    (void)matchPattern(value, m_Constant(&elements));
    return elements;
  }
  default:
    return {};
  }
}

// The number of results that an operator has whatever the node asks for; none
// where that is the node's choice.
static std::optional<unsigned> fixedResults(OperationName name) {
  if (name.hasTrait<OpTrait::OneResult>())
    return 1;
  if (name.hasTrait<OpTrait::NResults<2>::Impl>())
    return 2;
  if (name.hasTrait<OpTrait::NResults<3>::Impl>())
    return 3;
  if (name.hasTrait<OpTrait::NResults<4>::Impl>())
    return 4;
  return std::nullopt;
}

StringRef missingInput(const Schema &schema, ArrayRef<Value> operands) {
  for (auto [index, formal] : enumerate(schema.inputs)) {
    bool isNeeded = formal.arity == Arity::Single ||
                    (formal.arity == Arity::Variadic &&
                     static_cast<int>(index) < schema.minInputs);
    if (isNeeded && (index >= operands.size() || !operands[index]))
      return formal.name;
    if (formal.arity == Arity::Variadic && index < operands.size() &&
        is_contained(operands.drop_front(index), Value()))
      return formal.name;
  }
  return "";
}

SmallVector<Value> GraphImporter::build(StringRef operatorName,
                                        const Schema &schema,
                                        const NodeProto &node,
                                        ArrayRef<Value> operands) {
  SmallVector<Value> refused(node.output_size(), poisonValue);
  OperationState state(builder.getLoc(), operatorName);

  // Operands by the schema's formal inputs; what is absent has no operand, and
  // says so in the segments.
  SmallVector<int32_t> segments;
  for (auto [index, formal] : enumerate(schema.inputs)) {
    int32_t before = state.operands.size();
    size_t end = formal.arity == Arity::Variadic
                     ? operands.size()
                     : std::min(operands.size(), index + 1);
    for (size_t i = index; i < end; ++i)
      if (operands[i])
        state.operands.push_back(operands[i]);
    segments.push_back(state.operands.size() - before);
  }
  if (state.name.hasTrait<OpTrait::AttrSizedOperandSegments>())
    state.addAttribute("operandSegmentSizes",
                       builder.getDenseI32ArrayAttr(segments));

  // Attributes by name: those of the node, and ONNX's defaults.
  ArrayRef<StringAttr> known = state.name.getAttributeNames();
  auto isKnown = [&](StringRef name) { return is_contained(known, name); };
  for (const AttributeProto &attribute : node.attribute()) {
    if (typeOf(attribute) == AttributeProto::GRAPH ||
        typeOf(attribute) == AttributeProto::GRAPHS)
      continue;
    auto formal = schema.attributes.find(attribute.name());
    Attribute value = convert(attribute);
    if (isKnown(attribute.name()) && value) {
      state.addAttribute(attribute.name(), value);
      continue;
    }
    bool isDefault =
        formal != schema.attributes.end() && value &&
        formal->second.defaultValue.type() != AttributeProto::UNDEFINED &&
        convert(formal->second.defaultValue) == value;
    if (!isDefault) {
      problem("attribute " + quoted(attribute.name()) + " is not supported", "",
              operands);
      return refused;
    }
  }
  for (const auto &formal : schema.attributes)
    if (isKnown(formal.first()) &&
        formal.second.defaultValue.type() != AttributeProto::UNDEFINED &&
        !findAttribute(node, formal.first()))
      state.addAttribute(formal.first(), convert(formal.second.defaultValue));

  // Results: all of them where the operator always has all, else those that the
  // node names.
  SmallVector<int> outputOf;
  if (std::optional<unsigned> count = fixedResults(state.name)) {
    for (unsigned i = 0; i < *count; ++i)
      outputOf.push_back(i);
  } else {
    SmallVector<int32_t> resultSegments(schema.outputs.size(), 0);
    for (auto [index, name] : enumerate(node.output()))
      if (!name.empty() ||
          schema.outputs[std::min(index, schema.outputs.size() - 1)].arity !=
              Arity::Optional) {
        outputOf.push_back(index);
        ++resultSegments[std::min(index, resultSegments.size() - 1)];
      }
    if (state.name.hasTrait<OpTrait::AttrSizedResultSegments>())
      state.addAttribute("resultSegmentSizes",
                         builder.getDenseI32ArrayAttr(resultSegments));
  }
  state.types.assign(outputOf.size(), poisonValue.getType());

  for (const auto &[name, graph] : graphsOf(node)) {
    Block &block = state.addRegion()->emplaceBlock();
    for (int i = 0; i < graph->input_size(); ++i)
      block.addArgument(poisonValue.getType(), builder.getLoc());
  }
  Operation *op = builder.create(state);
  if (op->getNumRegions() && !fillBodies(op, node))
    return refused;
  if (failed(builder.scope.infer(op)))
    return refused;
  SmallVector<Value> results(std::max<size_t>(node.output_size(), 1),
                             poisonValue);
  for (auto [index, output] : enumerate(outputOf))
    if (output < static_cast<int>(results.size()))
      results[output] = op->getResult(index);
  return results;
}

} // namespace burnish::onnx_import
