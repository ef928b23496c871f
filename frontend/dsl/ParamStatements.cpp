// ParamStatements.cpp - params and states where a layer declares them.
#include "frontend/dsl/Elaborator.h"
#include "ir/Ops.h"
#include "ir/Types.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;
using nn::Dim, nn::Dims;

Elaborator::Slot *Elaborator::findSlot(StringRef path) {
  auto found =
      llvm::find_if(slots, [&](const Slot &slot) { return slot.path == path; });
  return found == slots.end() ? nullptr : &*found;
}

Elaborator::Slot *Elaborator::slotNow(Value value) {
  auto found = llvm::find_if(
      slots, [&](const Slot &slot) { return slot.value == value; });
  return found == slots.end() ? nullptr : &*found;
}

/// Whether a layer changes one of its states.
static bool isAssigned(const dsl::Block &block, StringRef name) {
  return llvm::any_of(block.statements, [&](const auto &stmt) {
    auto *assign = dyn_cast<AssignStmt>(stmt.get());
    return assign && assign->target.text == name;
  });
}

/// How a param begins; `stored` becomes the file that has its value, if any.
/// None after a report.
std::optional<InitialValue> Elaborator::initialOf(const ParamStmt &param,
                                                  ArrayRef<int64_t> sizes,
                                                  std::string &stored,
                                                  Frame &frame, Scope &scope) {
  // Values may lie in a file of their own.
  if (param.initializer.name.text == "stored") {
    auto *file =
        param.initializer.arguments.size() == 1
            ? dyn_cast<StringExpr>(param.initializer.arguments[0].value.get())
            : nullptr;
    if (!file) {
      fail(param.initializer.span, "'stored' takes the name of a file");
      return std::nullopt;
    }
    stored = besides(messages.sources.path(param.span.file), file->value);
  }

  // The initialiser's arguments may be statics.
  SmallVector<double> numbers;
  for (const Argument &argument : param.initializer.arguments) {
    if (!stored.empty())
      break;
    Term number = eval(*argument.value, frame, scope);
    std::optional<int64_t> whole =
        number.kind == Term::Whole ? nn::known(number.whole) : std::nullopt;
    if (number.isPoison())
      return std::nullopt;
    if (!whole && number.kind != Term::Real) {
      fail(argument.value->span,
           "an initialiser takes numbers, and this is " + describe(number));
      return std::nullopt;
    }
    numbers.push_back(whole ? static_cast<double>(*whole) : number.real);
  }
  StringRef name = param.initializer.name.text;
  if (!stored.empty()) {
    name = "zeros";
  } else if (param.initializer.number) {
    name = "constant";
    numbers = {cast<NumberExpr>(*param.initializer.number).value};
  }
  std::string error;
  std::optional<InitialValue> initial =
      initialValue(name, numbers, sizes, error);
  if (!initial) {
    fail(param.initializer.span,
         error.empty() ? "no initialiser is called " + quoted(name) +
                             nearest(name, initializerNames())
                       : error);
    return std::nullopt;
  }
  initial->text = messages.sources.text(param.initializer.span).str();
  return initial;
}

Type Elaborator::paramElements(const ParamStmt &param, StringRef kind) {
  if (ofBody || !openRules.empty()) {
    const Derivative &rule = ofBody ? *ofBody : *openRules.back();
    fail(param.span,
         kind + " in a layer with a derivative of its own, which gives "
                "gradients by tensors alone",
         {{rule.span, "the derivative is here"}},
         "a layer around it may have it and hand it in");
    return {};
  }
  if (param.type.isTuple() || currentScan || controlDepth) {
    fail(param.span, param.type.isTuple()
                         ? "a param is one tensor"
                         : kind + " in a scan or in an if that a run decides");
    return {};
  }
  Type elementType =
      elementTypeOf(param.type.elementType.text, builder.getContext());
  if (elementType && nn::isString(elementType)) {
    fail(param.type.span,
         kind + " " + quoted(param.name.text) +
             " has elements of string, and is made of "
             "numbers",
         {}, "a literal, as string[2](\"a\", \"b\"), is a constant");
    return {};
  }
  if (!elementType || (!param.isState && !isa<FloatType>(elementType))) {
    fail(param.type.span,
         "param " + quoted(param.name.text) + " has elements of " +
             param.type.elementType.text +
             ", and training changes numbers with fractions only",
         {}, "a literal, as i64[2](3, 5), is a constant; state may be whole");
    return {};
  }
  return elementType;
}

