// Rewrite.h - a node on its way to the newest version of its operator.
#pragma once
#include "frontend/onnx/Normalize.h"
#include "llvm/ADT/STLExtras.h"

namespace burnish::onnx_import {

/// Changes edit `node`, and add others before and after it.
class Rewrite {
public:
  Rewrite(const onnx::NodeProto &original, int64_t version,
          NormalizeContext &context)
      : node(original), version(version), context(context) {}

  /// Adds a node before `node`; gives the name of its one output.
  std::string before(llvm::StringRef op, llvm::ArrayRef<std::string> inputs) {
    return add(preceding, op, inputs, context.freshName());
  }
  onnx::NodeProto &last() { return preceding.back(); }
  /// Adds a node after `node`.
  onnx::NodeProto &after(llvm::StringRef op, llvm::ArrayRef<std::string> inputs,
                         const std::string &output) {
    add(following, op, inputs, output);
    return following.back();
  }

  std::string integers(llvm::ArrayRef<int64_t> values) {
    std::string name = before("Constant", {});
    setAttribute(last(), "value_ints", values);
    return name;
  }
  std::string floats(llvm::ArrayRef<float> values) {
    std::string name = before("Constant", {});
    onnx::AttributeProto &attribute = *last().add_attribute();
    attribute.set_name("value_floats");
    attribute.set_type(onnx::AttributeProto::FLOATS);
    attribute.mutable_floats()->Add(values.begin(), values.end());
    return name;
  }
  std::string integer(int64_t value) {
    std::string name = before("Constant", {});
    setAttribute(last(), "value_int", value);
    return name;
  }
  /// A scalar in the element type of another value.
  std::string scalarLike(float value, const std::string &like) {
    std::string name = before("Constant", {});
    setAttribute(last(), "value_float", value);
    int64_t type = elementType(like);
    if (type == onnx::TensorProto::FLOAT || type == 0)
      return name;
    name = before("Cast", name);
    setAttribute(last(), "to", type);
    return name;
  }

  int64_t elementType(llvm::StringRef value) {
    return context.type(value).tensor_type().elem_type();
  }
  std::optional<int64_t> rank(llvm::StringRef value) {
    onnx::TypeProto type = context.type(value);
    if (!type.tensor_type().has_shape())
      return std::nullopt;
    return type.tensor_type().shape().dim_size();
  }
  bool isEmpty(llvm::StringRef value) {
    if (value.empty())
      return true;
    onnx::TypeProto type = context.type(value);
    return llvm::any_of(type.tensor_type().shape().dim(), [](const auto &dim) {
      return dim.has_dim_value() && dim.dim_value() == 0;
    });
  }

  /// Sets an input, with empty names for those before it that are absent.
  void setInput(int index, const std::string &name) {
    while (node.input_size() <= index)
      node.add_input();
    node.set_input(index, name);
  }
  /// Makes a list attribute, if the node has it, the input at `index`.
  void attributeToInput(llvm::StringRef name, int index) {
    if (std::optional<llvm::SmallVector<int64_t>> values =
            intsAttribute(node, name))
      setInput(index, integers(*values));
    removeAttribute(node, name);
  }
  /// Gives the node a new output in place of one, and returns its name: what a
  /// node after it makes into the old one.
  std::string divertOutput(int index) {
    std::string name = context.freshName();
    node.set_output(index, name);
    return name;
  }

  bool fail(const llvm::Twine &reason) {
    context.reason = reason.str();
    return false;
  }

  onnx::NodeProto node;
  const int64_t version;
  NormalizeContext &context;
  std::vector<onnx::NodeProto> preceding, following;
  /// The node itself is not wanted: those before it are all.
  bool isReplaced = false;

private:
  std::string add(std::vector<onnx::NodeProto> &nodes, llvm::StringRef op,
                  llvm::ArrayRef<std::string> inputs,
                  const std::string &output) {
    onnx::NodeProto &added = nodes.emplace_back();
    added.set_op_type(op.str());
    added.mutable_input()->Add(inputs.begin(), inputs.end());
    added.add_output(output);
    return output;
  }
};

/// Changes of Resize and Upsample (ResizeChanges.cpp). Each is false, and the
/// reason in the context, where the newest operators cannot express the node.
bool resizeModes(Rewrite &r);
bool resizeHalfPixel(Rewrite &r);
bool resizeEmptyInputs(Rewrite &r);
bool upsampleHeightAndWidth(Rewrite &r);
bool upsampleScales(Rewrite &r);
bool upsampleName(Rewrite &r);

} // namespace burnish::onnx_import
