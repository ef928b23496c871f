// Elaborator.h - builds a net: layers are inlined, dims worked out, params
// made.
#pragma once
#include "frontend/Import.h"
#include "frontend/dsl/Frame.h"
#include "frontend/dsl/Params.h"
#include "frontend/dsl/Program.h"
#include "ir/Dialect.h"
#include "ir/Ops.h"
#include "ir/Shapes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

namespace burnish::dsl {

class Invocation;
struct CallArguments;

/// `conv`, as a message about its call names it.
std::string calleeText(const Layer &layer);

class Elaborator {
public:
  Elaborator(const Program &program, Messages &messages, ParamSource &params,
             const std::map<std::string, mlir::ModuleOp> &imports,
             nn::NetBuilder &builder, mlir::Block &entry)
      : builder(builder), shapes(builder.scope), messages(messages),
        program(program), params(params), imports(imports), entryBlock(entry) {}

  /// Builds the body of a net from the arguments of the function; the results,
  /// which are poison after a report.
  std::vector<Term> net(const Layer &net, Unit &unit,
                        llvm::ArrayRef<mlir::Value> arguments);
  /// What a result of the net is called.
  std::vector<std::string> resultNames(const Layer &net) const;
  /// The dims that are named, for the names of results' dims.
  llvm::StringRef dimName(nn::Dim dim) const;
  void nameDim(nn::Dim dim, llvm::StringRef name);

  /// Which of two factors of a matrix a slot is.
  enum class Factor { None, Left, Right };
  /// What a run brings and gets back: states that the net changes, and in
  /// training all params and states. Arguments are added for them.
  struct Slot {
    std::string path;
    mlir::BlockArgument argument;
    /// What it becomes.
    mlir::Value value;
    bool isState = false;
    std::vector<std::string> flags = {};
    /// How it begins: by its initialiser, or as `stored` says.
    InitialValue initial = {};
    mlir::ElementsAttr stored = {};
    Span span = {};
    /// The place of the param that it is a moment, an average or a factor of.
    int of = -1;
    bool isAverage = false;
    Factor factor = Factor::None;
    /// By which the product of both factors is multiplied.
    double scale = 0;
  };
  std::vector<Slot> slots;
  Slot *findSlot(llvm::StringRef path);
  /// The slot that is the value now, as far as the network was built.
  Slot *slotNow(mlir::Value value);

  /// How a network is built for its recipe.
  struct Training {
    /// Dropout drops, and batch norm looks at its batch.
    bool isUpdating = false;
    /// One i64 that is another in each step: of what is drawn.
    mlir::Value key;
    int64_t draws = 0;
    /// Where states are assigned to, they stay as they are unless this holds: a
    /// truth of the run, if it is there.
    mlir::Value applies;
    /// What each layer gave, under its path, in the order of the run.
    std::vector<std::pair<std::string, mlir::Value>> layers;
    /// Dims that the recipe gives sizes.
    llvm::StringMap<int64_t> sizes;
    /// A column of the data, once its type is known.
    std::function<Term(llvm::StringRef name, mlir::RankedTensorType, Span)>
        openColumn;
  };
  /// Null unless a recipe is built.
  Training *training = nullptr;
  /// What the column is that the recipe calls by this name, if its type was
  /// found where it was used.
  std::optional<Term> openedColumn(llvm::StringRef name) const {
    auto found = columns.find(name);
    return found == columns.end() ? std::nullopt : std::optional(found->second);
  }
  /// Uniform numbers in [0, 1), others in each step.
  mlir::Value draw(llvm::ArrayRef<int64_t> shape);

  /// Weights of the samples, which losses take that have a `weight`.
  std::optional<Term> sampleWeights;
  bool usesWeights = false;
  /// What the first call of a net gave, if it is one tensor.
  mlir::Value firstNetResult() const;
  /// How many classes the column is a number of, as far as layers say.
  int64_t classesOf(llvm::StringRef column) const {
    return classes.lookup(column);
  }
  mlir::Value sumOfAll(mlir::Value value);
  /// What a shape rule refuses, said of the expression it came from.
  llvm::LogicalResult report(mlir::Diagnostic &diagnostic);
  /// A call with its first tensor.
  Term applyCall(const CallExpr &expr, const Term &piped, Frame &frame,
                 Scope &scope) {
    return call(expr, &piped, frame, scope);
  }

