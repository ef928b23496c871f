// LayoutBuiltins.cpp - the same elements in other places.
#include "frontend/dsl/Builtins.h"
#include "ir/Ops.h"
#include "ir/Types.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;
using nn::Dim, nn::Dims;

static Term transpose(Invocation &i) {
  Value x = i.tensor(0);
  int64_t rank = i.rank(x);
  SmallVector<int64_t> perm = i.axes(1, x);
  if (!i.isFine)
    return {};
  if (!i.has(1)) {
    if (rank < 2)
      return i.error("'transpose' swaps the last two axes, and " +
                     i.e.describe(x) + " has " + Twine(rank));
    perm = llvm::to_vector(llvm::seq<int64_t>(0, rank));
    std::swap(perm[rank - 1], perm[rank - 2]);
  }
  SmallVector<int64_t> sorted(perm);
  llvm::sort(sorted);
  if (sorted != llvm::to_vector(llvm::seq<int64_t>(0, rank)))
    return i.error("'perm' of 'transpose' names each of " + Twine(rank) +
                   " axes once");
  return i.result(i.e.builder.make<nn::TransposeOp>(
      x, i.e.builder.getDenseI64ArrayAttr(perm)));
}

/// Whether two shapes have as many elements; not known: true.
static bool mayHoldAsMany(Elaborator &e, ArrayRef<Dim> a, ArrayRef<Dim> b) {
  Dim difference = e.shapes.simplify(e.shapes.product(a) - e.shapes.product(b));
  std::optional<int64_t> known = nn::known(difference);
  return !known || *known == 0;
}

static Term reshaped(Invocation &i, Value x, Dims dims) {
  int64_t open = llvm::count_if(dims, [](Dim d) { return nn::isKnown(d, -1); });
  if (open > 1)
    return i.error("one dim of a shape may be -1");
  Dims from = i.e.shapes.dims(x);
  if (open == 1) {
    Dims others;
    for (Dim dim : dims)
      if (!nn::isKnown(dim, -1))
        others.push_back(dim);
    Dim rest = i.e.shapes.quotient(from, others);
    std::optional<int64_t> all = nn::known(i.e.shapes.product(from)),
                           part = nn::known(i.e.shapes.product(others));
    if (all && part && (*part == 0 || *all % *part != 0))
      return i.error(i.e.describe(x) + " has " + Twine(*all) +
                     " elements, which " + Twine(*part) + " does not divide");
    if (rest)
      for (Dim &dim : dims)
        if (nn::isKnown(dim, -1))
          dim = rest;
  } else if (!mayHoldAsMany(i.e, from, dims)) {
    return i.error(i.e.describe(x) + " cannot become " + i.e.describe(dims) +
                   ": these have " + i.e.describe(i.e.shapes.product(from)) +
                   " and " + i.e.describe(i.e.shapes.product(dims)) +
                   " elements");
  }
  return i.result(i.e.builder.make<nn::ReshapeOp>(x, i.e.shapeTensor(dims), 1));
}

static Term reshape(Invocation &i) {
  Value x = i.tensor(0);
  Dims dims = i.dims(1);
  return i.isFine ? reshaped(i, x, dims) : Term();
}

static Term flatten(Invocation &i) {
  Value x = i.tensor(0);
  int64_t from = i.has(1) ? i.axis(1, x, 1) : 1;
  Dims dims = i.e.shapes.dims(x);
  if (!i.isFine)
    return {};
  if (from >= static_cast<int64_t>(dims.size()))
    return i.error("'flatten' joins the axes from " + Twine(from) +
                   " on, and " + i.e.describe(x) + " has none there");
  Dim joined = i.e.shapes.product(ArrayRef(dims).drop_front(from));
  dims.truncate(from);
  dims.push_back(joined);
  return reshaped(i, x, dims);
}

/// The tensors of a tuple.
static SmallVector<Value> tensorsOf(Invocation &i, unsigned index) {
  SmallVector<Value> all;
  const Term &value = i.term(index);
  ArrayRef<Term> parts =
      value.kind == Term::Tuple ? ArrayRef(value.parts) : ArrayRef(value);
  for (const Term &part : parts) {
    if (part.kind != Term::Tensor) {
      i.error(i.name + " takes a tuple of tensors, and one is " +
              i.e.describe(part));
      return {};
    }
    all.push_back(part.tensor);
  }
  if (all.empty())
    i.error(i.name + " of nothing");
  return all;
}

