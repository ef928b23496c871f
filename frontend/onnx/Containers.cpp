// Containers.cpp - sequences and optional values as the tensors they are made
// of.
#include "frontend/onnx/Containers.h"
#include "ir/Ops.h"
#include "ir/Storage.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace burnish::onnx_import {
namespace {

// The first elements of the tuple that a container's type is: an index for a
// packed sequence, two for one of several ranks, i1 for an optional value, i8
// for a map.
// Lists have tensors only.
Type markOf(Type type) {
  auto tuple = dyn_cast<TupleType>(type);
  return tuple && tuple.size() && !isa<TensorType>(tuple.getType(0))
             ? tuple.getType(0)
             : Type();
}

Form formOfType(Type type) {
  if (isa<NoneType>(type))
    return {Form::Absent, {}, 0, false, {}};
  auto tuple = dyn_cast<TupleType>(type);
  if (!tuple) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return {Form::Tensor,
            getElementTypeOrSelf(type),
            tensor ? tensor.getRank() : 0,
            false,
            {}};
  }
  Type mark = markOf(type);
  if (mark && mark.isIndex()) {
    auto shapes = cast<RankedTensorType>(tuple.getTypes().back());
    return {Form::Packed,
            getElementTypeOrSelf(tuple.getTypes().drop_back().back()),
            shapes.getDimSize(1),
            tuple.size() == 4,
            {}};
  }
  Form form{!mark               ? Form::Listed
            : mark.isInteger(8) ? Form::Map
                                : Form::Optional,
            {},
            0,
            false,
            {}};
  for (Type each : mark ? tuple.getTypes().drop_front() : tuple.getTypes())
    form.inner.push_back(formOfType(each));
  return form;
}

Value make(OpBuilder &builder, Location loc, ArrayRef<Type> types,
           ArrayRef<Value> parts) {
  SmallVector<Type> all(types);
  for (Value part : parts)
    all.push_back(part.getType());
  return UnrealizedConversionCastOp::create(
             builder, loc, TypeRange(TupleType::get(builder.getContext(), all)),
             ValueRange(parts))
      .getResult(0);
}

// An optional value: whether it is there, and what it is then.
Value optional(OpBuilder &builder, Location loc, Value isThere, Value inner) {
  auto type = TupleType::get(builder.getContext(),
                             {builder.getI1Type(), inner.getType()});
  return UnrealizedConversionCastOp::create(builder, loc, TypeRange(type),
                                            ValueRange{isThere, inner})
      .getResult(0);
}

// A tensor without elements.
Value nothing(Expansion &e, Type elementType, ArrayRef<int64_t> shape) {
  return e.builder().make<nn::ConstantOp>(
      nn::constantWith(RankedTensorType::get(shape, elementType), "empty", {}));
}

// What stands where an optional value is absent.
Value placeholder(Expansion &e, const Form &form) {
  OpBuilder &builder = e.builder();
  Location loc = e.builder().getLoc();
  switch (form.kind) {
  case Form::Tensor:
    return form.rank ? nothing(e, form.elementType,
                               SmallVector<int64_t>(form.rank, 0))
                     : e.scalar(0, form.elementType);
  case Form::Packed:
    return packed(e, nothing(e, form.elementType, 0),
                  nothing(e, builder.getI64Type(), {0, form.rank}),
                  form.isMixed);
  default: {
    SmallVector<Value> parts;
    for (const Form &each : form.inner)
      parts.push_back(placeholder(e, each));
    return make(builder, loc, {}, parts);
  }
  }
}

// A list as a packed sequence.
Value pack(Expansion &e, ArrayRef<Value> list, const Form &form) {
  SmallVector<Value> elements, rows;
  for (Value each : list) {
    elements.push_back(e.reshape(each, e.product(e.extents(each))));
    SmallVector<Extent> row = e.extents(each);
    row.resize(form.rank, Extent(int64_t(-1)));
    rows.push_back(e("Unsqueeze", {e.shape(row), e.integers(0)}));
  }
  if (list.empty())
    return placeholder(e, form);
  return packed(e, e.concat(elements, 0), e.concat(rows, 0), form.isMixed);
}

} // namespace

bool isContainer(Value value) {
  return value && isa<TupleType, NoneType>(value.getType());
}

Form formOf(Type type) { return formOfType(type); }

static std::optional<Form> uniteSequences(const Form &a, const Form &b) {
  if (a.kind == Form::Listed && b.kind == Form::Listed && a.inner == b.inner)
    return a;
  Form form{Form::Packed, {}, -1, false, {}};
  for (const Form *side : {&a, &b}) {
    form.isMixed |= side->isMixed;
    for (const Form &each :
         side->kind == Form::Packed ? ArrayRef(*side) : ArrayRef(side->inner)) {
      if (form.elementType && form.elementType != each.elementType)
        return std::nullopt;
      form.elementType = each.elementType;
      form.isMixed |= form.rank >= 0 && form.rank != each.rank;
      form.rank = std::max(form.rank, each.rank);
    }
  }
  return form;
}

