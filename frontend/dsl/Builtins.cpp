// Builtins.cpp - calls of builtins: their arguments, by place and by name.
#include "frontend/dsl/Builtins.h"
#include "frontend/dsl/ExprParser.h"
#include "ir/Ops.h"
#include "ir/Types.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;
using nn::Dim, nn::Dims;

bool dsl::isConstantName(StringRef name) {
  static constexpr StringRef kNames[] = {"None", "true", "false",
                                         "inf",  "nan",  "pi"};
  return llvm::is_contained(kNames, name);
}

static const llvm::StringMap<const Builtin *> &table() {
  static const llvm::StringMap<const Builtin *> kTable = [] {
    llvm::StringMap<const Builtin *> table;
    for (ArrayRef<Builtin> family :
         {elementwiseBuiltins(), layoutBuiltins(), networkBuiltins()})
      for (const Builtin &each : family)
        table[each.name] = &each;
    return table;
  }();
  return kTable;
}

bool dsl::isBuiltin(StringRef name) { return table().contains(name); }

std::vector<StringRef> dsl::builtinNames() {
  std::vector<StringRef> names;
  for (const auto &entry : table())
    names.push_back(entry.first());
  llvm::sort(names);
  return names;
}

//===- Arguments ----------------------------------------------------------===//

Value Invocation::tensor(unsigned index, Type like) {
  e.at(call.span);
  const Term &value = term(index);
  Type type = like ? like : e.builder.getF32Type();
  if (value.kind == Term::Truth)
    type = e.builder.getI1Type();
  Term tensor = value.kind == Term::Tensor ? value : e.tensorOf(value, type);
  if (tensor.isPoison()) {
    isFine = false;
    return e.builder.make<nn::ConstantOp>(DenseElementsAttr::get(
        RankedTensorType::get({}, type), e.builder.getZeroAttr(type)));
  }
  return tensor.tensor;
}

int64_t Invocation::whole(unsigned index, int64_t otherwise) {
  if (!has(index))
    return otherwise;
  const Term &value = term(index);
  std::optional<int64_t> known =
      value.kind == Term::Whole ? nn::known(value.whole) : std::nullopt;
  if (value.kind == Term::Truth)
    known = value.truth;
  if (!known)
    error(where(index) +
          " is a whole number that is known when compiling, "
          "and this is " +
          e.describe(value));
  return known.value_or(otherwise);
}

double Invocation::real(unsigned index, double otherwise) {
  if (!has(index))
    return otherwise;
  const Term &value = term(index);
  if (value.kind == Term::Real)
    return value.real;
  return whole(index, 0);
}

bool Invocation::truth(unsigned index, bool otherwise) {
  if (!has(index))
    return otherwise;
  if (term(index).kind == Term::Truth)
    return term(index).truth;
  error(where(index) + " is true or false, and this is " +
        e.describe(term(index)));
  return otherwise;
}

std::string Invocation::text(unsigned index, StringRef otherwise) {
  if (!has(index))
    return otherwise.str();
  if (term(index).kind == Term::Text)
    return term(index).text;
  error(where(index) + " is a string, and this is " + e.describe(term(index)));
  return otherwise.str();
}

SmallVector<int64_t> Invocation::wholes(unsigned index) {
  SmallVector<int64_t> all;
  if (!has(index))
    return all;
  for (Dim dim : dims(index)) {
    std::optional<int64_t> known = nn::known(dim);
    if (!known) {
      error(where(index) + " is known when compiling, and " + e.describe(dim) +
            " is not");
      return {};
    }
    all.push_back(*known);
  }
  return all;
}

SmallVector<int64_t> Invocation::perAxis(unsigned index, int64_t count,
                                         int64_t otherwise) {
  SmallVector<int64_t> all = wholes(index);
  if (!has(index) || !isFine)
    return SmallVector<int64_t>(count, otherwise);
  if (all.size() == 1)
    return SmallVector<int64_t>(count, all[0]);
  if (static_cast<int64_t>(all.size()) != count) {
    error(where(index) + " is one number, or one for each of " + Twine(count) +
          " axes, and not " + Twine(all.size()));
    return SmallVector<int64_t>(count, otherwise);
  }
  return all;
}

Dims Invocation::dims(unsigned index) {
  Dims all;
  const Term &value = term(index);
  ArrayRef<Term> parts =
      value.kind == Term::Tuple ? ArrayRef(value.parts) : ArrayRef(value);
  for (const Term &part : parts) {
    if (part.kind != Term::Whole) {
      error(where(index) + " is made of whole numbers, and this is " +
            e.describe(value));
      return {};
    }
    all.push_back(part.whole);
  }
  return all;
}

