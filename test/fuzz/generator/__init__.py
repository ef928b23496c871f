"""generator - random ONNX graphs, by families of operators."""
