"""report.py - what `./dev bench` measured, as tables, a picture and a verdict.

    build/bench-venv/bin/python tools/bench/report.py [--results build/bench] [--suite build/suite]

Prints the tables, draws tools/bench/speed.svg and fills the section on performance of README.md, from speed.json
(run_peers.py), costs.json (costs.py) and machine.json (machine_peak.py). Fails when a model is slower than ONNX Runtime by more than a
tenth, or a cost is beyond what is promised.
"""

import argparse
import json
import math
import pathlib
import re
import sys
import time

import bounds
import make_models
import peers
import readme
import speed_svg

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SLOWER = 1.10  # times ONNX Runtime's
MB = 1 << 20
SUITE = (*make_models.FLOAT, *make_models.INT8)
SECONDS = {"mlp_b1": 0.5, "mlp_b64": 0.5, "lenet5_b1": 0.5, "lenet5_b64": 0.5, "resnet50": 15, "bert_base": 15}


class Results:
    """All that was measured, in the suite's order."""

    def __init__(self, folder, suite):
        read = lambda path: json.loads(path.read_text()) if path.exists() else {}
        self.stats, self.machine, self.costs = read(suite / "suite.json"), read(folder / "machine.json"), read(folder / "costs.json")
        self.rows = {(r["model"], r["peer"], r["threads"]): r for r in read(folder / "speed.json")}
        measured = {model for model, _, _ in self.rows}
        self.models = [model for model in SUITE if model in measured]
        self.threads = sorted({t for _, _, t in self.rows})
        found = {peer for _, peer, _ in self.rows}
        self.peers = [name for name in peers.COMPARED if name in found]

    def ms(self, model, peer, threads):
        return self.rows.get((model, peer, threads), {}).get("ms")

    def best(self, model, threads):
        """The best peer's milliseconds; none where only Burnish runs."""
        times = [self.ms(model, peer, threads) for peer in self.peers if peer != "burnish"]
        return min((t for t in times if t), default=None)

    def ratio(self, model, threads):
        """How many times faster than the best peer."""
        own, best = self.ms(model, "burnish", threads), self.best(model, threads)
        return best / own if own and best else None


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def bold_if(condition, words):
    return f"**{words}**" if condition else words


def speed_table(results, threads):
    header = [f"ms, {threads} thread{'s' if threads > 1 else ''}", *(peers.PEERS[p].title for p in results.peers)]
    rows = []
    for model in results.models:
        times = [results.ms(model, peer, threads) for peer in results.peers]
        least = min((t for t in times if t), default=None)
        cells = [bold_if(t == least, f"{t:.3f}") if t else "" for t in times]
        ratio, own = results.ratio(model, threads), results.ms(model, "burnish", threads)
        bound, kind = bounds.bound_ms(results.stats[model], results.machine, threads)
        share = f"{100 * bound / own:.0f} %" if own else ""
        rows.append((model, *cells, f"{ratio:.2f}" if ratio else "", f"{bound:.3f} ({kind})", share))
    ratios = [r for model in results.models if (r := results.ratio(model, threads))]
    mean = f"**{geometric_mean(ratios):.2f}**" if ratios else ""
    rows.append(("geometric mean", *[""] * len(results.peers), mean, "", ""))
    return readme.table((*header, "best peer / Burnish", "bound", "reached"), rows)


def reasons(results):
    """Why cells are empty, one line for each peer and reason."""
    said = {}
    for (model, peer, _), row in results.rows.items():
        if "error" in row:
            words = re.sub(r"/[\w./+-]*/", "", " ".join(row["error"].split())).replace("|", "/")
            said.setdefault((peer, words[:100]), {})[model] = None
    return [f"{peers.PEERS[peer].title}: {words} ({', '.join(models)})" for (peer, words), models in said.items()]


def costs_table(results):
    rows = []
    for model in filter(results.costs.get, SUITE):
        row = results.costs[model]
        mb = lambda key: f"{row[key] / MB:.1f}"
        rows.append((
            model, f"{row['compile_s']:.2f}", mb("compiler_bytes"), mb("weights_bytes"), mb("model_bytes"), f"{row['beyond_bytes'] / 1000:.0f}",
            f"{row['workspace_bytes'] / 1000:.1f}", f"{row['widest_bytes'] / 1000:.1f}", mb("resident_bytes"), mb("resident_beyond_bytes"),
        ))  # fmt: skip
    header = ("model", "compile s", "compiler MB", "weights MB", "weights and kernels MB", "beyond KB", "workspace KB", "widest point KB")
    return readme.table((*header, "resident MB", "resident beyond MB"), rows)


