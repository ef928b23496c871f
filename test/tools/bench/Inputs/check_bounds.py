"""check_bounds.py - counts small networks and bounds them on a made-up machine."""

import sys

import onnx

import bounds
import graph_stats
import small_networks

file = sys.argv[1]


def stats(name):
    onnx.save(small_networks.NETWORKS[name](), file)
    return graph_stats.graph_stats(file)


def near(a, b):
    return abs(a - b) <= 1e-9 * b


peak = {"fma_gflops": 50, "fma512_gflops": 100, "int8_gops": 400, "l2_read_gbs": 100, "l3_read_gbs": 25, "read_gbs": 10}
machine = {"cache_bytes": {"2": 100_000, "3": 1_000_000}, "peak": {"1": peak, "2": {**peak, "fma512_gflops": 200}}}

found = stats("mlp")
products = 784 * 256 + 256 * 128 + 128 * 10
assert found["flops"] == 2 * 16 * products and found["int8_flops"] == 0, found
assert found["weight_sweeps"] == [(4 * (products + 256 + 128 + 10), 1)], found
assert found["io_bytes"] == 4 * 16 * (784 + 10), found
assert near(bounds.bound_ms(found, machine, 1)[0], found["flops"] / 100 / 1e6)

# A vector times a matrix is bound by its bytes: what L2 and L3 hold comes from there, the rest from memory.
found = stats("vector")
read = 4 * (784 * 512 + 512 + 784 + 512)
milliseconds, kind = bounds.bound_ms(found, machine, 1)
assert kind == "bytes" and near(milliseconds, (100_000 / 100 + 900_000 / 25 + (read - 1_000_000) / 10) / 1e6)
# Two cores hold twice as much in L2.
assert near(bounds.bound_ms(found, machine, 2)[0], (200_000 / 100 + 800_000 / 25 + (read - 1_000_000) / 10) / 1e6)

# A convolution is bound by its operations; every output element is a product of 64 channels and 9 taps.
found = stats("winograd")
assert found["flops"] == 2 * 2 * 64 * 28 * 28 * 64 * 9, found
assert bounds.bound_ms(found, machine, 1) == (found["flops"] / 100 / 1e6, "operations")
# The same in int8 is a quarter of that.
assert near(bounds.bound_ms({**found, "int8_flops": found["flops"]}, machine, 1)[0], found["flops"] / 400 / 1e6)

# Recurrent weights are read again at each of the eight steps but the first.
found = stats("lstm")
recurrent = 4 * 4 * 128 * 128
assert found["weight_sweeps"] == [(2 * recurrent + 4 * 8 * 128, 1), (recurrent, 7)], found
