// Table.h - schedules that were measured, before those that are computed.
#pragma once
#include "passes/schedules/Schedules.h"
#include "llvm/ADT/StringMap.h"

namespace burnish {

/// The module attribute with schedules by shape: a dictionary of strings. With
/// it, even empty, passes leave in another one what could have been chosen for
/// each shape, what they would choose by themselves first; and kernels have
/// `nn.shape`.
constexpr llvm::StringLiteral kSchedulesAttr = "nn.schedules";
constexpr llvm::StringLiteral kAlternativesAttr = "nn.alternatives";

/// A schedule as a table has it: what alternatives of one shape differ in, as
/// `vectors=2 rows=14`.
std::string textOf(nn::ScheduleAttr schedule);
std::string textOf(const WinogradSchedule &schedule);
/// What a table calls a convolution.
std::string textOf(const WinogradShape &shape);
/// Whether a text has that form.
bool isScheduleText(llvm::StringRef text);

/// The table of a module.
class ScheduleTable {
public:
  /// None.
  ScheduleTable() = default;
  explicit ScheduleTable(mlir::ModuleOp module);

  /// Whether the module has one.
  bool isThere() const { return attribute != nullptr; }
  /// Which of several schedules, of which the first is taken where the table
  /// has nothing, to take for `shape`. What the table has and nobody could do
  /// is an error at `place`.
  size_t choose(mlir::Operation *place, llvm::StringRef shape,
                llvm::ArrayRef<std::string> alternatives);
  bool hasFailed() const { return isWrong; }
  /// Leaves on the module what there was to choose from.
  void record();

private:
  mlir::ModuleOp module;
  mlir::DictionaryAttr attribute;
  mlir::NamedAttrList met;
  bool isWrong = false;
};

} // namespace burnish