  /// A layer on tensors that are there already. `statics` are by name; those
  /// that are left out take their defaults.
  Term applyLayer(const Layer &layer, Unit &unit, llvm::StringRef path,
                  const llvm::StringMap<Term> &statics,
                  llvm::ArrayRef<Term> tensors, Span span);
  /// An expression of a recipe.
  Term evaluate(const Expr &expr, Frame &frame, Scope &scope) {
    return eval(expr, frame, scope);
  }

  //===- For builtins -----------------------------------------------------===//

  Term fail(Span place, const llvm::Twine &reason,
            llvm::ArrayRef<Note> notes = {}, const llvm::Twine &remedy = "") {
    messages.error(place, reason, notes, remedy);
    return {};
  }
  /// The type of a tensor as it would be written, or the value of a number.
  std::string describe(const Term &term) const;
  std::string describe(mlir::Value tensor) const;
  std::string describe(nn::Dim dim) const;
  std::string describe(llvm::ArrayRef<nn::Dim> dims) const;
  Note noteOf(const Term &term, const llvm::Twine &what) const;

  /// A number as a tensor without dims of an element type.
  Term tensorOf(const Term &term, mlir::Type elementType);
  /// A dim as a tensor of i64: of rank 0, or of one element.
  mlir::Value dimTensor(nn::Dim dim, bool hasAxis);
  mlir::Value shapeTensor(llvm::ArrayRef<nn::Dim> dims);
  /// The result of an operator on operands that are broadcast.
  Term arithmetic(Operator op, Term left, Term right, Span span);
  Term unary(Operator op, Term operand, Span span);
  /// Checks that shapes can be broadcast, and says which dims cannot.
  /// `from`: from which axis on, counted from the end.
  bool checkBroadcast(const Term &left, const Term &right, Span span,
                      llvm::StringRef what, size_t from = 1);
  /// Whether two dims are the same whatever the run brings.
  bool isSame(nn::Dim a, nn::Dim b) const;
  /// A value that an operator gave: poison when its rule refused.
  Term result(mlir::Value value, Span span) {
    if (llvm::isa<mlir::UnrankedTensorType>(value.getType()))
      return {};
    return Term::ofTensor(value, span);
  }
  std::vector<Term> results(mlir::ValueRange values, Span span) {
    std::vector<Term> terms;
    for (mlir::Value value : values)
      terms.push_back(result(value, span));
    return terms;
  }
  /// Shape rules report at this place.
  Span place;
  void at(Span span);

  nn::NetBuilder &builder;
  nn::ShapeScope &shapes;
  Messages &messages;

private:
  friend class Invocation;

  // Elaborator.cpp: layers and calls.
  Term layer(const Layer &layer, Unit &unit, const CallExpr &call,
             llvm::StringRef path, Frame &caller, const Term *piped,
             Scope &scope);
  Term body(Frame &frame, Scope &scope, Span call);
  Term call(const CallExpr &call, const Term *piped, Frame &frame,
            Scope &scope);
  std::string labelOf(const CallExpr &call, llvm::StringRef name, Frame &frame);
  bool checkWhere(Frame &frame, Scope &scope, Span call);

  // Arguments.cpp: the values of a call, then as a layer declares them. False
  // after a report.
  bool bindArguments(Frame &frame, Scope &inner, const CallExpr &call,
                     const Term *piped, Frame &caller, Scope &scope);
  bool readArguments(const CallExpr &call, const Term *piped, Frame &caller,
                     Scope &scope, CallArguments &given);
  bool readList(const ArgumentList &list, bool isStatic, size_t next,
                Frame &caller, Scope &scope, CallArguments &given);
  bool bindStatics(Frame &frame, Scope &inner, Span call, CallArguments &given);
  bool bindTensors(Frame &frame, Scope &inner, Span call, CallArguments &given);

  // Derivatives.cpp
  Term withDerivative(const Derivative &rule, const Term &given, Frame &frame,
                      Scope &scope, Span call);
  bool gradientsOf(const Derivative &rule, Term given, Frame &frame,
                   llvm::ArrayRef<const TensorParam *> params,
                   llvm::ArrayRef<mlir::Value> by,
                   llvm::SmallVector<mlir::Value> &gradients);

  // ImportedNets.cpp
  /// Dims of a model by their names, and the inputs that gave them first.
  using ImportedDims = llvm::StringMap<std::pair<nn::Dim, unsigned>>;
  /// The arguments of a call by the inputs of a model; false after a report.
  bool importedArguments(const Import &import, mlir::func::FuncOp func,
                         const CallExpr &call, const Term *piped, Frame &frame,
                         Scope &scope, std::vector<std::optional<Term>> &slots);
  /// Checks the value of an input; a truth becomes a number where the model
  /// wants one.
  bool fitsImported(const Import &import, mlir::func::FuncOp func,
                    unsigned index, Term &value, Span call,
                    ImportedDims &bound);
  Term importedNet(const Import &import, const CallExpr &call,
                   const Term *piped, Frame &frame, Scope &scope);
  /// What stands for an initialiser; null for another constant.
  mlir::Value importedParam(const Import &import, nn::ConstantOp constant);
  void noteNode(mlir::Operation &op);
  bool trainedBatchNorm(nn::BatchNormalizationOp norm,
                        mlir::IRMapping &mapping);

