"""twins.py - the networks of the runs in PyTorch, trained on the same data by the same recipes.

Parts are called as in the .nn files, so that their weights have the same paths (tools/bench/torch_weights.py).
"""

import math
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import torch_weights


class Parts(nn.Module):
    """A network of named parts; `wire` says how they follow each other."""

    def __init__(self, wire, **parts):
        super().__init__()
        self.wire = wire
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, *inputs):
        return self.wire(self, *inputs)


def pool(x):
    return functional.max_pool2d(x, 2)


def two_layers(inputs, inner, outputs, activation=torch.relu):
    return Parts(lambda m, x: m.head(activation(m.f1(x))), f1=nn.Linear(inputs, inner), head=nn.Linear(inner, outputs))


def lenet():
    def wire(m, x):
        x = pool(torch.relu(m.c2(pool(torch.relu(m.c1(x)))))).flatten(1)
        return m.head(torch.relu(m.f2(torch.relu(m.f1(x)))))

    dense = dict(f1=nn.Linear(400, 120), f2=nn.Linear(120, 84), head=nn.Linear(84, 10))
    return Parts(wire, c1=nn.Conv2d(1, 6, 5, padding=2), c2=nn.Conv2d(6, 16, 5), **dense)


def faces():
    def wire(m, x):
        x = pool(torch.relu(m.n1(m.c1(x))))
        x = pool(torch.relu(m.n2(m.c2(x))))
        return m.head(torch.relu(m.c3(x)).mean((2, 3)))

    first = dict(c1=nn.Conv2d(1, 16, 3), n1=nn.BatchNorm2d(16), c2=nn.Conv2d(16, 32, 3), n2=nn.BatchNorm2d(32))
    return Parts(wire, **first, c3=nn.Conv2d(32, 32, 3), head=nn.Linear(32, 2))


def motions():
    cells = nn.LSTM(6, 32, batch_first=True)
    torch_weights.bind_lstm(cells)
    return Parts(lambda m, x: m.head(m.cells(x)[0].mean(1)), cells=cells, head=nn.Linear(32, 4))


def letters():
    def look(m, x):
        q, k, v = (part.unflatten(-1, (4, -1)).transpose(1, 2) for part in m.qkv(x).chunk(3, -1))
        return m.proj(functional.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))

    def block(m, x):
        y = x + m.look(m.n1(x))
        return y + m.think(m.n2(y))

    def repeat():
        attention = Parts(look, qkv=nn.Linear(64, 192), proj=nn.Linear(64, 64))
        think = Parts(lambda m, x: m.down(functional.gelu(m.up(x))), up=nn.Linear(64, 256), down=nn.Linear(256, 64))
        return Parts(lambda m, x: m.block(x), block=Parts(block, n1=nn.LayerNorm(64), look=attention, n2=nn.LayerNorm(64), think=think))

    def wire(m, ids):
        return m.head(m.norm(m.layers(m.embed(ids) + m.places.weight)))

    tables = dict(embed=nn.Embedding(43, 64), places=nn.Embedding(64, 64))
    for table in tables.values():
        nn.init.normal_(table.weight, std=0.02)
    return Parts(wire, **tables, layers=nn.Sequential(repeat(), repeat()), norm=nn.LayerNorm(64), head=nn.Linear(64, 43))


def halves():
    def wire(m, image, sums):
        seen = torch.relu(m.f1(torch.relu(m.c1(image)).flatten(1)))
        return m.head(torch.cat((seen, torch.relu(m.f2(sums))), 1))

    return Parts(wire, c1=nn.Conv2d(1, 16, 3, padding=1), f1=nn.Linear(512, 32), f2=nn.Linear(12, 32), head=nn.Linear(64, 10))


def body():
    def wire(m, x):
        x = pool(torch.relu(m.n1(m.c1(x))))
        return torch.relu(m.f1(pool(torch.relu(m.c2(x))).flatten(1)))

    first = dict(c1=nn.Conv2d(1, 16, 3, padding=1), n1=nn.BatchNorm2d(16))
    return Parts(wire, **first, c2=nn.Conv2d(16, 32, 3, padding=1), f1=nn.Linear(128, 64))


def pretrain():
    return Parts(lambda m, x: m.head(m.body(x)), body=body(), head=nn.Linear(64, 5))


def transfer():
    """The body stays as it was learnt: it is frozen, and its running statistics too."""
    base = body().requires_grad_(False).eval()
    return Parts(lambda m, x: m.head(m.base(x)), base=base, head=nn.Linear(64, 5))


def cross_entropy(scores, label):
    return functional.cross_entropy(scores.flatten(0, -2), label.flatten())


