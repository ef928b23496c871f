// Parser.cpp - a .nn file from text to Ast.h: what stands outside of braces.
#include "frontend/dsl/Parser.h"
#include "frontend/dsl/ExprParser.h"

using namespace burnish;
using namespace burnish::dsl;
using llvm::StringRef;

static constexpr StringRef kItems[] = {"use",        "import", "layer", "net",
                                       "derivative", "train",  "export"};
static constexpr StringRef kClauses[] = {
    "data",   "split",  "augment", "balance", "batch", "loss", "update",
    "metric", "epochs", "stop",    "freeze",  "lora",  "save", "checkpoint"};

/// What other tools call a clause.
static StringRef otherClause(StringRef name) {
  static constexpr std::pair<StringRef, StringRef> kOthers[] = {
      {"optimizer", "update"}, {"optimiser", "update"}, {"optim", "update"},
      {"dataset", "data"},     {"criterion", "loss"},   {"objective", "loss"},
      {"metrics", "metric"},   {"early_stop", "stop"}};
  for (auto [other, clause] : kOthers)
    if (other == name)
      return clause;
  return "";
}

namespace {
class Parser {
public:
  Parser(const Sources &sources, uint32_t source, Messages &messages)
      : reader(tokens(sources, source, messages), messages), exprs(reader) {
    file.source = source;
  }

  File run() {
    while (!reader.is(Tok::End))
      if (!item())
        recover();
    return std::move(file);
  }

private:
  bool beginsItem() const {
    return reader.token().startsLine && reader.is(Tok::Word) &&
           llvm::is_contained(kItems, reader.token().text);
  }
  void recover() {
    while (!reader.is(Tok::End) && !beginsItem())
      reader.take();
  }

  bool item() {
    if (reader.isWord("use"))
      return use();
    if (reader.isWord("import"))
      return import();
    if (reader.isWord("layer") || reader.isWord("net"))
      return layer();
    if (reader.isWord("derivative"))
      return derivative();
    if (reader.isWord("train"))
      return train();
    if (reader.isWord("export"))
      return exported();
    if (!reader.is(Tok::Word))
      return reader.expected(
          "use, import, layer, net, derivative, train or export");
    Token word = reader.take();
    return reader.messages.error(
        word.span,
        quoted(word.text) + " begins nothing here" + nearest(word.text, kItems),
        {}, "use, import, layer, net, derivative, train and export do");
  }

  bool use() {
    Use use;
    use.span = reader.take().span;
    use.isFile = reader.is(Tok::String);
    if (!use.isFile && !reader.is(Tok::Word))
      return reader.expected("std or the name of a file");
    Token name = reader.take();
    use.name = {use.isFile ? name.text.drop_front().drop_back() : name.text,
                name.span};
    use.span = use.span.to(name.span);
    file.uses.push_back(use);
    return true;
  }

  bool import() {
    Import import;
    import.span = reader.take().span;
    std::optional<Ident> format = reader.name("'onnx'");
    if (!format)
      return false;
    import.format = *format;
    if (format->text != "onnx")
      return reader.messages.error(format->span,
                                   quoted(format->text) +
                                       " is no format that can be imported" +
                                       nearest(format->text, {"onnx"}));
    if (!reader.is(Tok::String))
      return reader.expected("the name of a file");
    Token path = reader.take();
    import.path = {path.text.drop_front().drop_back(), path.span};
    if (!reader.acceptWord("as"))
      return reader.expected("'as' and what it is called here");
    std::optional<Ident> name = reader.name("what it is called here");
    if (!name)
      return false;
    import.name = *name;
    import.span = import.span.to(reader.lastSpan());
    file.imports.push_back(import);
    return true;
  }

  bool layer() {
    auto result = std::make_unique<Layer>();
    result->isNet = reader.isWord("net");
    result->span = reader.take().span;
    std::optional<Ident> name =
        reader.name(result->isNet ? "the net's name" : "the layer's name");
    if (!name)
      return false;
    result->name = *name;
    // The lists are told apart by the types: of two, the first is static.
    bool hasStatics = !result->isNet && isFollowedByList();
    if (hasStatics && !statics(*result))
      return false;
    if (!params(*result) ||
        !reader.expect(Tok::ArrowRight, " and the type of the result"))
      return false;
    std::optional<TypeRef> type = exprs.type();
    if (!type)
      return false;
    result->result = std::move(*type);
    if (reader.acceptWord("where")) {
      do {
        ExprPtr condition = exprs.condition();
        if (!condition)
          return false;
        result->conditions.push_back(std::move(condition));
      } while (reader.accept(Tok::Comma) || reader.acceptWord("and"));
    }
    result->span = result->span.to(reader.lastSpan());
    bool isFine = exprs.block(result->body, /*wantsResult=*/true);
    // With a body that could not be read it is known still, so that calls are
    // not reported as unknown names.
    if (!isFine)
      result->body.result = nullptr;
    file.layers.push_back(std::move(result));
    return isFine || beginsItem();
  }

