"""workers.py - peers in processes of their own that take turns.

A worker loads its peer, says what that cost, then sleeps in a read until it is given a slot: seconds in which it runs as
often as it can. Alternating slots let every peer meet the same disturbances, which `foreign`, the cores that other processes
used meanwhile, makes visible.
"""

import atexit
import json
import os
import pathlib
import select
import signal
import statistics
import subprocess
import sys
import time
import traceback

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
QUIET = 0.15


def peak_rss_mb():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024


def read_options(parser, rounds, slot):
    """What the command line says, with the flags that every comparison has."""
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--slot", type=float, default=slot, help="seconds")
    parser.add_argument("--python", nargs="*", default=[], metavar="PEER=INTERPRETER")
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    options.python = dict(word.split("=", 1) for word in options.python)
    return options


def serve(load, slot):
    """The worker's side: `load()` returns what is said once, `slot(seconds)` what is said at every slot."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the libraries' own chatter goes to the log

    def say(message):
        out.write(json.dumps(message) + "\n")
        out.flush()

    try:
        say(load())
    except BaseException as error:
        traceback.print_exc()
        say({"error": f"{type(error).__name__}: {str(error)[:400]}"})
        return
    for line in sys.stdin:
        say(slot(json.loads(line)["seconds"]))


def time_runs(run, seconds, least=1):
    """Calls `run` for some seconds, after one untimed call that warms the caches, and returns the times."""
    run()
    times, end = [], time.perf_counter() + seconds
    while len(times) < least or (time.perf_counter() < end and len(times) < 20000):
        start = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - start))
    return dict(runs=len(times), median_ms=statistics.median(times), min_ms=min(times), rss_mb=peak_rss_mb())


def busy_ticks():
    values = [int(v) for v in open("/proc/stat").readline().split()[1:]]
    return sum(values[:3]) + sum(values[5:8])


def ticks_of(pid):
    """Of a process and its finished children."""
    try:
        return sum(int(v) for v in open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[11:15])
    except OSError:
        return 0


class Worker:
    """The driver's side of one worker process."""

    running = set()

    def __init__(self, command, threads, log, limit=300):
        environment = {**os.environ, **{name: str(threads) for name in THREAD_VARIABLES}}
        self.threads, self.slots = threads, []
        self.log = open(log, "w")
        start = time.time()
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        self.process = subprocess.Popen(command, **pipes, text=True, env=environment, start_new_session=True)
        Worker.running.add(self)
        self.info = self.read(limit)
        self.info["start_s"] = time.time() - start
        if self.dead:
            self.quit()

    @property
    def dead(self):
        return "error" in self.info

    def read(self, limit):
        ready, _, _ = select.select([self.process.stdout], [], [], limit)
        line = self.process.stdout.readline() if ready else ""
        if line:
            return json.loads(line)
        self.kill()
        return {"error": "died" if ready else f"took more than {limit} s"}

    def slot(self, seconds):
        start, busy, own = time.time(), busy_ticks(), ticks_of(self.process.pid)
        self.process.stdin.write(json.dumps({"seconds": seconds}) + "\n")
        self.process.stdin.flush()
        row = self.read(120)
        if "error" in row:
            self.info.update(row)
            return
        others = (busy_ticks() - busy) - (ticks_of(self.process.pid) - own)
        row["foreign"] = max(0.0, others / os.sysconf("SC_CLK_TCK") / (time.time() - start))
        self.slots.append(row)

    def summary(self):
        """The times of its quiet slots, or of all if none was quiet."""
        if self.dead or not self.slots:
            return dict(self.info)
        quiet = [s for s in self.slots if s["foreign"] < QUIET]
        return dict(
            self.info,
            ms=statistics.median(s["median_ms"] for s in quiet or self.slots),
            min_ms=min(s["min_ms"] for s in self.slots),
            round_ms=[s["median_ms"] for s in self.slots],
            foreign=[round(s["foreign"], 2) for s in self.slots],
            quiet=len(quiet),
            rss_mb=self.slots[-1]["rss_mb"],
        )

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # with the compilers it started
        except OSError:
            self.process.kill()

    def quit(self):
        try:
            self.process.stdin.close()
            self.process.wait(20)
        except (OSError, subprocess.TimeoutExpired):
            self.kill()
        self.log.close()
        Worker.running.discard(self)


@atexit.register
def kill_all():
    """An interrupted comparison leaves no worker behind that would disturb the next one."""
    for worker in Worker.running:
        worker.kill()


def alternate(workers, rounds, seconds):
    """Gives every worker its slots: forwards, then backwards, and so on."""
    for r in range(rounds):
        for worker in workers if r % 2 == 0 else reversed(workers):
            if not worker.dead:
                worker.slot(seconds)
                time.sleep(0.05)
