// Check.cpp - whether a model is well formed.
#include "frontend/onnx/Check.h"
#include "frontend/onnx/CheckNode.h"
#include "frontend/onnx/Schemas.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;
using onnx::FunctionProto;
using onnx::GraphProto;
using onnx::NodeProto;

namespace burnish::onnx_import {
namespace {

std::string functionKey(StringRef domain, StringRef name, StringRef overload) {
  return (canonicalDomain(domain) + ":" + name + ":" + overload).str();
}

// The names that are in scope somewhere, and those around it.
struct Scope {
  const Scope *outer = nullptr;
  StringSet<> names;

  bool knows(StringRef name) const {
    for (const Scope *scope = this; scope; scope = scope->outer)
      if (scope->names.contains(name))
        return true;
    return false;
  }
};

class Checker {
public:
  Checker(CheckedModel &result, Diagnostics &diagnostics)
      : result(result), diagnostics(diagnostics) {}

  void model(onnx::ModelProto &model);

private:
  void versions(const onnx::ModelProto &model);
  Opsets
  importsOf(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>
                &imports,
            const Twine &where);
  void graph(GraphProto &graph, const Scope *outer, const Opsets &opsets,
             bool inFunction, const Twine &where);
  void function(FunctionProto &function);
  // Puts `nodes` in order of use and checks them; `scope` has what is known
  // before the first. False when there is no order.
  bool nodes(google::protobuf::RepeatedPtrField<NodeProto> &nodes, Scope &scope,
             const Opsets &opsets, bool inFunction, const Twine &where);
  bool sort(google::protobuf::RepeatedPtrField<NodeProto> &nodes,
            const StringMap<int> &producers, const Twine &where);
  // What a node uses: its inputs, and what its subgraphs take from around them.
  SmallVector<StringRef> uses(const NodeProto &node);
  const std::vector<StringRef> &freeNames(const GraphProto &graph);