def machine_line(results):
    machine = results.machine
    one = lambda t, *keys: max(machine["peak"][str(t)].get(key, 0) for key in keys)
    both = lambda form, *keys: " and ".join(f"{one(t, *keys):{form}}" for t in results.threads)
    caches = " and ".join(f"{size / MB:.0f} MB" for level, size in sorted(machine["cache_bytes"].items()) if level in "23")
    date = time.strftime("%Y-%m-%d", time.gmtime(max(row["date"] for row in results.rows.values())))
    versions = {}
    for (_, peer, _), row in results.rows.items():
        if "version" in row:
            versions[peer] = row["version"]
    words = ", ".join(f"{peers.PEERS[p].title} {versions.get(p, '')}".strip() for p in results.peers if p != "burnish")
    return (
        f"{date}, on {machine['cores']} cores of an {machine['cpu']}, {machine['vectors']}, L2 (of a core) and L3 of {caches}; on one core and two,"
        f" it computes {both('.0f', 'fma_gflops', 'fma512_gflops')} GFLOP/s in f32 and {both('.0f', 'int8_gops')} GOP/s in int8, and reads"
        f" {both('.0f', 'l2_read_gbs')} GB/s from L2, {both('.0f', 'l3_read_gbs')} from L3, {both('.0f', 'read_gbs')} from memory. Peers: {words}."
    )


def picture(results):
    tables = {}
    for threads in results.threads:
        tables[threads] = rows = []
        for model in results.models:
            best, times = results.best(model, threads), {p: results.ms(model, p, threads) for p in results.peers}
            rows.append((model, {p: t / best for p, t in times.items() if t and best}))
    return speed_svg.draw(tables, {p: peers.PEERS[p].title for p in results.peers})


def complaints(results):
    """What is not as it should be."""
    for (model, peer, threads), row in results.rows.items():
        if peer == "burnish" and "error" in row:
            yield f"{model} does not run: {row['error']}"
        elif peer == "burnish" and row.get("vs_ort", 0) > SLOWER:
            yield f"{model} takes {row['vs_ort']:.2f} times as long as ONNX Runtime on {threads} threads"
    for model, row in results.costs.items():
        if row["compile_s"] > SECONDS.get(model, math.inf):
            yield f"{model} compiles in {row['compile_s']:.2f} s, and {SECONDS[model]} s are promised"
        if row["compiler_bytes"] > row["weights_bytes"] + 500 * MB:
            yield f"{model}: compiling took more than the weights and 500 MB"
        if row["beyond_bytes"] > 100_000:
            yield f"{model}: the program has {row['beyond_bytes']} bytes beyond weights and kernels, and 100 KB are promised"
        if row["resident_beyond_bytes"] > 2 * MB:
            yield f"{model}: the program has {row['resident_beyond_bytes']} bytes resident beyond its own, and 2 MB are promised"
        if row["workspace_bytes"] > 1.05 * row["widest_bytes"]:
            yield f"{model}: the workspace is {row['workspace_bytes']} bytes, and its widest point {row['widest_bytes']}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "build/bench")
    parser.add_argument("--suite", type=pathlib.Path, default=ROOT / "build/suite")
    options = parser.parse_args()
    results = Results(options.results, options.suite)
    if not results.rows:
        sys.exit("report.py: nothing was measured")
    tables = [speed_table(results, threads) for threads in results.threads]
    if results.costs:
        tables.append(costs_table(results))
    missing = [f"No time: {'; '.join(reasons(results))}."] if reasons(results) else []
    text = "\n\n".join([machine_line(results), *tables[: len(results.threads)], *missing, *tables[len(results.threads) :]])
    print(text)
    (ROOT / "tools/bench/speed.svg").write_text(picture(results))
    readme.fill("performance", text)
    found = list(complaints(results))
    for line in found:
        print(f"bench: {line}", file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
