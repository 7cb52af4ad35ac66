"""What measure.py has written, for the table and the plot: times of a valid token and the core's limits."""

import dataclasses
import json
import math

from cases import all_cases

# What each workload is, and its columns: name of the cell and size.
TITLES = {
    "V": "V: 32 sequences of 29 to 361 tokens, 5,200 in a rectangle of 11,552",
    "S": "S: one sequence of 100 tokens in one call",
    "step": "One step: the same 100 tokens in 100 calls, the states carried from each to the next",
    "M": "M: 8 sequences of 3 to 8 tokens",
    "L": "L: the lengths of V, two layers, both directions, I = 64",
}


@dataclasses.dataclass
class Cell:
    """A row's result for a case, over all rounds."""

    kind: str
    error: float | None = None
    reason: str | None = None
    # Nanoseconds of a valid token: the fastest of all repeats, and the middle of the rounds' medians.
    fastest: float | None = None
    median: float | None = None


class Results:
    def __init__(self, path):
        self.run, self.end, self.cells, self.limits, medians = {}, {}, {}, {}, {}
        self.cases = {case.name: case for case in all_cases()}
        # The peer of each row.
        self.peers = {}
        with open(path) as file:
            for line in map(json.loads, file):
                if "case" not in line:
                    self.run, self.end = line.get("run", self.run), line.get("end", self.end)
                elif line["kind"] == "limit":
                    limits = self.limits.setdefault(line["case"], {"bytes": line.get("bytes", 0)})
                    for rate in ("gflops", "gbps"):
                        limits[rate] = max(limits.get(rate, 0), line.get(rate, 0))
                else:
                    self.take(line, medians)
        rank = {"ours": 0, "whole": 1, "f32": 2, "int8": 3}
        order = list(self.run["versions"])
        # Ours first, int8 last, between them peer after peer.
        self.rows = sorted(self.peers, key=lambda row: (rank[self.kind(row)], order.index(self.peers[row])))
        self.cases = {name: case for name, case in self.cases.items() if name in self.limits}

    def take(self, line, medians):
        case, row = line["case"], line["row"]
        self.peers.setdefault(row, line["peer"])
        cell = self.cells.setdefault((case, row), Cell(line["kind"], line.get("error"), line.get("reason")))
        if "min" in line:
            tokens = self.cases[case].tokens
            cell.fastest = min(cell.fastest or math.inf, line["min"] / tokens)
            seen = medians.setdefault((case, row), [])
            seen.append(line["median"] / tokens)
            cell.median = sorted(seen)[len(seen) // 2]

    def kind(self, row):
        return next(cell.kind for (_, name), cell in self.cells.items() if name == row)

    def of(self, workload):
        return [case for case in self.cases.values() if case.workload == workload]

    def time(self, case, row):
        cell = self.cells.get((case.name, row))
        return cell.fastest if cell else None

    def ours(self, case):
        return self.time(case, "packed-rnn")

    def best_peer(self, case):
        """Time and name of the fastest f32 peer with a right answer."""
        return min((cell.fastest, row) for (name, row), cell in self.cells.items()
                   if name == case.name and cell.kind == "f32" and cell.fastest is not None)

    def peak(self, case):
        """The time of a token's multiply-adds at the core's peak."""
        return case.flops() / self.limits[case.name]["gflops"]

    def bound(self, case):
        """What one stream cannot be faster than; None where tokens share what is read.

        Step by step, every weight is read for each token. In one call only those that meet the state must be: the
        others are then bound by the multiply-adds.
        """
        limits = self.limits[case.name]
        if not limits["bytes"]:
            return None
        read = limits["bytes"] / limits["gbps"]
        return max(read, self.peak(case)) if case.workload == "step" else read + self.peak(case) / 2


def geometric_mean(values):
    logarithms = [math.log(value) for value in values]
    return math.exp(sum(logarithms) / len(logarithms))
