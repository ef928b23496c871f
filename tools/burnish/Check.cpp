// Check.cpp - `burnish check MODEL`: everything that would stop a compile, in
// one report.
#include "passes/Pipeline.h"
#include "tools/burnish/Commands.h"
#include "tools/burnish/Compiler.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace burnish;

static llvm::json::Array toJson(llvm::ArrayRef<std::string> texts) {
  llvm::json::Array array;
  for (const std::string &text : texts)
    array.push_back(llvm::json::fixUTF8(text));
  return array;
}

static llvm::json::Object toJson(const Problem &problem) {
  const std::string &where =
      problem.position.empty() ? problem.where : problem.position;
  llvm::json::Object object{{"where", llvm::json::fixUTF8(where)},
                            {"reason", llvm::json::fixUTF8(problem.reason)}};
  if (!problem.remedy.empty())
    object["remedy"] = llvm::json::fixUTF8(problem.remedy);
  if (problem.op.empty())
    return object;
  object["node"] = llvm::json::fixUTF8(problem.node);
  object["operator"] = llvm::json::fixUTF8(problem.op);
  object["domain"] = llvm::json::fixUTF8(problem.domain);
  object["version"] = problem.version;
  object["inputs"] = toJson(problem.inputTypes);
  object["outputs"] = toJson(problem.outputTypes);
  return object;
}

int burnish::check(const Options &options) {
  Diagnostics diagnostics(options.files[0]);
  mlir::DialectRegistry registry;
  registerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  NetworkOptions import = importOptions(options);
  import.path = options.files[0];
  import.wantsValues = false;
  bool isFine = isNetwork(import.path)
                    ? succeeded(importNetwork(context, import, diagnostics))
                    : succeeded(importModel(context, import, diagnostics));
  if (options.wantsJson) {
    llvm::json::Array problems;
    for (const Problem &problem : diagnostics.problems())
      problems.push_back(toJson(problem));
    llvm::json::Object report{
        {"file", llvm::json::fixUTF8(options.files[0])},
        {"compiles", isFine},
        {"problems", std::move(problems)},
        {"left_out", static_cast<int64_t>(diagnostics.leftOut())}};
    llvm::outs() << llvm::formatv("{0:2}", llvm::json::Value(std::move(report)))
                 << "\n";
  } else {
    for (const Problem &problem : diagnostics.problems())
      llvm::outs() << diagnostics.message(problem) << "\n";
    if (size_t count = diagnostics.leftOut())
      llvm::outs() << options.files[0] << ": and " << count << " more\n";
  }
  return isFine ? kDone : kBadInput;
}
