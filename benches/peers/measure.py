"""Runs every peer on every case, in rounds, and keeps a line of JSON for each row.

    python measure.py DATA RUST_PEERS RESULTS [--core 1] [--rounds 3] [--seconds 0.12] [--only V-] [--dry]

Each peer is a process of its own on the same core; only one works at a time. In a round they take a case in turn, each
for a short while, before the next case comes: what disturbs the machine then disturbs them alike, and the fastest of
the rounds is left. Exits with failure if an answer of packed-rnn is wrong or a peer's script ends.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

from cases import all_cases, dry_cases

HERE = Path(__file__).resolve().parent
# Whoever comes first in a round has no advantage in the next: the order turns.
PEERS = ("packed-rnn", "limits", "onnxruntime", "torch", "openvino", "rten", "tract", "candle", "naive")
PYTHON = ("onnxruntime", "torch", "openvino")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "RAYON", "RTEN")}
# packed-rnn promises numbers this near to PyTorch's.
OURS_WRONG = 1e-5


def shout(text):
    print(f"!!! {text} !!!", file=sys.stderr, flush=True)


class Peer:
    def __init__(self, name, options):
        self.name, self.log = name, options.results.with_suffix(f".{name}.log")
        command = [sys.executable, HERE / f"peer_{name}.py"] if name in PYTHON else [options.rust, name]
        pinned = {"preexec_fn": lambda: os.sched_setaffinity(0, {options.core})} if options.pins else {}
        self.process = subprocess.Popen([*map(str, command), str(options.data)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log.open("w"), text=True,
                                        env=os.environ | ONE_THREAD, **pinned)
        self.version = self.read()["version"]

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            print(self.log.read_text()[-3000:], file=sys.stderr)
            sys.exit(f"FAILED: the peer {self.name} ended with {self.process.wait()}; {self.log} has what it said")
        return json.loads(line) if line.strip() else None

    def ask(self, case, seconds):
        self.process.stdin.write(f"{case.name} {seconds}\n")
        self.process.stdin.flush()
        return list(iter(self.read, None))

    def cpu_seconds(self):
        """The time that all its threads have had a core."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            sys.exit(f"FAILED: the peer {self.name} ended with {self.process.returncode}")


def processor():
    """Its name, and which of the vectors that matter here it has."""
    facts, info = {}, Path("/proc/cpuinfo")
    if info.exists():
        pairs = [line.partition(":") for line in info.read_text().splitlines()]
        facts = {key.strip(): value.strip() for key, _, value in pairs}
    name = facts.get("model name") or platform.processor() or platform.machine()
    if "cpu family" in facts:
        name += f", family {facts['cpu family']}, model {facts['model']}"
    flags = facts.get("flags", "").split()
    has = [word for word in ("avx2", "avx512f") if word in flags]
    for word in ("avx2", "avx512f"):
        if platform.machine() in ("x86_64", "AMD64") and word not in has:
            shout(f"this CPU has no {word}: all numbers will be other than those of one that has it")
    return f"{name} ({', '.join(has) or platform.machine()})"


def look_at_load(when):
    load = os.getloadavg()[0]
    if load > 0.5 and when == "before" or load > 1.7:
        shout(f"the machine is loaded {when} measuring: load average {load:.2f}")
    return round(load, 2)


def commit():
    done = subprocess.run(["git", "-C", str(HERE), "describe", "--always", "--dirty"], capture_output=True, text=True)
    return done.stdout.strip()


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("rust", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--core", type=int, default=1, help="the core that all run on")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.12, help="for each row, in each round")
    parser.add_argument("--only", default="", help="cases with this in their name, as V-lstm-64")
    parser.add_argument("--dry", action="store_true", help="one round over a few cases: tries the scripts only")
    given = parser.parse_args()
    if given.dry:
        given.rounds, given.seconds = 1, 0.01
    given.pins = hasattr(os, "sched_setaffinity")
    if given.pins and given.core not in os.sched_getaffinity(0):
        sys.exit(f"there is no core {given.core} here: --core takes one of {sorted(os.sched_getaffinity(0))}")
    if not given.pins:
        shout("this system pins no process to a core")
    return given


def main():
    given = options()
    cpu, load = processor(), look_at_load("before")
    peers = [Peer(name, given) for name in PEERS]
    cases = [case for case in (dry_cases() if given.dry else all_cases()) if given.only in case.name]
    began, wrong = time.monotonic(), []
    had = {peer.name: 0.0 for peer in peers}
    asked = dict(had)
    with given.results.open("w") as out:
        run = {"cpu": cpu, "date": datetime.date.today().isoformat(), "system": platform.platform(terse=True),
               "python": platform.python_version(), "versions": {peer.name: peer.version for peer in peers},
               "commit": commit(), "core": given.core, "rounds": given.rounds, "seconds": given.seconds,
               "options": sys.argv[4:], "dry": given.dry, "load": load}
        print(json.dumps({"run": run}), file=out)
        for turn in range(given.rounds):
            for at, case in enumerate(cases):
                print(f"round {turn + 1} of {given.rounds}, {at + 1} of {len(cases)}: {case.name:15} "
                      f"after {time.monotonic() - began:4.0f} s", file=sys.stderr, flush=True)
                first = (turn * 2 + at) % len(peers)
                for peer in peers[first:] + peers[:first]:
                    since, cpu_since = time.monotonic(), peer.cpu_seconds()
                    rows = peer.ask(case, given.seconds)
                    # The first round makes models and reads files, and so waits for other than the core.
                    if turn > 0:
                        asked[peer.name] += time.monotonic() - since
                        had[peer.name] += peer.cpu_seconds() - cpu_since
                    for row in rows:
                        print(json.dumps({"case": case.name, "round": turn, "peer": peer.name} | row), file=out)
                        if peer.name == "packed-rnn" and not row.get("error", 1) < OURS_WRONG:
                            wrong.append(f"{case.name}, {row['row']}: off by {row.get('error')}")
        end = {"load": look_at_load("after"), "minutes": round((time.monotonic() - began) / 60, 1)}
        if sum(asked.values()) > 0:
            # What another process or machine took of the core while a peer was to have it.
            end["core"] = round(sum(had.values()) / sum(asked.values()), 3)
            if end["core"] < 0.97:
                shout(f"the peers had core {given.core} for {100 * end['core']:.1f} % of their time only")
        print(json.dumps({"end": end}), file=out)
    for peer in peers:
        peer.end()
    if wrong:
        sys.exit("FAILED: wrong answers of packed-rnn:\n" + "\n".join(sorted(set(wrong))))
    print(f"measured in {end['minutes']} minutes", file=sys.stderr)


if __name__ == "__main__":
    main()
