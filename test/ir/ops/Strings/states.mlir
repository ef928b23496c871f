// RUN: not burnish-opt %s --nn-lower-to-linalg 2>&1 | FileCheck %s
// An automaton that would grow beyond bounds is refused instead of built.
// CHECK: error: 'nn.regex_full_match' op 'pattern' "(a|b)*a(a|b){15}" has too many states
func.func @states(%x: tensor<3x!nn.string>) -> tensor<3xi1> {
  %0 = nn.regex_full_match %x {pattern = "(a|b)*a(a|b){15}"} : (tensor<3x!nn.string>) -> tensor<3xi1>
  return %0 : tensor<3xi1>
}