std::optional<Form> unite(const Form &a, const Form &b) {
  if (a == b)
    return a;
  if (a.kind == Form::Absent || b.kind == Form::Absent ||
      a.kind == Form::Optional || b.kind == Form::Optional) {
    auto inner = [](const Form &form) -> const Form & {
      return form.kind == Form::Optional ? form.inner[0] : form;
    };
    std::optional<Form> both = a.kind == Form::Absent ? std::optional(inner(b))
                               : b.kind == Form::Absent
                                   ? std::optional(inner(a))
                                   : unite(inner(a), inner(b));
    if (!both)
      return std::nullopt;
    return Form{Form::Optional, {}, 0, false, {*both}};
  }
  if (a.kind == Form::Tensor || b.kind == Form::Tensor || a.kind == Form::Map ||
      b.kind == Form::Map)
    return std::nullopt;
  return uniteSequences(a, b);
}

Value inForm(Expansion &e, Value value, const Form &form) {
  Form now = formOf(value);
  if (now == form)
    return value;
  OpBuilder &builder = e.builder();
  Location loc = e.builder().getLoc();
  auto truth = [&](bool isThere) {
    return e("Cast", e.integer(isThere),
             {{"to", int64_t(onnx::TensorProto::BOOL)}});
  };
  if (form.kind == Form::Optional) {
    if (now.kind == Form::Absent)
      return optional(builder, loc, truth(false),
                      placeholder(e, form.inner[0]));
    Value isThere = truth(true), inner = value;
    if (now.kind == Form::Optional) {
      isThere = value.getDefiningOp()->getOperand(0);
      inner = value.getDefiningOp()->getOperand(1);
    }
    return optional(builder, loc, isThere, inForm(e, inner, form.inner[0]));
  }
  if (now.kind == Form::Listed)
    return pack(e, llvm::to_vector(value.getDefiningOp()->getOperands()), form);
  auto [elements, shapes] = packedParts(value);
  if (int64_t missing = form.rank - now.rank)
    shapes = e.concat(
        {shapes, e.expandTo(e.integers(-1), {e.extent(shapes, 0), missing})},
        1);
  return packed(e, elements, shapes, form.isMixed);
}

void flatten(Value value, SmallVectorImpl<Value> &tensors) {
  if (!isContainer(value)) {
    tensors.push_back(value);
    return;
  }
  for (Value part : value.getDefiningOp()->getOperands())
    flatten(part, tensors);
}

Value assemble(OpBuilder &builder, Location loc, const Form &form,
               ArrayRef<Value> &tensors) {
  auto take = [&] {
    Value front = tensors.front();
    tensors = tensors.drop_front();
    return front;
  };
  switch (form.kind) {
  case Form::Tensor:
    return take();
  case Form::Absent:
    return UnrealizedConversionCastOp::create(
               builder, loc, TypeRange(builder.getNoneType()), ValueRange())
        .getResult(0);
  case Form::Optional: {
    Value isThere = take();
    return optional(builder, loc, isThere,
                    assemble(builder, loc, form.inner[0], tensors));
  }
  case Form::Packed: {
    Value elements = take();
    return make(builder, loc,
                SmallVector<Type>(form.isMixed ? 2 : 1, builder.getIndexType()),
                {elements, take()});
  }
  case Form::Listed:
  case Form::Map: {
    SmallVector<Type> mark;
    if (form.kind == Form::Map)
      mark.push_back(builder.getI8Type());
    SmallVector<Value> parts;
    for (const Form &each : form.inner)
      parts.push_back(assemble(builder, loc, each, tensors));
    return make(builder, loc, mark, parts);
  }
  }
  llvm_unreachable("no such form");
}

size_t countTensors(const Form &form) {
  SmallVector<std::string> names;
  nameTensors(form, "", names);
  return names.size();
}

void nameTensors(const Form &form, StringRef name,
                 SmallVectorImpl<std::string> &names) {
  switch (form.kind) {
  case Form::Tensor:
    return names.push_back(name.str());
  case Form::Absent:
    return;
  case Form::Optional:
    names.push_back((name + ".there").str());
    return nameTensors(form.inner[0], name, names);
  case Form::Packed:
    names.push_back((name + ".elements").str());
    return names.push_back((name + ".shapes").str());
  case Form::Map:
    names.push_back((name + ".keys").str());
    return names.push_back((name + ".values").str());
  case Form::Listed:
    for (auto [index, each] : llvm::enumerate(form.inner))
      nameTensors(each, (name + "." + Twine(index)).str(), names);
  }
}

Value absent(Expansion &e) {
  ArrayRef<Value> none;
  return assemble(e.builder(), e.builder().getLoc(),
                  {Form::Absent, {}, 0, false, {}}, none);
}

std::pair<Value, Value> packedParts(Value value) {
  Operation *cast = value.getDefiningOp();
  return {cast->getOperand(0), cast->getOperand(1)};
}

Value packed(Expansion &e, Value elements, Value shapes, bool isMixed) {
  OpBuilder &builder = e.builder();
  if (!isa<RankedTensorType>(elements.getType()) ||
      !isa<RankedTensorType>(shapes.getType()))
    return e.poison();
  return make(builder, e.builder().getLoc(),
              SmallVector<Type>(isMixed ? 2 : 1, builder.getIndexType()),
              {elements, shapes});
}

} // namespace burnish::onnx_import
