// TrainingHeader.cpp - the C header of a compiled training.
#include "codegen/TrainingHeader.h"
#include "codegen/Header.h"
#include "codegen/Identifiers.h"

using namespace burnish;
using llvm::StringRef;

namespace {
/// Names in C for ports, all different, with their declarations.
class Parameters {
public:
  explicit Parameters(llvm::ArrayRef<StringRef> taken) {
    for (StringRef name : taken)
      used.insert(name);
  }
  std::string add(const nn::Port &port, bool isConstant) {
    std::string name = uniqueIdentifier(port.name, used);
    declarations += (isConstant ? "const " : "") +
                    cTypeName(port.elementType).str() + " *" + name + ", ";
    names += (names.empty() ? "" : ", ") + name;
    return name;
  }
  std::string declarations, names;

private:
  llvm::StringSet<> used;
};
} // namespace

static std::string comment(StringRef kind, StringRef name,
                           const nn::Port &port) {
  return (" *   " + kind + " " + name + ": " + describePort(port) + "\n").str();
}

std::string burnish::trainingHeaderText(const TrainingFacts &facts) {
  std::string text;
  llvm::raw_string_ostream os(text);
  const std::string &name = facts.name;
  std::string upper = StringRef(name).upper();
  std::string guard = "BURNISH_TRAINING_" + upper + "_H";
  Parameters step({"context", "state", "workspace", "loss", "columns"}),
      predict({"context", "state", "workspace", "inputs", "outputs"}),
      results({});
  std::string described;
  for (const nn::Port &port : facts.columns)
    described += comment("column", step.add(port, true), port);
  for (const nn::Port &port : facts.inputs)
    predict.add(port, true);
  std::string inputs = predict.names;
  predict.names.clear();
  for (const nn::Port &port : facts.outputs)
    described += comment("output of predict", predict.add(port, false), port);

  os << "/* " << name
     << ".h - a training compiled by Burnish. Includes burnish_train.h, which "
        "is its manual. */\n#ifndef "
     << guard << "\n#define " << guard << "\n\n#include \"burnish_train.h\"\n\n"
     << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n/* What its functions "
        "are about, each for one batch:\n"
     << described << " */\nextern const burnish_training " << name
     << ";\n\n/* Bytes of the state and of a workspace, both aligned to 64. "
        "*/\n#define "
     << upper << "_STATE_BYTES " << facts.stateBytes << "\n#define " << upper
     << "_WORKSPACE_BYTES " << std::max<int64_t>(facts.workspaceBytes, 64)
     << "\n\n/* The first values of everything. */\nstatic inline void " << name
     << "_init(void *state, uint64_t seed) {\n  burnish_train_init(&" << name
     << ", state, seed);\n}\n\n";
  auto batchFunction = [&](StringRef what, StringRef stateType,
                           StringRef meaning, StringRef values) {
    os << "/* " << meaning << " */\nstatic inline int32_t " << name << "_"
       << what << "(const burnish_context *context, " << stateType << "state, "
       << step.declarations
       << "float *loss, void *workspace) {\n  const void *columns[] = {"
       << step.names << "};\n  return burnish_train_" << what << "(&" << name
       << ", context, state, columns, " << values << "loss, workspace);\n}\n\n";
  };
  batchFunction("step", "void *",
                "One update; `loss` may be null. Returns a burnish_status.",
                "0, ");
  batchFunction("eval", "const void *", "The loss, and no update.", "");
  os << "/* What the network gives. */\nstatic inline int32_t " << name
     << "_predict(const burnish_context *context, const void *state, "
     << predict.declarations << "void *workspace) {\n  const void *inputs[] = {"
     << inputs << "};\n  void *outputs[] = {" << predict.names
     << "};\n  return burnish_train_predict(&" << name
     << ", context, state, inputs, outputs, workspace);\n}\n\n"
     << "/* The state as bytes that can be checked; load changes nothing "
        "where they are damaged. */\nstatic inline int64_t "
     << name << "_saved_bytes(void) { return burnish_train_saved_bytes(&"
     << name << "); }\nstatic inline void " << name
     << "_save(const void *state, void *buffer) { burnish_train_save(&" << name
     << ", state, buffer); }\nstatic inline int32_t " << name
     << "_load(void *state, const void *buffer, int64_t bytes) {\n  return "
        "burnish_train_load(&"
     << name
     << ", state, buffer, bytes);\n}\n\n#ifdef __cplusplus\n}\n#endif\n\n"
     << "#endif\n";
  return text;
}
