// PrintLoops.cpp - nn.loop and nn.scan as those of the language.
#include "frontend/dsl/Printer.h"
#include "ir/Storage.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;

//===- What both share ----------------------------------------------------===//

/// `s = x`, or `s: f32[_, 3] = x` where dims may change.
std::string Printer::carriedText(BlockArgument argument, Value initial) {
  auto type = cast<RankedTensorType>(argument.getType());
  names[argument] = identifier("s", "s");
  return names[argument] +
         (type.hasStaticShape() ? "" : ": " + typeText(type, {})) + " = " +
         operand(initial);
}

/// Names for what the body of a scan or loop gives, at its end, and how the
/// carried values change: all at once.
void Printer::changes(ArrayRef<BlockArgument> carried, ValueRange next,
                      ValueRange emitted, ArrayRef<int64_t> axes,
                      unsigned depth) {
  std::string indent(2 * depth, ' '), after;
  auto renamed = [&](Value value, StringRef word) {
    std::string name = identifier(word, word);
    let(depth, {name}, "nn.identity(" + operand(value) + ")");
    return name;
  };
  for (auto [argument, value] : llvm::zip_equal(carried, next))
    after += indent + names[argument] + " <- " + renamed(value, "n") + "\n";
  for (auto [value, axis] : llvm::zip_equal(emitted, axes))
    after += indent + "emit " + renamed(value, "e") + " at " +
             std::to_string(axis) + "\n";
  lines += after;
}

/// `let (a, b) = HEAD { ... }` around the lines of a body; `finals` are the
/// last values of what is carried.
void Printer::around(const std::string &head, std::string outside,
                     ValueRange emitted, ValueRange finals,
                     ArrayRef<BlockArgument> carried, unsigned depth) {
  SmallVector<std::string> left;
  for (Value value : emitted)
    left.push_back(given(value));
  for (auto [value, argument] : llvm::zip_equal(finals, carried)) {
    if (value.use_empty() && (!emitted.empty() || carried.size() > 1) &&
        !wanted.count(value))
      continue;
    lines += std::string(2 * depth + 2, ' ') + "last " + names[argument] + "\n";
    left.push_back(given(value));
  }
  std::string inside = std::move(lines);
  lines = std::move(outside);
  let(depth, left, head + " {\n" + inside + std::string(2 * depth, ' ') + "}");
}

//===- loop ---------------------------------------------------------------===//

/// The condition that a loop is given and gives, where it is more than "as
/// often as there is to do".
static bool hasCondition(nn::LoopOp op) {
  auto isTrue = [](Value value) {
    ElementsAttr constant;
    if (!matchPattern(value, m_Constant(&constant)))
      return false;
    auto known = nn::readIntegers(constant, 1);
    return known && known->size() == 1 && known->front() != 0;
  };
  mlir::Block &body = op.getBody().front();
  Value next = body.getTerminator()->getOperand(0);
  while (auto identity = next.getDefiningOp<nn::IdentityOp>())
    next = identity.getInput();
  bool isKept = next == body.getArgument(1) || isTrue(next);
  return !op.getM() || !isKept || (op.getCond() && !isTrue(op.getCond()));
}

/// Hands the condition on as it is, and drops what only made it.
static void keepCondition(nn::LoopOp op) {
  mlir::Block &body = op.getBody().front();
  Operation *made = body.getTerminator()->getOperand(0).getDefiningOp();
  body.getTerminator()->setOperand(0, body.getArgument(1));
  while (made && made->use_empty() && isa<nn::IdentityOp>(made)) {
    Operation *before = made->getOperand(0).getDefiningOp();
    made->erase();
    made = before;
  }
}

bool Printer::loop(nn::LoopOp op, unsigned depth) {
  mlir::Block &body = op.getBody().front();
  std::string outside = std::move(lines), with;
  lines.clear();
  SmallVector<BlockArgument> carried(body.getArguments().drop_front(2).begin(),
                                     body.getArguments().end());
  OperandRange yields = body.getTerminator()->getOperands();
  std::string index =
      body.getArgument(0).use_empty() ? std::string("_") : identifier("i", "i");
  names[body.getArgument(0)] = index;
  std::string condition;
  if (hasCondition(op)) {
    condition = identifier("go", "go");
    with =
        condition + " = " + (op.getCond() ? withoutDims(op.getCond()) : "true");
  } else {
    keepCondition(op);
  }
  names[body.getArgument(1)] =
      condition.empty() ? std::string("bool[](1)") : condition;
  for (auto [argument, initial] : llvm::zip_equal(carried, op.getVInitial()))
    with += (with.empty() ? "" : ", ") + carriedText(argument, initial);
  std::string head = "loop " + index +
                     (op.getM() ? " in " + withoutDims(op.getM()) : "") +
                     (with.empty() ? "" : " with (" + with + ")") +
                     (condition.empty() ? "" : " while " + condition);
  if (!block(body, depth + 1))
    return false;
  std::string goesOn;
  if (!condition.empty()) {
    std::string last = withoutDims(yields[0]), name = identifier("n", "n");
    let(depth + 1, {name}, "nn.identity(" + last + ")");
    goesOn = std::string(2 * depth + 2, ' ') + condition + " <- " + name + "\n";
  }
  size_t count = carried.size();
  ValueRange emitted = yields.drop_front(1 + count);
  changes(carried, yields.drop_front(1).take_front(count), emitted,
          SmallVector<int64_t>(emitted.size(), 0), depth + 1);
  lines += goesOn;
  around(head, std::move(outside), op->getResults().drop_front(count),
         op->getResults().take_front(count), carried, depth);
  return isFine;
}

