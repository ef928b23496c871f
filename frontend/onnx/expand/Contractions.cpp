// Contractions.cpp - products of matrices in ONNX's other forms.
#include "frontend/onnx/Expand.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {

// alpha * A' * B' + beta * C
static SmallVector<Value> gemm(Expansion &e) {
  Value a = e.operand(0), b = e.operand(1), c = e.operand(2);
  if (Expansion::rank(a) != 2 || Expansion::rank(b) != 2)
    return e.refuse("A has rank " + Twine(Expansion::rank(a)) +
                    " and B has rank " + Twine(Expansion::rank(b)) +
                    ", and both should be matrices");
  int64_t transA = e.intAttr("transA", 0), transB = e.intAttr("transB", 0);
  std::optional<int64_t> columns = Expansion::size(a, transA ? 0 : 1),
                         rows = Expansion::size(b, transB ? 1 : 0);
  if (columns && rows && *columns != *rows)
    return e.refuse("A has " + Twine(*columns) + " columns and B has " +
                    Twine(*rows) + " rows");
  if (transA)
    a = e.transpose(a, {1, 0});
  if (transB)
    b = e.transpose(b, {1, 0});
  Value y = e("MatMul", {a, b});
  float alpha = e.floatAttr("alpha", 1), beta = e.floatAttr("beta", 1);
  if (alpha != 1)
    y = e.mul(y, e.scalar(alpha, y));
  if (!c || beta == 0)
    return {y};
  return {e.add(y, beta == 1 ? c : e.mul(c, e.scalar(beta, c)))};
}

void addEinsum(ExpandTable &table);

void addContractions(ExpandTable &table) {
  table["Gemm"] = gemm;
  addEinsum(table);
}

} // namespace burnish::onnx_import
