// Indexing.cpp - x[:, t], b[:, 1, 1], mask[:, None], table[ids], zeros[N, h].
#include "frontend/dsl/Builtins.h"
#include "frontend/dsl/Elaborator.h"
#include "ir/Ops.h"
#include "ir/Types.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using nn::Dim, nn::Dims;

bool dsl::isFilling(StringRef name) {
  return name == "zeros" || name == "ones";
}

Term Elaborator::filled(StringRef name, const IndexExpr &index, Frame &frame,
                        Scope &scope) {
  Dims dims;
  for (const Subscript &subscript : index.subscripts) {
    if (subscript.kind != Subscript::At)
      return fail(subscript.span, "a dim should stand here");
    Dim size = dim(*subscript.at, frame, scope);
    if (!size)
      return {};
    dims.push_back(size);
  }
  at(index.span);
  Type elementType = builder.getF32Type();
  auto one = DenseElementsAttr::get(RankedTensorType::get({1}, elementType),
                                    builder.getF32FloatAttr(name == "ones"));
  return result(builder.make<nn::ConstantOfShapeOp>(shapeTensor(dims), one),
                index.span);
}

/// Whether an index is longer than the rank because a 1 stands for a new axis,
/// as in b[:, 1, 1] for a bias b: then it has as many `:` as there are dims.
static bool addsAxes(const IndexExpr &index, size_t rank) {
  size_t slices = 0, ones = 0;
  for (const Subscript &subscript : index.subscripts) {
    auto *number =
        subscript.at ? dyn_cast<NumberExpr>(subscript.at.get()) : nullptr;
    slices += subscript.kind == Subscript::Slice;
    ones += number && number->isInteger && number->integer == 1;
    if (subscript.kind == Subscript::Rest ||
        (subscript.kind == Subscript::At &&
         !(number && number->isInteger && number->integer == 1)))
      return false;
  }
  return ones > 0 && slices == rank;
}

Term Elaborator::partOf(const Term &tuple, const IndexExpr &index, Frame &frame,
                        Scope &scope) {
  Term which = index.subscripts.size() == 1 && index.subscripts[0].at
                   ? eval(*index.subscripts[0].at, frame, scope)
                   : Term();
  std::optional<int64_t> at =
      which.kind == Term::Whole ? nn::known(which.whole) : std::nullopt;
  int64_t count = tuple.parts.size();
  if (!at || *at < -count || *at >= count)
    return fail(index.span, "a tuple of " + Twine(count) +
                                " is indexed by one number from 0 to " +
                                Twine(count - 1));
  return tuple.parts[*at < 0 ? *at + count : *at];
}

Value Elaborator::sliced(Value tensor, int64_t axis, const Subscript &subscript,
                         const Term &base, Frame &frame, Scope &scope) {
  Dim size = shapes.dim(tensor, axis), step = shapes.constant(1);
  auto read = [&](const ExprPtr &expr, Dim &bound) {
    if (expr)
      bound = dim(*expr, frame, scope);
    return bound != nullptr;
  };
  if (!read(subscript.step, step))
    return {};
  // Backwards from the last element to before the first, which no index is.
  bool isBackwards = nn::known(step).value_or(1) < 0;
  Dim from = shapes.constant(isBackwards ? -1 : 0),
      to = isBackwards ? shapes.constant(INT64_MIN) : size;
  if (!read(subscript.from, from) || !read(subscript.to, to))
    return {};
  for (auto [bound, isGiven] : {std::pair(from, subscript.from != nullptr),
                                std::pair(to, subscript.to != nullptr)})
    if (std::optional<int64_t> n = nn::known(bound), s = nn::known(size);
        isGiven && n && s && (*n > *s || *n < -*s)) {
      fail(subscript.span, "index " + Twine(*n) + " of a dim of " + Twine(*s),
           {noteOf(base, "what is indexed")});
      return {};
    }
  if (nn::isKnown(step, 0)) {
    fail(subscript.span, "a step of 0");
    return {};
  }
  return builder.make<nn::SliceOp>(tensor, dimTensor(from, true),
                                   dimTensor(to, true), builder.integers(axis),
                                   dimTensor(step, true));
}

