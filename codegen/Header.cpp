// Header.cpp - the C header of a compiled model.
#include "codegen/Header.h"
#include "ir/Types.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/Support/FormatVariadic.h"

using namespace burnish;
using llvm::StringRef;

static bool isTaken(StringRef name) {
  static const llvm::StringSet<> kWords = {
      // C
      "auto",
      "break",
      "case",
      "char",
      "const",
      "continue",
      "default",
      "do",
      "double",
      "else",
      "enum",
      "extern",
      "float",
      "for",
      "goto",
      "if",
      "inline",
      "int",
      "long",
      "register",
      "restrict",
      "return",
      "short",
      "signed",
      "sizeof",
      "static",
      "struct",
      "switch",
      "typedef",
      "union",
      "unsigned",
      "void",
      "volatile",
      "while",
      "asm",
      "typeof",
      "nullptr",
      "constexpr",
      "alignas",
      "alignof",
      "bool",
      "true",
      "false",
      "static_assert",
      "thread_local",
      "typeof_unqual",
      // C++
      "and",
      "and_eq",
      "atomic_cancel",
      "bitand",
      "bitor",
      "catch",
      "char8_t",
      "char16_t",
      "char32_t",
      "class",
      "compl",
      "concept",
      "consteval",
      "constinit",
      "const_cast",
      "co_await",
      "co_return",
      "co_yield",
      "decltype",
      "delete",
      "dynamic_cast",
      "explicit",
      "export",
      "friend",
      "mutable",
      "namespace",
      "new",
      "noexcept",
      "not",
      "not_eq",
      "operator",
      "or",
      "or_eq",
      "private",
      "protected",
      "public",
      "reflexpr",
      "reinterpret_cast",
      "requires",
      "static_cast",
      "synchronized",
      "template",
      "this",
      "throw",
      "try",
      "typeid",
      "typename",
      "using",
      "virtual",
      "wchar_t",
      "xor",
      "xor_eq",
      // Names with a meaning to linkers, to headers that burnish.h includes,
      // and macros of some compilers.
      "main",
      "environ",
      "errno",
      "linux",
      "unix",
      "i386",
      "NULL",
      "signgam",
      "stdin",
      "stdout",
      "stderr",
      "int8_t",
      "int16_t",
      "int32_t",
      "int64_t",
      "uint8_t",
      "uint16_t",
      "uint32_t",
      "uint64_t",
      "size_t",
      "ptrdiff_t",
      "near",
      "far",
      "I",
      "NAN",
      "INFINITY",
      "EOF",
      "assert",
  };
  if (kWords.contains(name) || name.starts_with("burnish_") ||
      name.starts_with("BURNISH_"))
    return true;
  static const llvm::TargetLibraryInfoImpl library(
      llvm::Triple("x86_64-unknown-linux-gnu"));
  llvm::LibFunc function;
  return library.getLibFunc(name, function);
}

std::string burnish::cIdentifier(StringRef text) {
  // C promises 63 significant characters; room is left for what is put around.
  constexpr size_t kLength = 48;
  std::string name;
  for (char character : text.take_front(4 * kLength)) {
    bool isFit = llvm::isAlnum(character);
    // No leading underscore and no two in a row: both are reserved somewhere.
    if (isFit || (!name.empty() && name.back() != '_'))
      name += isFit ? character : '_';
  }
  name.resize(std::min(name.size(), kLength));
  while (!name.empty() && name.back() == '_')
    name.pop_back();
  if (name.empty() || llvm::isDigit(name[0]))
    name = "model" + (name.empty() ? "" : "_" + name);
  return isTaken(name) ? name + "_model" : name;
}

/// A name of the model as it may stand in a comment: printable, short, and
/// unable to end it.
static std::string inComment(StringRef text) {
  constexpr size_t kLength = 80;
  std::string result;
  for (char character : text.take_front(kLength)) {
    if (!llvm::isPrint(character) || character == '\\')
      result +=
          llvm::formatv("\\x{0}",
                        llvm::utohexstr(static_cast<unsigned char>(character),
                                        /*LowerCase=*/true, 2))
              .str();
    else if ((character == '/' && llvm::StringRef(result).ends_with("*")) ||
             (character == '*' && llvm::StringRef(result).ends_with("/")) ||
             (character == '?' && llvm::StringRef(result).ends_with("?")))
      result += std::string(" ") + character;
    else
      result += character;
  }
  return text.size() > kLength ? result + "..." : result;
}

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
    std::string base = cIdentifier(port.name), name = base;
    for (int suffix = 2; !used.insert(name).second; ++suffix)
      name = base + "_" + std::to_string(suffix);
    names.push_back(name);
  };
  llvm::for_each(signature.inputs, add);
  llvm::for_each(signature.outputs, add);
  return names;
}

