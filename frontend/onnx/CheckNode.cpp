// CheckNode.cpp - whether a node is what its operator's schema allows.
#include "frontend/onnx/CheckNode.h"
#include "frontend/onnx/Check.h"
#include "frontend/onnx/Schemas.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;
using onnx::AttributeProto;
using onnx::NodeProto;

namespace burnish::onnx_import {
namespace {

class NodeChecker {
public:
  NodeChecker(const NodeProto &node, int64_t version, Diagnostics &diagnostics)
      : node(node), version(version), diagnostics(diagnostics) {}

  bool fail(const Twine &reason, const Twine &remedy = "") {
    isGood = false;
    return diagnostics.report(problemOf(node, version, reason, remedy));
  }

  // What holds for any node: attributes have distinct names and stand for
  // others only inside functions.
  void attributes(bool inFunction) {
    StringSet<> names;
    for (const AttributeProto &attribute : node.attribute()) {
      if (!names.insert(attribute.name()).second)
        fail("attribute " + quoted(attribute.name()) + " is given twice");
      if (!inFunction && !attribute.ref_attr_name().empty())
        fail("attribute " + quoted(attribute.name()) +
             " stands for one of a function, and this is none");
    }
  }

  void call(const onnx::FunctionProto &function) {
    if (node.input_size() > function.input_size())
      fail(Twine(node.input_size()) + " inputs, and its function has " +
           Twine(function.input_size()));
    if (node.output_size() > function.output_size())
      fail(Twine(node.output_size()) + " outputs, and its function has " +
           Twine(function.output_size()));
    for (const std::string &name : function.attribute())
      if (!findAttribute(node, name))
        fail("attribute " + quoted(name) + " is missing");
  }

  void against(const Schema &schema) {
    counts("input", node.input(), schema.inputs, schema.minInputs,
           schema.maxInputs);
    counts("output", node.output(), schema.outputs, schema.minOutputs,
           schema.maxOutputs);
    for (const AttributeProto &attribute : node.attribute()) {
      auto formal = schema.attributes.find(attribute.name());
      if (formal == schema.attributes.end()) {
        fail("attribute " + quoted(attribute.name()) + " is unknown");
        continue;
      }
      AttributeProto::AttributeType given = typeOf(attribute),
                                    wanted = formal->second.type;
      bool isEmptyList = given == AttributeProto::UNDEFINED &&
                         attribute.ref_attr_name().empty();
      if (given != wanted && !isEmptyList && attribute.ref_attr_name().empty())
        fail("attribute " + quoted(attribute.name()) + " is " + wordFor(given) +
             ", and should be " + wordFor(wanted));
      else if (given == AttributeProto::GRAPH && !attribute.has_g() &&
               attribute.ref_attr_name().empty())
        fail("attribute " + quoted(attribute.name()) + " has no graph");
    }
    for (const auto &formal : schema.attributes)
      if (formal.second.isRequired && !findAttribute(node, formal.first()))
        fail("attribute " + quoted(formal.first()) + " is missing");
  }

  // How many values the graphs of an operator take and give follows from how
  // many the node does.
  void bodies() {
    int inputs = node.input_size(), outputs = node.output_size();
    StringRef op = node.op_type();
    if (op == "If") {
      body("then_branch", 0, outputs);
      body("else_branch", 0, outputs);
    } else if (op == "Loop") {
      body("body", std::max(inputs, 2), 1 + outputs);
      if (inputs > 2 + outputs)
        fail(Twine(inputs - 2) + " values are carried, and the node has " +
             Twine(outputs) + (outputs == 1 ? " output" : " outputs"));
    } else if (op == "Scan") {
      body("body", version < 9 ? inputs - 1 : inputs, outputs);
    } else if (op == "SequenceMap") {
      body("body", inputs, outputs);
    }
  }

  bool isGood = true;

private:
  void body(StringRef name, int inputs, int outputs) {
    const AttributeProto *attribute = findAttribute(node, name);
    if (!attribute || !attribute->has_g())
      return;
    auto compare = [&](StringRef does, int given, int wanted) {
      if (given != wanted)
        fail("attribute " + quoted(name) + " " + does + " " + Twine(given) +
             (given == 1 ? " value" : " values") + ", and should " +
             does.drop_back() + " " + Twine(wanted));
    };
    compare("takes", attribute->g().input_size(), inputs);
    compare("gives", attribute->g().output_size(), outputs);
  }

  template <typename Names>
  void counts(StringRef what, const Names &names,
              const std::vector<FormalParameter> &formals, int least,
              int most) {
    if (names.size() < least || names.size() > most) {
      std::string wanted =
          least == most ? std::to_string(least)
          : most == INT_MAX
              ? std::to_string(least) + " or more"
              : std::to_string(least) + " to " + std::to_string(most);
      fail(Twine(names.size()) + " " + what + (names.size() == 1 ? "" : "s") +
           ", and it takes " + wanted);
      return;
    }
    if (what == "input")
      for (size_t i = 0;
           i < formals.size() && i < static_cast<size_t>(names.size()); ++i)
        if (formals[i].arity == Arity::Single && names[i].empty())
          fail("input " + formals[i].name + " is missing");
  }

  const NodeProto &node;
  int64_t version;
  Diagnostics &diagnostics;
};

} // namespace

bool checkNode(const NodeProto &node, const Opsets &opsets,
               const onnx::FunctionProto *function, bool inFunction,
               Diagnostics &diagnostics) {
  StringRef domain = canonicalDomain(node.domain());
  auto import = opsets.find(domain);
  NodeChecker checker(node, import == opsets.end() ? 0 : import->second,
                      diagnostics);
  checker.attributes(inFunction);
  if (function) {
    checker.call(*function);
    return checker.isGood;
  }
  std::optional<int> newest = newestVersion(domain);
  if (!newest)
    return checker.fail("domain " + quoted(domain) +
                            " is unknown, and so is the operator",
                        "an operator outside ONNX's domains needs a function "
                        "of that name in the model");
  if (import == opsets.end())
    return checker.fail(domain.empty()
                            ? "no opset is imported"
                            : "no opset of domain " + Twine(quoted(domain)) +
                                  " is imported");
  if (const Schema *schema =
          findSchema(node.op_type(), import->second, domain)) {
    if (domain.empty() && import->second < kOldestOpset &&
        schema != findSchema(node.op_type(), kOldestOpset, domain))
      return checker.fail(
          "the operator of opset " + Twine(import->second) +
              " is older than that of opset " + Twine(kOldestOpset) +
              ", the oldest supported",
          "onnx.version_converter can bring the model to a newer one");
    checker.against(*schema);
    if (domain.empty() && checker.isGood)
      checker.bodies();
    return checker.isGood;
  }
  if (const Schema *later = findSchema(node.op_type(), *newest, domain)) {
    int first = later->sinceVersion;
    // A version that is reported already may be any number.
    int64_t given = std::max<int64_t>(import->second, 0);
    for (int version = first; version > given; --version)
      if (const Schema *schema = findSchema(node.op_type(), version, domain))
        first = schema->sinceVersion;
    return checker.fail(
        "the operator came with opset " + Twine(first) +
            ", and the model has " + Twine(import->second),
        "onnx.version_converter can bring the model to a newer one");
  }
  return checker.fail("the operator is unknown in opset " +
                      Twine(import->second));
}

} // namespace burnish::onnx_import