  /// Whether the bracket that opens here is followed by another.
  bool isFollowedByList() const {
    if (!reader.is(Tok::LeftParen))
      return false;
    size_t ahead = 1;
    for (unsigned open = 1; open; ++ahead) {
      Tok kind = reader.token(ahead).kind;
      if (kind == Tok::End)
        return false;
      open += kind == Tok::LeftParen;
      open -= kind == Tok::RightParen;
    }
    return reader.token(ahead).kind == Tok::LeftParen;
  }

  bool statics(Layer &layer) {
    reader.take();
    while (!reader.is(Tok::RightParen)) {
      StaticParam param;
      std::optional<Ident> name = reader.name("the name of a static parameter");
      if (!name)
        return false;
      param.name = *name;
      if (reader.accept(Tok::Assign)) {
        param.initial = exprs.expression();
        if (!param.initial)
          return false;
      }
      layer.statics.push_back(std::move(param));
      if (!reader.accept(Tok::Comma))
        break;
    }
    return reader.expect(Tok::RightParen, " or ',' after a static parameter");
  }

  bool params(Layer &layer) {
    if (!reader.expect(Tok::LeftParen, " and the tensors it takes"))
      return false;
    while (!reader.is(Tok::RightParen)) {
      TensorParam param;
      std::optional<Ident> name = reader.name("the name of a tensor");
      if (!name || !reader.expect(Tok::Colon, " and its type"))
        return false;
      param.name = *name;
      std::optional<TypeRef> type = exprs.type();
      if (!type)
        return false;
      param.type = std::move(*type);
      if (reader.accept(Tok::Assign)) {
        if (!reader.acceptWord("None"))
          return reader.expected("None, the one value that a tensor may have "
                                 "when it is not given,");
        param.isOptional = true;
      }
      layer.params.push_back(std::move(param));
      if (!reader.accept(Tok::Comma))
        break;
    }
    return reader.expect(Tok::RightParen, " or ',' after a tensor");
  }

  bool derivative() {
    auto result = std::make_unique<Derivative>();
    result->span = reader.take().span;
    if (!reader.acceptWord("of"))
      return reader.expected("'of' and the name of a layer");
    std::optional<Ident> name = reader.name("the name of a layer");
    if (!name)
      return false;
    result->layer = *name;
    std::vector<std::vector<Ident>> lists;
    while (reader.is(Tok::LeftParen)) {
      std::optional<Pattern> names = exprs.pattern();
      if (!names)
        return false;
      lists.push_back(std::move(names->names));
    }
    result->span = result->span.to(reader.lastSpan());
    // What a layer has, and then the gradients by its results.
    if (lists.size() < 2 || lists.size() > 3)
      return reader.messages.error(
          result->span,
          "a derivative names what its layer takes, and then the gradients by "
          "what it gives, as in: derivative of f(x)(grad) { ... }");
    result->gradients = std::move(lists.back());
    lists.pop_back();
    result->params = std::move(lists.back());
    lists.pop_back();
    if (!lists.empty())
      result->statics = std::move(lists.back());
    bool isFine = exprs.block(result->body, /*wantsResult=*/true);
    if (!isFine)
      result->body.result = nullptr;
    file.derivatives.push_back(std::move(result));
    return isFine || beginsItem();
  }

  bool exported() {
    Export result;
    result.span = reader.take().span;
    result.isTraining = reader.acceptWord("train");
    std::optional<Ident> net = reader.name("the name of a net");
    if (!net)
      return false;
    result.net = *net;
    if (reader.is(Tok::LeftParen)) {
      std::optional<ArgumentList> list = exprs.arguments();
      if (!list)
        return false;
      for (Argument &argument : list->arguments) {
        auto *size = llvm::dyn_cast<NumberExpr>(argument.value.get());
        if (!argument.name || !size || !size->isInteger)
          return reader.messages.error(argument.value->span,
                                       "an export gives dims sizes, as N = 1");
      }
      result.dims = std::move(list->arguments);
    }
    if (reader.acceptWord("as")) {
      std::optional<Ident> alias = reader.name("what it is called in C");
      if (!alias)
        return false;
      result.alias = *alias;
    }
    result.span = result.span.to(reader.lastSpan());
    file.exports.push_back(std::move(result));
    return true;
  }

