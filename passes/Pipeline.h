// Pipeline.h - the compiler: phases and what they are made of.
#pragma once
#include "mlir/Pass/PassManager.h"
#include <string>
#include <vector>

namespace burnish {

struct PipelineOptions {
  /// 0: the plain meaning of every operator, nothing fused or reordered. 1 to
  /// 3: optimised.
  unsigned level = 2;
  /// The output whose gradients are asked for, and by what; "" for none.
  std::string loss;
  std::vector<std::string> wrt;
  /// How much is computed again for gradients, beside what the network says
  /// itself: how many marks of graph/ChooseRecomputed.cpp, or -1.
  int64_t recomputed = -1;
  /// The context brings the weights; else they are a section of the object.
  bool weightsInFile = false;
  /// The object defines what the main of a compiled program refers to.
  bool isProgram = false;
  /// The program stops where it would read or write outside a buffer.
  bool checksBounds = false;
  /// A program that takes the time of each of its kernels.
  bool isTimed = false;
  /// Bits of an index on the target.
  unsigned indexBits = 64;
  /// Whether the CPU has instructions for f16 to and from f32.
  bool convertsHalf = true;
  /// Whether contractions take their operands in bf16.
  bool narrows = false;
  /// Whether the CPU's instruction from f32 to bf16 may be used, which takes
  /// the smallest numbers for 0.
  bool convertsBf16 = false;
};

/// The phases in order; each ends at a form that --emit shows.
enum class Phase { Graph, Loops, Tiles, Memory, Llvm };
constexpr Phase kPhases[] = {Phase::Graph, Phase::Loops, Phase::Tiles,
                             Phase::Memory, Phase::Llvm};

/// The name of a phase, which is what --emit calls its result: nn, linalg,
/// tiles, loops, llvm.
llvm::StringRef nameOf(Phase phase);

/// Adds the passes of one phase to a pass manager over modules.
void addPhase(mlir::OpPassManager &passes, Phase phase,
              const PipelineOptions &options);

/// Checks that passes, with those that options add, stand in an order that
/// works; says on `errors` which do
/// not. For the start of tools.
llvm::LogicalResult verifyOrder(PipelineOptions options,
                                llvm::raw_ostream &errors);

/// Registers all dialects that a module may hold on its way, and their
/// bufferisation.
void registerDialects(mlir::DialectRegistry &registry);

/// Registers every pass and, for each phase, a pipeline `burnish-PHASE`.
void registerPipelines();

} // namespace burnish
