// OpenColumns.cpp - columns of data whose types follow from where they are
// used.
#include "frontend/dsl/Elaborator.h"
#include "ir/Shapes.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using nn::Dim, nn::Dims;

/// What a column is that only `size` dims of a run would give.
static std::optional<SmallVector<int64_t>> sizesOf(ArrayRef<Dim> dims) {
  SmallVector<int64_t> sizes;
  for (Dim dim : dims) {
    std::optional<int64_t> size = nn::known(dim);
    if (!size)
      return std::nullopt;
    sizes.push_back(*size);
  }
  return sizes;
}

Term Elaborator::opened(const Term &open, const TypeRef &type, Frame &frame,
                        Scope &scope, Span span) {
  Type elementType =
      type.elementType.text == "int"
          ? builder.getI64Type()
          : elementTypeOf(type.elementType.text, builder.getContext());
  // Where nothing else says how long a column is, the recipe may.
  for (const DimRef &dim : type.dims) {
    auto *name = dyn_cast_or_null<NameExpr>(dim.expr.get());
    if (!name || !isUnbound(name->name, frame, scope))
      continue;
    auto given = training->sizes.find(name->name);
    if (given == training->sizes.end())
      return fail(span,
                  "the type of the column " + quoted(open.text) +
                      " does not follow from " +
                      quoted(messages.sources.text(type.span)),
                  {{type.span, "it is declared here"}},
                  "batch " + name->name + " = 4 gives " + name->name +
                      " a size");
    frame.dims[name->name] = {shapes.constant(given->second), dim.span,
                              "the recipe"};
  }
  std::optional<Dims> dims = shapeOf(type, frame, scope);
  std::optional<SmallVector<int64_t>> sizes =
      dims ? sizesOf(*dims) : std::nullopt;
  if (!elementType || !sizes)
    return fail(span,
                "the type of the column " + quoted(open.text) +
                    " does not follow from " +
                    quoted(messages.sources.text(type.span)),
                {{type.span, "it is declared here"}});
  // A number of a class is less than the classes, which layers call C.
  if (type.elementType.text == "int")
    if (auto found = frame.dims.find("C"); found != frame.dims.end())
      classes[open.text] = nn::known(found->second.size).value_or(0);
  Term column = training->openColumn(
      open.text, RankedTensorType::get(*sizes, elementType), open.from);
  columns[open.text] = column;
  return column;
}

Term Elaborator::openedLike(const Term &open, const Term &like, Span span) {
  auto type = like.kind == Term::Tensor
                  ? dyn_cast<RankedTensorType>(like.tensor.getType())
                  : RankedTensorType();
  if (!type || !type.hasStaticShape())
    return fail(span,
                "the type of the column " + quoted(open.text) +
                    " is not known here",
                {}, "an input of the net or a loss gives it one");
  Term column = training->openColumn(
      open.text, RankedTensorType::get(type.getShape(), type.getElementType()),
      open.from);
  columns[open.text] = column;
  return column;
}
