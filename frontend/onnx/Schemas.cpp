// Schemas.cpp - what ONNX's own library knows of operators, behind calls that
// do not throw. This is the one file of the compiler that is built with
// exceptions.
#include "frontend/onnx/Schemas.h"
#include "frontend/onnx/Contrib.h"
#include "onnx/defs/parser.h"
#include "onnx/defs/schema.h"
#include "llvm/ADT/STLExtras.h"
#include <map>
#include <tuple>

namespace burnish::onnx_import {

static Arity arityOf(const onnx::OpSchema::FormalParameter &parameter) {
  switch (parameter.GetOption()) {
  case onnx::OpSchema::Single:
    return Arity::Single;
  case onnx::OpSchema::Optional:
    return Arity::Optional;
  case onnx::OpSchema::Variadic:
    return Arity::Variadic;
  }
  return Arity::Single;
}

static unsigned kindsOf(const onnx::OpSchema::FormalParameter &parameter) {
  unsigned kinds = 0;
  for (const std::string *type : parameter.GetTypes()) {
    llvm::StringRef text = *type;
    kinds |= text.contains("complex")                            ? Complex
             : text.contains("string")                           ? Strings
             : text.contains("float") || text.contains("double") ? Floats
                                                                 : Integers;
  }
  return kinds;
}

static Schema convert(const onnx::OpSchema &schema) {
  Schema result;
  result.name = schema.Name();
  result.domain = schema.domain();
  result.sinceVersion = schema.SinceVersion();
  result.isDeprecated = schema.Deprecated();
  result.minInputs = schema.min_input();
  result.maxInputs = schema.max_input();
  result.minOutputs = schema.min_output();
  result.maxOutputs = schema.max_output();
  for (const auto &parameter : schema.inputs())
    result.inputs.push_back(
        {parameter.GetName(), arityOf(parameter), kindsOf(parameter)});
  for (const auto &parameter : schema.outputs())
    result.outputs.push_back({parameter.GetName(), arityOf(parameter)});
  for (const auto &[name, attribute] : schema.attributes())
    result.attributes[name] = {attribute.type, attribute.required,
                               attribute.default_value};
  result.hasBody = schema.HasFunction() || schema.HasContextDependentFunction();
  return result;
}

std::optional<int> newestVersion(llvm::StringRef domain) {
  if (domain == kContribDomain)
    return 1;
  const auto &versions =
      onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
  auto found = versions.find(canonicalDomain(domain).str());
  if (found == versions.end())
    return std::nullopt;
  return found->second.second;
}

const Schema *findSchema(llvm::StringRef op, int version,
                         llvm::StringRef domain) {
  std::string name = op.str(), canonical = canonicalDomain(domain).str();
  const onnx::OpSchema *schema =
      onnx::OpSchemaRegistry::Schema(name, version, canonical);
  if (!schema)
    return version >= 1 ? findContribSchema(op, canonicalDomain(domain))
                        : nullptr;
  // Schemas are converted when first asked for: a model uses few of the
  // thousand.
  static std::map<const onnx::OpSchema *, Schema> converted;
  auto found = converted.find(schema);
  if (found == converted.end())
    found = converted.emplace(schema, convert(*schema)).first;
  return &found->second;
}

std::vector<std::string> operatorNames() {
  std::vector<std::string> names;
  for (const onnx::OpSchema &schema : onnx::OpSchemaRegistry::get_all_schemas())
    if (schema.domain().empty())
      names.push_back(schema.Name());
  return names;
}

std::unique_ptr<onnx::FunctionProto>
findBody(const onnx::NodeProto &node, int version,
         llvm::ArrayRef<onnx::TypeProto> inputTypes) {
  std::string domain = canonicalDomain(node.domain()).str();
  const onnx::OpSchema *schema =
      onnx::OpSchemaRegistry::Schema(node.op_type(), version, domain);
  if (!schema)
    return nullptr;
  auto body = std::make_unique<onnx::FunctionProto>();
  try {
    if (schema->HasContextDependentFunction()) {
      onnx::FunctionBodyBuildContextImpl context(node, inputTypes.vec());
      if (schema->BuildContextDependentFunction(context, *body, version))
        return body;
      body->Clear();
    }
    if (const onnx::FunctionProto *fixed = schema->GetFunction(version)) {
      *body = *fixed;
      return body;
    }
  } catch (const std::exception &) {
    // What a body asks of its node (types, ranks) is not there: as good as no
    // body.
  }
  return nullptr;
}

bool parseText(llvm::StringRef text, onnx::ModelProto &model,
               std::string &error) {
  try {
    std::string copy = text.str();
    onnx::OnnxParser parser(copy.c_str());
    auto status = parser.Parse(model);
    if (status.IsOK())
      return true;
    error = status.ErrorMessage();
  } catch (const std::exception &exception) {
    error = exception.what();
  }
  return false;
}

} // namespace burnish::onnx_import
