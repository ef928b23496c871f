// PrintBranches.cpp - nn.if as `if` of the language.
#include "frontend/dsl/Printer.h"
#include "ir/Storage.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;

/// The branch that is taken whatever the run brings, if that is known: its
/// types are those of the results, and those of the other need not be.
static Region *takenBranch(nn::IfOp op) {
  Region &yes = op.getThenBranch(), &no = op.getElseBranch();
  auto yields = [](Region &region) {
    return region.front().getTerminator()->getOperandTypes();
  };
  ElementsAttr condition;
  if (matchPattern(op.getCond(), m_Constant(&condition)))
    if (auto known = nn::readIntegers(condition, 1); known && known->size())
      return known->front() ? &yes : &no;
  for (auto [a, b] : llvm::zip_equal(yields(yes), yields(no)))
    if (cast<ShapedType>(a).getRank() != cast<ShapedType>(b).getRank() ||
        getElementTypeOrSelf(a) != getElementTypeOrSelf(b))
      return yields(yes) == op->getResultTypes() ? &yes : &no;
  return nullptr;
}

/// `-> (f32[_, 3], bool)`, where the branches of an if may differ.
std::string Printer::branchTypes(nn::IfOp op) {
  std::string text;
  bool isNeeded = false;
  for (auto [yes, no] : llvm::zip_equal(
           op.getThenBranch().front().getTerminator()->getOperandTypes(),
           op.getElseBranch().front().getTerminator()->getOperandTypes())) {
    auto a = cast<RankedTensorType>(yes), b = cast<RankedTensorType>(no);
    SmallVector<int64_t> both(a.getShape());
    for (auto [dim, other] : llvm::zip_equal(both, b.getShape()))
      if (dim != other)
        dim = ShapedType::kDynamic;
    isNeeded |= llvm::any_of(both, ShapedType::isDynamic);
    text += (text.empty() ? "" : ", ") + typeText(a.clone(both), {});
  }
  return !isNeeded                  ? ""
         : op->getNumResults() == 1 ? "-> " + text + " "
                                    : "-> (" + text + ") ";
}

std::string Printer::ifText(nn::IfOp op, unsigned depth) {
  std::string indent(2 * depth, ' ');
  std::string text =
      "if " + withoutDims(op.getCond()) + " " + branchTypes(op) + "{\n";
  for (Region *region : {&op.getThenBranch(), &op.getElseBranch()}) {
    std::string outside = std::move(lines);
    lines.clear();
    if (!block(region->front(), depth + 1))
      return "";
    SmallVector<std::string> values;
    for (Value value : region->front().getTerminator()->getOperands())
      values.push_back(operand(value));
    text += lines + indent + "  " +
            (values.size() == 1 ? values[0] : tupleText(values)) + "\n" +
            indent + (region == &op.getThenBranch() ? "} else {\n" : "}");
    lines = std::move(outside);
  }
  return text;
}

/// The branch of an if that is always taken stands where the if did.
bool Printer::taken(nn::IfOp op, Region &branch, unsigned depth) {
  if (!block(branch.front(), depth))
    return false;
  Operation *end = branch.front().getTerminator();
  for (auto [result, value] :
       llvm::zip_equal(op->getResults(), end->getOperands())) {
    std::string name = wanted.lookup(result);
    names[result] = name.empty() ? operand(value) : name;
    if (!name.empty())
      let(depth, {name}, "nn.identity(" + operand(value) + ")");
  }
  return true;
}

bool Printer::choice(nn::IfOp op, unsigned depth) {
  if (Region *branch = takenBranch(op))
    return taken(op, *branch, depth);
  letResults(*op, ifText(op, depth), depth);
  return isFine;
}