//===- scan ---------------------------------------------------------------===//

/// Each of a list of axes, counted from the front; 0 where there is no list.
static SmallVector<int64_t> axesOf(std::optional<ArrayRef<int64_t>> list,
                                   ValueRange tensors) {
  SmallVector<int64_t> axes(tensors.size(), 0);
  for (auto [at, tensor] : enumerate(tensors)) {
    int64_t axis = list && !list->empty() ? (*list)[at] : 0;
    axes[at] =
        axis < 0 ? axis + cast<ShapedType>(tensor.getType()).getRank() : axis;
  }
  return axes;
}

/// `name[:, INDEX]`, with the index at `axis` of a tensor like `value`.
static std::string indexed(const std::string &name, Value value, int64_t axis,
                           const std::string &index) {
  SmallVector<std::string> subscripts(
      cast<ShapedType>(value.getType()).getRank(), ":");
  subscripts[axis] = index;
  return name + "[" + llvm::join(subscripts, ", ") + "]";
}

/// `let r = name[:, ::-1]`, which is called `as` if that is not empty; the name
/// it has.
std::string Printer::turnAround(const std::string &name, const std::string &as,
                                Value value, int64_t axis, unsigned depth) {
  std::string back = as.empty() ? identifier("r", "r") : as;
  let(depth, {back}, indexed(name, value, axis, "::-1"));
  return back;
}

bool Printer::scan(nn::ScanOp op, unsigned depth) {
  unsigned scanned = op.getNumScanInputs(),
           carriedCount = op->getNumOperands() - scanned;
  ValueRange tensors = op->getOperands().drop_front(carriedCount),
             results = op->getResults().drop_front(carriedCount);
  auto isBack = [](std::optional<ArrayRef<int64_t>> list, size_t at) {
    return list && !list->empty() && (*list)[at] != 0;
  };
  auto inputDirections = op.getScanInputDirections(),
       outputDirections = op.getScanOutputDirections();
  // One direction for all; what goes the other way is turned around.
  bool goesBack = isBack(inputDirections, 0);
  SmallVector<int64_t> inputAxes = axesOf(op.getScanInputAxes(), tensors),
                       outputAxes = axesOf(op.getScanOutputAxes(), results);
  SmallVector<std::string> sources;
  for (auto [at, tensor] : enumerate(tensors))
    sources.push_back(
        isBack(inputDirections, at) == goesBack
            ? operand(tensor)
            : turnAround(operand(tensor), "", tensor, inputAxes[at], depth));

  mlir::Block &body = op.getBody().front();
  SmallVector<BlockArgument> carried(
      body.getArguments().take_front(carriedCount));
  std::string index = identifier("t", "t"), with, outside = std::move(lines);
  lines.clear();
  for (auto [argument, initial] :
       llvm::zip_equal(carried, op->getOperands().take_front(carriedCount)))
    with += (with.empty() ? "" : ", ") + carriedText(argument, initial);
  for (auto [at, tensor] : enumerate(tensors)) {
    BlockArgument element = body.getArgument(carriedCount + at);
    names[element] = element.use_empty() ? "_" : identifier("x", "x");
    let(depth + 1, {names[element]},
        indexed(sources[at], tensor, inputAxes[at], index));
  }
  if (!block(body, depth + 1))
    return false;
  OperandRange yields = body.getTerminator()->getOperands();
  changes(carried, yields.take_front(carriedCount),
          yields.drop_front(carriedCount), outputAxes, depth + 1);

  // What a scan emits goes its way, too.
  SmallVector<std::tuple<Value, std::string, int64_t>> toTurn;
  for (auto [at, result] : enumerate(results))
    if (isBack(outputDirections, at) != goesBack && !result.use_empty()) {
      toTurn.push_back({result, wanted.lookup(result), outputAxes[at]});
      wanted.erase(result);
    }
  around("scan " + index + " in " + (goesBack ? "reversed " : "") + "_" +
             (with.empty() ? "" : " with (" + with + ")"),
         std::move(outside), results, op->getResults().take_front(carriedCount),
         carried, depth);
  for (auto &[result, name, axis] : toTurn)
    names[result] = turnAround(names[result], name, result, axis, depth);
  return isFine;
}
