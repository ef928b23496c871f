// Strings.td - constants of strings, and what is made of and found in strings.
include "ir/Base.td"

def NN_StringsOp : NN_PureOp<"strings", ""> {
  let summary = "a tensor of strings known when compiling";
  let arguments = (ins ArrayAttr:$values, DenseI64ArrayAttr:$shape);
  let results = (outs NN_StringTensor:$result);
}

def NN_StringConcatOp : NN_ElementwiseOp<"string_concat", "StringConcat", [NN_TakesStrings]> {
  let summary = "each string of X with that of Y behind it";
  let arguments = (ins NN_StringTensor:$X, NN_StringTensor:$Y);
}

def NN_StringCaseOp : NN_ElementwiseOp<"string_case", "", [NN_TakesStrings]> {
  let summary = "each string in upper or lower case, by Unicode's simple mapping";
  let arguments = (ins NN_StringTensor:$X, BoolAttr:$upper);
}

def NN_StringSplitOp : NN_PureOp<"string_split", "StringSplit", [NN_TakesStrings]> {
  let summary = "the pieces of each string along a new last axis, and how many there are";
  let description = [{
    Without a delimiter, runs of spaces separate. There are at most `maxsplit` splits; strings with fewer pieces than
    others have empty ones behind theirs.
  }];
  let arguments = (ins NN_StringTensor:$X, DefaultValuedAttr<StrAttr, "\"\"">:$delimiter, OptionalAttr<I64Attr>:$maxsplit);
  let results = (outs NN_StringTensor:$Y, AnyTensor:$Z);
}

def NN_RegexFullMatchOp : NN_PureOp<"regex_full_match", "RegexFullMatch", [NN_TakesStrings]> {
  let summary = "whether the whole of each string matches a regular expression, in RE2's syntax";
  let arguments = (ins NN_StringTensor:$X, StrAttr:$pattern);
  let results = (outs AnyTensor:$Y);
}

def NN_FindOp : NN_PureOp<"find", "", [NN_TakesStrings]> {
  let summary = "the place of each element among `keys`, the first one, as i64; -1 where it is none";
  let description = "The keys are a list of strings, or elements of X's type. NaN is equal to NaN.";
  let arguments = (ins NN_NumberOrStringTensor:$X, OptionalAttr<ArrayAttr>:$strings, OptionalAttr<ElementsAttr>:$numbers);
  let results = (outs AnyTensor:$place);
}
