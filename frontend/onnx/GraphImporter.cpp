// GraphImporter.cpp - walks graphs and functions, node by node.
#include "frontend/onnx/GraphImporter.h"
#include "frontend/onnx/CheckNode.h"
#include "frontend/onnx/Containers.h"
#include "frontend/onnx/Expand.h"
#include "frontend/onnx/Normalize.h"
#include "frontend/onnx/Schemas.h"
#include "ir/Ops.h"
#include "ir/Types.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using llvm::any_of, llvm::enumerate, llvm::is_contained, llvm::none_of,
    llvm::SaveAndRestore, llvm::StringMap;
using onnx::AttributeProto;
using onnx::NodeProto;

namespace burnish::onnx_import {

GraphImporter::GraphImporter(Model &model, const CheckedModel &checked,
                             Diagnostics &diagnostics, nn::NetBuilder &builder)
    : builder(builder), model(model), checked(checked),
      diagnostics(diagnostics),
      dialect(*builder.getContext()->getOrLoadDialect<nn::NNDialect>()) {
  poisonValue =
      UnrealizedConversionCastOp::create(
          builder, UnrankedTensorType::get(builder.getF32Type()), ValueRange())
          .getResult(0);
}

/// Whether the first output has the shape of the first input whatever the rest
/// of the graph is.
static bool isElementwise(const NodeProto &node) {
  return canonicalDomain(node.domain()).empty() && node.input_size() > 0 &&
         node.output_size() > 0 &&
         is_contained({"Abs", "Cast", "CastLike", "Exp", "Identity", "Log",
                       "Neg", "Relu", "Sigmoid", "Sqrt", "Tanh"},
                      node.op_type());
}

void GraphImporter::declare(const onnx::GraphProto &graph) {
  for (const auto &info : graph.value_info())
    declaredTypes[info.name()] = &info.type();
  for (const auto &info : graph.output())
    declaredTypes[info.name()] = &info.type();
  // Functions of single elements hand ranks back to where these are decided.
  for (const NodeProto &node : llvm::reverse(graph.node()))
    if (isElementwise(node) && !declaredRank(node.input(0)))
      if (std::optional<int64_t> rank = declaredRank(node.output(0)))
        impliedRanks[node.input(0)] = *rank;
}

std::optional<int64_t> GraphImporter::declaredRank(StringRef name) const {
  if (auto implied = impliedRanks.find(name); implied != impliedRanks.end())
    return implied->second;
  const onnx::TypeProto *type = declaredTypes.lookup(name);
  if (!type || !type->has_tensor_type() || !type->tensor_type().has_shape())
    return std::nullopt;
  return type->tensor_type().shape().dim_size();
}

//===- Messages -----------------------------------------------------------===//

void GraphImporter::problem(const Twine &reason, const Twine &remedy,
                            ArrayRef<Value> operands) {
  if (!currentNode) {
    diagnostics.error(currentWhere, reason, remedy);
    return;
  }
  Problem problem = problemOf(*currentNode, currentVersion, reason, remedy);
  problem.where = currentWhere;
  problem.isUnsupported = true;
  for (Value operand : operands)
    problem.inputTypes.push_back(
        operand ? isPoison(operand) ? "?" : typeText(operand.getType()) : "");
  for (const std::string &output : currentNode->output())
    problem.outputTypes.push_back(typeText(declaredTypes.lookup(output)));
  diagnostics.report(std::move(problem));
}

//===- Values -------------------------------------------------------------===//

Value GraphImporter::lookup(const Scope &scope, StringRef name) const {
  if (name.empty())
    return {};
  for (const Scope *inner = &scope; inner; inner = inner->outer)
    if (auto found = inner->values.find(name); found != inner->values.end())
      return found->second;
  return poisonValue; // `check` has reported it
}

Value GraphImporter::valueNamed(StringRef name) const {
  for (const Scope *inner = currentScope; inner; inner = inner->outer)
    if (auto found = inner->values.find(name); found != inner->values.end())
      return found->second;
  return {};
}

//===- Nodes --------------------------------------------------------------===//

void GraphImporter::nodes(
    const google::protobuf::RepeatedPtrField<NodeProto> &nodes, Scope &scope,
    const Frame &frame) {
  SaveAndRestore saveScope(currentScope, static_cast<const Scope *>(&scope));
  SaveAndRestore saveFrame(currentFrame, &frame);
  for (const NodeProto &each : nodes)
    node(each, scope, frame);
}

// The node with attributes that stand for those of the function's call replaced
// by them.
static NodeProto
resolveReferences(const NodeProto &node,
                  const StringMap<const AttributeProto *> &attributes) {
  NodeProto resolved = node;
  auto &list = *resolved.mutable_attribute();
  for (int i = list.size() - 1; i >= 0; --i) {
    if (list[i].ref_attr_name().empty())
      continue;
    const AttributeProto *value = attributes.lookup(list[i].ref_attr_name());
    if (!value) {
      list.DeleteSubrange(i, 1);
      continue;
    }
    std::string name = list[i].name();
    list[i] = *value;
    list[i].set_name(name);
  }
  return resolved;
}

/// What is said of an operand whose elements are of a kind that the operator
/// takes neither in its newest version nor in that of the model, which may be
/// wider; empty where there is none.
static std::string foreignInput(const Schema &newest, const Schema *given,
                                ArrayRef<Value> operands) {
  for (auto [index, operand] : enumerate(operands)) {
    if (!operand || GraphImporter::isPoison(operand) || isContainer(operand) ||
        newest.inputs.empty())
      continue;
    const FormalParameter &formal =
        newest.inputs[std::min(index, newest.inputs.size() - 1)];
    unsigned kinds = formal.kinds;
    if (given && !given->inputs.empty())
      kinds |= given->inputs[std::min(index, given->inputs.size() - 1)].kinds;
    mlir::Type type = getElementTypeOrSelf(operand.getType());
    auto [kind, word] =
        isa<ComplexType>(type) ? std::pair(Complex, "complex numbers")
        : nn::isString(type)   ? std::pair(Strings, "strings")
        : isa<FloatType>(type) ? std::pair(Floats, "floats")
                               : std::pair(Integers, "integers");
    if (!(kinds & kind))
      return "input " + formal.name + " has " + word +
             ", which the operator does not take";
  }
  return "";
}

void GraphImporter::node(const NodeProto &original, Scope &scope,
                         const Frame &frame) {
  SaveAndRestore saveNode(currentNode);
  SaveAndRestore saveVersion(currentVersion);
  SaveAndRestore<std::string> saveWhere(currentWhere);
  mlir::Location outerLoc = builder.getLoc();
  llvm::scope_exit restoreLoc([&] { builder.setLoc(outerLoc); });
  StringRef domain = canonicalDomain(original.domain());
  auto import = frame.opsets.find(domain);
  int64_t version = import == frame.opsets.end() ? 0 : import->second;
  if (!frame.isBody) {
    currentNode = &original;
    currentVersion = version;
    currentWhere = frame.where + describe(original);
    builder.setLoc(NameLoc::get(builder.getStringAttr(currentWhere)));
  }
  if (++importedNodes > kMostNodes)
    return;

  bool hasReferences =
      frame.attributes &&
      any_of(original.attribute(), [](const AttributeProto &attribute) {
        return !attribute.ref_attr_name().empty();
      });
  NodeProto resolved;
  if (hasReferences)
    resolved = resolveReferences(original, *frame.attributes);
  const NodeProto &node = hasReferences ? resolved : original;

  if (checked.isBroken(original))
    return define(node, {}, scope);
  // Attributes that stand for others have the types of those.
  const onnx::FunctionProto *function = checked.functionFor(node);
  if (hasReferences && !frame.isBody &&
      !checkNode(node, frame.opsets, function, /*inFunction=*/false,
                 diagnostics))
    return define(node, {}, scope);
  SmallVector<Value> operands = operandsOf(node, scope);
  if (function)
    return define(
        node, call(*function, node, operands, frame, /*isBody=*/false), scope);
  if (!domain.empty())
    return define(node, ofKnownKinds(node, version, operands), scope);
  std::optional<std::vector<NodeProto>> newest = inNewest(node, version, scope);
  if (!newest)
    return define(node, {}, scope);
  for (const NodeProto &each : *newest)
    define(each, ofKnownKinds(each, version, operandsOf(each, scope)), scope);
}

SmallVector<Value> GraphImporter::operandsOf(const NodeProto &node,
                                             const Scope &scope) const {
  SmallVector<Value> operands;
  for (const std::string &input : node.input())
    operands.push_back(lookup(scope, input));
  while (!operands.empty() && !operands.back())
    operands.pop_back();
  return operands;
}

void GraphImporter::define(const NodeProto &node, ArrayRef<Value> results,
                           Scope &scope) const {
  for (auto [index, name] : enumerate(node.output()))
    if (!name.empty())
      scope.values[name] = index < results.size() && results[index]
                               ? results[index]
                               : poisonValue;
}

SmallVector<Value> GraphImporter::ofKnownKinds(const NodeProto &node,
                                               int64_t version,
                                               ArrayRef<Value> operands) {
  StringRef domain = canonicalDomain(node.domain());
  const Schema *newest =
      newestVersion(domain)
          ? findSchema(node.op_type(), *newestVersion(domain), domain)
          : nullptr;
  std::string foreign =
      newest
          ? foreignInput(*newest, findSchema(node.op_type(), version, domain),
                         operands)
          : "";
  if (foreign.empty())
    return core(node, operands);
  problem(foreign, "", operands);
  return SmallVector<Value>(node.output_size(), poisonValue);
}

std::optional<std::vector<NodeProto>>
GraphImporter::inNewest(const NodeProto &node, int64_t version,
                        const Scope &scope) {
  NormalizeContext context;
  auto type = [&](StringRef name) {
    Value value = lookup(scope, name);
    return value && !isPoison(value) ? typeProto(value.getType())
                                     : onnx::TypeProto();
  };
  auto floats = [&](StringRef name) {
    return constantFloats(lookup(scope, name));
  };
  // No name of a file starts like this and goes on like this by chance: clashes
  // would need intent, and then gain nothing.
  auto freshName = [&] { return "\x01" + std::to_string(freshNames++); };
  context.type = type;
  context.floats = floats;
  context.freshName = freshName;
  std::vector<NodeProto> newest;
  if (normalize(node, version, context, newest))
    return newest;
  problem(context.reason, "", operandsOf(node, scope));
  return std::nullopt;
}

static bool takesContainers(StringRef op) {
  return is_contained({"ConcatFromSequence", "Loop", "Optional",
                       "OptionalGetElement", "OptionalHasElement", "SequenceAt",
                       "SequenceErase", "SequenceInsert", "SequenceLength",
                       "SequenceMap", "CastMap", "DictVectorizer"},
                      op);
}

std::optional<SmallVector<Value>>
GraphImporter::onContainers(const NodeProto &node, ArrayRef<Value> operands) {
  StringRef op = node.op_type();
  if (op == "Identity")
    return SmallVector<Value>{operands[0]};
  auto has = [&](Form::Kind kind) {
    return any_of(operands, [&](Value operand) {
      return isContainer(operand) && formOf(operand).kind == kind;
    });
  };
  if (!takesContainers(op)) {
    problem(has(Form::Listed) || has(Form::Packed)
                ? "a sequence where a tensor is needed"
            : has(Form::Map) ? "a map where a tensor is needed"
                             : "an optional value where a tensor is needed",
            "", operands);
    return SmallVector<Value>(node.output_size(), poisonValue);
  }
  if (any_of(operands, isPoison))
    return std::nullopt;
  if (op == "Loop")
    return loopNode(node, operands);
  bool areLists = none_of(operands, [](Value operand) {
    return isContainer(operand) && formOf(operand).kind != Form::Listed;
  });
  if (op == "SequenceMap" && areLists)
    return mappedLists(node, operands);
  return std::nullopt;
}

SmallVector<Value> GraphImporter::core(const NodeProto &node,
                                       ArrayRef<Value> operands) {
  SmallVector<Value> refused(node.output_size(), poisonValue);
  StringRef domain = canonicalDomain(node.domain()), op = node.op_type();
  if (op == "Constant" && domain.empty())
    return constantNode(node);
  if (any_of(operands, isContainer))
    if (std::optional<SmallVector<Value>> results =
            onContainers(node, operands))
      return *results;
  StringRef operatorName = domain.empty() ? dialect.operatorFor(op) : "";
  ExpandFunction expansion =
      operatorName.empty()
          ? findExpansion(domain.empty() ? op.str() : (domain + "." + op).str())
          : nullptr;
  // What the core wants to know when compiling may be data after all.
  if (domain.empty() && operands.size() > 1 && operands[1] &&
      !isPoison(operands[1]))
    if (ExpandFunction runTimeForm = findRunTimeForm(op);
        runTimeForm && !builder.scope.integers(operands[1]))
      expansion = runTimeForm;
  if (operatorName.empty() && !expansion)
    return !domain.empty() && any_of(operands, isPoison)
               ? refused
               : unsupported(node, operands);
  if (any_of(operands, isPoison))
    return refused;
  const Schema *schema = findSchema(op, *newestVersion(domain), domain);
  if (!schema)
    return unsupported(node, operands);
  if (StringRef missing = missingInput(*schema, operands); !missing.empty()) {
    problem("input " + missing + " is missing");
    return refused;
  }
  if (depth >= kDeepestCall) {
    problem("functions and subgraphs more than " + Twine(kDeepestCall) +
            " deep");
    return refused;
  }
  SaveAndRestore saveDepth(depth, depth + 1);
  if (operatorName == "nn.if") {
    std::optional<SmallVector<int64_t>> condition =
        builder.scope.integers(operands[0]);
    return condition && condition->size() == 1
               ? knownBranch(node, condition->front())
               : ifNode(node, operands);
  }
  SmallVector<Value> completed(operands);
  if (domain.empty()) {
    Expansion lists(*this, node, operands);
    completed = withKnownLengths(lists);
  }
  if (!expansion)
    return build(operatorName, *schema, node, completed);
  // What an expansion reports after its first problem follows from that.
  Diagnostics::Mark mark = diagnostics.mark();
  Expansion expand(*this, node, completed);
  SmallVector<Value> results = expansion(expand);
  diagnostics.takeBack(std::min(mark + 1, diagnostics.mark()));
  return results;
}

} // namespace burnish::onnx_import
