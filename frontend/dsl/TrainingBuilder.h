// TrainingBuilder.h - builds a function of a recipe, a piece in each file.
//
// TrainingColumns has what it takes, Augmentation and TrainingLoss what follows
// from that, TrainingUpdate how params change.
#pragma once
#include "frontend/dsl/Training.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace burnish::dsl {

class TrainingBuilder {
public:
  TrainingBuilder(mlir::ModuleOp module, const TrainingSource &source,
                  TrainingRole role, llvm::StringRef name)
      : source(source), recipe(source.recipe), role(role),
        context(*module.getContext()), shapes(&context),
        loc(placeOf(source.net.span)), function(make(module, name)),
        builder(loc, mlir::OpBuilder::atBlockBegin(entry()), shapes),
        e(source.program, source.messages, source.params, source.imports,
          builder, *entry()),
        layer(standIn(source.net)), frame(layer, source.unit, "") {}

  std::optional<TrainingFacts> build();

private:
  /// What stands for the recipe where a frame wants a layer.
  static Layer standIn(const Layer &net);
  static bool isOneFloat(const Term &value);
  mlir::Location placeOf(Span span) {
    auto [line, column] = source.messages.sources.lineAndColumn(span);
    return mlir::FileLineColLoc::get(
        &context, source.messages.sources.path(span.file), line, column);
  }
  mlir::func::FuncOp make(mlir::ModuleOp module, llvm::StringRef name) {
    mlir::OpBuilder moduleBuilder =
        mlir::OpBuilder::atBlockEnd(module.getBody());
    auto made = mlir::func::FuncOp::create(
        moduleBuilder, loc, name, mlir::FunctionType::get(&context, {}, {}));
    made.addEntryBlock();
    return made;
  }
  mlir::Block *entry() { return &function.getBody().front(); }

  bool isStep() const { return role == TrainingRole::Step; }
  bool isUpdating() const { return isStep() || role == TrainingRole::Trace; }

  // What a function takes.
  void addOperands();
  Term addColumn(llvm::StringRef name, mlir::RankedTensorType type, Span span);
  bool bindColumns();
  bool checkBatch(Ident column, mlir::RankedTensorType type);
  std::optional<mlir::RankedTensorType> columnType(const TensorParam &param);
  /// A number that each step is given; null where it is none.
  const ValueFact *valueOf(llvm::StringRef name) const;
  Term number(const ValueFact &value);

  // What it computes.
  bool augment();
  bool mix(const RecipeFacts::Augmentation &augmentation, Term &given,
           int64_t firstDraw);
  std::optional<mlir::Value> loss();
  std::optional<mlir::Value> mixed(mlir::Value loss, const Frame &before);
  bool metrics();
  bool predict();
  bool factors();
  bool update(mlir::Value loss);
  std::vector<size_t> trained();
  mlir::Value updateCount(mlir::Type type);
  std::vector<mlir::Value> clipped(std::vector<mlir::Value> gradients);
  mlir::Value accumulate(llvm::ArrayRef<size_t> places,
                         std::vector<mlir::Value> &gradients,
                         mlir::Value isSound);
  bool optimize(size_t slot, mlir::Value gradient);
  void keep(mlir::Value condition, size_t from, size_t to);
  void trace();
  bool checkNames();
  void finish();

  const TrainingSource &source;
  const RecipeFacts &recipe;
  TrainingRole role;
  mlir::MLIRContext &context;
  nn::ShapeScope shapes;
  mlir::Location loc;
  mlir::func::FuncOp function;
  nn::NetBuilder builder;
  Elaborator e;
  Elaborator::Training training;
  Layer layer;
  Frame frame;
  Scope scope;

  TrainingFacts facts;
  mlir::Value recipeOperand, step;
  std::vector<std::pair<std::string, mlir::Value>> outputs;
  /// How samples are mixed with others of the batch: by which call, where its
  /// draws begin, and what it said.
  struct Mixing {
    const CallExpr *call;
    int64_t firstDraw;
    mlir::Value share, other;
    llvm::StringSet<> columns = {};
  };
  std::optional<Mixing> mixing;
};

/// The call of a net in an expression; null where there is none.
const CallExpr *callOf(const Expr &expr, llvm::StringRef net);

} // namespace burnish::dsl
