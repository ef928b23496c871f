// Target.h - the machine that code is made for.
#pragma once
#include "ir/Attributes.h"
#include "llvm/Support/CodeGen.h"
#include "llvm/Support/Error.h"
#include "llvm/TargetParser/Triple.h"
#include <memory>
#include <string>

namespace llvm {
class TargetMachine;
} // namespace llvm

namespace llvm {
class MCSubtargetInfo;
} // namespace llvm

namespace burnish {

/// The triple of the machine that the compiler runs on.
llvm::Triple hostTriple();

/// A triple, a CPU and what follows from them. Two targets with the same
/// triple, CPU and features are the same target, whatever machine the compiler
/// runs on; only `native` asks the machine.
class Target {
public:
  /// `triple` empty: this machine's. `cpu` empty: `native` where the triple is
  /// this machine's, else the plainest CPU of the architecture. The error lists
  /// some of what is known.
  static llvm::Expected<Target> find(llvm::StringRef triple,
                                     llvm::StringRef cpu);
  /// The target that a #nn.target names.
  static llvm::Expected<Target> of(nn::TargetAttr attribute);

  /// The facts that passes may use; the caller sets it on the module as
  /// `nn.target`.
  nn::TargetAttr attribute(mlir::MLIRContext *context) const;

  /// LLVM's back end for it. `hugeData`: the weights need addresses past 2 GB.
  /// Code is position-independent.
  std::unique_ptr<llvm::TargetMachine> machine(unsigned level,
                                               bool hugeData = false) const;

  /// Whether it has instructions for f16 to and from f32.
  bool convertsHalf() const;
  /// Whether it rounds f32 to bf16 in an instruction.
  bool convertsBf16() const;

  /// Whether a program for it can be linked and run here.
  bool isHost() const;
  bool has(llvm::StringRef feature) const {
    return llvm::StringRef("," + features + ",")
        .contains(("+" + feature + ",").str());
  }

  llvm::Triple triple;
  std::string cpu;
  /// The features that kernels are chosen by, and those of the CPU's model that
  /// this machine lacks.
  std::string features;
  unsigned pointerBits = 64;
  /// Bits of a vector register; without a vector unit those of a general one.
  unsigned vectorBits = 128;
  unsigned vectorRegisters = 16;
  uint64_t l1Bytes = 0, l2Bytes = 0, l3Bytes = 0;
  unsigned cores = 1;
  /// The same bits on every CPU: kernels are those of one machine that is only
  /// thought of, so that sums have one order, and a product and a sum round
  /// twice.
  bool isDeterministic = false;

private:
  /// Fills in everything but the triple and the CPU.
  llvm::Error resolve(bool isNative);
  void chooseFeatures(const llvm::MCSubtargetInfo &info, bool isNative);
  void measureVectors();
  void measureMachine(bool isNative);
};

} // namespace burnish
