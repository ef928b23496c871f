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

/// Reads a file that holds one TensorProto.
llvm::Expected<TestTensor> readTestTensor(llvm::StringRef path);

/// The files beside a model that its initialisers lie in, sorted; empty when
/// the model cannot be read.
std::vector<std::string> externalFiles(llvm::StringRef modelPath);

} // namespace burnish::onnx_import
