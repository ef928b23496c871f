// Print.cpp - a module in the nn dialect as a network in the language.
#include "frontend/dsl/Print.h"
#include "frontend/dsl/Builtins.h"
#include "frontend/dsl/ExprParser.h"
#include "frontend/dsl/Identifiers.h"
#include "frontend/dsl/Lexer.h"
#include "frontend/dsl/Params.h"
#include "frontend/dsl/Term.h"
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "ir/Storage.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;

/// Constants of up to so many elements are part of the text.
static constexpr int64_t kMostInText = 64;

namespace {
class Printer {
public:
  Printer(StringRef weightsFile, Diagnostics &diagnostics)
      : weightsFile(weightsFile), diagnostics(diagnostics) {}

  std::optional<PrintedNetwork> run(func::FuncOp func) {
    netName = identifier(func.getName(), "net");
    mlir::Block &body = func.getBody().front();
    std::string inputs;
    for (BlockArgument argument : func.getArguments()) {
      DictionaryAttr attributes = func.getArgAttrDict(argument.getArgNumber());
      auto name =
          attributes ? attributes.getAs<StringAttr>("nn.name") : StringAttr();
      names[argument] = identifier(name ? name.getValue() : "input", "input");
      inputs += (inputs.empty() ? "" : ", ") + names[argument] + ": " +
                typeText(argument.getType(), attributes);
    }
    // Outputs keep their names.
    unsigned count = func.getNumResults();
    SmallVector<std::string> outputs;
    for (unsigned index = 0; index < count; ++index) {
      DictionaryAttr attributes = func.getResultAttrDict(index);
      auto name =
          attributes ? attributes.getAs<StringAttr>("nn.name") : StringAttr();
      outputs.push_back(
          identifier(name ? name.getValue() : "output", "output"));
      Value value = body.getTerminator()->getOperand(index);
      if (value.getDefiningOp() &&
          !isa<nn::ConstantOp, nn::StringsOp>(value.getDefiningOp()))
        wanted.try_emplace(value, outputs.back());
    }
    if (!block(body, 1))
      return std::nullopt;
    std::string results, values;
    for (auto [index, value] : enumerate(body.getTerminator()->getOperands())) {
      results += (index ? ", " : "") +
                 typeText(value.getType(), func.getResultAttrDict(index));
      values += (index ? ", " : "") + outputs[index];
      if (names[value] != outputs[index])
        lines += "  let " + outputs[index] + " = nn.identity(" + names[value] +
                 ")\n";
    }
    bool isTuple = count != 1;
    result.text = "// Printed by burnish.\n\nnet " + netName + "(" + inputs +
                  ") -> " + (isTuple ? "(" + results + ")" : results) + " {\n" +
                  params + lines + "  " +
                  (isTuple ? "(" + values + ")" : values) + "\n}\n";
    return isFine ? std::optional(std::move(result)) : std::nullopt;
  }

private:
  std::string identifier(StringRef name, StringRef otherwise) {
    return identifiers.make(name, otherwise);
  }

  bool error(const Twine &where, const Twine &reason) {
    isFine = false;
    return diagnostics.error(where, reason);
  }

  std::string elementText(Type elementType) {
    std::string text = dsl::nameOf(elementType);
    if (!isElementType(text))
      error("", "the language has no elements of " + text);
    return text;
  }

  std::string typeText(Type type, DictionaryAttr attributes) {
    auto tensor = cast<RankedTensorType>(type);
    std::string text = elementText(tensor.getElementType());
    auto dimNames =
        attributes ? attributes.getAs<ArrayAttr>("nn.dims") : ArrayAttr();
    if (tensor.getRank() == 0)
      return text;
    text += "[";
    for (auto [axis, size] : enumerate(tensor.getShape())) {
      text += axis ? ", " : "";
      if (!ShapedType::isDynamic(size)) {
        text += std::to_string(size);
        continue;
      }
      StringRef name = dimNames && axis < dimNames.size()
                           ? cast<StringAttr>(dimNames[axis]).getValue()
                           : StringRef();
      // Dims of results are those of the operators: they have no names that
      // would have to hold.
      bool isInput = params.empty() && lines.empty();
      if (name.empty() || !isInput) {
        text += "_";
        continue;
      }
      auto [entry, isNew] = dims.try_emplace(name);
      if (isNew)
        entry->second = identifier(name, "D");
      text += entry->second;
    }
    return text + "]";
  }

