// Expand.cpp - what expansions are written with, and the table of them.
#include "frontend/onnx/Expand.h"
#include "frontend/onnx/Containers.h"
#include "frontend/onnx/GraphImporter.h"
#include "ir/Bodies.h"
#include "ir/Ops.h"
#include "ir/Storage.h"
#include "ir/Types.h"

using namespace mlir;

namespace burnish::onnx_import {

SmallVector<Value> Expansion::many(unsigned count, StringRef op,
                                   ArrayRef<Value> operands,
                                   ArrayRef<Attr> attributes) {
  onnx::NodeProto built;
  built.set_op_type(op.str());
  // Bodies of operators ask which operands there are.
  for (auto [index, operand] : llvm::enumerate(operands))
    built.add_input(operand ? "x" + std::to_string(index) : "");
  for (unsigned i = 0; i < count; ++i)
    // No value of a model has such a name.
    built.add_output(" " + std::to_string(i));
  for (const Attr &attribute : attributes)
    std::visit(
        [&](const auto &value) { setAttribute(built, attribute.name, value); },
        attribute.value);
  SmallVector<Value> results = importer.core(built, operands);
  results.resize(count, importer.poison());
  return results;
}

Value Expansion::named(StringRef name) { return importer.valueNamed(name); }

SmallVector<Value> Expansion::gradients(Value y, ArrayRef<Value> variables,
                                        ArrayRef<Value> values,
                                        unsigned count) {
  auto op = importer.builder.makeMany<nn::GradientAtOp>(
      count, y, ValueRange(variables), ValueRange(values));
  return SmallVector<Value>(op.getGradients());
}

Value Expansion::scalar(double value, Type elementType) {
  return importer.builder.scalar(elementType, value);
}
Value Expansion::scalar(double value, Value like) {
  return scalar(value, elementType(like));
}
Value Expansion::integers(ArrayRef<int64_t> values) {
  return importer.builder.integers(values);
}
Value Expansion::integer(int64_t value) {
  return importer.builder.integer(value);
}

int64_t Expansion::rank(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getRank() : 0;
}

int64_t Expansion::onnxType(Value value) {
  return nn::onnxType(elementType(value));
}

std::optional<int64_t> Expansion::size(Value value, int64_t axis) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || axis >= type.getRank() || axis < -type.getRank())
    return std::nullopt;
  int64_t size = type.getDimSize(axis < 0 ? axis + type.getRank() : axis);
  return ShapedType::isDynamic(size) ? std::nullopt : std::optional(size);
}

std::optional<int64_t> Expansion::declaredRank() const {
  return node.output_size() > 0 ? importer.declaredRank(node.output(0))
                                : std::nullopt;
}

std::optional<SmallVector<int64_t>> Expansion::known(Value value) {
  if (!value || !isa<RankedTensorType>(value.getType()))
    return std::nullopt;
  return importer.builder.scope.integers(value);
}

Extent Expansion::extent(Value value, int64_t axis) {
  if (axis < 0)
    axis += rank(value);
  if (std::optional<int64_t> known = size(value, axis))
    return *known;
  return (*this)("Shape", value, {{"start", axis}, {"end", axis + 1}});
}

SmallVector<Extent> Expansion::extents(Value value) {
  SmallVector<Extent> result;
  for (int64_t axis = 0; axis < rank(value); ++axis)
    result.push_back(extent(value, axis));
  return result;
}

Extent Expansion::product(ArrayRef<Extent> extents) {
  int64_t known = 1;
  Value unknown;
  for (const Extent &extent : extents)
    if (const int64_t *number = std::get_if<int64_t>(&extent)) {
      if (llvm::MulOverflow(known, *number, known))
        return fail("a size over 2^63");
    } else {
      unknown = unknown ? mul(unknown, std::get<Value>(extent))
                        : std::get<Value>(extent);
    }
  if (!unknown)
    return known;
  return known == 1 ? unknown : mul(unknown, integers(known));
}

Extent Expansion::quotient(Extent extent, int64_t divisor) {
  if (const int64_t *number = std::get_if<int64_t>(&extent))
    return *number / divisor;
  return div(std::get<Value>(extent), integers(divisor));
}

