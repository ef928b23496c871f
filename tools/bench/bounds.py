"""bounds.py - the least time a machine can take for a network: the larger of its operations over the FMA peak and its bytes over
the bandwidths of where they lie.

Operations are those of the definition: Winograd's products are fewer, so that a network of 3x3 convolutions can take less.
Bytes are the weights, each swept as often as it must be (graph_stats.py), inputs and outputs. What of a sweep fits in the L2 of the
threads' cores comes from there, what more fits in L3 from L3, the rest from memory: no replacement does better.
"""


def levels(machine, threads):
    """[(bytes that fit, GB/s)] from L2 to memory."""
    peak, caches = machine["peak"][str(threads)], machine["cache_bytes"]
    sizes = (caches["2"] * threads, caches["3"], float("inf"))
    return list(zip(sizes, (peak["l2_read_gbs"], peak["l3_read_gbs"], peak["read_gbs"])))


def sweep_ms(size, places):
    """Milliseconds to read so many bytes once, of which the caches hold what they can."""
    total, below = 0.0, 0
    for capacity, bandwidth in places:
        total += max(0, min(size, capacity) - below) / bandwidth / 1e6
        below = min(size, capacity)
    return total


def bound_ms(stats, machine, threads):
    """(milliseconds, what bounds: "operations" or "bytes") of an entry of suite.json."""
    peak, places = machine["peak"][str(threads)], levels(machine, threads)
    floats = max(peak["fma_gflops"], peak.get("fma512_gflops", 0))
    integers = max(floats, peak.get("int8_gops", 0))
    operations = (stats["flops"] - stats["int8_flops"]) / floats / 1e6 + stats["int8_flops"] / integers / 1e6
    (once, _), *again = stats["weight_sweeps"]
    moving = sweep_ms(once + stats["io_bytes"], places) + sum(times * sweep_ms(size, places) for size, times in again)
    return max((operations, "operations"), (moving, "bytes"))
