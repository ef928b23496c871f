// Types.cpp - types between ONNX's form and MLIR's, and as messages show them.
#include "ir/Types.h"
#include "frontend/onnx/Containers.h"
#include "frontend/onnx/GraphImporter.h"
#include "frontend/onnx/Schemas.h"

using namespace mlir;
using llvm::enumerate;

namespace burnish::onnx_import {

std::string typeText(Type type) {
  switch (Form form = formOf(type); form.kind) {
  case Form::Tensor:
    break;
  case Form::Absent:
    return "none";
  case Form::Optional:
    return "optional value";
  case Form::Packed:
    return "sequence";
  case Form::Listed:
    return "sequence of " + std::to_string(form.inner.size());
  case Form::Map:
    return "map";
  }
  auto tensor = dyn_cast<ShapedType>(type);
  if (!tensor)
    return "";
  std::string text = typeName(nn::onnxType(tensor.getElementType()));
  if (!tensor.hasRank())
    return text;
  text += "[";
  for (auto [axis, size] : enumerate(tensor.getShape()))
    text += (axis ? "," : "") +
            (ShapedType::isDynamic(size) ? "?" : std::to_string(size));
  return text + "]";
}

std::string typeText(const onnx::TypeProto *type) {
  if (!type || !type->has_tensor_type())
    return "";
  std::string text = typeName(type->tensor_type().elem_type());
  if (!type->tensor_type().has_shape())
    return text;
  text += "[";
  for (auto [axis, dim] : enumerate(type->tensor_type().shape().dim())) {
    text += axis ? "," : "";
    text += dim.has_dim_value()       ? std::to_string(dim.dim_value())
            : dim.dim_param().empty() ? "?"
                                      : dim.dim_param();
  }
  return text + "]";
}

onnx::TypeProto typeProto(Type type) {
  onnx::TypeProto result;
  Form form = formOf(type);
  if (form.kind == Form::Listed || form.kind == Form::Packed) {
    // Elements may differ in shape.
    auto *element = result.mutable_sequence_type()->mutable_elem_type();
    Type elementType =
        form.inner.empty() ? form.elementType : form.inner[0].elementType;
    if (elementType)
      element->mutable_tensor_type()->set_elem_type(nn::onnxType(elementType));
    return result;
  }
  auto tensor = dyn_cast<ShapedType>(type);
  if (!tensor)
    return result;
  result.mutable_tensor_type()->set_elem_type(
      nn::onnxType(tensor.getElementType()));
  if (!tensor.hasRank())
    return result;
  auto *shape = result.mutable_tensor_type()->mutable_shape();
  for (int64_t size : tensor.getShape())
    if (auto *dim = shape->add_dim(); !ShapedType::isDynamic(size))
      dim->set_dim_value(size);
  return result;
}

} // namespace burnish::onnx_import
