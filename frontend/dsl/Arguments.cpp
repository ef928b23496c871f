// Arguments.cpp - what a call gives the parameters of a layer.
#include "frontend/dsl/Elaborator.h"
#include "frontend/dsl/ExprParser.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;

/// The arguments of a call, each at its parameter's place.
struct dsl::CallArguments {
  CallArguments(const Layer &layer, Span call)
      : layer(layer), callee(calleeText(layer)),
        declared{layer.span, callee + " is declared here"},
        statics(layer.statics.size()), tensors(layer.params.size()),
        places(layer.params.size(), call) {}

  const Layer &layer;
  std::string callee;
  Note declared;
  std::vector<std::optional<Term>> statics, tensors;
  /// Where each tensor is given.
  std::vector<Span> places;

  /// These are false after a report.
  bool giveStatic(size_t index, Term value, Span span, Messages &messages) {
    return give(statics[index], layer.statics[index].name, std::move(value),
                span, messages);
  }
  bool giveTensor(size_t index, Term value, Span span, Messages &messages) {
    places[index] = span;
    return give(tensors[index], layer.params[index].name, std::move(value),
                span, messages);
  }
  bool giveNamed(Ident name, Term value, Span span, Messages &messages);

private:
  bool give(std::optional<Term> &slot, Ident name, Term value, Span span,
            Messages &messages) {
    if (slot)
      return messages.error(
          span, quoted(name.text) + " of " + callee + " is given twice",
          {declared});
    slot = std::move(value);
    return true;
  }
};

bool CallArguments::giveNamed(Ident name, Term value, Span span,
                              Messages &messages) {
  std::vector<StringRef> known;
  for (const StaticParam &param : layer.statics)
    known.push_back(param.name.text);
  for (const TensorParam &param : layer.params)
    known.push_back(param.name.text);
  size_t place = llvm::find(known, name.text) - known.begin();
  if (place < statics.size())
    return giveStatic(place, std::move(value), span, messages);
  if (place < known.size())
    return giveTensor(place - statics.size(), std::move(value), span, messages);
  return messages.error(name.span,
                        callee + " has no parameter " + quoted(name.text) +
                            nearest(name.text, known),
                        {declared});
}

static bool hasPlaceholder(const ArgumentList &list) {
  return llvm::any_of(list.arguments, [](const Argument &argument) {
    return mentionsPlaceholder(*argument.value);
  });
}

/// Arguments without names go to the static parameters or to the tensors from
/// `next` on.
bool Elaborator::readList(const ArgumentList &list, bool isStatic, size_t next,
                          Frame &caller, Scope &scope, CallArguments &given) {
  bool isFine = true;
  size_t count = isStatic ? given.statics.size() : given.tensors.size();
  for (const Argument &argument : list.arguments) {
    Term value = eval(*argument.value, caller, scope);
    Span span = argument.value->span;
    if (argument.name) {
      isFine &=
          given.giveNamed(argument.name, std::move(value), span, messages);
      continue;
    }
    if (next >= count)
      return messages.error(span,
                            given.callee + " takes " + Twine(count) +
                                (isStatic ? " static argument" : " tensor") +
                                (count == 1 ? "" : "s") +
                                ", and this is one more",
                            {given.declared});
    isFine &= isStatic
                  ? given.giveStatic(next, std::move(value), span, messages)
                  : given.giveTensor(next, std::move(value), span, messages);
    ++next;
  }
  return isFine;
}

