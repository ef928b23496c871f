// Nodes.cpp - what is asked of nodes everywhere: their attributes, and how
// messages name them.
#include "frontend/onnx/Nodes.h"

using namespace llvm;
using onnx::AttributeProto;
using onnx::NodeProto;

namespace burnish::onnx_import {

std::string describe(const NodeProto &node) {
  std::string operatorName = quoted(node.op_type());
  std::string name =
      "(" + operatorName.substr(1, operatorName.size() - 2) + ")";
  if (!node.name().empty())
    return "node " + quoted(node.name()) + " " + name;
  for (const std::string &output : node.output())
    if (!output.empty())
      return "node of " + quoted(output) + " " + name;
  return "node " + name;
}

Problem problemOf(const NodeProto &node, int64_t version, const Twine &reason,
                  const Twine &remedy) {
  Problem problem;
  problem.where = describe(node);
  problem.reason = reason.str();
  problem.remedy = remedy.str();
  problem.node = node.name();
  problem.op = node.op_type();
  problem.domain = node.domain();
  problem.version = version;
  return problem;
}

const AttributeProto *findAttribute(const NodeProto &node, StringRef name) {
  for (const AttributeProto &attribute : node.attribute())
    if (attribute.name() == name)
      return &attribute;
  return nullptr;
}

int64_t intAttribute(const NodeProto &node, StringRef name, int64_t otherwise) {
  const AttributeProto *attribute = findAttribute(node, name);
  return attribute ? attribute->i() : otherwise;
}

float floatAttribute(const NodeProto &node, StringRef name, float otherwise) {
  const AttributeProto *attribute = findAttribute(node, name);
  return attribute ? attribute->f() : otherwise;
}

std::string stringAttribute(const NodeProto &node, StringRef name,
                            StringRef otherwise) {
  const AttributeProto *attribute = findAttribute(node, name);
  return attribute ? attribute->s() : otherwise.str();
}

std::optional<SmallVector<int64_t>> intsAttribute(const NodeProto &node,
                                                  StringRef name) {
  if (const AttributeProto *attribute = findAttribute(node, name))
    return SmallVector<int64_t>(attribute->ints().begin(),
                                attribute->ints().end());
  return std::nullopt;
}

std::optional<SmallVector<float>> floatsAttribute(const NodeProto &node,
                                                  StringRef name) {
  if (const AttributeProto *attribute = findAttribute(node, name))
    return SmallVector<float>(attribute->floats().begin(),
                              attribute->floats().end());
  return std::nullopt;
}

AttributeProto::AttributeType typeOf(const AttributeProto &attribute) {
  if (attribute.type() != AttributeProto::UNDEFINED)
    return attribute.type();
  if (attribute.has_f())
    return AttributeProto::FLOAT;
  if (attribute.has_i())
    return AttributeProto::INT;
  if (attribute.has_s())
    return AttributeProto::STRING;
  if (attribute.has_t())
    return AttributeProto::TENSOR;
  if (attribute.has_g())
    return AttributeProto::GRAPH;
  if (attribute.floats_size())
    return AttributeProto::FLOATS;
  if (attribute.strings_size())
    return AttributeProto::STRINGS;
  if (attribute.has_tp())
    return AttributeProto::TYPE_PROTO;
  return attribute.ints_size() ? AttributeProto::INTS
                               : AttributeProto::UNDEFINED;
}

StringRef wordFor(AttributeProto::AttributeType type) {
  switch (type) {
  case AttributeProto::FLOAT:
    return "a float";
  case AttributeProto::INT:
    return "an int";
  case AttributeProto::STRING:
    return "a string";
  case AttributeProto::TENSOR:
    return "a tensor";
  case AttributeProto::GRAPH:
    return "a graph";
  case AttributeProto::SPARSE_TENSOR:
    return "a sparse tensor";
  case AttributeProto::TYPE_PROTO:
    return "a type";
  case AttributeProto::FLOATS:
    return "a list of floats";
  case AttributeProto::INTS:
    return "a list of ints";
  case AttributeProto::STRINGS:
    return "a list of strings";
  case AttributeProto::TENSORS:
    return "a list of tensors";
  case AttributeProto::GRAPHS:
    return "a list of graphs";
  case AttributeProto::SPARSE_TENSORS:
    return "a list of sparse tensors";
  case AttributeProto::TYPE_PROTOS:
    return "a list of types";
  default:
    return "a value of no type";
  }
}

// The attribute of that name, emptied; made when there is none.
static AttributeProto &fresh(NodeProto &node, StringRef name,
                             AttributeProto::AttributeType type) {
  removeAttribute(node, name);
  AttributeProto &attribute = *node.add_attribute();
  attribute.set_name(name.str());
  attribute.set_type(type);
  return attribute;
}

void setAttribute(NodeProto &node, StringRef name, int64_t value) {
  fresh(node, name, AttributeProto::INT).set_i(value);
}

void setAttribute(NodeProto &node, StringRef name, float value) {
  fresh(node, name, AttributeProto::FLOAT).set_f(value);
}

void setAttribute(NodeProto &node, StringRef name, StringRef value) {
  fresh(node, name, AttributeProto::STRING).set_s(value.str());
}

void setAttribute(NodeProto &node, StringRef name, ArrayRef<int64_t> values) {
  fresh(node, name, AttributeProto::INTS)
      .mutable_ints()
      ->Add(values.begin(), values.end());
}

void removeAttribute(NodeProto &node, StringRef name) {
  auto &attributes = *node.mutable_attribute();
  for (int i = attributes.size() - 1; i >= 0; --i)
    if (attributes[i].name() == name)
      attributes.DeleteSubrange(i, 1);
}

SmallVector<const onnx::GraphProto *> subgraphs(const NodeProto &node) {
  SmallVector<const onnx::GraphProto *> result;
  for (const AttributeProto &attribute : node.attribute()) {
    if (attribute.has_g())
      result.push_back(&attribute.g());
    for (const onnx::GraphProto &graph : attribute.graphs())
      result.push_back(&graph);
  }
  return result;
}

} // namespace burnish::onnx_import
