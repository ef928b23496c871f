// ShareKernels.cpp - functions of kernels that differ in numbers only become
// one.
#include "ir/Signature.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_SHAREKERNELS
#include "passes/Passes.h.inc"
} // namespace burnish

/// A function takes its first and last task behind everything else.
static constexpr unsigned kBounds = 2;

/// The number of a constant that an argument could give as well: a float or an
/// integer of whole bytes, or a vector of one over and over. Null for others:
/// what indices are known decides how the code is.
static TypedAttr numberOf(arith::ConstantOp constant) {
  TypedAttr value = constant.getValue();
  if (auto splat = dyn_cast<SplatElementsAttr>(value);
      splat && isa<VectorType>(value.getType()))
    value = cast<TypedAttr>(splat.getSplatValue<Attribute>());
  Type type = value.getType();
  bool isUsual = type.isF32() || type.isF64() || type.isInteger(8) ||
                 type.isInteger(16) || type.isInteger(32) || type.isInteger(64);
  return isUsual ? value : TypedAttr();
}

/// Whether an operation is another one where an operand is known: quotients of
/// integers by a constant are products.
static bool needsKnown(Operation *op) {
  return isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp,
             arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp,
             arith::ShLIOp, arith::ShRSIOp, arith::ShRUIOp>(op);
}

namespace {
/// What a function is but for its numbers. Functions of equal keys have their
/// numbers in the same order.
class Written {
public:
  explicit Written(func::FuncOp function) {
    add(function.getFunctionType().getAsOpaquePointer());
    for (NamedAttribute attribute : function->getDiscardableAttrs()) {
      add(attribute.getName().getAsOpaquePointer());
      add(attribute.getValue().getAsOpaquePointer());
    }
    write(function.getBody());
  }

  StringRef key() const {
    return {reinterpret_cast<const char *>(words.data()),
            words.size() * sizeof(uintptr_t)};
  }
  ArrayRef<arith::ConstantOp> numbers() const { return constants; }

private:
  void add(const void *word) { words.push_back(uintptr_t(word)); }
  void addNumber(size_t number) { words.push_back(number); }

  void number(Value value) { known.try_emplace(value, known.size()); }

  void write(Region &region) {
    addNumber(region.getBlocks().size());
    for (Block &block : region) {
      blocks.try_emplace(&block, blocks.size());
      addNumber(block.getNumArguments());
      for (BlockArgument argument : block.getArguments()) {
        add(argument.getType().getAsOpaquePointer());
        number(argument);
      }
    }
    for (Block &block : region) {
      addNumber(block.getOperations().size());
      for (Operation &op : block)
        write(op);
    }
  }

  void write(Operation &op) {
    add(op.getName().getAsOpaquePointer());
    auto constant = dyn_cast<arith::ConstantOp>(op);
    if (constant && numberOf(constant))
      constants.push_back(constant);
    else
      add(op.getAttrDictionary().getAsOpaquePointer());
    addNumber(op.getNumOperands());
    for (Value operand : op.getOperands())
      if (auto found = known.find(operand); found != known.end())
        addNumber(found->second);
      else
        add(operand.getAsOpaquePointer());
    addNumber(op.getNumSuccessors());
    for (Block *successor : op.getSuccessors())
      addNumber(blocks.lookup(successor));
    addNumber(op.getNumResults());
    for (Value result : op.getResults()) {
      add(result.getType().getAsOpaquePointer());
      number(result);
    }
    addNumber(op.getNumRegions());
    for (Region &region : op.getRegions())
      write(region);
  }

  std::vector<uintptr_t> words;
  SmallVector<arith::ConstantOp> constants;
  DenseMap<Value, size_t> known;
  DenseMap<Block *, size_t> blocks;
};

/// Functions that are the same but for their numbers.
struct Alike {
  SmallVector<func::FuncOp> functions;
  /// Of each function, in the same order.
  SmallVector<SmallVector<arith::ConstantOp>> numbers;
};

struct ShareKernels : burnish::impl::ShareKernelsBase<ShareKernels> {
  void runOnOperation() override {
    std::vector<Alike> groups;
    llvm::StringMap<size_t> places;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (!function.isPrivate() || function.isExternal() ||
          function.getNumArguments() < kBounds)
        continue;
      Written written(function);
      auto [place, isNew] = places.try_emplace(written.key(), groups.size());
      if (isNew)
        groups.emplace_back();
      Alike &group = groups[place->second];
      group.functions.push_back(function);
      group.numbers.emplace_back(written.numbers());
    }
    DenseMap<StringAttr, SmallVector<func::CallOp>> calls;
    getOperation().walk([&](func::CallOp call) {
      calls[call.getCalleeAttr().getAttr()].push_back(call);
    });
    for (Alike &group : groups)
      if (group.functions.size() > 1)
        share(group, calls);
    // Calls in them were known to the end.
    for (func::FuncOp function : unused)
      function.erase();
    unused.clear();
  }

  using Calls = DenseMap<StringAttr, SmallVector<func::CallOp>>;

  void share(Alike &group, Calls &calls) {
    // Constants that are equal in every function are one argument.
    constexpr size_t kMost = 16;
    llvm::MapVector<ArrayAttr, SmallVector<size_t>> places;
    for (size_t place = 0; place < group.numbers[0].size(); ++place) {
      SmallVector<Attribute> values =
          llvm::map_to_vector(group.numbers, [&](auto &numbers) -> Attribute {
            return numberOf(numbers[place]);
          });
      if (llvm::all_equal(values))
        continue;
      if (llvm::any_of(group.numbers[0][place]->getUsers(), needsKnown))
        return;
      places[ArrayAttr::get(&getContext(), values)].push_back(place);
    }
    if (places.size() > kMost)
      return;
    func::FuncOp shared = group.functions[0];
    for (auto &[values, each] : places)
      takeNumber(shared, cast<TypedAttr>(values[0]).getType(),
                 llvm::map_to_vector(each, [&](size_t place) {
                   return group.numbers[0][place];
                 }));
    for (auto [index, function] : llvm::enumerate(group.functions)) {
      for (func::CallOp call : calls[function.getSymNameAttr()]) {
        SmallVector<Value> operands(call.getOperands());
        OpBuilder builder(call);
        for (auto &[values, each] : places) {
          Value number = arith::ConstantOp::create(
              builder, call.getLoc(), cast<TypedAttr>(values[index]));
          operands.insert(operands.end() - kBounds, number);
        }
        call->setOperands(operands);
        call.setCallee(shared.getSymName());
      }
      if (function != shared)
        unused.push_back(function);
    }
  }

  SmallVector<func::FuncOp> unused;

  /// Makes an argument of `constants`, which have one number.
  static void takeNumber(func::FuncOp function, Type type,
                         ArrayRef<arith::ConstantOp> constants) {
    unsigned place = function.getNumArguments() - kBounds;
    if (failed(function.insertArgument(place, type, {}, function.getLoc())))
      llvm_unreachable("functions of kernels take any type");
    auto builder = OpBuilder::atBlockBegin(&function.getBody().front());
    DenseMap<Type, Value> made;
    made[type] = function.getArgument(place);
    for (arith::ConstantOp constant : constants) {
      Value &value = made[constant.getType()];
      if (!value)
        value = vector::BroadcastOp::create(builder, constant.getLoc(),
                                            constant.getType(),
                                            function.getArgument(place));
      constant.replaceAllUsesWith(value);
      constant.erase();
    }
  }
};
} // namespace
