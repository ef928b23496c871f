// Einsum.cpp - sums of products by an equation, as matrix products.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {
namespace {

// A factor with a letter for each of its axes. Axes under an ellipsis have
// letters of their own.
struct Factor {
  Value value;
  SmallVector<int> letters;

  int find(int letter) const {
    return llvm::find(letters, letter) - letters.begin();
  }
  bool has(int letter) const { return is_contained(letters, letter); }
};

// The letter of the axis under an ellipsis that is `back` from its end.
constexpr int kEllipsis = 256;

class Equation {
public:
  explicit Equation(Expansion &expand) : e(expand) {}

  SmallVector<Value> run();

private:
  bool parseTerm(StringRef text, int64_t rank, SmallVector<int> &letters);
  Factor takeDiagonals(Factor factor);
  Factor sumOut(Factor factor, ArrayRef<int> kept);
  Factor multiply(Factor a, Factor b, ArrayRef<int> kept);
  // The factor with its axes in that order, ones where it has not the letter.
  Value arrange(const Factor &factor, ArrayRef<int> order);

  Expansion &e;
  int64_t widestEllipsis = 0;
};

bool Equation::parseTerm(StringRef text, int64_t rank,
                         SmallVector<int> &letters) {
  int64_t named = count_if(text, [](char c) { return isAlpha(c); });
  int64_t covered = rank - named;
  if (text.contains("..."))
    widestEllipsis = std::max(widestEllipsis, covered);
  else if (covered != 0)
    return false;
  for (StringRef rest = text; !rest.empty();) {
    if (rest.consume_front("...")) {
      for (int64_t back = covered; back > 0; --back)
        letters.push_back(kEllipsis + back);
      continue;
    }
    if (!isAlpha(rest.front()))
      return false;
    letters.push_back(rest.front());
    rest = rest.drop_front();
  }
  return covered >= 0 && static_cast<int64_t>(letters.size()) == rank;
}

// "ii" is the diagonal: what is off it is zeroed, and one of the axes summed
// out.
Factor Equation::takeDiagonals(Factor factor) {
  for (size_t i = 0; i < factor.letters.size(); ++i)
    for (size_t j = factor.letters.size(); j-- > i + 1;)
      if (factor.letters[i] == factor.letters[j]) {
        auto numbers = [&](size_t axis) {
          SmallVector<Extent> shape(factor.letters.size(), int64_t(1));
          shape[axis] = e.extent(factor.value, axis);
          Value limit = e.reshape(e.shape(shape[axis]), ArrayRef<Extent>());
          return e.reshape(e("Range", {e.integer(0), limit, e.integer(1)}),
                           shape);
        };
        Value onDiagonal = e("Equal", {numbers(i), numbers(j)});
        Value kept =
            e("Where", {onDiagonal, factor.value, e.scalar(0, factor.value)});
        factor.value = e.reduce("ReduceSum", kept, static_cast<int64_t>(j),
                                /*keepDims=*/false);
        factor.letters.erase(factor.letters.begin() + j);
      }
  return factor;
}

Factor Equation::sumOut(Factor factor, ArrayRef<int> kept) {
  SmallVector<int64_t> axes;
  SmallVector<int> letters;
  for (auto [axis, letter] : enumerate(factor.letters))
    if (is_contained(kept, letter))
      letters.push_back(letter);
    else
      axes.push_back(axis);
  if (!axes.empty())
    factor.value =
        e.reduce("ReduceSum", factor.value, axes, /*keepDims=*/false);
  factor.letters = letters;
  return factor;
}

Value Equation::arrange(const Factor &factor, ArrayRef<int> order) {
  SmallVector<int64_t> permutation;
  SmallVector<Extent> shape;
  for (int letter : order)
    if (factor.has(letter)) {
      permutation.push_back(factor.find(letter));
      shape.push_back(e.extent(factor.value, factor.find(letter)));
    } else {
      shape.push_back(int64_t(1));
    }
  Value moved = e.transpose(factor.value, permutation);
  return shape.size() == permutation.size() ? moved : e.reshape(moved, shape);
}

// One matrix product: letters in both that stay are the batch, those that go
// are contracted, others are rows or columns.
Factor Equation::multiply(Factor a, Factor b, ArrayRef<int> kept) {
  SmallVector<int> batch, contracted, rows, columns;
  for (int letter : a.letters)
    (!b.has(letter)               ? rows
     : is_contained(kept, letter) ? batch
                                  : contracted)
        .push_back(letter);
  for (int letter : b.letters)
    if (!a.has(letter))
      columns.push_back(letter);
  SmallVector<int> result(batch);
  result.append(rows);
  result.append(columns);
  if (contracted.empty()) {
    SmallVector<int> all(result);
    return {e.mul(arrange(a, all), arrange(b, all)), all};
  }
  auto concatenate = [](ArrayRef<int> x, ArrayRef<int> y, ArrayRef<int> z) {
    SmallVector<int> all(x);
    all.append(y.begin(), y.end());
    all.append(z.begin(), z.end());
    return all;
  };
  auto sizes = [&](const Factor &factor, ArrayRef<int> letters) {
    return map_to_vector(letters, [&](int letter) {
      return e.extent(factor.value, factor.find(letter));
    });
  };
  SmallVector<Extent> rowSizes = sizes(a, rows),
                      columnSizes = sizes(b, columns);
  Extent inner = e.product(sizes(a, contracted)),
         innerOfB = e.product(sizes(b, contracted));
  SmallVector<Extent> shapeA = sizes(a, batch), shapeB = sizes(b, batch),
                      shape = shapeA;
  // An axis under an ellipsis may be 1 in one factor: the product broadcasts
  // it.
  for (auto [mine, other] : zip(shape, shapeB))
    if (std::holds_alternative<int64_t>(mine) && std::get<int64_t>(mine) == 1)
      mine = other;
  shapeA.append({e.product(rowSizes), inner});
  shapeB.append({innerOfB, e.product(columnSizes)});
  Value left =
      e.reshape(arrange(a, concatenate(batch, rows, contracted)), shapeA);
  Value right =
      e.reshape(arrange(b, concatenate(batch, contracted, columns)), shapeB);
  shape.append(rowSizes);
  shape.append(columnSizes);
  // Products of 8 bit integers are wider, and what is asked for is not.
  Value sums = e.cast(e("MatMul", {left, right}), Expansion::onnxType(a.value));
  return {e.reshape(sums, shape), result};
}

SmallVector<Value> Equation::run() {
  std::string text;
  for (char c : e.stringAttr("equation", ""))
    if (c != ' ')
      text += c;
  auto refuse = [&] {
    return e.refuse("equation " + quoted(text) + " does not fit its operands");
  };
  auto [left, right] = StringRef(text).split("->");
  bool isExplicit = StringRef(text).contains("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != e.operands.size())
    return refuse();
  SmallVector<Factor> factors;
  // A letter has one size everywhere, or 1, which is repeated.
  DenseMap<int, int64_t> sizes;
  for (auto [term, operand] : zip(terms, e.operands)) {
    Factor factor{operand, {}};
    if (!parseTerm(term, Expansion::rank(operand), factor.letters))
      return refuse();
    for (auto [axis, letter] : enumerate(factor.letters))
      if (int64_t size = Expansion::size(operand, axis).value_or(1);
          size != 1 && sizes.try_emplace(letter, size).first->second != size)
        return refuse();
    factors.push_back(takeDiagonals(factor));
  }

  SmallVector<int> output;
  if (isExplicit) {
    int64_t rank = count_if(right, [](char c) { return isAlpha(c); }) +
                   (right.contains("...") ? widestEllipsis : 0);
    if (!parseTerm(right, rank, output))
      return refuse();
  } else {
    // The ellipsis, then the letters that occur once, in alphabetical order.
    for (int64_t back = widestEllipsis; back > 0; --back)
      output.push_back(kEllipsis + back);
    for (int letter = 'A'; letter <= 'z'; ++letter)
      if (count(left, static_cast<char>(letter)) == 1)
        output.push_back(letter);
  }
  for (int letter : output)
    if (count(output, letter) > 1 ||
        none_of(factors,
                [&](const Factor &factor) { return factor.has(letter); }))
      return refuse();

  // From the left, two at a time; a letter goes as soon as nothing further
  // needs it.
  Factor product = factors.front();
  for (size_t next = 0; next < factors.size(); ++next) {
    SmallVector<int> kept(output);
    for (const Factor &later : ArrayRef(factors).drop_front(next + 1))
      kept.append(later.letters);
    if (next == 0) {
      product = sumOut(product, kept);
      continue;
    }
    SmallVector<int> needed(kept);
    needed.append(product.letters);
    Factor factor = sumOut(factors[next], needed);
    product = sumOut(multiply(product, factor, kept), kept);
  }
  return {arrange(product, output)};
}

} // namespace

void addEinsum(ExpandTable &table) {
  table["Einsum"] = [](Expansion &e) -> SmallVector<Value> {
    return Equation(e).run();
  };
}

} // namespace burnish::onnx_import
