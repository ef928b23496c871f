// y = (x + shift) * scale on 2x3 elements.
func.func @model(%x: tensor<2x3xf32> {nn.name = "x"}, %scale: tensor<3xf32> {nn.name = "scale"}) -> (tensor<2x3xf32> {nn.name = "y"}) {
  %shift = nn.constant {value = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>} : () -> tensor<2x3xf32>
  %0 = nn.add %x, %shift : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = nn.mul %0, %scale : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}