  // Builtins.cpp
  friend Term builtin(Elaborator &, const CallExpr &, const Term *, Frame &,
                      Scope &);
  Term builtinCall(const CallExpr &call, const Term *piped, Frame &frame,
                   Scope &scope);

  /// Whether more was evaluated than a network may cost, which is reported
  /// once.
  bool isExhausted(Span span);

  // Expressions.cpp
  Term eval(const Expr &expr, Frame &frame, Scope &scope);
  Term name(const NameExpr &name, Frame &frame, Scope &scope);
  Term pipe(const PipeExpr &pipe, Frame &frame, Scope &scope);
  Term apply(const Expr &target, const Term &piped, Frame &frame, Scope &scope);
  /// What `build` builds, marked where the attributes of a call say so.
  Term attributed(llvm::ArrayRef<Ident> attributes,
                  llvm::function_ref<Term()> build);
  std::optional<Term> lookup(llvm::StringRef name, Frame &frame, Scope &scope);

  // Literals.cpp
  Term literal(const LiteralExpr &literal, Frame &frame, Scope &scope);

  // Operators.cpp: of what is known when compiling, and of tensors.
  Term knownArithmetic(Operator op, const Term &left, const Term &right,
                       Span span);
  Term tensorArithmetic(Operator op, Term left, Term right, Span span);
  Term compare(Operator op, const Term &left, const Term &right, Span span);
  Term matmul(const Term &left, const Term &right, Span span);

  // Indexing.cpp: null, or false, after a report. `base` is what is indexed.
  Term partOf(const Term &tuple, const IndexExpr &index, Frame &frame,
              Scope &scope);
  mlir::Value sliced(mlir::Value tensor, int64_t axis,
                     const Subscript &subscript, const Term &base, Frame &frame,
                     Scope &scope);
  /// An index along a dim of `size` as a tensor of i32 or i64.
  mlir::Value indicesOf(const Term &which, nn::Dim size,
                        const Subscript &subscript, const Term &base);
  /// Takes a subscript along an axis, and goes on to the next axis.
  bool indexAxis(mlir::Value &tensor, int64_t &axis, const Subscript &subscript,
                 const IndexExpr &index, const Term &base, Frame &frame,
                 Scope &scope);
  Term index(const IndexExpr &index, Frame &frame, Scope &scope);
  Term filled(llvm::StringRef name, const IndexExpr &index, Frame &frame,
              Scope &scope);

  // OpenColumns.cpp: the column `open` as a type, or as `like`, wants it: one
  // more input of the function.
  Term opened(const Term &open, const TypeRef &type, Frame &frame, Scope &scope,
              Span span);
  Term openedLike(const Term &open, const Term &like, Span span);

  // Statements.cpp: false after a report.
  bool statement(const Stmt &stmt, Frame &frame, Scope &scope);
  bool let(const LetStmt &stmt, Frame &frame, Scope &scope);
  bool emit(const EmitStmt &stmt, Frame &frame, Scope &scope);
  /// `last s`: the last of a carried value is a result, too.
  bool emitLast(const EmitStmt &stmt);
  bool assign(const AssignStmt &stmt, Frame &frame, Scope &scope);
  bool mayBecome(const AssignStmt &stmt, const Term &target, const Term &value);
  bool assignState(const AssignStmt &stmt, Slot &state, Term &target,
                   mlir::Value value);
  bool assignCarried(const AssignStmt &stmt, Term &target, mlir::Value value);

  // ParamStatements.cpp: nothing after a report.
  void param(const ParamStmt &param, Frame &frame, Scope &scope);
  mlir::Type paramElements(const ParamStmt &param, llvm::StringRef kind);
  std::optional<llvm::SmallVector<int64_t>>
  paramSizes(const ParamStmt &param, llvm::StringRef kind,
             llvm::ArrayRef<nn::Dim> dims, Frame &frame);
  std::optional<std::vector<std::string>> paramFlags(const ParamStmt &param);
  std::optional<InitialValue> initialOf(const ParamStmt &param,
                                        llvm::ArrayRef<int64_t> sizes,
                                        std::string &stored, Frame &frame,
                                        Scope &scope);

