"""cases.py OUT - writes backend-test folders that pass and fail in every way."""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write(out, name, x, y, op="Add", tolerance=None):
    """A case of y = x + x whose data are x and y."""
    folder = pathlib.Path(out) / name / "test_data_set_0"
    folder.mkdir(parents=True)
    kind = TensorProto.INT32 if y.dtype == np.int32 else TensorProto.FLOAT
    info = lambda port: helper.make_tensor_value_info(port, kind, [3])
    graph = helper.make_graph([helper.make_node(op, ["x", "x"], ["y"])], "g", [info("x")], [info("y")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)]), folder.parent / "model.onnx")
    (folder / "input_0.pb").write_bytes(numpy_helper.from_array(np.asarray(x), "x").SerializeToString())
    (folder / "output_0.pb").write_bytes(numpy_helper.from_array(np.asarray(y), "y").SerializeToString())
    if tolerance:
        (folder.parent / "tolerance").write_text(tolerance)


x = np.array([1, 2, 3], np.float32)
write(sys.argv[1], "exact", x, x + x)
write(sys.argv[1], "off_by_one", x.astype(np.int32), (x + x + 1).astype(np.int32), tolerance="0 1\n")
write(sys.argv[1], "refused", x, x + x, op="NoSuchOperator")
write(sys.argv[1], "tolerant", x, x + x + np.array([0, 0, 0.01], np.float32), tolerance="0.01 0.0\n")
write(sys.argv[1], "wrong", x, x + x + np.array([0, 1, 0], np.float32))
write(sys.argv[1], "wrong_shape", x, (x + x)[None])
write(sys.argv[1], "wrong_type", x.astype(np.float64), x + x)
