"""styles.py - what kinds of graphs there are, and how one is made."""

from . import contraction, control, elementwise, indexing, layout, patterns, quantized, recurrent, reduction, shapes
from .graph import BOOL, F16, F32, F64, I8, I32, I64, LATEST, U8, Graph, Rejected

MISSES = 400


def scaled(family, factor):
    return [(weight * factor / sum(w for w, _ in family), entry) for weight, entry in family]


def menu(elements=0, layouts=0, products=0, windows=0, sums=0, places=0, loops=0, bytes_=0, steps=0, pieces=0, sizes=0):
    """Weights of the families -> [(weight, what adds nodes)]."""
    return [
        *scaled(elementwise.FAMILY, elements), *scaled(layout.FAMILY, layouts), *scaled(contraction.PRODUCTS, products),
        *scaled(contraction.WINDOWS, windows), *scaled(reduction.FAMILY, sums), *scaled(indexing.FAMILY, places),
        *scaled(control.FAMILY, loops), *scaled(quantized.FAMILY, bytes_), *scaled(recurrent.FAMILY, steps), *scaled(patterns.FAMILY, pieces),
        *scaled(shapes.FAMILY, sizes),
    ]  # fmt: skip


def image_shape(g, dims=2):
    if g.isLarge:
        most = {1: 600, 2: 60, 3: 16}[dims]
        return (g.choose(1, 1, 2), g.choose(1, 3, 8, 16, 24, 32, 33, 64), *(g.between(most // 3, most) for _ in range(dims)))
    most = {1: 40, 2: 16, 3: 7}[dims]
    return (g.choose(1, 1, 2, 3), g.choose(1, 2, 3, 4, 5, 8, 16, 17, 24, 32), *(g.between(1, most) for _ in range(dims)))


def sequence_shapes(g):
    if g.isLarge:
        return [(g.choose(1, 2), g.choose(1, 33, 64, 100), g.choose(48, 64, 96, 128))]
    return [(g.choose(1, 2, 3), g.choose(1, 3, 7, 8, 16), g.choose(4, 8, 16, 17, 24))]


# Style: (weight, menu, shapes of the first inputs).
STYLES = {
    "image": (5, menu(8, 4, 0, 14, 3, 3, 0.3, 0.5, 0, 8), lambda g: [image_shape(g)]),
    "line": (1.5, menu(8, 4, 2, 12, 3, 1, 0.5, 0, 2, 4), lambda g: [image_shape(g, 1)]),
    "volume": (1, menu(8, 4, 0, 12, 3, 1, 0, 0, 0, 0), lambda g: [image_shape(g, 3)]),
    "sequence": (4, menu(8, 5, 8, 0, 6, 4, 0.5, 1, 2, 12), sequence_shapes),
    "table": (2, menu(10, 5, 8, 0, 5, 5, 0.5, 1, 0, 1), lambda g: [(g.size(), g.size())]),
    "mixed": (5, menu(10, 8, 5, 5, 6, 6, 1, 1, 1, 2), lambda g: [tuple(g.size() for _ in range(g.between(0, 5))) for _ in range(g.between(1, 3))]),
    "quantized": (2.5, menu(4, 2, 2, 4, 1, 1, 0.2, 14, 0, 1), lambda g: [g.choose(image_shape(g), (g.size(), g.choose(8, 16, 20, 32, 33)))]),
    "steps": (1.2, menu(8, 5, 3, 0, 3, 2, 1, 0.3, 10, 1), lambda g: [(g.choose(1, 2, 3, 5), g.choose(1, 2, 3), g.choose(3, 8, 10))]),
    "control": (1.5, menu(10, 5, 4, 0, 4, 4, 12, 0, 0, 0), lambda g: [tuple(g.choose(1, 2, 3, 5, 8) for _ in range(g.between(1, 3)))]),
    "places": (2, menu(5, 8, 1, 0, 3, 14, 0.5, 0, 0, 0), lambda g: [g.choose(image_shape(g), (g.size(), g.size()), (g.size(),))]),
    "sizes": (2.5, menu(8, 3, 3, 1, 3, 2, 0.5, 0.5, 0, 1, 14), lambda g: [g.choose(image_shape(g), *sequence_shapes(g), (g.size(), g.size()))]),
    "integers": (1.5, menu(12, 8, 1, 0, 4, 6, 0.5, 2, 0, 0), lambda g: [(g.size(), g.size()), tuple(g.size() for _ in range(g.between(0, 3)))]),
}  # fmt: skip


def add_some(g, entries, count):
    """Grows the graph to about so many nodes more."""
    weights = [w for w, _ in entries]
    target, misses = len(g.nodes) + count, 0
    while len(g.nodes) < target and misses < MISSES:
        before = snapshot(g)
        try:
            g.rng.choices(entries, weights)[0][1](g)
        except Rejected:
            misses += 1
            # Half of a piece is as good as a whole one, without what it made in vain.
            if g.chance(0.7):
                restore(g, before)


def snapshot(g):
    return len(g.nodes), list(g.pool), set(g.used)


def restore(g, before):
    count, pool, used = before
    dropped = {name for node in g.nodes[count:] for name in node.output}
    del g.nodes[count:]
    g.pool[:] = [t for t in pool if t.name not in dropped]
    g.used.clear()
    g.used.update(used)


def opset_of(rng):
    return rng.choice((LATEST, LATEST, 22, 21, 20, 19, 18, 17, 17, 16, 15, 14, 13, 13, 12, 11, 11, 10, 9, 8, 7))


def make(rng):
    """(graph, model, [output tensor], style) of a random graph."""
    while True:
        style = rng.choices(list(STYLES), [weight for weight, _, _ in STYLES.values()])[0]
        dtype = rng.choices((F32, F64, F16), (88, 6, 6))[0]
        g = Graph(rng, opset_of(rng), dtype)
        g.constantShare = rng.choice((0.2, 0.5, 0.8))
        g.isLarge = dtype == F32 and g.chance(0.2)
        _, entries, shapes = STYLES[style]
        for shape in shapes(g):
            if g.chance(0.015) and shape:
                shape = [0 if i == g.between(0, len(shape)) else s for i, s in enumerate(shape)]
            g.pool.append(g.input(g.random(g.bounded(shape))))
        if style == "integers":
            for kind in g.rng.sample((I32, I64, U8, I8, BOOL), 3):
                g.pool.append(g.input(g.random(g.bounded(shapes(g)[0]), kind)))
        add_some(g, entries, g.rng.choice((3, 5, 8, 8, 12, 12, 16, 20, 25)))
        if len(g.nodes) < 2 or not g.outputs():
            continue
        symbols = {} if g.chance(0.8 if style == "sizes" else 0.4) else None
        share = g.choose(0.3, 0.7, 1.0)

        def dims_of(name, array):
            if symbols is None:
                return array.shape
            dims = []
            for size in array.shape:
                isRank = name in g.ranking and len(dims) == array.ndim - 1
                if isRank or not g.chance(share):
                    dims.append(size)
                else:
                    dims.append(f"n{size}" if g.chance(0.6) else f"{name}_{len(dims)}" if g.chance(0.7) else None)
            return dims

        model, outputs = g.model(dims_of)
        if len(outputs) <= 12 and model.graph.node:
            return g, model, outputs, style