def grouped(model, decay):
    """The weights that decay, and those that do not: biases and what norms scale by."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [parameter for parameter in trained if parameter.ndim > 1], [parameter for parameter in trained if parameter.ndim < 2]
    return [{"params": groups[0], "weight_decay": decay}, {"params": groups[1], "weight_decay": 0.0}]


def adam(rate, decay=0.0):
    return lambda model: torch.optim.Adam(grouped(model, decay), rate)


def adamw(rate, decay):
    return lambda model: torch.optim.AdamW(grouped(model, decay), rate)


def momentum(rate):
    return lambda model: torch.optim.SGD(model.parameters(), rate, momentum=0.9)


def cosine(optimiser, rate, steps):
    return torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps)))


def onecycle(optimiser, rate, steps):
    return torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, cycle_momentum=False)


class Twin:
    """A network with its recipe. `inputs` are the columns that it takes, with what each is divided by."""

    def __init__(self, net, make, inputs, label, batch, epochs, optimiser, loss=cross_entropy, rate=0, schedule=None, clip=0.0, penalty=0.0):
        self.net, self.make, self.inputs, self.label, self.batch, self.epochs = net, make, inputs, label, batch, epochs
        self.optimiser, self.loss, self.rate, self.schedule, self.clip, self.penalty = optimiser, loss, rate, schedule, clip, penalty


def regression(loss):
    return Twin("diabetes", lambda: two_layers(10, 16, 1), {"x": 1}, "y", 32, 40, adam(3e-3, 0.01), loss)


TWINS = {
    "digits": Twin("digits", lambda: two_layers(64, 64, 10), {"x": 16}, "label", 32, 20, adam(2e-3)),
    "iris": Twin("iris", lambda: two_layers(4, 16, 3, torch.tanh), {"x": 1}, "label", 20, 100, momentum(0.02), penalty=1e-3),
    "mlp": Twin("mlp", lambda: two_layers(784, 128, 10), {"x": 255}, "label", 50, 10, adam(1e-3)),
    "lenet": Twin("lenet", lenet, {"image": 255}, "label", 50, 10, adamw(2e-3, 0.01), rate=2e-3, schedule=cosine),
    "faces": Twin("faces", faces, {"image": 1}, "label", 25, 40, momentum(0.02), rate=0.02, schedule=cosine),
    "motions": Twin("motions", motions, {"x": 1}, "label", 10, 30, adam(1e-2), clip=1.0),
    "text": Twin("letters", letters, {"ids": None}, "next", 32, 6, adamw(3e-3, 0.01), rate=3e-3, schedule=onecycle, clip=1.0),
    "diabetes_mse": regression(functional.mse_loss),
    "diabetes_mae": regression(functional.l1_loss),
    "two_inputs": Twin("halves", halves, {"image": 16, "sums": 64}, "label", 32, 20, adam(2e-3)),
    "pretrain": Twin("pretrain", pretrain, {"image": 16}, "label", 32, 10, adam(2e-3)),
    "transfer": Twin("transfer", transfer, {"image": 16}, "label", 16, 40, adam(1e-2)),
}


def prepare(run, seed, base=None):
    """The twin's network with its first weights; `base` are those of a body that was trained before, by their paths."""
    torch.manual_seed(seed)
    model = TWINS[run].make()
    if base:
        torch_weights.load(model.base, base, "body")
    return model


def columns(run, file):
    twin, data = TWINS[run], np.load(file)
    inputs = [torch.from_numpy(data[name]) if by is None else torch.from_numpy(data[name]) / by for name, by in twin.inputs.items()]
    return inputs, torch.from_numpy(data[twin.label])


def measure(run, scores, label):
    """What the recipe's first metric is: the part of right answers, or of the variance that is explained."""
    if TWINS[run].loss is cross_entropy:
        return float((scores.argmax(-1) == label).double().mean())
    return float(1 - ((scores - label) ** 2).sum() / ((label - label.mean()) ** 2).sum())


def train(run, model, folder, seed):
    """(metric on the test's data, seconds of all epochs)."""
    twin = TWINS[run]
    inputs, label = columns(run, folder / "train.npz")
    steps = len(label) // twin.batch
    optimiser = twin.optimiser(model)
    schedule = twin.schedule(optimiser, twin.rate, steps * twin.epochs) if twin.schedule else None
    generator = torch.Generator().manual_seed(seed)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    model.train()
    if hasattr(model, "base"):
        model.base.eval()
    start = time.perf_counter()
    for _ in range(twin.epochs):
        order = torch.randperm(len(label), generator=generator)
        for step in range(steps):
            chosen = order[step * twin.batch : (step + 1) * twin.batch]
            optimiser.zero_grad(set_to_none=True)
            loss = twin.loss(model(*(column[chosen] for column in inputs)), label[chosen])
            if twin.penalty:
                loss = loss + twin.penalty * sum((parameter**2).sum() for parameter in trained if parameter.ndim > 1)
            loss.backward()
            if twin.clip:
                nn.utils.clip_grad_norm_(trained, twin.clip)
            optimiser.step()
            if schedule:
                schedule.step()
    seconds = time.perf_counter() - start
    model.eval()
    with torch.no_grad():
        inputs, label = columns(run, folder / "test.npz")
        return measure(run, model(*inputs), label), seconds
