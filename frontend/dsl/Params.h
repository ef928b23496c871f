// Params.h - the values of params: from a seed, or from a file of weights.
#pragma once
#include "frontend/dsl/Ast.h"
#include "frontend/dsl/Initializers.h"
#include "frontend/dsl/Messages.h"
#include "frontend/dsl/SafeTensors.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"

namespace burnish::dsl {

/// What is known of a param: its path, and what the operator that holds its
/// value says in the attribute `nn.param`.
struct ParamFacts {
  std::string path;
  std::string initializer;
  std::vector<std::string> flags;
  Span span;
};

/// Why the tensor of a file is no value for a type: `F32[2], and the param is
/// F32[3]`; empty when it is one.
std::string whyUnlike(const SafeTensors::Entry &entry,
                      mlir::RankedTensorType type);
/// The word of the safetensors format for an element type. For what the format
/// has no word for it is that of a byte, in which an element lies in memory.
std::string storedName(mlir::Type elementType);
/// What the resource of a param's value is called: of a long path, the end
/// tells most.
std::string paramKey(llvm::StringRef path);

/// Gives params their values, and keeps account of them.
class ParamSource {
public:
  struct Options {
    uint64_t seed = 0;
    /// False when a network is only checked: then values are zeros that take no
    /// room.
    bool wantsValues = true;
  };
  ParamSource(Messages &messages, Options options,
              std::shared_ptr<SafeTensors> weights = nullptr)
      : messages(messages), options(options), weights(std::move(weights)) {}

  /// The value of a param: that of the file of weights, else that of the file
  /// `stored`, if any, else that of its initialiser. Null after a report.
  mlir::ElementsAttr value(const std::string &path, mlir::RankedTensorType type,
                           const InitialValue &initial,
                           const std::string &stored, Span span);
  /// The value of an initialiser of an imported model, which the file of
  /// weights may replace.
  mlir::ElementsAttr imported(const std::string &path,
                              mlir::RankedTensorType type,
                              mlir::ElementsAttr own, Span span);
  /// Writes the attribute `nn.param`.
  void mark(mlir::Operation *op, const std::string &path,
            const std::string &initializer, std::vector<std::string> flags);

  /// Reports what the file of weights has and the network has not.
  void checkAllUsed(llvm::StringRef net, Span span);
  /// The files that constants lie in, which must be kept as long as these.
  std::vector<std::shared_ptr<SafeTensors>> storage() const;
  /// The paths of all params, in the order in which they were met.
  llvm::ArrayRef<std::string> paths() const { return all; }

private:
  /// The value in a file; none when it has none and need not. Null after a
  /// report.
  std::optional<mlir::ElementsAttr> fromFile(const SafeTensors &file,
                                             const std::string &path,
                                             mlir::RankedTensorType type,
                                             Span span, bool isNeeded);

  Messages &messages;
  Options options;
  std::shared_ptr<SafeTensors> weights;
  /// Files that params name themselves.
  std::map<std::string, std::shared_ptr<SafeTensors>> files;
  std::vector<std::string> all;
  llvm::StringSet<> used;
  int64_t bytes = 0;
};

} // namespace burnish::dsl
