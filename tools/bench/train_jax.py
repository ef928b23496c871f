"""train_jax.py - the training cases in JAX: jax.jit of the whole step, with donated state; optax."""

import os

os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import numpy as np
import optax
from jax import lax, nn
from jax import numpy as jnp

import train_cases


class Weights:
    """Makes the parameters, He-initialised with a fixed seed."""

    def __init__(self):
        self.generator = np.random.default_rng(1)

    def dense(self, inputs, outputs):
        w = self.generator.standard_normal((inputs, outputs)) * (2 / inputs) ** 0.5
        return {"w": w.astype("f4"), "b": np.zeros(outputs, "f4")}

    def conv(self, inputs, outputs, kernel):
        w = self.generator.standard_normal((kernel, kernel, inputs, outputs)) * (2 / (kernel * kernel * inputs)) ** 0.5
        return w.astype("f4")

    def norm(self, channels):
        return {"gain": np.ones(channels, "f4"), "b": np.zeros(channels, "f4")}


def dense(p, x):
    return x @ p["w"] + p["b"]


def conv(w, x, stride=1, padding="SAME"):
    return lax.conv_general_dilated(x, w, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def max_pool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def normalise(p, x, axes):
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + 1e-5) * p["gain"] + p["b"]


def mlp(make):
    p = [make.dense(784, 512), make.dense(512, 512), make.dense(512, 10)]
    return p, lambda p, x: dense(p[2], nn.relu(dense(p[1], nn.relu(dense(p[0], x)))))


def lenet5(make):
    convs = [{"w": make.conv(1, 6, 5), "b": np.zeros(6, "f4")}, {"w": make.conv(6, 16, 5), "b": np.zeros(16, "f4")}]
    p = [*convs, make.dense(400, 120), make.dense(120, 84), make.dense(84, 10)]

    def forward(p, x):
        x = max_pool(nn.relu(conv(p[0]["w"], x) + p[0]["b"]))
        x = max_pool(nn.relu(conv(p[1]["w"], x, padding="VALID") + p[1]["b"])).reshape(x.shape[0], -1)
        return dense(p[4], nn.relu(dense(p[3], nn.relu(dense(p[2], x)))))

    return p, forward


def resnet18(make):
    blocks, inputs, axes = [], 64, (0, 1, 2)
    for outputs, stride in train_cases.RESNET18_BLOCKS:
        block = {"conv1": make.conv(inputs, outputs, 3), "norm1": make.norm(outputs)}
        block.update(conv2=make.conv(outputs, outputs, 3), norm2=make.norm(outputs))
        if stride != 1 or inputs != outputs:
            block.update(conv3=make.conv(inputs, outputs, 1), norm3=make.norm(outputs))
        blocks.append(block)
        inputs = outputs
    p = {"first": make.conv(3, 64, 3), "norm": make.norm(64), "blocks": blocks, "head": make.dense(512, 10)}
    pad = ((1, 1), (1, 1))

    def forward(p, x):
        x = nn.relu(normalise(p["norm"], conv(p["first"], x), axes))
        for block, (_, stride) in zip(p["blocks"], train_cases.RESNET18_BLOCKS):
            h = nn.relu(normalise(block["norm1"], conv(block["conv1"], x, stride, pad), axes))
            h = normalise(block["norm2"], conv(block["conv2"], h, 1, pad), axes)
            if "conv3" in block:
                x = normalise(block["norm3"], conv(block["conv3"], x, stride, "VALID"), axes)
            x = nn.relu(h + x)
        return dense(p["head"], x.mean((1, 2)))

    return p, forward


def lstm(make):
    layer = lambda inputs: {"x": make.dense(inputs, 1024), "h": make.dense(256, 1024)}
    p = {"layers": [layer(128), layer(256)], "head": make.dense(256, 10)}

    def run(q, xs):  # xs is [time, batch, features]; the products with the inputs are one large matmul
        def cell(state, gates_of_x):
            h, c = state
            i, f, g, o = jnp.split(gates_of_x + dense(q["h"], h), 4, -1)
            c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
            h = nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zero = jnp.zeros((xs.shape[1], 256))
        return lax.scan(cell, (zero, zero), dense(q["x"], xs))[1]

    return p, lambda p, x: dense(p["head"], run(p["layers"][1], run(p["layers"][0], x.transpose(1, 0, 2)))[-1])


def transformer(make):
    def layer():
        norms = {"norm1": make.norm(256), "norm2": make.norm(256)}
        attention = {"qkv": make.dense(256, 768), "out": make.dense(256, 256)}
        return {**norms, **attention, "up": make.dense(256, 1024), "down": make.dense(1024, 256)}

    def forward(p, x):
        batch, steps, _ = x.shape
        for q in p["layers"]:
            h = dense(q["qkv"], normalise(q["norm1"], x, (-1,))).reshape(batch, steps, 3, 4, 64)
            a = nn.softmax(jnp.einsum("bqhd,bkhd->bhqk", h[:, :, 0], h[:, :, 1]) * 0.125, -1)
            x = x + dense(q["out"], jnp.einsum("bhqk,bkhd->bqhd", a, h[:, :, 2]).reshape(batch, steps, 256))
            x = x + dense(q["down"], nn.gelu(dense(q["up"], normalise(q["norm2"], x, (-1,))), approximate=False))
        return dense(p["head"], x.mean(1))

    return {"layers": [layer() for _ in range(4)], "head": make.dense(256, 10)}, forward


OPTIMISERS = {
    "adam": lambda: optax.adam(1e-3),
    "adamw": lambda: optax.adamw(1e-3),
    "sgd": lambda: optax.sgd(0.01),
    "momentum": lambda: optax.sgd(0.01, 0.9),
}
NETWORKS = {"mlp": mlp, "lenet5": lenet5, "resnet18": resnet18, "lstm": lstm, "transformer": transformer}


class Jax:
    def __init__(self, case, threads):
        # XLA sizes its thread pools by the CPUs it may use.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        self.version = jax.__version__
        inputs, labels = train_cases.batch(case)
        if inputs.ndim == 4:
            inputs = np.ascontiguousarray(inputs.transpose(0, 2, 3, 1))  # XLA's faster layout on CPUs
        parameters, forward = NETWORKS[case](Weights())
        optimiser = OPTIMISERS[train_cases.OPTIMISERS[case]]()

        def step(parameters, state, x, y):
            loss = lambda p: optax.softmax_cross_entropy_with_integer_labels(forward(p, x), y).mean()
            value, gradients = jax.value_and_grad(loss)(parameters)
            updates, state = optimiser.update(gradients, state, parameters)
            return optax.apply_updates(parameters, updates), state, value

        self.parameters = jax.tree.map(jnp.asarray, parameters)
        self.state = optimiser.init(self.parameters)
        self.data = jnp.asarray(inputs), jnp.asarray(labels.astype("i4"))
        self.compiled = jax.jit(step, donate_argnums=(0, 1))

    def step(self):
        """One step; returns the loss before it."""
        self.parameters, self.state, loss = self.compiled(self.parameters, self.state, *self.data)
        jax.block_until_ready(self.parameters)
        return float(loss)
