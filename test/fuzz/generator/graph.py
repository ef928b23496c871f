"""graph.py - a random graph that is evaluated while it grows.

Every node is run by ONNX Runtime (by onnx.reference where ONNX Runtime has no kernel) as it is added, twice: on the values, and on
values with a little noise for the rounding of all that comes before. So shapes need no rules of their own, a node whose
result would blow up, or hang on a rounding error, is not taken, and what the outputs may differ by is known in the end.
"""

import math
import warnings

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

LATEST = 24
F16, F32, F64 = np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)
I8, U8, I32, I64, BOOL = (np.dtype(t) for t in (np.int8, np.uint8, np.int32, np.int64, np.bool_))
FLOATS = (F16, F32, F64)
# Elements of a tensor, in most graphs and in large ones, whose loops threads share and caches do not hold.
LARGEST, LARGEST_OF_LARGE = 20_000, 300_000
GREATEST = {F16: 100, F32: 1e6, F64: 1e6}
# Noise stands for errors of ten roundings, of which the eleven bits of f16 leave no room for.
NOISE = {F16: 2 * 2.0**-11, F32: 10 * 2.0**-24, F64: 10 * 2.0**-53}
# What a tensor may come to differ by, as a share of its largest value, before nothing more is made of it.
NOISIEST = {F16: 0.05, F32: 1e-3, F64: 1e-9}
# Operators that only move elements, and round nothing.
MOVES = frozenset(
    "Identity Transpose Reshape Flatten Squeeze Unsqueeze Expand Tile Concat Split Slice Pad DepthToSpace SpaceToDepth Gather GatherElements"
    " GatherND Where Max Min MaxPool GlobalMaxPool Relu Abs Neg Sign Floor Ceil Round Clip ReduceMax ReduceMin TopK Trilu Compress"
    " ReverseSequence Constant ConstantOfShape OneHot Dropout Hardmax EyeLike Range Shape Size If Loop Scan".split()
)
# Versions of the format before 4 want every constant among the inputs.
IR_VERSIONS = {7: 4, 8: 4, 9: 4, 10: 5, 11: 6, 12: 7, 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11, 24: 11}


class Rejected(Exception):
    """What was tried cannot be, or says nothing."""


class Tensor:
    def __init__(self, name, value, noisy=None, isConstant=False):
        self.name, self.value, self.isConstant = name, value, isConstant
        self.noisy = value if noisy is None else noisy

    shape = property(lambda self: self.value.shape)
    rank = property(lambda self: self.value.ndim)
    dtype = property(lambda self: self.value.dtype)
    size = property(lambda self: self.value.size)
    isFloat = property(lambda self: self.value.dtype in FLOATS)


def value_info(name, array, dims=None):
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape if dims is None else dims)