  bool train() {
    Train result;
    result.span = reader.take().span;
    std::optional<Ident> net = reader.name("the name of a net");
    if (!net || !reader.expect(Tok::LeftBrace, ""))
      return false;
    result.net = *net;
    exprs.isRecipe = true;
    bool isFine = true;
    while (!reader.is(Tok::RightBrace) && !reader.is(Tok::End)) {
      std::optional<Clause> read = clause();
      if (read) {
        result.clauses.push_back(std::move(*read));
        continue;
      }
      isFine = false;
      while (!reader.is(Tok::End) && !reader.is(Tok::RightBrace) &&
             !(reader.token().startsLine && reader.is(Tok::Word)))
        reader.take();
    }
    exprs.isRecipe = false;
    if (!reader.accept(Tok::RightBrace))
      return isFine ? reader.messages.error(reader.token().span,
                                            "a recipe has no end",
                                            {{result.span, "it begins here"}})
                    : false;
    result.isWhole = isFine;
    file.trains.push_back(std::move(result));
    return true;
  }

  std::optional<Clause> clause() {
    std::optional<Ident> name = reader.name("a clause of the recipe");
    if (!name)
      return std::nullopt;
    if (!llvm::is_contained(kClauses, name->text)) {
      StringRef other = otherClause(name->text);
      reader.messages.error(
          name->span, quoted(name->text) + " is no clause of a recipe" +
                          (other.empty() ? nearest(name->text, kClauses)
                                         : "; did you mean " + quoted(other)));
      return std::nullopt;
    }
    if (reader.is(Tok::Assign) || reader.is(Tok::Colon)) {
      reader.messages.error(reader.token().span,
                            "no " + quoted(nameOf(reader.token().kind)) +
                                " stands between a clause and what it says");
      return std::nullopt;
    }
    Clause clause{*name, name->span, {}};
    Ident target;
    do {
      ClauseItem item;
      auto named = [&](Tok sign) -> Ident {
        if (!reader.is(Tok::Word) || reader.token(1).kind != sign)
          return {};
        Token word = reader.take();
        reader.take();
        return {word.text, word.span};
      };
      // A target holds for all that follow it.
      if (Ident next = named(Tok::Colon))
        target = next;
      item.target = target;
      item.name = named(Tok::Assign);
      // A word that begins a line begins a clause, known or not.
      auto beginsLine = [&] {
        return !item.parts.empty() && reader.token().startsLine &&
               reader.is(Tok::Word);
      };
      while (exprs.beginsExpression() && !endsClause() && !beginsLine()) {
        ExprPtr part = exprs.expression();
        if (!part)
          return std::nullopt;
        // A layer that takes nothing but the column needs no brackets there.
        auto *bare = llvm::dyn_cast<NameExpr>(part.get());
        if (bare && item.target && name->text == "augment") {
          auto call = std::make_unique<CallExpr>(bare->span);
          call->callee = {bare->name, bare->span};
          part = std::move(call);
        }
        item.parts.push_back(std::move(part));
      }
      if (item.parts.empty()) {
        reader.expected("a value of " + quoted(name->text));
        return std::nullopt;
      }
      clause.items.push_back(std::move(item));
    } while (reader.accept(Tok::Comma));
    bool beginsLine = reader.token().startsLine && reader.is(Tok::Word);
    if (!beginsLine && !endsClause() && !reader.is(Tok::RightBrace)) {
      reader.expected("',' or the next clause");
      return std::nullopt;
    }
    clause.span = clause.span.to(reader.lastSpan());
    return clause;
  }

  bool endsClause() const {
    return reader.is(Tok::End) ||
           (reader.token().startsLine && reader.is(Tok::Word) &&
            llvm::is_contained(kClauses, reader.token().text));
  }

  TokenReader reader;
  ExprParser exprs;
  File file;
};
} // namespace

File dsl::parse(const Sources &sources, uint32_t file, Messages &messages) {
  return Parser(sources, file, messages).run();
}
