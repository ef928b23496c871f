// Header.cpp - the C header of a compiled model.
#include "codegen/Header.h"
#include "codegen/Identifiers.h"
#include "ir/Types.h"
#include "llvm/ADT/StringExtras.h"

using namespace burnish;
using llvm::StringRef;

namespace {
struct CType {
  StringRef name;
  /// What burnish.h calls it, as a reader of ONNX knows it.
  StringRef meaning;
};
} // namespace

static CType cType(mlir::Type elementType) {
  switch (nn::onnxType(elementType)) {
  case 1:
    return {"float", "float"};
  case 2:
    return {"uint8_t", "uint8"};
  case 3:
    return {"int8_t", "int8"};
  case 4:
    return {"uint16_t", "uint16"};
  case 5:
    return {"int16_t", "int16"};
  case 6:
    return {"int32_t", "int32"};
  case 7:
    return {"int64_t", "int64"};
  case 8:
    return {"burnish_string", "strings"};
  case 9:
    return {"uint8_t", "bool, a byte each"};
  case 10:
    return {"uint16_t", "float16 bits"};
  case 11:
    return {"double", "double"};
  case 12:
    return {"uint32_t", "uint32"};
  case 13:
    return {"uint64_t", "uint64"};
  case 14:
    return {"float", "complex64, real and imaginary part in turn"};
  case 15:
    return {"double", "complex128, real and imaginary part in turn"};
  case 16:
    return {"uint16_t", "bfloat16 bits"};
  case 17:
    return {"uint8_t", "float8e4m3fn bits"};
  case 18:
    return {"uint8_t", "float8e4m3fnuz bits"};
  case 19:
    return {"uint8_t", "float8e5m2 bits"};
  case 20:
    return {"uint8_t", "float8e5m2fnuz bits"};
  case 21:
    return {"uint8_t", "uint4, a byte each"};
  case 22:
    return {"int8_t", "int4, a byte each"};
  case 23:
    return {"uint8_t", "float4e2m1 bits, a byte each"};
  case 24:
    return {"uint8_t", "float8e8m0 bits"};
  case 25:
    return {"uint8_t", "uint2, a byte each"};
  case 26:
    return {"int8_t", "int2, a byte each"};
  default:
    return {"void", "opaque"};
  }
}

static std::string shapeText(const nn::Port &port) {
  if (port.dims.empty())
    return "scalar";
  std::vector<std::string> dims;
  for (auto [index, dim] : llvm::enumerate(port.dims)) {
    bool isNamed =
        index < port.dimNames.size() && !port.dimNames[index].empty();
    dims.push_back(!mlir::ShapedType::isDynamic(dim) ? std::to_string(dim)
                   : isNamed ? inComment(port.dimNames[index])
                             : "?");
  }
  return llvm::join(dims, "x");
}

llvm::StringRef burnish::cTypeName(mlir::Type elementType) {
  return cType(elementType).name;
}

std::string burnish::describePort(const nn::Port &port) {
  return (cType(port.elementType).meaning + ", " + shapeText(port)).str();
}

/// C names for ports, in order, all different.
static std::vector<std::string> parameterNames(const nn::Signature &signature) {
  llvm::StringSet<> used = {"context", "workspace", signature.name};
  std::vector<std::string> names;
  auto add = [&](const nn::Port &port) {
    names.push_back(uniqueIdentifier(port.name, used));
  };
  llvm::for_each(signature.inputs, add);
  llvm::for_each(signature.outputs, add);
  return names;
}

namespace {
class HeaderWriter {
public:
  HeaderWriter(const nn::Signature &signature, const HeaderFacts &facts)
      : signature(signature), facts(facts), name(signature.name),
        upper(StringRef(name).upper()), names(parameterNames(signature)),
        os(text) {}

  std::string write() {
    begin();
    describePorts();
    declareWorkspace();
    if (facts.weightsFileBytes)
      os << "\n/* Bytes of " << name
         << ".weights, which the caller maps or reads\n"
         << " * to an address aligned to 64 and names in the context. */\n"
         << "#define " << upper << "_WEIGHTS_BYTES " << facts.weightsFileBytes
         << "\n";
    if (facts.isTyped)
      declareRun();
    os << "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
    return text;
  }

private:
  void begin() {
    os << "/* " << name
       << ".h - a neural network compiled by Burnish. Includes burnish.h, "
          "which is its manual. */\n"
       << "#ifndef BURNISH_MODEL_" << upper << "_H\n#define BURNISH_MODEL_"
       << upper << "_H\n\n#include \"burnish.h\"\n\n"
       << "#ifndef BURNISH_RESTRICT\n#ifdef __cplusplus\n#define "
          "BURNISH_RESTRICT __restrict\n#else\n#define BURNISH_RESTRICT "
          "restrict\n#endif\n#endif\n\n"
       << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  }

