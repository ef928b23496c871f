// Training.h - the functions of a recipe: step, evaluation, trace.
#pragma once
#include "frontend/dsl/Elaborator.h"
#include "frontend/dsl/Import.h"
#include "frontend/dsl/RecipeFacts.h"

namespace burnish::dsl {

/// What a function of a recipe is to be built from.
struct TrainingSource {
  const Program &program;
  Messages &messages;
  ParamSource &params;
  const std::map<std::string, mlir::ModuleOp> &imports;
  Unit &unit;
  const Layer &net;
  const RecipeFacts &recipe;
  /// No metrics and scores: in C nobody asks for them, and they need room.
  bool givesLossAlone = false;
};

/// A tensor of the state of a training (burnish_slot).
struct SlotFact {
  enum Kind { Param, Statistic, Moment, Average, LeftFactor, RightFactor };
  std::string path;
  mlir::RankedTensorType type;
  Kind kind = Param;
  /// The place of its param, or -1.
  int of = -1;
  /// Of a factor: what the product of both is multiplied by.
  double scale = 0;
  bool isFrozen = false;
  InitialValue initial;
  mlir::ElementsAttr stored;
};

/// A column of the data, as each step is given it (burnish_column).
struct ColumnFact {
  std::string name;
  mlir::RankedTensorType type;
  /// Numbers below this are wanted; 0: any. The first as a label of a loss, the
  /// second as rows of a table.
  int64_t classes = 0, limit = 0;
};

struct TrainingFacts {
  std::vector<SlotFact> slots;
  std::vector<ColumnFact> columns;
  std::vector<std::string> layers;
  std::vector<ValueFact> values;
};

/// Builds a function of the recipe into the module: inputs are columns, recipe,
/// step, key and slots, outputs loss, metrics, scores and slots
/// (runtime/include/burnish_train.h). None after a report.
std::optional<TrainingFacts> buildTraining(mlir::ModuleOp module,
                                           const TrainingSource &source,
                                           TrainingRole role,
                                           llvm::StringRef name);

/// Says that a recipe has no sizes; always false.
bool complainOfNoBatch(Ident net, Messages &messages);

/// What a program that trains is told of its recipe, as an attribute that
/// nn-describe-training makes constants of.
mlir::Attribute describeTraining(mlir::MLIRContext *context,
                                 llvm::StringRef name,
                                 const TrainingFacts &facts,
                                 const RecipeFacts &recipe, int64_t batch,
                                 bool hasPredict);

} // namespace burnish::dsl