Value Expansion::shape(ArrayRef<Extent> extents) {
  if (llvm::all_of(extents, [](const Extent &extent) {
        return std::holds_alternative<int64_t>(extent);
      }))
    return integers(llvm::map_to_vector(extents, [](const Extent &extent) {
      return std::get<int64_t>(extent);
    }));
  SmallVector<Value> parts;
  for (const Extent &extent : extents)
    parts.push_back(std::holds_alternative<int64_t>(extent)
                        ? integers(std::get<int64_t>(extent))
                        : std::get<Value>(extent));
  return parts.size() == 1 ? parts[0]
                           : (*this)("Concat", parts, {{"axis", int64_t(0)}});
}

Value Expansion::transpose(Value value, ArrayRef<int64_t> permutation) {
  if (llvm::is_sorted(permutation))
    return value;
  return (*this)("Transpose", value,
                 {{"perm", SmallVector<int64_t>(permutation)}});
}

Value Expansion::slice(Value value, int64_t axis, Extent begin, Extent end) {
  return (*this)("Slice", {value, shape(begin), shape(end), integers(axis)});
}

Value Expansion::countTo(Extent extent) {
  Value limit = std::holds_alternative<int64_t>(extent)
                    ? integer(std::get<int64_t>(extent))
                    : reshape(std::get<Value>(extent), ArrayRef<Extent>());
  return (*this)("Range", {integer(0), limit, integer(1)});
}

Value Expansion::reduce(StringRef op, Value value, ArrayRef<int64_t> axes,
                        bool keepDims) {
  return (*this)(op, {value, integers(axes)},
                 {{"keepdims", int64_t(keepDims)}});
}

SmallVector<Attr> Expansion::window() const {
  SmallVector<Attr> attributes;
  for (StringRef name : {"dilations", "kernel_shape", "pads", "strides"})
    if (std::optional<SmallVector<int64_t>> values = intsAttribute(node, name))
      attributes.push_back({name, *values});
  if (findAttribute(node, "group"))
    attributes.push_back({"group", intAttr("group", 1)});
  if (findAttribute(node, "auto_pad"))
    attributes.push_back({"auto_pad", stringAttr("auto_pad", "NOTSET")});
  return attributes;
}

Value Expansion::softmaxFrom(Value value, int64_t axis) {
  SmallVector<Extent> whole = extents(value);
  Value flat = reshape(value, {product(ArrayRef(whole).take_front(axis)),
                               product(ArrayRef(whole).drop_front(axis))});
  return reshape((*this)("Softmax", flat, {{"axis", int64_t(1)}}), whole);
}

Value Expansion::withChannelsFirst(Value value, bool isLast,
                                   function_ref<Value(Value)> make) {
  int64_t last = rank(value) - 1;
  if (!isLast || last < 2)
    return make(value);
  SmallVector<int64_t> there{0, last}, back{0};
  llvm::append_range(there, llvm::seq<int64_t>(1, last));
  llvm::append_range(back, llvm::seq<int64_t>(2, last + 1));
  back.push_back(1);
  return transpose(make(transpose(value, there)), back);
}

std::optional<int64_t> Expansion::axis(int64_t axis, int64_t rank) {
  if (axis >= -rank && axis < rank)
    return axis < 0 ? axis + rank : axis;
  fail("axis " + Twine(axis) + " is outside [" + Twine(-rank) + ", " +
       Twine(rank) + ")");
  return std::nullopt;
}

Value Expansion::cast(Value value, int64_t type) {
  return onnxType(value) == type ? value
                                 : (*this)("Cast", value, {{"to", type}});
}

// There is one zero only to be had.
Value Expansion::zeroUnless(Value condition) {
  return (*this)("Gather",
                 {integers(0), cast(condition, onnx::TensorProto::INT64)},
                 {{"axis", int64_t(0)}});
}

Value Expansion::tensorAttr(StringRef name) {
  const onnx::AttributeProto *attribute = findAttribute(node, name);
  return attribute && attribute->has_t()
             ? importer.constant(attribute->t(), importer.whereNow())
             : Value();
}

Value Expansion::strings(ArrayRef<StringRef> values, ArrayRef<int64_t> shape) {
  return importer.strings(values, shape);
}

SmallVector<StringRef> Expansion::stringsAttr(StringRef name) const {
  const onnx::AttributeProto *attribute = findAttribute(node, name);
  return attribute ? SmallVector<StringRef>(attribute->strings().begin(),
                                            attribute->strings().end())
                   : SmallVector<StringRef>();
}