  //===- Numbers and attributes -------------------------------------------===//

  static std::string number(const llvm::APFloat &value) {
    if (value.isNaN())
      return "nan";
    if (value.isInfinity())
      return value.isNegative() ? "-inf" : "inf";
    llvm::APFloat wide = value;
    bool losesInfo;
    wide.convert(llvm::APFloat::IEEEdouble(),
                 llvm::APFloat::rmNearestTiesToEven, &losesInfo);
    // As many digits as tell one number from all others.
    bool isDouble = &value.getSemantics() == &llvm::APFloat::IEEEdouble();
    char buffer[40];
    snprintf(buffer, sizeof buffer, isDouble ? "%.17g" : "%.9g",
             wide.convertToDouble());
    StringRef text = buffer;
    return text.find_first_of(".e") == StringRef::npos ? text.str() + ".0"
                                                       : text.str();
  }

  static std::string tupleText(ArrayRef<std::string> parts) {
    return "(" + llvm::join(parts, ", ") + (parts.size() == 1 ? ",)" : ")");
  }

  std::string literal(ElementsAttr value) {
    auto type = cast<RankedTensorType>(value.getType());
    std::string text = elementText(type.getElementType()) + "[";
    for (auto [axis, size] : enumerate(type.getShape()))
      text += (axis ? ", " : "") + std::to_string(size);
    text += "](";
    SmallVector<std::string> elements;
    int64_t count = type.getNumElements();
    if (isa<FloatType>(type.getElementType())) {
      SmallVector<char> bytes = nn::copyBytes(value);
      unsigned width = type.getElementType().getIntOrFloatBitWidth(),
               bytesOfOne = (width + 7) / 8;
      for (int64_t index = 0; index < count; ++index) {
        uint64_t bits = 0;
        std::memcpy(&bits, bytes.data() + index * bytesOfOne, bytesOfOne);
        elements.push_back(number(llvm::APFloat(
            cast<FloatType>(type.getElementType()).getFloatSemantics(),
            llvm::APInt(width, bits, /*isSigned=*/false,
                        /*implicitTrunc=*/true))));
      }
    } else if (std::optional<SmallVector<int64_t>> integers =
                   nn::readIntegers(value, count)) {
      for (int64_t each : *integers)
        elements.push_back(std::to_string(each));
    } else {
      error("", "a constant of " + dsl::nameOf(type.getElementType()) +
                    " cannot be written");
    }
    return text + llvm::join(elements, ", ") + ")";
  }

  std::string attributeText(StringRef op, Attribute value) {
    if (auto truth = dyn_cast<BoolAttr>(value))
      return truth.getValue() ? "true" : "false";
    if (auto integer = dyn_cast<IntegerAttr>(value))
      return std::to_string(integer.getInt());
    if (auto real = dyn_cast<FloatAttr>(value))
      return number(real.getValue());
    if (auto text = dyn_cast<StringAttr>(value))
      return escaped(text.getValue());
    SmallVector<std::string> parts;
    if (auto list = dyn_cast<DenseI64ArrayAttr>(value)) {
      for (int64_t each : list.asArrayRef())
        parts.push_back(std::to_string(each));
      return tupleText(parts);
    }
    if (auto list = dyn_cast<DenseF32ArrayAttr>(value)) {
      for (float each : list.asArrayRef())
        parts.push_back(number(llvm::APFloat(each)));
      return tupleText(parts);
    }
    if (auto list = dyn_cast<ArrayAttr>(value)) {
      for (Attribute each : list)
        parts.push_back(attributeText(op, each));
      return tupleText(parts);
    }
    if (auto elements = dyn_cast<ElementsAttr>(value))
      return literal(elements);
    error(op, "an attribute cannot be written in the language");
    return "";
  }