SmallVector<int64_t> Invocation::axes(unsigned index, Value of) {
  SmallVector<int64_t> all;
  if (!has(index))
    return all;
  const Term &value = term(index);
  ArrayRef<Term> parts =
      value.kind == Term::Tuple ? ArrayRef(value.parts) : ArrayRef(value);
  Dims dims = e.shapes.dims(of);
  int64_t rank = dims.size();
  for (const Term &part : parts) {
    if (part.kind == Term::Whole && !part.dimName.empty()) {
      SmallVector<int64_t> found;
      for (auto [axis, dim] : enumerate(dims))
        if (e.isSame(dim, part.whole))
          found.push_back(axis);
      if (found.size() != 1) {
        error(part.dimName + " is " + e.describe(part.whole) + ", and " +
                  e.describe(of) +
                  (found.empty() ? " has no such axis"
                                 : " has more than one such axis"),
              "a number says which axis");
        return {0};
      }
      all.push_back(found[0]);
      continue;
    }
    std::optional<int64_t> axis =
        part.kind == Term::Whole ? nn::known(part.whole) : std::nullopt;
    if (!axis || *axis < -rank || *axis >= rank) {
      error(where(index) + " is an axis of " + e.describe(of) + ", from -" +
            Twine(rank) + " to " + Twine(rank - 1) +
            " or by the name of its dim, and this is " + e.describe(part));
      return {0};
    }
    all.push_back(*axis < 0 ? *axis + rank : *axis);
  }
  return all;
}

int64_t Invocation::axis(unsigned index, Value of, int64_t otherwise) {
  if (!has(index))
    return otherwise < 0 ? otherwise + rank(of) : otherwise;
  SmallVector<int64_t> all = axes(index, of);
  if (all.size() == 1)
    return all[0];
  error(where(index) + " is one axis");
  return 0;
}

//===- Calls --------------------------------------------------------------===//

/// `f32(x)`.
static Term convert(Elaborator &e, const CallExpr &call, Type type,
                    ArrayRef<Term> values) {
  if (values.size() != 1)
    return e.fail(call.span, call.callee.text + " converts one value");
  const Term &value = values[0];
  e.at(call.span);
  if (value.kind != Term::Tensor)
    return e.tensorOf(value, type);
  if (getElementTypeOrSelf(value.tensor.getType()) == type)
    return value;
  return e.result(
      e.builder.make<nn::CastOp>(value.tensor, nn::onnxType(type), 1, "up"),
      call.span);
}

Term Elaborator::builtinCall(const CallExpr &call, const Term *piped,
                             Frame &frame, Scope &scope) {
  StringRef name = call.callee.text;
  bool isUnknown = name.starts_with("nn.") &&
                   !OperationName(name, builder.getContext()).isRegistered();
  if (!isUnknown && call.lists.size() > 1)
    return fail(call.lists[1].span,
                quoted(name) + " takes one list of arguments");
  std::vector<Term> positional;
  std::vector<std::pair<Ident, Term>> named;
  bool isPlaced =
      piped && !call.lists.empty() &&
      llvm::any_of(call.lists[0].arguments, [](const Argument &argument) {
        return mentionsPlaceholder(*argument.value);
      });
  if (piped && !isPlaced)
    positional.push_back(*piped);
  Scope arguments(&scope, isPlaced ? piped : nullptr);
  if (!call.lists.empty())
    for (const Argument &argument : call.lists[0].arguments) {
      Term value = eval(*argument.value, frame, arguments);
      if (value.isPoison())
        return {};
      if (argument.name)
        named.push_back({argument.name, std::move(value)});
      else
        positional.push_back(std::move(value));
    }
  at(call.span);
  if (name.starts_with("nn."))
    return rawOperator(*this, call, std::move(positional), std::move(named));
  if (Type type = elementTypeOf(name, builder.getContext()))
    return convert(*this, call, type, positional);
  const Builtin *found = table().lookup(name);
  // checkNames has reported it, except of a recipe.
  if (!found && training && frame.path.empty())
    return fail(call.callee.span, "nothing is called " + quoted(name) +
                                      nearest(name, program.names(frame.unit)));
  if (!found)
    return {};
  std::string list = llvm::join(found->parameters, ", ");
  Invocation invocation(*this, call, name, found->parameters);
  if (positional.size() > found->parameters.size())
    return fail(call.span, quoted(name) + " takes (" + list +
                               "), and these are " + Twine(positional.size()) +
                               " arguments");
  for (auto [index, value] : enumerate(positional))
    invocation.values[index] = std::move(value);
  for (auto &[argument, value] : named) {
    auto *place = llvm::find(found->parameters, argument.text);
    if (place == found->parameters.end())
      return fail(argument.span,
                  quoted(name) + " has no parameter " + quoted(argument.text) +
                      nearest(argument.text, found->parameters),
                  {}, "it takes (" + list + ")");
    std::optional<Term> &slot =
        invocation.values[place - found->parameters.begin()];
    if (slot)
      return fail(argument.span, quoted(argument.text) + " is given twice");
    slot = std::move(value);
  }
  for (unsigned index = 0; index < found->required; ++index)
    if (!invocation.values[index])
      return fail(call.span, quoted(name) + " needs " +
                                 quoted(found->parameters[index]) +
                                 "; it takes (" + list + ")");
  // A function of numbers of a recipe is one.
  bool isNumeric = false;
  for (std::optional<Term> &each : invocation.values) {
    isNumeric |= each && each->isNumeric;
    if (each && each->kind == Term::Tensor && !each->isNumeric) {
      isNumeric = false;
      break;
    }
  }
  Term value = found->build(invocation);
  value.isNumeric = isNumeric;
  return invocation.isFine ? value : Term();
}

Term dsl::builtin(Elaborator &elaborator, const CallExpr &call,
                  const Term *piped, Frame &frame, Scope &scope) {
  return elaborator.builtinCall(call, piped, frame, scope);
}