static Term concat(Invocation &i) {
  SmallVector<Value> parts = tensorsOf(i, 0);
  if (!i.isFine)
    return {};
  int64_t axis = i.axis(1, parts[0], -1);
  Dims first = i.e.shapes.dims(parts[0]);
  for (Value part : ArrayRef(parts).drop_front()) {
    Dims dims = i.e.shapes.dims(part);
    bool fits = dims.size() == first.size() &&
                getElementTypeOrSelf(part.getType()) ==
                    getElementTypeOrSelf(parts[0].getType());
    for (size_t at = 0; fits && at < dims.size(); ++at)
      fits =
          static_cast<int64_t>(at) == axis || i.e.isSame(dims[at], first[at]);
    if (!fits)
      return i.error(i.e.describe(parts[0]) + " and " + i.e.describe(part) +
                     " do not fit beside each other along axis " + Twine(axis));
  }
  return i.result(i.e.builder.make<nn::ConcatOp>(parts, axis));
}

static Term stack(Invocation &i) {
  SmallVector<Value> parts = tensorsOf(i, 0);
  int64_t axis = i.whole(1, 0);
  if (!i.isFine)
    return {};
  int64_t rank = i.rank(parts[0]);
  if (axis < -rank - 1 || axis > rank)
    return i.error("no axis " + Twine(axis) + " in what is stacked");
  for (Value &part : parts) {
    Dims dims = i.e.shapes.dims(part), first = i.e.shapes.dims(parts[0]);
    if (&part == &parts[0])
      continue;
    bool fits = dims.size() == first.size();
    for (size_t at = 0; fits && at < dims.size(); ++at)
      fits = i.e.isSame(dims[at], first[at]);
    if (!fits)
      return i.error(i.e.describe(part) + " cannot be stacked with others of "
                                          "another shape");
  }
  for (Value &part : parts)
    part = i.e.builder.make<nn::UnsqueezeOp>(part, i.e.builder.integers(axis));
  return i.result(
      i.e.builder.make<nn::ConcatOp>(parts, axis < 0 ? axis + rank + 1 : axis));
}

static Term split(Invocation &i) {
  Value x = i.tensor(0);
  int64_t axis = i.axis(2, x, -1);
  SmallVector<int64_t> sizes = i.wholes(1);
  if (!i.isFine)
    return {};
  Dim size = i.e.shapes.dim(x, axis);
  std::optional<int64_t> known = nn::known(size);
  bool isCount = i.term(1).kind == Term::Whole;
  int64_t count = isCount ? sizes[0] : sizes.size();
  if (!known || count < 1 || count > 4096)
    return i.error("'split' needs the size of the axis and from 1 to 4096 "
                   "parts, and these are " +
                   i.e.describe(size) + " and " + Twine(count));
  if (isCount) {
    if (*known % count != 0)
      return i.error("axis " + Twine(axis) + " of " + i.e.describe(x) +
                     " cannot be split into " + Twine(count) + " equal parts");
    sizes.assign(count, *known / count);
  }
  int64_t sum = 0;
  for (int64_t each : sizes) {
    if (each < 0)
      return i.error("a part of size " + Twine(each));
    sum += each;
  }
  if (sum != *known)
    return i.error("parts of " + Twine(sum) + " in all, and axis " +
                   Twine(axis) + " of " + i.e.describe(x) + " has " +
                   Twine(*known));
  auto op = i.e.builder.makeMany<nn::SplitOp>(
      count, x, i.e.builder.integers(sizes), IntegerAttr(), axis);
  std::vector<Term> parts;
  for (Value part : op->getResults())
    parts.push_back(i.result(part));
  return Term::ofTuple(std::move(parts), i.call.span);
}

static Term squeeze(Invocation &i) {
  Value x = i.tensor(0);
  SmallVector<int64_t> axes = i.axes(1, x);
  if (!i.isFine)
    return {};
  for (int64_t axis : axes)
    if (!nn::isKnown(i.e.shapes.dim(x, axis), 1))
      return i.error("axis " + Twine(axis) + " of " + i.e.describe(x) +
                     " is not 1");
  return i.result(
      i.e.builder.make<nn::SqueezeOp>(x, i.e.builder.integers(axes)));
}

static Term unsqueeze(Invocation &i) {
  Value x = i.tensor(0);
  SmallVector<int64_t> axes = i.wholes(1);
  if (!i.isFine)
    return {};
  return i.result(
      i.e.builder.make<nn::UnsqueezeOp>(x, i.e.builder.integers(axes)));
}

static Term expand(Invocation &i) {
  Value x = i.tensor(0);
  Dims dims = i.dims(1);
  if (!i.isFine)
    return {};
  return i.result(i.e.builder.make<nn::ExpandOp>(x, i.e.shapeTensor(dims)));
}