std::string burnish::headerText(const nn::Signature &signature,
                                const HeaderFacts &facts) {
  std::string text;
  llvm::raw_string_ostream os(text);
  const std::string &name = signature.name;
  std::string upper = StringRef(name).upper();
  std::vector<std::string> names = parameterNames(signature);

  os << "/* " << name
     << ".h - a neural network compiled by Burnish. Includes burnish.h, which "
        "is its manual. */\n"
     << "#ifndef BURNISH_MODEL_" << upper << "_H\n#define BURNISH_MODEL_"
     << upper << "_H\n\n#include \"burnish.h\"\n\n"
     << "#ifndef BURNISH_RESTRICT\n#ifdef __cplusplus\n#define "
        "BURNISH_RESTRICT __restrict\n#else\n#define BURNISH_RESTRICT "
        "restrict\n#endif\n#endif\n\n"
     << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";

  auto list = [&](StringRef kind, llvm::ArrayRef<nn::Port> ports,
                  size_t first) {
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
  };
  os << "/* Names, element types and shapes at run time, and the run on any "
        "number of tensors:\n";
  list("input ", signature.inputs, 0);
  list("output", signature.outputs, signature.inputs.size());
  if (facts.needsAllocator)
    os << " * Sizes that only run time knows are taken from the context's\n"
       << " * `allocate`: a run without one returns BURNISH_NO_ALLOCATOR.\n";
  os << " */\nextern const burnish_model " << name << ";\n\n";

  // C has no arrays without elements.
  constexpr int64_t kLeast = 64;
  std::vector<std::string> dims = signature.dimParameters();
  if (!dims.empty()) {
    os << "/* Bytes that a run on inputs of these dims needs at `workspace`, "
          "aligned to 64;\n"
       << " * -1 when they do not fit. Two runs at once need two workspaces. "
          "*/\n"
       << "int64_t " << name << "_workspace_size(";
    llvm::StringSet<> used;
    for (auto [index, dim] : llvm::enumerate(dims)) {
      std::string base = cIdentifier(dim), parameter = base;
      for (int suffix = 2; !used.insert(parameter).second; ++suffix)
        parameter = base + "_" + std::to_string(suffix);
      os << (index ? ", " : "") << "int64_t " << parameter;
    }
    os << ");\n";
    if (!facts.isUnbounded)
      os << "\n/* The most that this can be, and never 0. */\n";
  } else {
    os << "/* Bytes that a run needs at `workspace`, aligned to 64, and never "
          "0.\n"
       << " * Two runs at once need two workspaces. */\n";
  }
  if (!facts.isUnbounded)
    os << "#define " << upper << "_WORKSPACE_BYTES "
       << std::max(kLeast, facts.workspaceBytes) << "\n";
  if (facts.weightsFileBytes)
    os << "\n/* Bytes of " << name
       << ".weights, which the caller maps or reads\n"
       << " * to an address aligned to 64 and names in the context. */\n"
       << "#define " << upper << "_WEIGHTS_BYTES " << facts.weightsFileBytes
       << "\n";
  if (facts.isTyped) {
    os << R"(
/* Runs the model once; returns a burnish_status. Buffers are row-major, have
 * the shapes below, and do not overlap. )"
       << (facts.weightsFileBytes ? "`context` has the weights. */\n"
                                  : "`context` may be NULL. */\n")
       << "int32_t " << name << "_run(\n    const burnish_context *context";
    auto isState = [&](const nn::Port &port) {
      return llvm::any_of(signature.outputs, [&](const nn::Port &output) {
        return output.feeds >= 0 && output.updates >= 0 &&
               &signature.inputs[output.updates] == &port;
      });
    };
    auto parameters = [&](StringRef prefix, llvm::ArrayRef<nn::Port> ports,
                          size_t first) {
      for (auto [index, port] : llvm::enumerate(ports)) {
        // A state that is changed where it is has one parameter.
        if (port.feeds >= 0 && port.updates >= 0)
          continue;
        os << ",\n    " << (isState(port) ? "" : prefix)
           << cType(port.elementType).name << " *BURNISH_RESTRICT "
           << names[first + index] << " /* " << shapeText(port)
           << (isState(port) ? ", a state: 0 at first, changed by each run"
                             : "")
           << " */";
      }
    };
    parameters("const ", signature.inputs, 0);
    parameters("", signature.outputs, signature.inputs.size());
    os << ",\n    void *workspace);\n";
  }
  os << "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
  return text;
}