  //===- Operators --------------------------------------------------------===//

  bool block(mlir::Block &block, unsigned depth) {
    for (Operation &op : block.without_terminator())
      if (!this->op(op, depth))
        return false;
    return true;
  }

  /// Whether a NaN is among the elements that `nan` is not.
  static bool hasOtherNan(ElementsAttr value) {
    auto type = dyn_cast<FloatType>(value.getElementType());
    if (!type || isa<Float8E8M0FNUType>(type))
      return false;
    unsigned width = type.getWidth(), bytesOfOne = (width + 7) / 8;
    llvm::APFloat nan(std::nan(""));
    bool losesInfo;
    nan.convert(type.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven,
                &losesInfo);
    SmallVector<char> bytes = nn::copyBytes(value);
    for (size_t at = 0; at < bytes.size(); at += bytesOfOne) {
      uint64_t bits = 0;
      std::memcpy(&bits, bytes.data() + at, bytesOfOne);
      llvm::APFloat number(type.getFloatSemantics(),
                           llvm::APInt(width, bits, /*isSigned=*/false,
                                       /*implicitTrunc=*/true));
      if (number.isNaN() && !number.bitwiseIsEqual(nan))
        return true;
    }
    return false;
  }

  /// Strings have no file: they are part of the text, however many.
  void strings(nn::StringsOp op) {
    SmallVector<std::string> sizes, elements;
    for (int64_t size : op.getShape())
      sizes.push_back(std::to_string(size));
    for (Attribute each : op.getValues())
      elements.push_back(escaped(cast<StringAttr>(each).getValue()));
    names[op] = "string[" + llvm::join(sizes, ", ") + "](" +
                llvm::join(elements, ", ") + ")";
  }

  void constant(nn::ConstantOp op) {
    auto type = cast<RankedTensorType>(op.getType());
    if (type.getNumElements() <= kMostInText && !hasOtherNan(op.getValue())) {
      names[op] = literal(op.getValue());
      return;
    }
    StringRef given = "w";
    if (auto initializer = op->getAttrOfType<StringAttr>("nn.initializer"))
      given = initializer.getValue();
    if (auto param = op->getAttrOfType<DictionaryAttr>("nn.param"))
      given = param.getAs<StringAttr>("path").getValue();
    std::string name = identifier(given, "w");
    names[op] = name;
    ArrayRef<char> bytes;
    if (std::optional<ArrayRef<char>> raw = nn::rawBytes(op.getValue())) {
      bytes = *raw;
    } else {
      result.copies.push_back(
          std::make_unique<SmallVector<char>>(nn::copyBytes(op.getValue())));
      bytes = *result.copies.back();
    }
    bool isReal = isa<FloatType>(type.getElementType());
    params += std::string("  ") + (isReal ? "param " : "state ") + name + ": " +
              typeText(type, {}) + " = stored(\"" + weightsFile.str() + "\")\n";
    NamedTensor tensor;
    tensor.name = netName + "." + name;
    tensor.type = storedName(type.getElementType());
    tensor.dims.assign(type.getShape().begin(), type.getShape().end());
    tensor.bytes = bytes;
    result.tensors.push_back(std::move(tensor));
  }

  std::string operand(Value value) { return names[value]; }

  /// `a + b`, where both sides are known to fit.
  std::string infix(Operation &op) {
    StringRef sign = llvm::StringSwitch<StringRef>(op.getName().getStringRef())
                         .Case("nn.add", "+")
                         .Case("nn.sub", "-")
                         .Case("nn.mul", "*")
                         .Case("nn.div", "/")
                         .Case("nn.matmul", "@")
                         .Default("");
    if (sign.empty())
      return "";
    auto left = cast<RankedTensorType>(op.getOperand(0).getType()),
         right = cast<RankedTensorType>(op.getOperand(1).getType());
    if (!left.hasStaticShape() || !right.hasStaticShape() ||
        left.getElementType() != right.getElementType() ||
        left.getElementType().isInteger(1))
      return "";
    return operand(op.getOperand(0)) + " " + sign.str() + " " +
           operand(op.getOperand(1));
  }

