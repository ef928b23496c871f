// Trees.cpp - ensembles of decision trees.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

#define GET_OP_CLASSES
#include "ir/ops/Trees.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerTrees(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Trees.cpp.inc"
      >();
}

//===- tree_ensemble ------------------------------------------------------===//

LogicalResult TreeEnsembleOp::inferShapes(ShapeScope &scope) {
  Dims x = scope.dims(getX());
  Type elementType = getElementTypeOrSelf(getX().getType());
  if (x.size() != 2 || !(elementType.isF32() || elementType.isF64()))
    return emitOpError() << "X is " << getX().getType()
                         << " instead of rows of f32 or f64";
  if (known(x[1]) && *known(x[1]) < static_cast<int64_t>(getColumns()))
    return emitOpError() << "X has " << *known(x[1])
                         << " columns, and the trees read column "
                         << getColumns() - 1;
  if (getAggregate() != "sum" && getAggregate() != "min" &&
      getAggregate() != "max")
    return emitOpError() << "'aggregate' is \"" << getAggregate()
                         << "\", not \"sum\", \"min\" or \"max\"";
  if (getNan() != "false" && getNan() != "true" && getNan() != "flags")
    return emitOpError() << "'nan' is \"" << getNan()
                         << "\", not \"false\", \"true\" or \"flags\"";
  Type integer = IntegerType::get(getContext(), 32),
       wide =
           IntegerType::get(getContext(), elementType.getIntOrFloatBitWidth());
  auto isTable = [&](Value table, Type type, ArrayRef<int64_t> last) {
    Dims dims = scope.dims(table);
    return getElementTypeOrSelf(table.getType()) == type &&
           dims.size() == 1 + last.size() &&
           (last.empty() || isKnown(dims[1], last[0]));
  };
  bool hasLists = getLists().size() == 3 &&
                  isTable(getLists()[0], integer, {}) &&
                  isTable(getLists()[1], integer, {}) &&
                  isTable(getLists()[2], elementType, {});
  if (!isTable(getNodes(), wide, 4) || !isTable(getTrees(), integer, 3) ||
      !(getLists().empty() || hasLists))
    return emitOpError() << "the tables of nodes, trees or lists have other "
                            "types than they should";
  return scope.set(getOperation()->getResult(0), elementType,
                   {x[0], scope.constant(getNTargets())});
}

/// The integers of a table; none after a diagnostic when it is no constant.
static std::optional<SmallVector<int64_t>> integersOf(TreeEnsembleOp op,
                                                      Value table) {
  ElementsAttr elements;
  std::optional<SmallVector<int64_t>> found;
  if (matchPattern(table, m_Constant(&elements)))
    found = readIntegers(elements, std::numeric_limits<int64_t>::max());
  if (!found)
    op.emitOpError() << "has tables that are not known when compiling";
  return found;
}

/// Walks go where the tables say: everything they name has to be there.
static LogicalResult checkTables(TreeEnsembleOp op) {
  std::optional<SmallVector<int64_t>> nodes = integersOf(op, op.getNodes()),
                                      trees = integersOf(op, op.getTrees());
  if (!nodes || !trees)
    return failure();
  int64_t columns = op.getColumns(), targets = op.getNTargets();
  bool hasFlags = op.getNan() == "flags", hasLists = !op.getLists().empty();
  auto isNode = [&](int64_t offset) {
    return offset >= 0 && offset % 4 == 0 &&
           offset < static_cast<int64_t>(nodes->size());
  };
  // The first column is read wherever a walk waits.
  bool isGood = columns > 0 || nodes->empty();
  for (size_t at = 0; isGood && at < nodes->size(); at += 4) {
    int64_t column = (*nodes)[at + 1];
    isGood = column >= 0 && (hasFlags ? column / 2 : column) < columns &&
             isNode((*nodes)[at + 2]) && isNode((*nodes)[at + 3]);
  }
  for (size_t at = 0; isGood && at < trees->size(); at += 3) {
    int64_t target = (*trees)[at + 2];
    isGood = isNode((*trees)[at]) && (*trees)[at + 1] >= 0 &&
             (hasLists || (target >= 0 && target < targets));
  }
  if (isGood && hasLists) {
    std::optional<SmallVector<int64_t>> starts =
                                            integersOf(op, op.getLists()[0]),
                                        ids = integersOf(op, op.getLists()[1]);
    if (!starts || !ids)
      return failure();
    auto weights = cast<ShapedType>(op.getLists()[2].getType());
    isGood =
        starts->size() > 1 && starts->front() >= 0 &&
        llvm::is_sorted(*starts) &&
        starts->back() <= static_cast<int64_t>(ids->size()) &&
        weights.getDimSize(0) == static_cast<int64_t>(ids->size()) &&
        llvm::all_of(*ids, [&](int64_t id) { return id >= 0 && id < targets; });
  }
  if (!isGood)
    return op.emitOpError() << "has tables that name what is not there";
  return success();
}

FailureOr<SmallVector<Value>> TreeEnsembleOp::lower(Lowering &l) {
  if (failed(checkTables(*this)))
    return failure();
  Dim columns = l.scope.dim(getX(), 1);
  if (!l.scope.isAtLeast(columns, getColumns()))
    l.require(l.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::uge,
                                            l.index(l.size(columns)),
                                            l.index(getColumns())),
              Status::BadShape, "the trees read columns that are not there");
  SmallVector<Value> inputs;
  for (Value operand : getOperands())
    inputs.push_back(l.lowered(operand));
  Value out = l.emptyFor(getY());
  // One walk at a time: the plain meaning. A schedule for the machine takes its
  // place where code shall be fast.
  auto schedule =
      ScheduleAttr::get(getContext(), "trees", 1, 1, 1, false, false, false);
  auto kernel =
      KernelOp::create(l, TypeRange(out.getType()), inputs, out, schedule);
  OpBuilder::InsertionGuard guard(l);
  Block *block = l.createBlock(&kernel.getBody());
  IRMapping inside;
  for (auto [operand, input] : llvm::zip_equal(getOperands(), inputs))
    inside.map(operand, block->addArgument(input.getType(), getLoc()));
  block->addArgument(out.getType(), getLoc());
  KernelYieldOp::create(l, l.clone(*getOperation(), inside)->getResult(0));
  return SmallVector<Value>{kernel->getResult(0)};
}
