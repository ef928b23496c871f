// Containers.h - sequences and optional values as the tensors they are made of.
#pragma once
#include "frontend/onnx/Expand.h"

namespace burnish::onnx_import {

/// What a value of a graph is made of. A sequence whose elements are known when
/// compiling is a list of them. One that is not is packed: all elements one
/// behind the other, a tensor of rank 1, and their shapes, a row each; shapes
/// of lower rank than others end with -1. An optional value of which only the
/// run knows whether it is there has a boolean beside it, and anything where it
/// is not. A map is a list of keys and one of values, in any order.
struct Form {
  enum Kind { Tensor, Absent, Optional, Listed, Packed, Map };
  Kind kind = Tensor;
  /// Of a tensor, and of the elements of a packed sequence.
  mlir::Type elementType;
  int64_t rank = 0;
  /// Whether elements of a packed sequence may have lower ranks.
  bool isMixed = false;
  /// The elements of a list, what an optional value is where it is there, and
  /// keys and values of a map.
  std::vector<Form> inner;

  bool operator==(const Form &) const = default;
};

/// Values that are no tensors are casts of those they are made of to a type
/// that says what it is; nothing but this file looks at that type.
bool isContainer(mlir::Value value);
Form formOf(mlir::Type type);
inline Form formOf(mlir::Value value) { return formOf(value.getType()); }

/// The form that values of both forms can take; none where there is none.
std::optional<Form> unite(const Form &a, const Form &b);
/// A value in another form, one that `unite` gave.
mlir::Value inForm(Expansion &e, mlir::Value value, const Form &form);

/// The tensors of a value, and a value made of them (which are taken from the
/// front of `tensors`).
void flatten(mlir::Value value, llvm::SmallVectorImpl<mlir::Value> &tensors);
mlir::Value assemble(mlir::OpBuilder &builder, mlir::Location loc,
                     const Form &form, llvm::ArrayRef<mlir::Value> &tensors);
/// How many tensors that takes, and how those of a port of that name are
/// called.
size_t countTensors(const Form &form);
void nameTensors(const Form &form, llvm::StringRef name,
                 llvm::SmallVectorImpl<std::string> &names);

/// An optional value that is known to be absent.
mlir::Value absent(Expansion &e);

/// The parts of a packed sequence: elements, and shapes.
std::pair<mlir::Value, mlir::Value> packedParts(mlir::Value value);
/// A packed sequence of parts.
mlir::Value packed(Expansion &e, mlir::Value elements, mlir::Value shapes,
                   bool isMixed);

} // namespace burnish::onnx_import