bool Elaborator::readArguments(const CallExpr &call, const Term *piped,
                               Frame &caller, Scope &scope,
                               CallArguments &given) {
  // One list is the tensors', except that what is piped in is one already: then
  // it is the static one, unless it says where the tensor goes.
  const ArgumentList *statics = nullptr, *tensors = nullptr;
  if (call.lists.size() == 2) {
    statics = &call.lists[0];
    tensors = &call.lists[1];
  } else if (call.lists.size() == 1) {
    bool isStatic =
        piped && !given.statics.empty() && !hasPlaceholder(call.lists[0]);
    (isStatic ? statics : tensors) = &call.lists[0];
  }
  bool isPlaced = piped && tensors && hasPlaceholder(*tensors);
  bool isFirst = piped && !isPlaced;
  Scope inner(&scope, isPlaced ? piped : scope.piped);
  if (isFirst && given.tensors.empty())
    return messages.error(
        call.span, given.callee + " takes no tensor that could be piped in",
        {given.declared});
  if (isFirst)
    given.tensors[0] = *piped;
  bool isFine = !statics || readList(*statics, true, 0, caller, inner, given);
  if (tensors)
    isFine &= readList(*tensors, false, isFirst, caller, inner, given);
  return isFine;
}

bool Elaborator::bindStatics(Frame &frame, Scope &inner, Span call,
                             CallArguments &given) {
  for (auto [param, value] :
       llvm::zip_equal(frame.layer.statics, given.statics)) {
    if (!value) {
      if (!param.initial)
        return messages.error(
            call, given.callee + " needs " + quoted(param.name.text),
            {{param.name.span, "it is declared here"}});
      // A default may name what stands before it.
      value = eval(*param.initial, frame, inner);
    }
    if (value->isPoison())
      return false;
    if (value->kind == Term::Tensor)
      return messages.error(
          call,
          "static parameter " + quoted(param.name.text) + " of " +
              given.callee +
              " takes what is known when compiling, and this is " +
              describe(*value),
          {noteOf(*value, "it"), given.declared},
          "tensors go into a second list");
    inner.values[param.name.text] = *value;
  }
  return true;
}

bool Elaborator::bindTensors(Frame &frame, Scope &inner, Span call,
                             CallArguments &given) {
  const Layer &layer = frame.layer;
  for (auto [param, value] : llvm::zip_equal(layer.params, given.tensors)) {
    if (!value && param.isOptional && param.name.text == "weight" &&
        sampleWeights) {
      value = sampleWeights;
      usesWeights = true;
    }
    if (!value && param.isOptional)
      value = Term::none(param.name.span);
    if (!value)
      return messages.error(
          call, given.callee + " needs the tensor " + quoted(param.name.text),
          {{param.name.span, "it is declared here"}});
    if (value->isPoison())
      return false;
  }
  // All that can be told of dims is told before any is used in arithmetic:
  // arguments in order, as they are read. Columns whose types are not known
  // come last: they take what the others leave them.
  SmallVector<size_t> order;
  for (bool isOpen : {false, true})
    for (size_t index = 0; index < layer.params.size(); ++index)
      if ((given.tensors[index]->kind == Term::Open) == isOpen)
        order.push_back(index);
  for (size_t index : order) {
    const TensorParam &param = layer.params[index];
    Term &value = *given.tensors[index];
    if (value.kind == Term::None && param.isOptional) {
      inner.values[param.name.text] = value;
      continue;
    }
    if (value.kind == Term::Open)
      value = opened(value, param.type, frame, inner, given.places[index]);
    if (value.isPoison())
      return false;
    if (value.isNumber() || value.kind == Term::Truth) {
      Type elementType =
          elementTypeOf(param.type.elementType.text, builder.getContext());
      value = tensorOf(value, elementType);
      if (value.isPoison())
        return false;
    }
    std::string by = "argument " + quoted(param.name.text);
    if (!match(param.type, value, frame, inner, by + " of " + given.callee, by,
               given.places[index]))
      return false;
    inner.values[param.name.text] = value;
  }
  return true;
}

bool Elaborator::bindArguments(Frame &frame, Scope &inner, const CallExpr &call,
                               const Term *piped, Frame &caller, Scope &scope) {
  CallArguments given(frame.layer, call.span);
  return readArguments(call, piped, caller, scope, given) &&
         bindStatics(frame, inner, call.span, given) &&
         bindTensors(frame, inner, call.span, given);
}
