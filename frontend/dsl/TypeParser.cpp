// TypeParser.cpp - reads types, as f32[N, 10].
#include "frontend/dsl/ExprParser.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace burnish;
using namespace burnish::dsl;
using llvm::StringRef;

bool dsl::isElementType(StringRef name) {
  static constexpr StringRef kNames[] = {
      "f16",        "bf16",      "f32",      "f64",      "i8",         "i16",
      "i32",        "i64",       "u8",       "u16",      "u32",        "u64",
      "bool",       "int",       "i2",       "i4",       "u2",         "u4",
      "f4e2m1fn",   "f6e2m3fn",  "f6e3m2fn", "f8e4m3fn", "f8e4m3fnuz", "f8e5m2",
      "f8e5m2fnuz", "f8e8m0fnu", "string"};
  return llvm::is_contained(kNames, name);
}

/// As many dims as a tensor has.
static constexpr size_t kMostDims = 64;

std::optional<TypeRef> ExprParser::type() {
  TypeRef result;
  result.span = reader.token().span;
  llvm::SaveAndRestore deeper(nesting, nesting + 1);
  if (nesting > kDeepestExpr) {
    reader.expected("a type that is less deep");
    return std::nullopt;
  }
  if (reader.accept(Tok::LeftParen)) {
    while (!reader.is(Tok::RightParen)) {
      std::optional<TypeRef> part = type();
      if (!part)
        return std::nullopt;
      result.parts.push_back(std::move(*part));
      if (!reader.accept(Tok::Comma))
        break;
    }
    if (!reader.expect(Tok::RightParen, " after the types"))
      return std::nullopt;
    result.span = result.span.to(reader.lastSpan());
    if (result.parts.empty()) {
      reader.messages.error(result.span, "a tuple has parts");
      return std::nullopt;
    }
    return result;
  }
  std::optional<Ident> name = reader.name("a type, as f32[N, 10]");
  if (!name)
    return std::nullopt;
  result.elementType = *name;
  if (!isElementType(name->text)) {
    reader.messages.error(
        name->span,
        quoted(name->text) + " is no element type" +
            nearest(name->text,
                    {"f16", "bf16", "f32", "f64", "i8", "i16", "i32", "i64",
                     "u8", "u16", "u32", "u64", "bool"}),
        {}, "those are f16, bf16, f32, f64, i8 to i64, u8 to u64 and bool");
    return std::nullopt;
  }
  if (reader.is(Tok::LeftBracket) && !reader.token().startsLine) {
    reader.take();
    while (!reader.is(Tok::RightBracket)) {
      DimRef dim;
      dim.span = reader.token().span;
      if (!reader.accept(Tok::Ellipsis)) {
        dim.expr = sum();
        if (!dim.expr)
          return std::nullopt;
      }
      dim.span = dim.span.to(reader.lastSpan());
      result.dims.push_back(std::move(dim));
      if (!reader.accept(Tok::Comma))
        break;
    }
    if (!reader.expect(Tok::RightBracket, " or ',' after a dim"))
      return std::nullopt;
    if (result.dims.size() > kMostDims) {
      reader.messages.error(name->span,
                            "a type of " + llvm::Twine(result.dims.size()) +
                                " dims, and " + llvm::Twine(kMostDims) +
                                " are the most");
      return std::nullopt;
    }
  }
  result.span = result.span.to(reader.lastSpan());
  return result;
}