std::optional<SmallVector<int64_t>>
Elaborator::paramSizes(const ParamStmt &param, StringRef kind,
                       ArrayRef<Dim> dims, Frame &frame) {
  SmallVector<int64_t> sizes;
  bool hasRest = dims.size() != param.type.dims.size();
  for (auto [axis, dim] : enumerate(dims)) {
    std::optional<int64_t> size = nn::known(dim);
    if (!size) {
      // `...` stands for dims that no pattern of its own describes.
      const DimRef *pattern = hasRest ? nullptr : &param.type.dims[axis];
      bool isWritten = pattern && pattern->expr;
      fail(pattern ? pattern->span : param.type.span,
           "the dims of a " + kind + " are known when compiling, and " +
               describe(dim) + " is not",
           isWritten ? originsOf(*pattern->expr, frame) : std::vector<Note>(),
           "--dim can pin it");
      return std::nullopt;
    }
    sizes.push_back(*size);
  }
  return sizes;
}

std::optional<std::vector<std::string>>
Elaborator::paramFlags(const ParamStmt &param) {
  std::vector<std::string> flags;
  static constexpr StringRef kFlags[] = {"no_decay", "frozen"};
  for (Ident flag : param.attributes) {
    if (!llvm::is_contained(kFlags, flag.text)) {
      fail(flag.span,
           "no attribute is called " + quoted(flag.text) +
               nearest(flag.text, kFlags),
           {}, "those are @no_decay and @frozen");
      return std::nullopt;
    }
    flags.push_back(flag.text.str());
  }
  if (param.isState)
    flags.push_back("state");
  return flags;
}

void Elaborator::param(const ParamStmt &param, Frame &frame, Scope &scope) {
  scope.values[param.name.text] = {};
  StringRef kind = param.isState ? "state" : "param";
  Type elementType = paramElements(param, kind);
  std::optional<Dims> dims =
      elementType ? shapeOf(param.type, frame, scope) : std::nullopt;
  if (!dims)
    return;
  std::optional<SmallVector<int64_t>> sizes =
      paramSizes(param, kind, *dims, frame);
  std::optional<std::vector<std::string>> flags =
      sizes ? paramFlags(param) : std::nullopt;
  if (!flags)
    return;
  std::string stored;
  std::optional<InitialValue> initial =
      initialOf(param, *sizes, stored, frame, scope);
  if (!initial)
    return;
  std::string path = frame.path + param.name.text.str();
  auto type = RankedTensorType::get(*sizes, elementType);
  auto [entry, isNew] = made.try_emplace(path);
  if (!isNew) {
    // A net that is called twice has its params once.
    if (entry->second.stmt != &param || entry->second.value.getType() != type) {
      fail(param.name.span,
           "a second param on the path " + quoted(path) + ", of " +
               nameOf(elementType) + describe(*dims),
           {{entry->second.stmt ? entry->second.stmt->name.span
                                : param.name.span,
             "the first is here"}});
      return;
    }
  } else if (training ||
             (param.isState && isAssigned(frame.layer.body, param.name.text))) {
    at(param.span);
    ElementsAttr value;
    if (!stored.empty() &&
        !(value = params.value(path, type, *initial, stored, param.span)))
      return;
    BlockArgument argument = entryBlock.addArgument(type, builder.getLoc());
    slots.push_back({path, argument, argument, param.isState, std::move(*flags),
                     std::move(*initial), value, param.span});
    entry->second = {&param, argument};
  } else {
    at(param.span);
    ElementsAttr value = params.value(path, type, *initial, stored, param.span);
    if (!value)
      return;
    OpBuilder::InsertionGuard guard(builder);
    toParams();
    entry->second = {&param, builder.make<nn::ConstantOp>(value)};
    lastParam = entry->second.value.getDefiningOp();
    params.mark(lastParam, path, initial->text, std::move(*flags));
  }
  scope.values[param.name.text] =
      Term::ofTensor(entry->second.value, param.name.span);
}