static Term tile(Invocation &i) {
  Value x = i.tensor(0);
  SmallVector<int64_t> repeats = i.wholes(1);
  if (!i.isFine)
    return {};
  return i.result(
      i.e.builder.make<nn::TileOp>(x, i.e.builder.integers(repeats)));
}

// Widths are one number for all axes but the first two, or (before, after) for
// each of the last axes.
static Term pad(Invocation &i) {
  Value x = i.tensor(0);
  SmallVector<int64_t> widths = i.wholes(1);
  std::string mode = i.text(3, "constant");
  int64_t rank = i.rank(x);
  if (!i.isFine)
    return {};
  if (i.term(1).kind == Term::Whole)
    widths.assign(2 * std::max<int64_t>(rank - 2, 0), widths[0]);
  if (widths.size() % 2 || static_cast<int64_t>(widths.size()) > 2 * rank)
    return i.error("'widths' of 'pad' has a width before and one after for "
                   "each of the last axes, and these are " +
                   Twine(widths.size()));
  SmallVector<int64_t> pads(2 * rank, 0);
  int64_t count = widths.size() / 2;
  for (int64_t at = 0; at < count; ++at) {
    pads[rank - count + at] = widths[2 * at];
    pads[2 * rank - count + at] = widths[2 * at + 1];
  }
  Value value =
      i.has(2) ? i.tensor(2, getElementTypeOrSelf(x.getType())) : Value();
  if (!i.isFine)
    return {};
  return i.result(i.e.builder.make<nn::PadOp>(x, i.e.builder.integers(pads),
                                              value, Value(), mode));
}

static Term gather(Invocation &i) {
  Value x = i.tensor(0), indices = i.tensor(1, i.e.builder.getI64Type());
  return i.result(i.e.builder.make<nn::GatherOp>(x, indices, i.axis(2, x, 0)));
}

static Term oneHot(Invocation &i) {
  Value indices = i.tensor(0);
  Dims depth = i.dims(1);
  if (!i.isFine || depth.size() != 1)
    return i.isFine ? i.error("'depth' of 'one_hot' is one number") : Term();
  Type type = i.e.builder.getF32Type();
  Value values = i.e.builder.make<nn::ConstantOp>(DenseElementsAttr::get(
      RankedTensorType::get({2}, type), ArrayRef<float>{0, 1}));
  return i.result(i.e.builder.make<nn::OneHotOp>(
      indices, i.e.dimTensor(depth[0], false), values, -1));
}

template <bool isUpper> static Term triangle(Invocation &i) {
  Value x = i.tensor(0);
  int64_t k = i.whole(1, 0);
  if (i.rank(x) < 2)
    return i.error(i.e.describe(x) + " is no matrix");
  return i.result(
      i.e.builder.make<nn::TriluOp>(x, i.e.builder.integer(k), isUpper));
}

static Term range(Invocation &i) {
  Dims count = i.dims(0);
  if (!i.isFine || count.size() != 1)
    return i.isFine ? i.error("'range' takes one number") : Term();
  return i.result(i.e.builder.make<nn::RangeOp>(i.e.builder.integer(0),
                                                i.e.dimTensor(count[0], false),
                                                i.e.builder.integer(1), 1));
}

static Term full(Invocation &i) {
  Dims dims = i.dims(0);
  Value value = i.tensor(1);
  if (!i.isFine)
    return {};
  return i.result(i.e.builder.make<nn::ExpandOp>(value, i.e.shapeTensor(dims)));
}

ArrayRef<Builtin> dsl::layoutBuiltins() {
  static const Builtin kTable[] = {
      {"transpose", {"x", "perm"}, 1, transpose},
      {"reshape", {"x", "shape"}, 2, reshape},
      {"flatten", {"x", "from"}, 1, flatten},
      {"concat", {"parts", "axis"}, 1, concat},
      {"stack", {"parts", "axis"}, 1, stack},
      {"split", {"x", "parts", "axis"}, 2, split},
      {"squeeze", {"x", "axes"}, 2, squeeze},
      {"unsqueeze", {"x", "axes"}, 2, unsqueeze},
      {"expand", {"x", "shape"}, 2, expand},
      {"tile", {"x", "repeats"}, 2, tile},
      {"pad", {"x", "widths", "value", "mode"}, 2, pad},
      {"gather", {"x", "indices", "axis"}, 2, gather},
      {"one_hot", {"indices", "depth"}, 2, oneHot},
      {"tril", {"x", "k"}, 1, triangle<false>},
      {"triu", {"x", "k"}, 1, triangle<true>},
      {"range", {"count"}, 1, range},
      {"full", {"shape", "value"}, 2, full},
  };
  return kTable;
}
