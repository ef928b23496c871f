// Schemas.h - what ONNX's own library knows of operators, behind calls that do
// not throw.
#pragma once
#include "onnx/onnx_pb.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace burnish::onnx_import {

enum class Arity { Single, Optional, Variadic };

/// Kinds of element types, whatever their width.
enum Kinds : unsigned { Integers = 1, Floats = 2, Complex = 4, Strings = 8 };

struct FormalParameter {
  std::string name;
  Arity arity;
  unsigned kinds = Integers | Floats;
};

struct FormalAttribute {
  onnx::AttributeProto::AttributeType type;
  bool isRequired;
  /// Has a type if the attribute has a default.
  onnx::AttributeProto defaultValue;
};

/// One operator as one version of its domain defines it.
struct Schema {
  std::string name, domain;
  int sinceVersion;
  bool isDeprecated;
  int minInputs, maxInputs, minOutputs, maxOutputs;
  std::vector<FormalParameter> inputs, outputs;
  llvm::StringMap<FormalAttribute> attributes;
  bool hasBody;
};

/// The domain as schemas name it: `ai.onnx` is the empty one.
inline llvm::StringRef canonicalDomain(llvm::StringRef domain) {
  return domain == "ai.onnx" ? "" : domain;
}

/// The newest version of a domain that this build knows; none for a domain that
/// is neither ONNX's nor ONNX Runtime's.
std::optional<int> newestVersion(llvm::StringRef domain);

/// The schema in force in `version` of `domain`; null for an operator that is
/// unknown there.
const Schema *findSchema(llvm::StringRef op, int version,
                         llvm::StringRef domain);

/// The names of all operators of the default domain.
std::vector<std::string> operatorNames();

/// The function that defines `node`, for operators that ONNX defines through
/// others. `inputTypes` are what is known of the operands. Null when there is
/// none for these operands.
std::unique_ptr<onnx::FunctionProto>
findBody(const onnx::NodeProto &node, int version,
         llvm::ArrayRef<onnx::TypeProto> inputTypes);

/// A model in ONNX's textual form; or what is wrong with it, in `error`.
bool parseText(llvm::StringRef text, onnx::ModelProto &model,
               std::string &error);

} // namespace burnish::onnx_import
