// Trees.td - ensembles of decision trees.
include "ir/Base.td"

def NN_TreeEnsembleOp : NN_PureOp<"tree_ensemble", ""> {
  let summary = "for each row of X, what the leaves hold that it reaches: for each target their sum, or the least or greatest";
  let description = [{
    `nodes` [n, 4] are integers as wide as the elements of X. An inner node has the bits of a threshold t, a column c, and
    the offsets (4 times the number) of the nodes that come next where X[row, c] <= t, and where not. NaN goes to the
    second (`nan` "false"), the first ("true"), or the first where the lowest bit of the node's c is 1, and the column is
    c / 2 ("flags"). A leaf has its own offset twice and column 0: who has arrived stays there.

    `trees` [count, 3] of i32 have the offset of the root, the most steps to a leaf, and a target, for which the leaves
    hold the bits of a number in place of the threshold. With `lists` they hold the number k of a list instead, of
    elements starts[k] to starts[k + 1] of `targets` and `weights`.

    Numbers are added up tree by tree, in the type of X. All columns are below `columns`, which is at least 1. The tables are
    known when compiling; walks that end in no leaf give numbers without a meaning.
  }];
  let arguments = (ins AnyTensor:$X, AnyTensor:$nodes, AnyTensor:$trees, Variadic<AnyTensor>:$lists, StrAttr:$aggregate,
                   StrAttr:$nan, I64Attr:$columns, I64Attr:$n_targets);
  let results = (outs AnyTensor:$Y);
}