  std::string call(Operation &op) {
    StringRef name = op.getName().getStringRef();
    static constexpr StringRef kPlain[] = {
        "relu", "sigmoid", "tanh", "exp",  "log",      "sqrt",      "abs",
        "sin",  "cos",     "erf",  "sign", "softplus", "reciprocal"};
    StringRef plain = name.drop_front(3);
    if (std::string text = infix(op); !text.empty())
      return text;
    std::string text =
        llvm::is_contained(kPlain, plain) ? plain.str() : name.str();
    SmallVector<std::string> arguments;
    unsigned next = 0;
    if (auto sizes =
            op.getAttrOfType<DenseI32ArrayAttr>("operandSegmentSizes")) {
      for (int32_t size : sizes.asArrayRef()) {
        SmallVector<std::string> group;
        for (int32_t i = 0; i < size; ++i)
          group.push_back(operand(op.getOperand(next++)));
        arguments.push_back(size == 0   ? "None"
                            : size == 1 ? group[0]
                                        : tupleText(group));
      }
      while (!arguments.empty() && arguments.back() == "None")
        arguments.pop_back();
    } else {
      for (Value value : op.getOperands())
        arguments.push_back(operand(value));
    }
    for (NamedAttribute attribute : op.getAttrs()) {
      StringRef key = attribute.getName().getValue();
      if (!key.ends_with("SegmentSizes") && !key.contains('.'))
        arguments.push_back(key.str() + " = " +
                            attributeText(name, attribute.getValue()));
    }
    if (auto sizes = op.getAttrOfType<DenseI32ArrayAttr>("resultSegmentSizes"))
      arguments.push_back(
          "results = " +
          tupleText(llvm::map_to_vector(sizes.asArrayRef(), [](int32_t size) {
            return std::to_string(size);
          })));
    else if (op.hasTrait<OpTrait::VariadicResults>() ||
             (op.getNumResults() > 1 &&
              op.hasTrait<OpTrait::AtLeastNResults<1>::Impl>()))
      arguments.push_back("results = " + std::to_string(op.getNumResults()));
    return text + "(" + llvm::join(arguments, ", ") + ")";
  }

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
  std::string branchTypes(nn::IfOp op) {
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

  std::string ifText(nn::IfOp op, unsigned depth) {
    std::string indent(2 * depth, ' ');
    // A condition is one truth without dims.
    bool hasDims = cast<ShapedType>(op.getCond().getType()).getRank() != 0;
    std::string text =
        "if " +
        (hasDims ? "nn.reshape(" + operand(op.getCond()) + ", i64[0]())"
                 : operand(op.getCond())) +
        " " + branchTypes(op) + "{\n";
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
  bool taken(nn::IfOp op, Region &branch, unsigned depth) {
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

  void let(unsigned depth, ArrayRef<std::string> given, const Twine &value) {
    lines +=
        std::string(2 * depth, ' ') + "let " +
        (given.size() == 1 ? given[0] : "(" + llvm::join(given, ", ") + ")") +
        " = " + value.str() + "\n";
  }

  /// What a value is called that an operator gives.
  std::string given(Value value) {
    std::string name = wanted.lookup(value);
    if (name.empty())
      name = value.use_empty()
                 ? "_"
                 : identifier("v" + std::to_string(++counter), "v");
    return names[value] = name;
  }

  /// `s = x`, or `s: f32[_, 3] = x` where dims may change.
  std::string carriedText(BlockArgument argument, Value initial) {
    auto type = cast<RankedTensorType>(argument.getType());
    names[argument] = identifier("s", "s");
    return names[argument] +
           (type.hasStaticShape() ? "" : ": " + typeText(type, {})) + " = " +
           operand(initial);
  }

  /// Names for what the body of a scan or loop gives, at its end, and how the
  /// carried values change: all at once.
  void changes(ArrayRef<BlockArgument> carried, ValueRange next,
               ValueRange emitted, ArrayRef<int64_t> axes, unsigned depth) {
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
  void around(const std::string &head, std::string outside, ValueRange emitted,
              ValueRange finals, ArrayRef<BlockArgument> carried,
              unsigned depth) {
    SmallVector<std::string> left;
    for (Value value : emitted)
      left.push_back(given(value));
    for (auto [value, argument] : llvm::zip_equal(finals, carried)) {
      if (value.use_empty() && (!emitted.empty() || carried.size() > 1) &&
          !wanted.count(value))
        continue;
      lines +=
          std::string(2 * depth + 2, ' ') + "last " + names[argument] + "\n";
      left.push_back(given(value));
    }
    std::string inside = std::move(lines);
    lines = std::move(outside);
    let(depth, left,
        head + " {\n" + inside + std::string(2 * depth, ' ') + "}");
  }

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

  bool loop(nn::LoopOp op, unsigned depth) {
    mlir::Block &body = op.getBody().front();
    std::string outside = std::move(lines), with;
    lines.clear();
    SmallVector<BlockArgument> carried(
        body.getArguments().drop_front(2).begin(), body.getArguments().end());
    OperandRange yields = body.getTerminator()->getOperands();
    std::string index = body.getArgument(0).use_empty() ? std::string("_")
                                                        : identifier("i", "i");
    names[body.getArgument(0)] = index;
    auto one = [&](Value value) {
      bool hasDims = cast<ShapedType>(value.getType()).getRank() != 0;
      return hasDims ? "nn.reshape(" + operand(value) + ", i64[0]())"
                     : operand(value);
    };
    std::string condition;
    if (hasCondition(op)) {
      condition = identifier("go", "go");
      with = condition + " = " + (op.getCond() ? one(op.getCond()) : "true");
    } else {
      keepCondition(op);
    }
    names[body.getArgument(1)] =
        condition.empty() ? std::string("bool[](1)") : condition;
    for (auto [argument, initial] : llvm::zip_equal(carried, op.getVInitial()))
      with += (with.empty() ? "" : ", ") + carriedText(argument, initial);
    std::string head = "loop " + index +
                       (op.getM() ? " in " + one(op.getM()) : "") +
                       (with.empty() ? "" : " with (" + with + ")") +
                       (condition.empty() ? "" : " while " + condition);
    if (!block(body, depth + 1))
      return false;
    std::string goesOn = condition.empty() ? "" : one(yields[0]);
    size_t count = carried.size();
    if (!condition.empty()) {
      std::string name = identifier("n", "n");
      let(depth + 1, {name}, "nn.identity(" + goesOn + ")");
      goesOn =
          std::string(2 * depth + 2, ' ') + condition + " <- " + name + "\n";
    }
    ValueRange emitted = yields.drop_front(1 + count);
    changes(carried, yields.drop_front(1).take_front(count), emitted,
            SmallVector<int64_t>(emitted.size(), 0), depth + 1);
    lines += goesOn;
    around(head, std::move(outside), op->getResults().drop_front(count),
           op->getResults().take_front(count), carried, depth);
    return isFine;
  }

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

  /// `name[:, ::-1]`.
  static std::string turned(const std::string &name, int64_t axis,
                            int64_t rank) {
    SmallVector<std::string> subscripts(rank, ":");
    subscripts[axis] = "::-1";
    return name + "[" + llvm::join(subscripts, ", ") + "]";
  }

  bool scan(nn::ScanOp op, unsigned depth) {
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
    mlir::Block &body = op.getBody().front();
    SmallVector<BlockArgument> carried(body.getArguments().begin(),
                                       body.getArguments().begin() +
                                           carriedCount);
    SmallVector<std::string> sources;
    for (auto [at, tensor] : enumerate(tensors)) {
      std::string name = operand(tensor);
      int64_t rank = cast<ShapedType>(tensor.getType()).getRank();
      if (isBack(inputDirections, at) != goesBack) {
        std::string back = identifier("r", "r");
        let(depth, {back}, turned(name, inputAxes[at], rank));
        name = back;
      }
      sources.push_back(name);
    }
    std::string index = identifier("t", "t"), with, outside = std::move(lines);
    lines.clear();
    for (auto [argument, initial] :
         llvm::zip_equal(carried, op->getOperands().take_front(carriedCount)))
      with += (with.empty() ? "" : ", ") + carriedText(argument, initial);
    for (auto [at, tensor] : enumerate(tensors)) {
      BlockArgument element = body.getArgument(carriedCount + at);
      names[element] = element.use_empty() ? "_" : identifier("x", "x");
      SmallVector<std::string> subscripts(
          cast<ShapedType>(tensor.getType()).getRank(), ":");
      subscripts[inputAxes[at]] = index;
      let(depth + 1, {names[element]},
          sources[at] + "[" + llvm::join(subscripts, ", ") + "]");
    }
    if (!block(body, depth + 1))
      return false;
    OperandRange yields = body.getTerminator()->getOperands();
    changes(carried, yields.take_front(carriedCount),
            yields.drop_front(carriedCount), outputAxes, depth + 1);
    // What a scan emits goes its way, too.
    SmallVector<std::pair<Value, std::string>> toTurn;
    for (auto [at, result] : enumerate(results))
      if (isBack(outputDirections, at) != goesBack && !result.use_empty()) {
        toTurn.push_back({result, wanted.lookup(result)});
        wanted.erase(result);
      }
    around("scan " + index + " in " + (goesBack ? "reversed " : "") + "_" +
               (with.empty() ? "" : " with (" + with + ")"),
           std::move(outside), results,
           op->getResults().take_front(carriedCount), carried, depth);
    for (auto &[result, name] : toTurn) {
      int64_t axis =
          outputAxes[cast<OpResult>(result).getResultNumber() - carriedCount];
      std::string back = name.empty() ? identifier("r", "r") : name;
      let(depth, {back},
          turned(names[result], axis,
                 cast<ShapedType>(result.getType()).getRank()));
      names[result] = back;
    }
    return isFine;
  }

  bool op(Operation &op, unsigned depth) {
    if (auto made = dyn_cast<nn::ConstantOp>(op)) {
      constant(made);
      return isFine;
    }
    if (auto made = dyn_cast<nn::StringsOp>(op)) {
      strings(made);
      return isFine;
    }
    if (auto each = dyn_cast<nn::ScanOp>(op))
      return scan(each, depth);
    if (auto each = dyn_cast<nn::LoopOp>(op))
      return loop(each, depth);
    auto choice = dyn_cast<nn::IfOp>(op);
    if (Region *branch = choice ? takenBranch(choice) : nullptr)
      return taken(choice, *branch, depth);
    std::string value = choice ? ifText(choice, depth) : call(op);
    SmallVector<std::string> left;
    for (Value each : op.getResults())
      left.push_back(given(each));
    let(depth, left, value);
    return isFine;
  }

  StringRef weightsFile;
  Diagnostics &diagnostics;
  PrintedNetwork result;
  std::string netName, params, lines;
  llvm::DenseMap<Value, std::string> names;
  /// What values that are given out are called.
  llvm::DenseMap<Value, std::string> wanted;
  llvm::StringMap<std::string> dims;
  Identifiers identifiers;
  unsigned counter = 0;
  bool isFine = true;
};
} // namespace

std::optional<PrintedNetwork> dsl::printNetwork(ModuleOp module,
                                                StringRef weightsFile,
                                                Diagnostics &diagnostics) {
  FailureOr<func::FuncOp> func = nn::modelFunction(module);
  if (failed(func))
    return std::nullopt;
  return Printer(weightsFile, diagnostics).run(*func);
}
