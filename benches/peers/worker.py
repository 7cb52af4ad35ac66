"""What a Python peer does for measure.py: one process, asked for one case at a time over its standard input.

A line `NAME SECONDS` is answered by a line of JSON for each row, and an empty line. rust/src/worker.rs does the same.
"""

import dataclasses
import json
import os
import sys
import time
import traceback
from collections.abc import Callable

from cases import Files, all_cases


@dataclasses.dataclass
class Row:
    """One way to compute a case: what is timed (None if the answer is wrong), and its error on valid tokens."""

    name: str
    error: float | None = None
    call: Callable | None = None
    kind: str = "f32"
    # Why there is no time.
    reason: str | None = None


# An f32 answer further from the right one is another answer, and not worth a time.
WRONG = 1e-4


def measure(call, seconds):
    """Nanoseconds of a call, for each repeat within the time. The first call warms up, and counts only if it is long
    itself; one of more than a second is the only one."""
    start = time.perf_counter_ns()
    call()
    once = time.perf_counter_ns() - start
    repeats = [once] if once > 1e8 else []
    # A repeat is long against the clock, and short against the machine's other work.
    inner = max(1, int(200_000 // once))
    end = time.perf_counter() + seconds
    while once <= 1e9 and (len(repeats) < 2 or time.perf_counter() < end):
        start = time.perf_counter_ns()
        for _ in range(inner):
            call()
        repeats.append((time.perf_counter_ns() - start) / inner)
    return sorted(repeats)


def timed(row, seconds):
    answer = {"row": row.name, "kind": row.kind}
    if row.error is not None:
        answer["error"] = row.error
    if row.reason is None and row.kind == "f32" and row.error is not None and not row.error < WRONG:
        row.reason = "its answer is wrong"
    if row.reason is not None:
        return answer | {"reason": row.reason}
    repeats = measure(row.call, seconds)
    return answer | {"min": repeats[0], "median": repeats[len(repeats) // 2], "repeats": len(repeats)}


def attempt(name, kind, make):
    """The row that `make` gives, or why it cannot: a peer may refuse a case."""
    try:
        return make()
    except Exception as error:  # whatever a peer raises is its answer
        traceback.print_exc()
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        return Row(name, kind=kind, reason=f"{type(error).__name__}: {first[:160]}")


def serve(version, rows):
    """`rows` gives the rows of a case from its Files; they are made and checked once, and kept."""
    answers, kept = os.fdopen(os.dup(1), "w"), {}
    os.dup2(2, 1)  # what a peer prints is no answer
    folder = sys.argv[1]
    cases = {case.name: case for case in all_cases()}
    print(json.dumps({"version": version}), file=answers, flush=True)
    for line in sys.stdin:
        name, seconds = line.split()
        if name not in kept:
            kept[name] = list(rows(Files(folder, cases[name])))
        for row in kept[name]:
            print(json.dumps(timed(row, float(seconds))), file=answers, flush=True)
        print(file=answers, flush=True)
