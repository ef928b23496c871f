"""case.py - one node that grows: what a rule asks of the operator's schema, and what it gives the node.

A rule is a function of a Case, registered for its operators. It says shapes, attributes and which optional inputs there are; the Case
chooses version and types by the schema, makes numbers, and writes the model.
"""

import numpy as np
import onnx
from onnx import defs, helper, numpy_helper

LATEST = defs.onnx_opset_version()
OLDEST = 7
TYPE = onnx.TensorProto
# What the references compute in floats, whatever it is given.
SHORT = frozenset("AffineGrid GridSample Adagrad Adam Momentum Resize BatchNormalization Erf Gelu GroupNormalization HammingWindow HannWindow BlackmanWindow LayerNormalization RMSNormalization HardSwish Shrink".split())
ML, CONTRIB, TRAINING = "ai.onnx.ml", "com.microsoft", "ai.onnx.preview.training"

# Element types by the words of schemas, and how often they are drawn.
TYPES = {
    "float": 8, "double": 3, "float16": 3, "bfloat16": 2, "int8": 2, "uint8": 2, "int16": 1, "uint16": 1, "int32": 3, "uint32": 1,
    "int64": 3, "uint64": 1, "bool": 2, "float8e4m3fn": 0.4, "float8e4m3fnuz": 0.4, "float8e5m2": 0.4, "float8e5m2fnuz": 0.4, "int4": 0.5,
    "uint4": 0.5, "int2": 0.3, "uint2": 0.3, "float4e2m1": 0.3, "float8e8m0": 0.2,
}  # fmt: skip
NUMBER = {word: getattr(TYPE, word.upper()) for word in TYPES}
WORD = {number: word for word, number in NUMBER.items()}
DTYPE = {word: np.dtype(helper.tensor_dtype_to_np_dtype(number)) for word, number in NUMBER.items()}
FLOATS = tuple(word for word in TYPES if "float" in word or word == "double")
WIDE = ("float", "double", "float16", "bfloat16")
# Greatest and least numbers of integers.
RANGE = {word: (0, 2 ** int(word[4:]) - 1) for word in TYPES if word.startswith("uint")}
RANGE.update({word: (-(2 ** (int(word[3:]) - 1)), 2 ** (int(word[3:]) - 1) - 1) for word in TYPES if word.startswith("int")})
RANGE["bool"] = (0, 1)

# Inputs with a number for each of some axes.
RANKING = frozenset("shape repeats pads axes starts ends steps split sizes scales roi size image_shape block_shape indices input signal window".split())
RULES = {}


class Skip(Exception):
    """This operator has no such case."""


def rule(*names, domain=""):
    def register(function):
        for name in names:
            RULES[domain, name] = function
        return function

    return register


def ints(*values):
    return np.array(values, np.int64)


