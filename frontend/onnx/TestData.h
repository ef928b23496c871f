// TestData.h - the inputs and outputs of ONNX's backend-test folders, and the
// files a model is made of.
#pragma once
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace burnish::onnx_import {

/// A tensor from a .pb file. `bytes` are as burnish.h has them: each element in
/// whole bytes, row-major; of strings there are none, as they are in `strings`.
struct TestTensor {
  std::string name;
  int32_t type = 0; // ONNX's number
  std::vector<int64_t> dims;
  std::vector<char> bytes;
  std::vector<std::string> strings;
};

/// An input or output of a case: a tensor, or the elements of a sequence, or
/// nothing where an optional value is absent.
struct TestValue {
  std::string name;
  bool isSequence = false, isOptional = false, isAbsent = false;
  /// Whether the model says what rank the elements of a sequence have.
  bool hasRank = true;
  std::vector<TestTensor> tensors;
};

/// Reads the files `KIND_0.pb`, `KIND_1.pb`, ... of a data set; `kind` is
/// `input` or `output`, and what a file holds is what the model says.
llvm::Expected<std::vector<TestValue>> readTestValues(llvm::StringRef modelPath,
                                                      llvm::StringRef set,
                                                      llvm::StringRef kind);

/// The files beside a model that its initialisers lie in, sorted; empty when
/// the model cannot be read.
std::vector<std::string> externalFiles(llvm::StringRef modelPath);

} // namespace burnish::onnx_import
