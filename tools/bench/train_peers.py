"""train_peers.py - times training steps of Burnish, PyTorch and JAX on the cases of train_cases.py; JSON out.

    build/bench-venv/bin/python tools/bench/train_peers.py [--cases mlp ...] [--peers burnish eager compile jax] [--threads 1 2]
        [--rounds 4] [--slot 1.0] [--python jax=OTHER_VENV/bin/python] [--out results.json]

For each worker: ms a step and samples_s, rss_mb at its peak, start_s from the start of the process to the end of the third
step (importing, building, compiling), and the loss after three steps, a sanity check only, as initial weights differ.
"""

import argparse
import json
import pathlib
import sys
import tempfile
import time

import train_cases
import workers


PEERS = ("burnish", "eager", "compile", "jax")


def serve(name, case, threads):
    peer = None

    def load():
        nonlocal peer
        start = time.perf_counter()
        if name == "burnish":
            from train_burnish import Burnish as Peer
        elif name == "jax":
            from train_jax import Jax as Peer
        elif name == "compile":
            from train_torch import Compiled as Peer
        else:
            from train_torch import Eager as Peer
        imported = time.perf_counter()
        peer = Peer(case, threads)
        built = time.perf_counter()
        peer.step()
        stepped = time.perf_counter()
        peer.step()
        times = dict(import_s=imported - start, build_s=built - imported, first_step_s=stepped - built)
        return dict(version=peer.version, loss=peer.step(), **times)

    workers.serve(load, lambda seconds: peer.slot(seconds) if name == "burnish" else workers.time_runs(peer.step, seconds, least=2))


def compare(case, options, work):
    found = []
    for name in options.peers:
        for threads in options.threads:
            words = [options.python.get(name, sys.executable), __file__, "--worker", name, case, str(threads)]
            worker = workers.Worker(words, threads, work / f"{case}.{name}.{threads}.txt")
            found.append((name, threads, worker))
    workers.alternate([worker for _, _, worker in found], options.rounds, options.slot)
    for name, threads, worker in found:
        worker.quit()
        row = dict(case=case, peer=name, threads=threads, **worker.summary())
        if "ms" in row:
            row["samples_s"] = 1000 * train_cases.SHAPES[case][0] / row["ms"]
            said = f"{row['ms']:9.3f} ms {row['samples_s']:9.0f} samples/s  {row['rss_mb']:.0f} MB  start {row['start_s']:.1f} s"
        else:
            said = row.get("error", "no slot")
        print(f"{case:12s} {name:8s} t{threads} {said}", flush=True)
        yield row


def main():
    if sys.argv[1:2] == ["--worker"]:
        return serve(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=list(train_cases.SHAPES), choices=list(train_cases.SHAPES))
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    options = workers.read_options(parser, rounds=4, slot=1.0)
    rows = []
    for case in options.cases:
        with tempfile.TemporaryDirectory() as work:
            rows += compare(case, options, pathlib.Path(work))
        if options.out:
            options.out.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