class Case:
    def __init__(self, rng, domain, name):
        self.rng, self.domain, self.name = rng, domain, name
        self.numbers = np.random.default_rng(rng.getrandbits(64))
        self.opset, self.schema = self.choose_version()
        # By names of formal inputs: an array, None, or a list of arrays; which of them the model has as constants.
        self.inputs, self.constants = {}, set()
        self.attributes, self.outputs, self.types = {}, None, {}
        self.output_types = {}
        # Sums over many products err by the largest of them; requantized numbers may be off by one; and what results may always differ by.
        self.accumulates, self.steps, self.least = False, 0, 0.0
        # References that do not do what this case is about, and whether both compute doubles in floats.
        self.distrusted, self.is_short = set(), name in SHORT
        self.is_symbolic = rng.random() < 0.2

    # ----- draws

    def chance(self, probability):
        return self.rng.random() < probability

    def choose(self, *values):
        return self.rng.choice(values)

    def integer(self, low, high):
        return self.rng.randint(low, high)

    def choose_version(self):
        if self.domain == CONTRIB:
            return self.rng.choice((13, 17, 20)), None
        newest = {ML: 5, TRAINING: 1}.get(self.domain, LATEST)
        latest = defs.get_schema(self.name, newest, self.domain)
        usual = min(newest, 24)
        versions = [v for v in range(1 if self.domain else OLDEST, newest + 1) if defs.has(self.name, v, self.domain)]
        if not versions:
            raise Skip("no version that is old enough")
        versions = [v for v in versions if not defs.get_schema(self.name, v, self.domain).deprecated]
        if not versions:
            raise Skip("deprecated")
        late = [v for v in versions if v >= latest.since_version]
        pool = late if late and self.chance(0.5) else versions
        pool = [v for v in pool if v <= usual] or pool
        # Of what came later, ONNX Runtime has few kernels.
        if self.chance(0.5):
            pool = [v for v in versions if 13 <= v <= 21] or pool
        version = self.rng.choice(pool)
        return version, defs.get_schema(self.name, version, self.domain)

    # ----- what the schema says

    def has_input(self, name):
        return self.schema is None or any(parameter.name == name for parameter in self.schema.inputs)

    def has_attribute(self, name):
        return self.schema is None or name in self.schema.attributes

    def allowed(self, variable):
        """Words of the types that a type variable, or a type by itself, may stand for."""
        if self.schema is None:
            return list(TYPES)
        for constraint in self.schema.type_constraints:
            if constraint.type_param_str == variable:
                strings = constraint.allowed_type_strs
                break
        else:
            strings = [variable]
        return [word for word in TYPES if f"tensor({word})" in strings]

    def type(self, variable, among=None):
        """The type that this case has for a variable."""
        if variable not in self.types:
            words = [word for word in self.allowed(variable) if among is None or word in among]
            if not words:
                raise Skip(f"no types for {variable}")
            self.types[variable] = self.rng.choices(words, [TYPES[word] for word in words])[0]
        return self.types[variable]

    def variable(self, name, outputs=False):
        for parameter in self.schema.outputs if outputs else self.schema.inputs:
            if parameter.name == name:
                return parameter.type_str
        raise KeyError(f"{self.name} has no {name}")

    # ----- shapes and numbers

    def dim(self, high=17):
        return self.rng.choice([d for d in (1, 2, 2, 3, 3, 4, 5, 7, 8, 11, 13, 16, 17) if d <= high])

    def shape(self, low=0, high=5, most=3000, empty=0.06, greatest=17):
        rank = self.integer(low, high)
        dims = [self.dim(greatest) for _ in range(rank)]
        while np.prod(dims, dtype=np.int64) > most:
            at = max(range(rank), key=lambda i: dims[i])
            dims[at] = max(1, dims[at] // 2)
        if dims and self.chance(empty):
            dims[self.rng.randrange(rank)] = 0
        return dims

    def broadcast(self, dims, lower=0.3):
        """Dims that broadcast to others."""
        kept = dims[self.integer(0, len(dims)) :] if self.chance(lower) else dims
        return [1 if self.chance(0.25) else d for d in kept]

    def axis(self, rank, negative=True):
        axis = self.rng.randrange(rank)
        return axis - rank if negative and self.chance(0.4) else axis

    def axes(self, rank, least=1):
        axes = self.rng.sample(range(rank), self.integer(min(least, rank), rank))
        return [a - rank if self.chance(0.3) else a for a in axes]

    def array(self, word, dims, kind="normal"):
        """Numbers of a kind: normal, unit, positive, small, or wild ones with all that a type can be."""
        dtype = DTYPE[word]
        if word == "bool":
            return self.numbers.random(dims) < 0.5
        if word in RANGE:
            low, high = RANGE[word]
            if kind != "wild":
                low, high = max(low, 1 if kind == "positive" else -20), min(high, 20)
            wide = np.uint64 if high > 2**63 else np.int64
            x = np.asarray(self.numbers.integers(low, high, dims, dtype=wide, endpoint=True))
            if kind == "wild":
                special = np.array([low, low, high, high - 1, low + 1, 0, 1], wide)
                x = np.where(self.numbers.random(x.shape) < 0.25, self.numbers.choice(special, x.shape), x)
            return x.astype(dtype)
        x = self.numbers.standard_normal(dims)
        if kind == "unit":
            x = np.tanh(x)
        elif kind == "positive":
            x = np.abs(x) + 0.1
        elif kind == "small":
            x = np.rint(3 * x)
        elif kind == "wild":
            scale = self.choose(1, 1, 10, 100) if word != "float8e8m0" else 1
            x = np.asarray(x * scale)
            special = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, np.inf, -np.inf, np.nan, 1e-40, -1e-6, 88.8, -104.0, 3e38, 1e5, -70000.0]
            where = self.numbers.random(x.shape) < 0.25
            x = np.where(where, self.numbers.choice(special, x.shape), x)
        if word == "float8e8m0":
            x = np.abs(x) + 0.25
        with np.errstate(all="ignore"):
            return np.asarray(x).astype(dtype)

    # ----- what the node gets

    def input(self, name, dims, kind="normal", word=None, constant=0.15):
        """Gives the node an input of numbers."""
        word = word or self.type(self.variable(name))
        return self.value(name, self.array(word, dims, kind), constant)

    def value(self, name, array, constant=0.15):
        self.inputs[name] = array
        if self.chance(constant):
            self.constants.add(name)
        return array

    def absent(self, name):
        self.inputs[name] = None

    def give(self, name, value, constant=0.75, word="int64"):
        """Something that is an input in some versions and an attribute in others; False where it is neither."""
        if self.schema is None or self.has_input(name):
            self.value(name, np.asarray(value, DTYPE[word]), constant)
        elif self.has_attribute(name):
            array = np.asarray(value)
            self.attributes[name] = array.tolist() if self.schema.attributes[name].type != defs.OpSchema.AttrType.FLOAT else float(value)
        else:
            return False
        return True

    def attribute(self, name, *values, probability=0.6):
        """Sets an attribute of this version to one of some values, or leaves it out."""
        if self.has_attribute(name) and self.chance(probability):
            self.attributes[name] = self.rng.choice(values)
            return self.attributes[name]
        return None

    # ----- the model

    def formal_inputs(self):
        if self.schema is None:
            return list(self.inputs)
        return [parameter.name for parameter in self.schema.inputs]

    def model(self):
        """(model, feed): feed has what a run is given, in the model's order."""
        names, feed, constants = [], {}, {}
        for formal in self.formal_inputs():
            given = self.inputs.get(formal)
            arrays = given if isinstance(given, list) else [given]
            for i, array in enumerate(arrays):
                name = "" if array is None else f"{formal}_{i}" if isinstance(given, list) else formal
                names.append(name)
                if array is not None:
                    (constants if formal in self.constants else feed)[name] = np.asarray(array)
        while names and not names[-1]:
            names.pop()
        outputs = self.outputs or self.default_outputs()
        node = helper.make_node(self.name, names, ["" if o is None else o for o in outputs], name="n", domain=self.domain)
        kinds = self.schema.attributes if self.schema else {}
        node.attribute.extend(helper.make_attribute(n, v, attr_type=kinds[n].type.value if n in kinds and v == [] else None) for n, v in self.attributes.items())
        infos = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), self.declared(n, a.shape)) for n, a in feed.items()]
        results = []
        for i, name in enumerate(outputs):
            if name is not None:
                word = self.output_type(i, name)
                number = TYPE.STRING if word == "string" else NUMBER.get(word)
                results.append(helper.make_tensor_value_info(name, number, None) if word else helper.make_empty_tensor_value_info(name))
        graph = helper.make_graph([node], "one node", infos, results, [numpy_helper.from_array(a, n) for n, a in constants.items()])
        imports = [helper.make_opsetid("", self.opset if self.domain in ("", CONTRIB) else 20)]
        if self.domain:
            imports.append(helper.make_opsetid(self.domain, 1 if self.domain == CONTRIB else self.opset))
        model = helper.make_model(graph, opset_imports=imports)
        model.ir_version = min(model.ir_version, 10 if self.opset <= 24 else 13)
        return model, feed

    def declared(self, name, shape):
        """The dims of an input as the model has them: some only known to the run. What says how many axes there are has its size."""
        if not self.is_symbolic or name in RANKING:
            return list(shape)
        return [f"n{d}" if self.chance(0.5) else d for d in shape]

    def default_outputs(self):
        if self.schema is None:
            return ["Y"]
        return [parameter.name for parameter in self.schema.outputs][: max(1, self.schema.min_output)]

    def output_type(self, index, name):
        if index in self.output_types:
            return self.output_types[index]
        if self.schema is None:
            return None
        variable = self.schema.outputs[min(index, len(self.schema.outputs) - 1)].type_str
        if variable in self.types:
            return self.types[variable]
        words = self.allowed(variable)
        return words[0] if len(words) == 1 else None


def make(rng, domain, name):
    """A case of an operator, by its rule."""
    case = Case(rng, domain, name)
    RULES[domain, name](case)
    return case
