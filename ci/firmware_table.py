#!/usr/bin/env python3
"""Judges what firmware.sh measured: limits on stdin, figures in a file, and the table in README.md.

Usage: firmware_table.py FIGURES [--table]
"""

import collections
import pathlib
import re
import sys

# The rows of README's table: what is said, and the figure; columns are opt-levels.
ROWS = [
    ("LSTM step, I = H = 64: instructions for each multiply-accumulate", "lstm-64.instructions"),
    ("LSTM step, I = H = 64: modelled cycles for each", "lstm-64.cycles"),
    ("LSTM step, I = H = 32: instructions", "lstm-32.instructions"),
    ("LSTM step, I = H = 32: modelled cycles", "lstm-32.cycles"),
    ("LSTM step, I = H = 33: instructions", "lstm-33.instructions"),
    ("LSTM step, I = H = 20: instructions", "lstm-20.instructions"),
    ("GRU step, I = H = 64: instructions", "gru-64.instructions"),
    ("GRU step, I = H = 32: instructions", "gru-32.instructions"),
    ("`sigmoid` over a slice: instructions for each element", "sigmoid.instructions"),
    ("`tanh` over a slice: instructions for each element", "tanh.instructions"),
    ("code of a layout, a pack and one LSTM: bytes", "code.{}"),
    ("constants of these beyond the panels: bytes", "tables"),
    ("stack of the dearest public call: bytes", "stack"),
    ("the same from C, of what `firmware/c` calls: bytes", "stack.c"),
    ("weights copied to RAM: bytes", "ram"),
]
LEVELS = ["3", "s", "z"]
STALE = 0.01


def text(value):
    return f"{value:.2f}" if value != int(value) else f"{int(value)}"


def main():
    figures = collections.defaultdict(dict)
    for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
        name, level, cpu, value = line.split()
        # Two programs may give the same figure: the larger counts.
        figures[name][level, cpu] = max(float(value), figures[name].get((level, cpu), 0))

    limits, wrong = {}, []
    for line in filter(None, sys.stdin.read().splitlines()):
        name, limit, spread = line.split()
        limits[name] = float(limit)
        if name not in figures:
            wrong.append(f"{name} was not measured")
        base = figures[name].get(("3", "any"))
        for (level, cpu), value in figures[name].items():
            most, why = limits[name], "the limit"
            if spread != "-" and (level, cpu) != ("3", "any"):
                most, why = base * (1 + float(spread) / 100), f"{spread} % more than at opt-level 3"
            if value > most:
                on = "" if cpu == "any" else f", target-cpu={cpu}"
                wrong.append(f"{name} at opt-level {level}{on} is {text(value)}: more than {text(most)}, {why}")

    table = [
        "| Cortex-M4F, f32, panels in flash | opt-level 3 | `s` | `z` | at most |",
        "| --- | --- | --- | --- | --- |",
    ]
    for said, name in ROWS:
        cells = []
        for level in LEVELS:
            measured = [v for (l, _), v in figures[name.format(level)].items() if l == level]
            cells.append(text(max(measured)) if measured else "")
        limit = limits.get(name)
        bound = text(limit) if limit is not None else ""
        if name == "code.{}":
            bound = ", ".join(f"{text(limits[name.format(level)])} (`{level}`)" for level in ("3", "s"))
        table.append(f"| {said} | {' | '.join(cells)} | {bound} |")
    print("\n".join(table))

    if "--table" not in sys.argv:
        readme = pathlib.Path("README.md").read_text().splitlines()
        for row in table[:1] + table[2:]:
            cells = row.split(" | ")
            found = [line.split(" | ") for line in readme if line.startswith(cells[0] + " | ")]
            if len(found) != 1 or not same(found[0], cells):
                wrong.append(f"README.md does not have `{row}`")
    for what in wrong:
        print(f"firmware: {what}", file=sys.stderr)
    sys.exit(f"firmware: FAILED: {len(wrong)} of the above" if wrong else 0)


def same(found, cells):
    """Equal texts; measured numbers, the last cell aside, may differ by a percent."""
    if len(found) != len(cells) or found[-1] != cells[-1]:
        return False
    number = re.compile(r"\d+(\.\d+)?")
    for was, now in zip(found[1:-1], cells[1:-1]):
        if was != now and not (
            number.fullmatch(was) and number.fullmatch(now) and abs(float(was) - float(now)) <= STALE * float(now)
        ):
            return False
    return True


main()
