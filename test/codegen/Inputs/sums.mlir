// Sums long enough to be cut into vectors, and functions that are approximated in these.
func.func @sums(%x: tensor<5x133xf32> {nn.name = "x"}, %w: tensor<133x29xf32> {nn.name = "w"})
    -> (tensor<5x29xf32> {nn.name = "y"}, tensor<5x1xf32> {nn.name = "s"}, tensor<5x133xf32> {nn.name = "p"}) {
  %axes = nn.constant {value = dense<1> : tensor<1xi64>} : () -> tensor<1xi64>
  %y = nn.matmul %x, %w : (tensor<5x133xf32>, tensor<133x29xf32>) -> tensor<5x29xf32>
  %e = nn.exp %x : (tensor<5x133xf32>) -> tensor<5x133xf32>
  %s = nn.reduce_sum %e, %axes : (tensor<5x133xf32>, tensor<1xi64>) -> tensor<5x1xf32>
  %t = nn.tanh %x : (tensor<5x133xf32>) -> tensor<5x133xf32>
  %u = nn.mul %t, %e : (tensor<5x133xf32>, tensor<5x133xf32>) -> tensor<5x133xf32>
  %p = nn.sub %u, %x : (tensor<5x133xf32>, tensor<5x133xf32>) -> tensor<5x133xf32>
  return %y, %s, %p : tensor<5x29xf32>, tensor<5x1xf32>, tensor<5x133xf32>
}