def model_of(nodes, inputs, outputs, constants, opset):
    """`inputs` and `outputs` are value infos, `constants` {name: array}."""
    graph = helper.make_graph(nodes, "graph", inputs, outputs, [numpy_helper.from_array(a, n) for n, a in constants.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=IR_VERSIONS[opset])


def session(model, level=onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = level
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


class Evaluator:
    """A model, run by ONNX Runtime or else by onnx.reference."""

    def __init__(self, model):
        self.model = model
        try:
            self.session, self.reference = session(model), None
        except Exception as error:
            if "NOT_IMPLEMENTED" not in str(error):
                raise Rejected(f"ONNX Runtime: {error}") from error
            self.session = None
            self.make_reference(model)

    def make_reference(self, model):
        # onnx.reference joins what iterations give along its first axis, where the suite's own cases have a new one.
        if any(node.op_type in ("Loop", "Scan") for node in model.graph.node):
            raise Rejected("onnx.reference knows no loops")
        try:
            self.reference = ReferenceEvaluator(model)
        except Exception as error:
            raise Rejected(f"nobody evaluates it: {error}") from error

    def run(self, feed):
        if self.session:
            try:
                return self.session.run(None, feed)
            except Exception as error:
                if "NOT_IMPLEMENTED" not in str(error):
                    raise Rejected(f"ONNX Runtime: {error}") from error
                self.session = None
                self.make_reference(self.model)
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
                return [np.asarray(result) for result in self.reference.run(None, feed)]
        except Exception as error:
            raise Rejected(f"onnx.reference: {error}") from error


class Graph:
    """A graph that grows; also the body of a node of another one, whose tensors it may use."""

    def __init__(self, rng, opset, dtype, outer=None):
        self.rng, self.opset, self.dtype, self.outer = rng, opset, dtype, outer
        self.numbers = outer.numbers if outer else np.random.default_rng(rng.getrandbits(64))
        # Names of inputs whose last size is never symbolic.
        self.ranking = outer.ranking if outer else set()
        self.names = outer.names if outer else iter(range(1_000_000))
        self.nodes, self.pool = [], []
        self.constants, self.inputs, self.tensors = {}, {}, {}
        self.used = set()
        self.constantShare = 0.5
        self.isLarge = outer.isLarge if outer else False

    # ---- chance -----------------------------------------------------------

    def chance(self, share):
        return self.rng.random() < share

    def choose(self, *values):
        return self.rng.choice(values)

    def between(self, low, high):
        return self.rng.randint(low, high)

    def since(self, opset):
        if self.opset < opset:
            raise Rejected("too old an opset")

    def size(self):
        """A size of an axis."""
        if self.isLarge and self.chance(0.5):
            return self.choose(31, 48, 64, 65, 100, 128, 257, 520)
        return self.rng.choices((1, 2, 3, 4, 5, 7, 8, 11, 13, 16, 17, 24, 32, 33), (8, 8, 8, 6, 6, 6, 8, 3, 3, 6, 3, 2, 3, 2))[0]

    def bounded(self, shape):
        """The shape, with its longest axes halved until a tensor of it is no larger than others."""
        shape = list(shape)
        while math.prod(shape) > (LARGEST_OF_LARGE if self.isLarge else LARGEST):
            axis = shape.index(max(shape))
            shape[axis] = shape[axis] // 2
        return shape

    # ---- tensors ----------------------------------------------------------

    def name(self, prefix):
        return f"{prefix}{next(self.names)}"

    def constant(self, array, isNode=None):
        array = np.asarray(array)
        name = self.name("w")
        if self.chance(0.1) if isNode is None else isNode:
            self.nodes.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array, name)))
        else:
            self.constants[name] = array
        return self.keep(Tensor(name, array, isConstant=True))

    def input(self, array):
        array = np.asarray(array)
        if self.outer:  # a body has no inputs of its own choice
            return self.outer.given(array)
        name = self.name("x")
        self.inputs[name] = array
        return self.keep(Tensor(name, array))

    def keep(self, tensor):
        self.tensors[tensor.name] = tensor
        return tensor

    def given(self, array, share=None, ranks=False):
        """A constant, or now and then an input; with `ranks` the rank of something depends on its last size."""
        if self.chance(self.constantShare if share is None else share):
            return self.constant(array)
        tensor = self.input(array)
        if ranks:
            self.ranking.add(tensor.name)
        return tensor

    def ints(self, values, share=0.9):
        return self.given(np.array(values, np.int64), share, ranks=True)

    def normal(self, shape, dtype=None, scale=1.0):
        return (self.numbers.standard_normal(shape) * scale).astype(dtype or self.dtype)

    def random(self, shape, dtype=None):
        """An array of any type with values that suit it."""
        dtype = np.dtype(dtype or self.dtype)
        if dtype in FLOATS:
            return self.normal(shape, dtype)
        if dtype == BOOL:
            return self.numbers.random(shape) < 0.6
        low, high = (0, 255) if dtype == U8 else (-128, 127) if dtype == I8 else (-9, 9)
        return self.numbers.integers(low, high, shape, endpoint=True).astype(dtype)

    def weight(self, shape, fan):
        return self.given(self.normal(shape, scale=1 / math.sqrt(max(fan, 1))), 0.8)

    def visible(self):
        return self.pool + (self.outer.visible() if self.outer else [])

    def pick(self, where=lambda t: True, dtype=None, rank=None):
        """A tensor made before; the newest and those without a use so far come more often."""
        types = FLOATS[1:2] if dtype is None else dtype if isinstance(dtype, tuple) else (dtype,)
        types = (self.dtype,) if dtype is None else types
        ranks = range(99) if rank is None else rank if isinstance(rank, (tuple, range)) else (rank,)
        found = [t for t in self.visible() if t.dtype in types and t.rank in ranks and where(t)]
        if not found:
            raise Rejected("nothing fits")
        weights = [(3.0 if t.name not in self.used else 1.0) * (1 + 2 * (i + 1) / len(found)) for i, t in enumerate(found)]
        return self.rng.choices(found, weights)[0]

    def some(self, shape, dtype=None, scale=1.0):
        """A tensor of the shape: one that is there, or a new one."""
        dtype = np.dtype(dtype or self.dtype)
        found = [t for t in self.visible() if t.shape == tuple(shape) and t.dtype == dtype]
        if found and self.chance(0.7):
            return self.rng.choice(found)
        array = self.random(shape, dtype)
        return self.given(array * dtype.type(scale) if scale != 1.0 else array)

    # ---- nodes ------------------------------------------------------------

    def node(self, op, *operands, outputs=1, free=(), **attributes):
        """Adds a node; its results, a tensor or a list of them (None among them for '').

        `outputs` is their number or a list of whether each is wanted; `free` are tensors that bodies among the attributes use.
        """
        wanted = [True] * outputs if isinstance(outputs, int) else outputs
        names = [self.name("t") if w else "" for w in wanted]
        inputs = [o.name if o is not None else "" for o in operands]
        while inputs and not inputs[-1]:
            inputs.pop()
        node = helper.make_node(op, inputs, names, **{k: v for k, v in attributes.items() if v is not None})
        given = {o.name: o for o in (*operands, *free) if o is not None}
        model = model_of(
            [node],
            [value_info(t.name, t.value) for t in given.values() if not t.isConstant],
            [onnx.ValueInfoProto(name=n) for n in names if n],
            {t.name: t.value for t in given.values() if t.isConstant},
            self.opset,
        )
        evaluator = Evaluator(model)
        feed = lambda which: {t.name: getattr(t, which) for t in given.values() if not t.isConstant}
        values = evaluator.run(feed("value"))
        isExact = all(t.noisy is t.value for t in given.values())
        noisy = values if isExact else evaluator.run(feed("noisy"))
        results = [self.judge(op, n, v, s) for n, v, s in zip([n for n in names if n], values, noisy)]
        self.nodes.append(node)
        self.used.update(given)
        made = iter(results)
        self.pool.extend(results)
        for tensor in results:
            self.keep(tensor)
        everything = [next(made) if n else None for n in names]
        return everything[0] if len(everything) == 1 else everything

    def judge(self, op, name, value, noisy):
        """The result as a tensor, or not, because of its values."""
        if isinstance(value, (list, tuple)) or value is None:
            raise Rejected("no tensor")
        value, noisy = np.asarray(value), np.asarray(noisy)
        if value.size > (LARGEST_OF_LARGE if self.isLarge else LARGEST):
            raise Rejected("too large")
        if value.shape != noisy.shape:
            raise Rejected("the shape hangs on a rounding")
        if value.dtype not in FLOATS:
            if not np.array_equal(value, noisy):
                raise Rejected("the result hangs on a rounding")
            return Tensor(name, value)
        if value.size == 0:
            return Tensor(name, value)
        largest = float(np.abs(value).max())
        if not math.isfinite(largest) or largest > GREATEST[value.dtype] or not np.isfinite(noisy).all():
            raise Rejected("too great")
        if op not in MOVES:
            spread = NOISE[value.dtype] * (np.abs(value).astype(np.float64) * 0.7 + largest * 0.1)
            noisy = (noisy + spread * self.numbers.standard_normal(value.shape)).astype(value.dtype)
        elif np.array_equal(value, noisy):
            return Tensor(name, value)
        if self.noise(value, noisy) > NOISIEST[value.dtype] * max(largest, 1e-30):
            raise Rejected("hangs on a rounding")
        return Tensor(name, value, noisy)

    @staticmethod
    def noise(value, noisy):
        return float(np.abs(value.astype(np.float64) - noisy.astype(np.float64)).max()) if value.size else 0.0

    def body(self):
        return Graph(self.rng, self.opset, self.dtype, self)

    # ---- the whole --------------------------------------------------------

    def outputs(self):
        """Results that nobody uses, and some that somebody does."""
        mine = [t for t in self.pool if t.name not in self.inputs]
        ends = [t for t in mine if t.name not in self.used]
        rest = [t for t in mine if t.name in self.used]
        return ends + self.rng.sample(rest, min(len(rest), self.choose(0, 0, 1, 2)))

    def needed(self, outputs):
        """The nodes that the outputs need, and the names that these use."""
        names, nodes = {t.name for t in outputs}, []
        for node in reversed(self.nodes):
            if names & set(node.output):
                nodes.append(node)
                names.update(uses(node))
        return nodes[::-1], names

    def model(self, dims_of):
        """(model, [output tensor]); `dims_of` gives the dims of an input."""
        outputs = self.outputs()
        nodes, names = self.needed(outputs)
        inputs = [value_info(n, a, dims_of(n, a)) for n, a in self.inputs.items() if n in names]
        kind = self.rng.random()
        results = []
        for t in outputs:
            info = value_info(t.name, t.value)
            if kind < 0.5:  # what is said about results is a promise; a rank alone says less
                for axis, dim in enumerate(info.type.tensor_type.shape.dim):
                    dim.dim_param = f"{t.name}_{axis}"
            results.append(info)
        constants = {n: a for n, a in self.constants.items() if n in names}
        model = model_of(nodes, inputs, results, constants, self.opset)
        if self.opset < 9 and self.chance(0.5) and not any(a.type == onnx.AttributeProto.GRAPH for n in nodes for a in n.attribute):
            # As all models were once: constants are inputs with a default.
            model.ir_version = 3
            model.graph.input.extend(value_info(n, a) for n, a in constants.items())
        return model, outputs


def uses(node):
    """Names that a node uses, also inside of its bodies."""
    names = set(node.input) - {""}
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            for inner in attribute.g.node:
                names.update(uses(inner))
            names.update(o.name for o in attribute.g.output)
    return names