Value Elaborator::indicesOf(const Term &which, Dim size,
                            const Subscript &subscript, const Term &base) {
  if (which.kind == Term::Whole) {
    std::optional<int64_t> n = nn::known(which.whole), s = nn::known(size);
    if (n && s && (*n >= *s || *n < -*s)) {
      fail(subscript.span, "index " + Twine(*n) + " of a dim of " + Twine(*s),
           {noteOf(base, "what is indexed")});
      return {};
    }
    return dimTensor(which.whole, /*hasAxis=*/false);
  }
  Type type = which.kind == Term::Tensor
                  ? getElementTypeOrSelf(which.tensor.getType())
                  : Type();
  if (!type || !isa<IntegerType>(type) || type.isInteger(1)) {
    fail(subscript.span,
         "an index is a whole number or a tensor of them, and this is " +
             describe(which));
    return {};
  }
  if (type.isInteger(32) || type.isInteger(64))
    return which.tensor;
  return builder.make<nn::CastOp>(which.tensor,
                                  nn::onnxType(builder.getI64Type()), 1, "up");
}

bool Elaborator::indexAxis(Value &tensor, int64_t &axis,
                           const Subscript &subscript, const IndexExpr &index,
                           const Term &base, Frame &frame, Scope &scope) {
  if (subscript.kind == Subscript::Slice) {
    if (subscript.from || subscript.to || subscript.step)
      tensor = sliced(tensor, axis, subscript, base, frame, scope);
    ++axis;
    return tensor != nullptr;
  }
  // The index of a scan walks along the axis; `t` in brackets is no tensor.
  if (auto *name = dyn_cast<NameExpr>(subscript.at.get()))
    if (std::optional<Term> found = lookup(name->name, frame, scope);
        found && found->kind == Term::Position) {
      Term element = walked(tensor, axis, *found->scan, index.span);
      tensor = element.tensor;
      return !element.isPoison();
    }
  Dim size = shapes.dim(tensor, axis);
  Term which = eval(*subscript.at, frame, scope);
  if (which.isPoison())
    return false;
  at(subscript.span);
  Value indices = indicesOf(which, size, subscript, base);
  if (!indices)
    return false;
  int64_t added = shapes.rank(indices);
  tensor = builder.make<nn::GatherOp>(tensor, indices, axis);
  axis += added;
  return true;
}

Term Elaborator::index(const IndexExpr &index, Frame &frame, Scope &scope) {
  if (auto *name = dyn_cast<NameExpr>(index.base.get());
      name && isFilling(name->name) && !lookup(name->name, frame, scope))
    return filled(name->name, index, frame, scope);
  Term base = eval(*index.base, frame, scope);
  if (base.isPoison())
    return {};
  if (base.kind == Term::Tuple)
    return partOf(base, index, frame, scope);
  if (base.kind != Term::Tensor)
    return fail(index.span, describe(base) + " has no parts to index",
                {noteOf(base, "it")});
  Value tensor = base.tensor;
  size_t rank = shapes.rank(tensor), named = 0;
  bool addsOnes = addsAxes(index, rank), hasRest = false;
  for (const Subscript &subscript : index.subscripts) {
    hasRest |= subscript.kind == Subscript::Rest;
    named += subscript.kind == Subscript::Slice ||
             (subscript.kind == Subscript::At && !addsOnes);
  }
  if (named > rank)
    return fail(index.span,
                "an index of " + Twine(named) + " dims for " + describe(base),
                {noteOf(base, "it")},
                "None, or a 1 beside as many ':' as there are dims, adds an "
                "axis");
  // `axis` counts axes of the present tensor, as they become fewer and more.
  int64_t axis = 0;
  for (const Subscript &subscript : index.subscripts) {
    at(subscript.span);
    if (subscript.kind == Subscript::Rest) {
      axis += rank - named;
      if (!std::exchange(hasRest, false))
        return fail(subscript.span, "a second '...'");
    } else if (subscript.kind == Subscript::NewAxis ||
               (subscript.kind == Subscript::At && addsOnes)) {
      tensor = builder.make<nn::UnsqueezeOp>(tensor, builder.integers(axis++));
    } else if (!indexAxis(tensor, axis, subscript, index, base, frame, scope)) {
      return {};
    }
  }
  at(index.span);
  return result(tensor, index.span);
}
