// Contrib.h - operators of ONNX Runtime's own domain, com.microsoft, which
// exported and optimised models contain.
#pragma once
#include "frontend/onnx/Schemas.h"

namespace burnish::onnx_import {

constexpr llvm::StringLiteral kContribDomain = "com.microsoft";

/// The schema of an operator that ONNX itself does not define: one of
/// `com.microsoft`, or one that ONNX Runtime has in the default domain. Null
/// when there is none.
const Schema *findContribSchema(llvm::StringRef op, llvm::StringRef domain);

} // namespace burnish::onnx_import