  // Blocks.cpp
  Term block(const Block &block, Frame &frame, Scope &scope,
             const Term *head = nullptr);
  Term headed(const Expr &expr, const Term &head, Frame &frame, Scope &scope);
  Term repeat(const RepeatExpr &repeat, const Term &piped, Frame &frame,
              Scope &scope);
  Term ifElse(const IfExpr &expr, Frame &frame, Scope &scope);
  /// Gives up an operator whose bodies are begun.
  Term discard(mlir::OperationState &state);
  /// Builds a scan or loop that carries so many values and stacks what the
  /// context has; null after a report.
  mlir::Operation *iterate(mlir::OperationState &state, size_t carried,
                           const ScanContext &context);
  Term scan(const ScanExpr &expr, Frame &frame, Scope &scope);
  Term loop(const ScanExpr &expr, Frame &frame, Scope &scope);
  /// How often a loop runs at most, where it says so; false after a message.
  bool repetitions(const ScanExpr &expr, Frame &frame, Scope &scope,
                   mlir::Value &times);
  /// The statements of a loop's body and its yield. `condition` is the place of
  /// the carried value that it goes on by, -1 where it has none.
  bool loopBody(const ScanExpr &expr, int condition, Frame &frame, Scope &inner,
                ScanContext &context);
  Term loopResults(const ScanExpr &expr, int condition, mlir::Operation *loop,
                   size_t carried, const ScanContext &context);
  /// The first values of what a scan or loop carries, whose names `inner` gets
  /// for the arguments of its body; false after a report.
  bool carry(ScanContext &context, Frame &frame, Scope &scope, Scope &inner,
             llvm::SmallVector<mlir::Value> &initial);
  Term walked(mlir::Value tensor, int64_t axis, ScanContext &context,
              Span span);
  Term scanIndex(ScanContext &context, Span span);

  // Dims.cpp
  Term wholeArithmetic(Operator op, const Term &left, const Term &right,
                       Span span, bool roundsDown);
  nn::Dim dim(const Expr &expr, Frame &frame, Scope &scope);
  /// Checks a value against a type, and gives dims that are met first their
  /// sizes. `by` says whose dims they are, as `argument 'x'`.
  bool match(const TypeRef &type, const Term &value, Frame &frame, Scope &scope,
             const llvm::Twine &what, const llvm::Twine &by, Span span);
  bool matchDim(const DimRef &dim, nn::Dim size, Frame &frame, Scope &scope,
                const std::string &what, const std::string &by,
                const Term &value, Span span);
  bool solve(const Expr &pattern, nn::Dim size, Frame &frame, Scope &scope,
             const std::string &by, Span span);
  bool isUnbound(llvm::StringRef name, Frame &frame, Scope &scope);
  std::vector<Note> originsOf(const Expr &expr, Frame &frame) const;
  std::optional<nn::Dims> shapeOf(const TypeRef &type, Frame &frame,
                                  Scope &scope);

  const Program &program;
  ParamSource &params;
  const std::map<std::string, mlir::ModuleOp> &imports;
  mlir::Block &entryBlock;
  llvm::DenseMap<nn::Dim, llvm::StringRef> dimNames;
  struct MadeParam {
    const ParamStmt *stmt;
    mlir::Value value;
  };
  llvm::StringMap<MadeParam> made;
  /// Of a recipe: columns of the data whose types were found.
  llvm::StringMap<Term> columns;
  llvm::StringMap<int64_t> classes;
  /// Nets that a recipe called, and what they gave.
  struct NetCall {
    const Layer *net;
    llvm::SmallVector<mlir::Value> arguments;
    Term result;
  };
  std::vector<NetCall> netCalls;
  llvm::SmallVector<const Layer *> openLayers;
  /// The derivative of a layer whose body is being built, and those that are
  /// being built: they call their layers as these are.
  const Derivative *ofBody = nullptr;
  llvm::SmallVector<const Derivative *> openRules;
  /// Params stand at the beginning of the function, in the order in which they
  /// are met.
  mlir::Operation *lastParam = nullptr;
  void toParams();
  /// Bodies that were given up: what is known of shapes still names their
  /// values, whose memory may be no others'.
  std::vector<std::unique_ptr<mlir::Region>> discarded;
  ScanContext *currentScan = nullptr;
  unsigned controlDepth = 0;
  int64_t steps = 0;
  /// Calls that are computed again for gradients, so far.
  int64_t checkpoints = 0;
};

} // namespace burnish::dsl