  CheckedModel &result;
  Diagnostics &diagnostics;
  DenseMap<const GraphProto *, std::vector<StringRef>> freeNamesOf;
};

void Checker::model(onnx::ModelProto &model) {
  versions(model);
  if (!model.has_graph()) {
    diagnostics.error("", "no graph");
    result.isImportable = false;
    return;
  }
  result.opsets = importsOf(model.opset_import(), "");
  for (const FunctionProto &function : model.functions()) {
    std::string key =
        functionKey(function.domain(), function.name(), function.overload());
    if (!result.functions.try_emplace(key, &function).second)
      diagnostics.error("function " + quoted(function.name()), "defined twice");
  }
  if (!result.isImportable)
    return;
  for (FunctionProto &each : *model.mutable_functions())
    function(each);
  GraphProto &main = *model.mutable_graph();
  graph(main, nullptr, result.opsets, /*inFunction=*/false, "");
  StringSet<> outputs;
  for (const auto &output : main.output())
    if (!outputs.insert(output.name()).second)
      diagnostics.error("output " + quoted(output.name()), "named twice");
}

void Checker::versions(const onnx::ModelProto &model) {
  if (model.ir_version() < kOldestIrVersion) {
    diagnostics.error("",
                      model.has_ir_version()
                          ? "IR version " + Twine(model.ir_version()) +
                                " is older than " + Twine(kOldestIrVersion) +
                                ", the oldest supported"
                          : Twine("not an ONNX model: it has no IR version"));
    result.isImportable = false;
  } else if (model.ir_version() > onnx::Version::IR_VERSION) {
    diagnostics.error(
        "", "IR version " + Twine(model.ir_version()) + " is newer than " +
                Twine(int(onnx::Version::IR_VERSION)) + ", the newest known");
    result.isImportable = false;
  }
}

Opsets Checker::importsOf(
    const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto> &imports,
    const Twine &where) {
  Opsets opsets;
  for (const auto &import : imports) {
    StringRef domain = canonicalDomain(import.domain());
    std::string opset =
        domain.empty() ? "opset" : "opset of domain " + quoted(domain);
    auto [entry, isNew] = opsets.try_emplace(domain, import.version());
    if (!isNew && entry->second != import.version()) {
      diagnostics.error(where, opset + " is imported as " +
                                   Twine(entry->second) + " and as " +
                                   Twine(import.version()));
      result.isImportable = false;
    }
    std::optional<int> newest = newestVersion(domain);
    if (newest && import.version() > *newest) {
      diagnostics.error(where, opset + " " + Twine(import.version()) +
                                   " is newer than " + Twine(*newest) +
                                   ", the newest known");
      result.isImportable = false;
    } else if (import.version() < 1) {
      diagnostics.error(where,
                        opset + " " + Twine(import.version()) +
                            " is older than 1, the oldest that there is");
      result.isImportable = false;
    }
  }
  if (imports.empty()) {
    diagnostics.error(where, "no opset is imported");
    result.isImportable = false;
  }
  return opsets;
}

void Checker::function(FunctionProto &function) {
  std::string where = "function " + quoted(function.name());
  Opsets opsets = importsOf(function.opset_import(), where);
  Scope scope;
  for (const std::string &input : function.input())
    if (!scope.names.insert(input).second)
      diagnostics.error(where, "input " + quoted(input) + " is named twice");
  if (!nodes(*function.mutable_node(), scope, opsets, /*inFunction=*/true,
             where))
    return;
  for (const std::string &output : function.output())
    if (!scope.knows(output))
      diagnostics.error(where, "output " + quoted(output) + " is not defined");
}

void Checker::graph(GraphProto &graph, const Scope *outer, const Opsets &opsets,
                    bool inFunction, const Twine &where) {
  Scope scope;
  scope.outer = outer;
  auto define = [&](StringRef name, const Twine &what) {
    if (name.empty())
      diagnostics.error(where, "an " + what + " without a name");
    else if (!scope.names.insert(name).second)
      diagnostics.error(where, what + " " + quoted(name) + " is defined twice");
  };
  StringSet<> inputs;
  for (const auto &input : graph.input()) {
    define(input.name(), "input");
    inputs.insert(input.name());
  }
  // Up to IR version 3 every initialiser is an input too; later, such an input
  // has a default.
  StringSet<> initializers;
  auto initializer = [&](StringRef name) {
    if (!initializers.insert(name).second)
      diagnostics.error(where,
                        "initializer " + quoted(name) + " is defined twice");
    else if (!inputs.contains(name))
      define(name, "initializer");
  };
  for (const auto &tensor : graph.initializer())
    initializer(tensor.name());
  for (const auto &tensor : graph.sparse_initializer())
    initializer(tensor.values().name());

  if (!nodes(*graph.mutable_node(), scope, opsets, inFunction, where))
    return;
  for (const auto &output : graph.output())
    if (!scope.knows(output.name()))
      diagnostics.error(where,
                        "output " + quoted(output.name()) + " is not defined");
}

bool Checker::nodes(google::protobuf::RepeatedPtrField<NodeProto> &nodes,
                    Scope &scope, const Opsets &opsets, bool inFunction,
                    const Twine &where) {
  StringMap<int> producers;
  for (auto [index, node] : enumerate(nodes))
    for (const std::string &output : node.output()) {
      if (output.empty())
        continue;
      auto [entry, isNew] = producers.try_emplace(output, index);
      if (isNew && !scope.names.contains(output))
        continue;
      if (isNew)
        producers.erase(entry);
      std::string other =
          isNew ? "an input or initializer" : describe(nodes[entry->second]);
      diagnostics.report(
          problemOf(node, 0,
                    "output " + quoted(output) + " is also the name of " +
                        (isNew ? other : "an output of " + other)));
      result.broken.insert(&node);
    }
  if (!sort(nodes, producers, where)) {
    result.isImportable = false;
    return false;
  }
  for (NodeProto &node : nodes) {
    for (const std::string &input : node.input())
      if (!input.empty() && !scope.knows(input)) {
        diagnostics.report(
            problemOf(node, 0, "input " + quoted(input) + " is not defined"));
        result.broken.insert(&node);
      }
    if (!checkNode(node, opsets, result.functionFor(node), inFunction,
                   diagnostics))
      result.broken.insert(&node);
    for (onnx::AttributeProto &attribute : *node.mutable_attribute()) {
      std::string inside = describe(node) + ", " + attribute.name();
      if (attribute.has_g())
        graph(*attribute.mutable_g(), &scope, opsets, inFunction, inside);
      for (GraphProto &each : *attribute.mutable_graphs())
        graph(each, &scope, opsets, inFunction, inside);
    }
    for (const std::string &output : node.output())
      if (!output.empty())
        scope.names.insert(output);
  }
  return true;
}

bool Checker::sort(google::protobuf::RepeatedPtrField<NodeProto> &nodes,
                   const StringMap<int> &producers, const Twine &where) {
  std::vector<SmallVector<int, 4>> needs(nodes.size());
  bool isSorted = true;
  for (auto [index, node] : enumerate(nodes))
    for (StringRef name : uses(node))
      if (auto producer = producers.find(name); producer != producers.end()) {
        needs[index].push_back(producer->second);
        isSorted &= producer->second < static_cast<int>(index);
      }
  if (isSorted)
    return true;

  // Depth first, with a stack of our own: a file may chain a million nodes.
  enum State : char { Unseen, Open, Done };
  std::vector<State> states(nodes.size(), Unseen);
  std::vector<int> order;
  std::vector<std::pair<int, size_t>> path;
  for (int root = 0; root < nodes.size(); ++root) {
    if (states[root] != Unseen)
      continue;
    path.push_back({root, 0});
    states[root] = Open;
    while (!path.empty()) {
      auto &[index, next] = path.back();
      if (next == needs[index].size()) {
        states[index] = Done;
        order.push_back(index);
        path.pop_back();
        continue;
      }
      int needed = needs[index][next++];
      if (states[needed] == Open) {
        std::string members = describe(nodes[needed]);
        auto start = find_if(
            path, [&](const auto &step) { return step.first == needed; });
        size_t length = path.end() - start;
        for (auto step = path.end() - 1; step != start && members.size() < 300;
             --step)
          members.insert(0, describe(nodes[step->first]) + ", ");
        return diagnostics.error(
            where, "a cycle of " + Twine(length) +
                       (length == 1 ? " node: " : " nodes: ") + members);
      }
      if (states[needed] == Unseen) {
        states[needed] = Open;
        path.push_back({needed, 0});
      }
    }
  }
  std::vector<NodeProto *> taken(nodes.size());
  nodes.ExtractSubrange(0, nodes.size(), taken.data());
  for (int index : order)
    nodes.AddAllocated(taken[index]);
  return true;
}

SmallVector<StringRef> Checker::uses(const NodeProto &node) {
  SmallVector<StringRef> names(node.input().begin(), node.input().end());
  for (const GraphProto *subgraph : subgraphs(node))
    append_range(names, freeNames(*subgraph));
  return names;
}

const std::vector<StringRef> &Checker::freeNames(const GraphProto &graph) {
  if (auto known = freeNamesOf.find(&graph); known != freeNamesOf.end())
    return known->second;
  StringSet<> own, seen;
  for (const auto &input : graph.input())
    own.insert(input.name());
  for (const auto &tensor : graph.initializer())
    own.insert(tensor.name());
  for (const auto &tensor : graph.sparse_initializer())
    own.insert(tensor.values().name());
  for (const NodeProto &node : graph.node())
    for (const std::string &output : node.output())
      own.insert(output);
  std::vector<StringRef> names;
  auto use = [&](StringRef name) {
    if (!name.empty() && !own.contains(name) && seen.insert(name).second)
      names.push_back(name);
  };
  for (const NodeProto &node : graph.node())
    for_each(uses(node), use);
  for (const auto &output : graph.output())
    use(output.name());
  return freeNamesOf[&graph] = std::move(names);
}

} // namespace

const FunctionProto *CheckedModel::functionFor(const NodeProto &node) const {
  if (functions.empty())
    return nullptr;
  return functions.lookup(
      functionKey(node.domain(), node.op_type(), node.overload()));
}

bool CheckedModel::isBroken(const NodeProto &node) const {
  if (broken.empty())
    return false;
  return broken.contains(&node) ||
         any_of(subgraphs(node), [&](const GraphProto *graph) {
           return any_of(graph->node(), [&](const NodeProto &inner) {
             return isBroken(inner);
           });
         });
}

CheckedModel check(onnx::ModelProto &model, Diagnostics &diagnostics) {
  CheckedModel result;
  Checker(result, diagnostics).model(model);
  return result;
}

} // namespace burnish::onnx_import
