"""grown.onnx: next[n] = x[n] + last[n]; grown.npz: 3 to 5, and 1s; first.npz: without last."""
import numpy
import onnx.parser

model = onnx.parser.parse_model("""
<ir_version: 8, opset_import: ["": 17]>
grown (float[n] x, float[n] last) => (float[n] next) { next = Add(x, last) }""")
onnx.save(model, "grown.onnx")
numpy.savez("grown.npz", x=numpy.array([3, 4, 5], numpy.float32), last=numpy.ones(3, numpy.float32))
numpy.savez("first.npz", x=numpy.array([3, 4, 5], numpy.float32))