Value Expansion::find(Value x, ArrayRef<StringRef> keys) {
  return builder().make<nn::FindOp>(x, builder().getStrArrayAttr(keys),
                                    ElementsAttr());
}

Value Expansion::find(Value x, ElementsAttr keys) {
  return builder().make<nn::FindOp>(x, ArrayAttr(), keys);
}

SmallVector<double> Expansion::numbersAttr(StringRef name) {
  if (std::optional<SmallVector<float>> values = floatsAttribute(node, name);
      values && !values->empty())
    return SmallVector<double>(values->begin(), values->end());
  Value tensor = tensorAttr((name + "_as_tensor").str());
  if (!tensor)
    tensor = tensorAttr(name);
  ElementsAttr elements;
  if (!tensor || !matchPattern(tensor, m_Constant(&elements)))
    return {};
  constexpr int64_t kAll = std::numeric_limits<int64_t>::max();
  if (std::optional<SmallVector<double>> found = nn::readFloats(elements, kAll))
    return *found;
  fail("attribute '" + name + "' has no floats");
  return {};
}

Value Expansion::floats(ArrayRef<double> values, ArrayRef<int64_t> shape,
                        Type elementType) {
  SmallVector<char> bytes;
  for (double value : values) {
    float narrow = static_cast<float>(value);
    const char *from = elementType.isF64()
                           ? reinterpret_cast<const char *>(&value)
                           : reinterpret_cast<const char *>(&narrow);
    bytes.append(from, from + (elementType.isF64() ? 8 : 4));
  }
  return importer.builder.make<nn::ConstantOp>(nn::constantWith(
      RankedTensorType::get(shape, elementType), "table", std::move(bytes)));
}
Value Expansion::floats(ArrayRef<double> values, ArrayRef<int64_t> shape) {
  return floats(values, shape, importer.builder.getF32Type());
}

void Expansion::remark(const Twine &text) {
  mlir::emitRemark(importer.builder.getLoc()) << text;
}

nn::NetBuilder &Expansion::builder() { return importer.builder; }

Value Expansion::sequence(ArrayRef<Value> elements) {
  if (llvm::any_of(elements, GraphImporter::isPoison))
    return poison();
  if (llvm::any_of(elements, isContainer))
    return fail("sequences of sequences are not supported");
  Form form{Form::Listed, {}, 0, false, {}};
  for (Value each : elements)
    form.inner.push_back(formOf(each));
  return assemble(importer.builder, importer.builder.getLoc(), form, elements);
}

SmallVector<Value> Expansion::elements(Value sequence) {
  if (!sequence || formOf(sequence).kind != Form::Listed) {
    fail("a tensor where a sequence is needed");
    return {};
  }
  return llvm::to_vector(sequence.getDefiningOp()->getOperands());
}

Value Expansion::branch(Value condition, function_ref<Value()> whenTrue,
                        function_ref<Value()> otherwise) {
  nn::NetBuilder &builder = importer.builder;
  Type unknown = poison().getType();
  mlir::OperationState state(builder.getLoc(), nn::IfOp::getOperationName());
  state.addOperands(condition);
  state.addTypes(unknown);
  // In the order of the operator's regions.
  for (function_ref<Value()> value : {otherwise, whenTrue}) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&state.addRegion()->emplaceBlock());
    nn::YieldOp::create(builder, builder.getLoc(), value());
  }
  Operation *op = builder.create(state);
  return succeeded(builder.scope.infer(op)) ? op->getResult(0) : poison();
}

/// Builds an operator that runs a body with so many arguments again and again;
/// `body` gives what the body yields.
SmallVector<Value>
Expansion::iterate(mlir::OperationState &state, size_t arguments,
                   function_ref<SmallVector<Value>(Block &)> body) {
  nn::NetBuilder &builder = importer.builder;
  SmallVector<Value> refused(state.types.size(), poison());
  Block &block = state.addRegion()->emplaceBlock();
  for (size_t i = 0; i < arguments; ++i)
    block.addArgument(poison().getType(), builder.getLoc());
  auto op = cast<nn::HasBodies>(builder.create(state));
  nn::CarriedDims carried(op, builder.scope);
  if (failed(carried.declare()))
    return refused;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&block);
    SmallVector<Value> yielded = body(block);
    if (llvm::any_of(yielded, GraphImporter::isPoison))
      return refused;
    nn::YieldOp::create(builder, builder.getLoc(), yielded);
  }
  FailureOr<bool> isWider = carried.widen(/*isInferred=*/true);
  if (failed(isWider) || *isWider || failed(builder.scope.infer(op)))
    return refused;
  return SmallVector<Value>(op->getResults());
}

