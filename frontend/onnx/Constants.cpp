// Constants.cpp - tensors, initialisers and nodes of a file as constants.
#include "frontend/onnx/GraphImporter.h"
#include "frontend/onnx/Schemas.h"
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "ir/Storage.h"
#include "ir/Types.h"

using namespace mlir;
using onnx::AttributeProto;
using onnx::NodeProto;

namespace burnish::onnx_import {

Value GraphImporter::constant(const onnx::TensorProto &tensor,
                              StringRef where) {
  Type elementType = nn::typeOfOnnx(tensor.data_type(), builder.getContext());
  if (!elementType) {
    diagnostics.error(where, "tensors of " + typeName(tensor.data_type()) +
                                 " are not supported");
    return poisonValue;
  }
  if (nn::isString(elementType)) {
    std::optional<SmallVector<StringRef>> values =
        stringsOf(tensor, where, diagnostics);
    return values ? strings(*values, ArrayRef<int64_t>(tensor.dims().data(),
                                                       tensor.dims_size()))
                  : poisonValue;
  }
  std::optional<ArrayRef<char>> bytes = model.bytes(tensor, where, diagnostics);
  if (!bytes)
    return poisonValue;
  auto type = RankedTensorType::get(
      ArrayRef<int64_t>(tensor.dims().data(), tensor.dims_size()), elementType);
  // Nobody wants to read 10 MB of it.
  std::string name = nn::resourceKey(StringRef(tensor.name()).take_front(60));
  return builder.make<nn::ConstantOp>(nn::constantOver(type, name, *bytes));
}

Value GraphImporter::constant(const onnx::SparseTensorProto &tensor,
                              StringRef where) {
  Type elementType =
      nn::typeOfOnnx(tensor.values().data_type(), builder.getContext());
  if (!elementType || nn::isString(elementType)) {
    diagnostics.error(where, "sparse tensors of " +
                                 typeName(tensor.values().data_type()) +
                                 " are not supported");
    return poisonValue;
  }
  std::optional<ArrayRef<char>> bytes = model.bytes(tensor, where, diagnostics);
  if (!bytes)
    return poisonValue;
  auto type = RankedTensorType::get(
      ArrayRef<int64_t>(tensor.dims().data(), tensor.dims_size()), elementType);
  std::string name =
      nn::resourceKey(StringRef(tensor.values().name()).take_front(60));
  return builder.make<nn::ConstantOp>(nn::constantOver(type, name, *bytes));
}

Value GraphImporter::strings(ArrayRef<StringRef> values,
                             ArrayRef<int64_t> shape) {
  return builder.make<nn::StringsOp>(builder.getStrArrayAttr(values),
                                     builder.getDenseI64ArrayAttr(shape));
}

void GraphImporter::initializers(const onnx::GraphProto &graph, Scope &scope) {
  auto define = [&](const auto &tensor, StringRef name) {
    Value value =
        constant(tensor, currentWhere + (currentWhere.empty() ? "" : ", ") +
                             "initializer " + quoted(name));
    if (namesInitializers && !isPoison(value))
      value.getDefiningOp()->setAttr(nn::kInitializerAttr,
                                     builder.getStringAttr(name));
    scope.values[name] = value;
  };
  for (const onnx::TensorProto &tensor : graph.initializer())
    define(tensor, tensor.name());
  for (const onnx::SparseTensorProto &tensor : graph.sparse_initializer())
    define(tensor, tensor.values().name());
}

std::optional<SmallVector<float>> constantFloats(Value value) {
  ElementsAttr elements;
  if (!value || !matchPattern(value, m_Constant(&elements)) ||
      !elements.getElementType().isF32() || elements.getNumElements() > 64)
    return std::nullopt;
  SmallVector<char> bytes = nn::copyBytes(elements);
  SmallVector<float> floats(bytes.size() / sizeof(float));
  std::memcpy(floats.data(), bytes.data(), floats.size() * sizeof(float));
  return floats;
}

SmallVector<Value> GraphImporter::constantNode(const NodeProto &node) {
  if (node.attribute_size() != 1) {
    problem("a constant has one attribute, and this has " +
            Twine(node.attribute_size()));
    return {poisonValue};
  }
  const AttributeProto &attribute = node.attribute(0);
  auto floats = [&](ArrayRef<float> values, ArrayRef<int64_t> shape) -> Value {
    return builder.make<nn::ConstantOp>(DenseElementsAttr::get(
        RankedTensorType::get(shape, builder.getF32Type()), values));
  };
  auto integers = [&](ArrayRef<int64_t> values,
                      ArrayRef<int64_t> shape) -> Value {
    return builder.make<nn::ConstantOp>(DenseElementsAttr::get(
        RankedTensorType::get(shape, builder.getI64Type()), values));
  };
  switch (typeOf(attribute)) {
  case AttributeProto::TENSOR:
    return {constant(attribute.t(), currentWhere)};
  case AttributeProto::SPARSE_TENSOR:
    return {constant(attribute.sparse_tensor(), currentWhere)};
  case AttributeProto::FLOAT:
    return {floats(attribute.f(), {})};
  case AttributeProto::FLOATS:
    return {floats(
        ArrayRef<float>(attribute.floats().data(), attribute.floats_size()),
        attribute.floats_size())};
  case AttributeProto::INT:
    return {integers(attribute.i(), {})};
  case AttributeProto::INTS:
    return {integers(
        ArrayRef<int64_t>(attribute.ints().data(), attribute.ints_size()),
        attribute.ints_size())};
  case AttributeProto::STRING:
    return {strings(StringRef(attribute.s()), {})};
  case AttributeProto::STRINGS:
    return {strings(SmallVector<StringRef>(attribute.strings().begin(),
                                           attribute.strings().end()),
                    attribute.strings_size())};
  default:
    problem("constants that are " + wordFor(typeOf(attribute)) +
            " are not supported");
    return {poisonValue};
  }
}

} // namespace burnish::onnx_import