  void describePorts() {
    os << "/* Names, element types and shapes at run time, and the run on any "
          "number of tensors:\n";
    describe("input ", signature.inputs, 0);
    describe("output", signature.outputs, signature.inputs.size());
    if (facts.needsAllocator)
      os << " * Sizes that only run time knows are taken from the context's\n"
         << " * `allocate`: a run without one returns BURNISH_NO_ALLOCATOR.\n";
    os << " */\nextern const burnish_model " << name << ";\n\n";
  }

  void describe(StringRef kind, llvm::ArrayRef<nn::Port> ports, size_t first) {
    for (auto [index, port] : llvm::enumerate(ports)) {
      os << " *   " << kind << " " << index << "  " << names[first + index]
         << ": " << cType(port.elementType).meaning << ", " << shapeText(port);
      if (names[first + index] != port.name)
        os << ", \"" << inComment(port.name) << "\" in the model";
      bool isInput = ports.data() == signature.inputs.data();
      if (const nn::Port *grown =
              isInput ? signature.grownFrom(index) : nullptr) {
        nn::Port room = port;
        room.dims = signature.roomOf(*grown);
        os << ",\n *            a state that grows in a buffer of "
           << shapeText(room) << " (burnish_step)";
      } else if (port.grows >= 0) {
        os << ",\n *            in the buffer of input " << port.feeds;
      }
      os << "\n";
    }
  }

  void declareWorkspace() {
    // C has no arrays without elements.
    constexpr int64_t kLeast = 64;
    std::vector<std::string> dims = signature.dimParameters();
    if (!dims.empty()) {
      os << "/* Bytes that a run on inputs of these dims needs at "
            "`workspace`, aligned to 64;\n"
         << " * -1 when they do not fit. Two runs at once need two "
            "workspaces. */\n"
         << "int64_t " << name << "_workspace_size(";
      llvm::StringSet<> used;
      for (auto [index, dim] : llvm::enumerate(dims))
        os << (index ? ", " : "") << "int64_t " << uniqueIdentifier(dim, used);
      os << ");\n";
      if (!facts.isUnbounded)
        os << "\n/* The most that this can be, and never 0. */\n";
    } else {
      os << "/* Bytes that a run needs at `workspace`, aligned to 64, and "
            "never 0.\n"
         << " * Two runs at once need two workspaces. */\n";
    }
    if (!facts.isUnbounded)
      os << "#define " << upper << "_WORKSPACE_BYTES "
         << std::max(kLeast, facts.workspaceBytes) << "\n";
  }

  void declareRun() {
    os << R"(
/* Runs the model once; returns a burnish_status. Buffers are row-major, have
 * the shapes below, and do not overlap. )"
       << (facts.weightsFileBytes ? "`context` has the weights. */\n"
                                  : "`context` may be NULL. */\n")
       << "int32_t " << name << "_run(\n    const burnish_context *context";
    parameters("const ", signature.inputs, 0);
    parameters("", signature.outputs, signature.inputs.size());
    os << ",\n    void *workspace);\n";
  }

  void parameters(StringRef prefix, llvm::ArrayRef<nn::Port> ports,
                  size_t first) {
    for (auto [index, port] : llvm::enumerate(ports)) {
      // A state that is changed where it is has one parameter.
      if (port.feeds >= 0 && port.updates >= 0)
        continue;
      os << ",\n    " << (isState(port) ? "" : prefix)
         << cType(port.elementType).name << " *BURNISH_RESTRICT "
         << names[first + index] << " /* " << shapeText(port)
         << (isState(port) ? ", a state: 0 at first, changed by each run" : "")
         << " */";
    }
  }

  /// Whether an output changes an input where that is.
  bool isState(const nn::Port &port) const {
    return llvm::any_of(signature.outputs, [&](const nn::Port &output) {
      return output.feeds >= 0 && output.updates >= 0 &&
             &signature.inputs[output.updates] == &port;
    });
  }

  const nn::Signature &signature;
  const HeaderFacts &facts;
  const std::string &name;
  std::string upper;
  std::vector<std::string> names;
  std::string text;
  llvm::raw_string_ostream os;
};
} // namespace

std::string burnish::headerText(const nn::Signature &signature,
                                const HeaderFacts &facts) {
  return HeaderWriter(signature, facts).write();
}