SmallVector<Value>
Expansion::repeat(Extent most, ArrayRef<Value> initial,
                  function_ref<Repeated(Value, ArrayRef<Value>)> body,
                  unsigned stacks) {
  size_t results = initial.size() + stacks;
  if (llvm::any_of(initial, GraphImporter::isPoison))
    return SmallVector<Value>(results, poison());
  nn::NetBuilder &builder = importer.builder;
  mlir::OperationState state(builder.getLoc(), nn::LoopOp::getOperationName());
  state.addOperands((*this)("Squeeze", {shape(most), integers(int64_t(0))}));
  state.addOperands(initial);
  state.addAttribute(
      "operandSegmentSizes",
      builder.getDenseI32ArrayAttr({1, 0, int32_t(initial.size())}));
  state.types.assign(results, poison().getType());
  return iterate(state, initial.size() + 2, [&](Block &block) {
    Value iteration = block.getArgument(0), condition = block.getArgument(1);
    SmallVector<Value> arguments(block.getArguments().drop_front(2));
    Repeated next = body(iteration, arguments);
    SmallVector<Value> yielded{next.goesOn ? next.goesOn : condition};
    yielded.append(next.carried);
    yielded.append(next.stacked);
    return yielded;
  });
}

SmallVector<Value>
Expansion::scan(ArrayRef<Value> initial, ArrayRef<Value> scanned,
                bool isBackwards,
                function_ref<Repeated(ArrayRef<Value>, ArrayRef<Value>)> body,
                unsigned stacks) {
  SmallVector<Value> operands(initial);
  operands.append(scanned.begin(), scanned.end());
  size_t results = initial.size() + stacks;
  if (llvm::any_of(operands, GraphImporter::isPoison))
    return SmallVector<Value>(results, poison());
  nn::NetBuilder &builder = importer.builder;
  mlir::OperationState state(builder.getLoc(), nn::ScanOp::getOperationName());
  state.addOperands(operands);
  state.addAttribute("num_scan_inputs",
                     builder.getI64IntegerAttr(scanned.size()));
  state.addAttribute("scan_input_directions",
                     builder.getDenseI64ArrayAttr(
                         SmallVector<int64_t>(scanned.size(), isBackwards)));
  state.addAttribute(
      "scan_output_directions",
      builder.getDenseI64ArrayAttr(SmallVector<int64_t>(stacks, isBackwards)));
  state.types.assign(results, poison().getType());
  return iterate(state, operands.size(), [&](Block &block) {
    SmallVector<Value> arguments(block.getArguments());
    Repeated next = body(ArrayRef(arguments).take_front(initial.size()),
                         ArrayRef(arguments).drop_front(initial.size()));
    SmallVector<Value> yielded = next.carried;
    yielded.append(next.stacked);
    return yielded;
  });
}

Value Expansion::fail(const Twine &reason) {
  importer.problem(reason, "", operands);
  return importer.poison();
}

Value Expansion::poison() { return importer.poison(); }

ExpandFunction findExpansion(StringRef op) {
  static const ExpandTable table = [] {
    ExpandTable all;
    addActivations(all);
    addArithmetic(all);
    addContractions(all);
    addEncoders(all);
    addFused(all);
    addFusedAttention(all);
    addFusedExperts(all);
    addFusedQuantized(all);
    addFeatures(all);
    addLayouts(all);
    addLinearModels(all);
    addLosses(all);
    addNormalizations(all);
    addQuantization(all);
    addQuantizedLstm(all);
    addReductions(all);
    addSampling(all);
    addSignals(all);
    addStrings(all);
    addSupportVectors(all);
    addTraining(all);
    addTrees(all);
    addSequences(all);
    return all;
  }();
  return table.lookup(op);
}

} // namespace burnish::onnx_import
