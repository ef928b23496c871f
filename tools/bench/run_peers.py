"""run_peers.py - times Burnish and its peers on ONNX files, in turns; JSON out.

    build/bench-venv/bin/python tools/bench/run_peers.py build/suite/NAME.onnx ... [--peers burnish ort ...] [--threads 1 2]
        [--rounds 5] [--slot 0.5] [--limit 300] [--continue] [--python iree=OTHER_VENV/bin/python] [--out results.json]

Without --peers, those of peers.COMPARED that are installed. Peers are compared at one number of threads at a time, each a
process. For each one the JSON has
    load_s, import_s  reading, optimising and compiling; importing the peer's modules
    first_ms          the first run
    ms, min_ms        median and fastest of the warm runs;  round_ms: the median of each round
    rss_mb            peak resident memory;  artifact_mb: the model as the peer needs it
    vs_ort            median over the rounds of its time over ONNX Runtime's, at equal threads
    max_rel_err       max |out - ORT's| / max |ORT's|
or {"error": ...}; a peer has --limit seconds to load and compile a model. Results of a model take the place of older ones in
the file as soon as they are there; --continue leaves out models that were measured with this very compiler.
"""

import argparse
import json
import os
import pathlib
import signal
import statistics
import sys
import tempfile
import time

import peers
import workers


def serve(name, model, threads, work):
    import numpy as np

    peer = peers.PEERS[name](model, threads, work)

    def load():
        start = time.perf_counter()
        peer.imports()
        imported = time.perf_counter()
        peer.load()
        loaded = time.perf_counter()
        peer.run()
        ran = time.perf_counter()
        np.savez(peer.work / f"out.{name}.{threads}.npz", *peer.outputs())
        return dict(
            version=peer.version,
            import_s=imported - start,
            load_s=loaded - imported,
            first_ms=1000 * (ran - loaded),
            compile_s=getattr(peer, "compile_s", None),
            artifact_mb=peer.artifact_mb(),
        )

    slot = getattr(peer, "slot", None) or (lambda seconds: workers.time_runs(peer.run, seconds))
    workers.serve(load, slot)


def saved_outputs(work, name, threads):
    import numpy as np

    with np.load(work / f"out.{name}.{threads}.npz") as arrays:
        return [array.astype(float) for array in arrays.values()]


def difference(outputs, reference):
    import numpy as np

    return max(float(np.abs(a - b).max() / (np.abs(b).max() + 1e-30)) for a, b in zip(outputs, reference, strict=True))


def load(name, model, threads, options, work):
    words = [options.python.get(name, sys.executable), __file__, "--worker", name, model, threads, work]
    worker = workers.Worker([str(w) for w in words], threads, work / f"log.{name}.{threads}.txt", options.limit)
    said = worker.info.get("error") or f"loaded in {worker.info['load_s']:.2f} s, first run {worker.info['first_ms']:.1f} ms"
    print(f"  {model.stem} {name}/{threads}: {said}", file=sys.stderr, flush=True)
    return worker


def compare(model, options, work):
    """Times all peers on one model; returns a row for each."""
    rows, failed = [], {}
    for threads in options.threads:
        # What took too long or failed once does so again.
        found = {name: load(name, model, threads, options, work) for name in options.peers if name not in failed}
        workers.alternate(list(found.values()), options.rounds, options.slot)
        for worker in found.values():
            worker.quit()
        ort = found["ort"].summary() if "ort" in found else {}
        for name in options.peers:
            summary = found[name].summary() if name in found else failed[name]
            row = dict(model=model.stem, peer=name, threads=threads, date=time.time(), **summary)
            if "ms" in row and "ms" in ort:
                row["vs_ort"] = statistics.median(a / b for a, b in zip(row["round_ms"], ort["round_ms"]))
                row["max_rel_err"] = difference(saved_outputs(work, name, threads), saved_outputs(work, "ort", threads))
            if "error" in row:
                failed[name] = {"error": row["error"]}
            rows.append(row)
    return rows


def show(row):
    if "error" in row:
        return f"{row['model']:18s} {row['peer']:9s} t{row['threads']} {row['error'][:150]}"
    ratio = f"x{row['vs_ort']:.2f} error {row['max_rel_err']:.1e}" if "vs_ort" in row else ""
    return f"{row['model']:18s} {row['peer']:9s} t{row['threads']} {row['ms']:9.3f} ms {ratio}  {row['rss_mb']:.0f} MB  quiet {row['quiet']}"


def main():
    if sys.argv[1:2] == ["--worker"]:
        return serve(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    parser.add_argument("--peers", nargs="+", default=list(filter(peers.is_installed, peers.COMPARED)), choices=list(peers.PEERS))
    parser.add_argument("--limit", type=float, default=300, help="seconds a peer may take to load a model")
    parser.add_argument("--continue", action="store_true", dest="resume")
    options = workers.read_options(parser, rounds=5, slot=0.5)
    rows = json.loads(options.out.read_text()) if options.out and options.out.exists() else []
    built = os.stat(peers.burnish()).st_mtime
    for model in options.models:
        if options.resume and any(row["model"] == model.stem and row["date"] > built for row in rows):
            continue
        with tempfile.TemporaryDirectory() as work:
            new = compare(model.resolve(), options, pathlib.Path(work))
        print("\n".join(show(row) for row in new), flush=True)
        rows = [row for row in rows if row["model"] != model.stem] + new
        if options.out:
            part = options.out.with_suffix(".part")
            part.write_text(json.dumps(rows, indent=1))
            part.rename(options.out)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("run_peers.py: interrupted; the models before this one are kept")
