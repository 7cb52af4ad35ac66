"""Draws what measure.py has found as SVG: python plot.py RESULTS > plot.svg

A panel for each workload and cell; the time of a valid token as a multiple of what its multiply-adds take at the core's
peak, on a logarithmic axis. It needs no colour: each row has a mark, and its name beside its line.
"""

import math
import sys
from html import escape

from results import Results

WIDTH, HEIGHT = 520, 300
# The drawing within a panel; its right is for the names.
LEFT, TOP, RIGHT, BOTTOM = 44, 34, 300, 264
GAP = 11
MARKS = {
    "triangle": "M0,-5l5,9h-10z",
    "square": "M-4,-4h8v8h-8z",
    "diamond": "M0,-5l5,5l-5,5l-5,-5z",
    "cross": "M-4,-4l8,8m0,-8l-8,8",
    "plus": "M-5,0h10m-5,-5v10",
    "down": "M0,5l5,-9h-10z",
    "bar": "M-5,-2h10v4h-10z",
    "circle": "M-4,0a4,4 0 1 0 8,0a4,4 0 1 0 -8,0z",
}


def mark(shape, x, y, filled):
    fill = "black" if filled else "white"
    return f'<path transform="translate({x:.1f},{y:.1f})" d="{MARKS[shape]}" fill="{fill}" stroke="black"/>'


def text(x, y, words, size=11, anchor="start", bold=False):
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"{weight}>{escape(words)}</text>'


def spread(wanted, bottom):
    """Heights at least GAP apart, in the given order, as near as can be to those wanted."""
    blocks = []
    for at, y in enumerate(wanted):
        blocks.append((y - GAP * at, 1))
        # Names that would overlap share the way that they are moved.
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (y, count), (before, others) = blocks.pop(), blocks.pop()
            blocks.append(((y * count + before * others) / (count + others), count + others))
    heights = [y for y, count in blocks for _ in range(count)]
    return [min(y, bottom - GAP * (len(heights) - 1)) + GAP * at for at, y in enumerate(heights)]


def panel(results, title, cases, styles):
    """A panel at the origin: the lines of all rows over the cases."""
    values = {}
    for row in results.rows:
        times = [results.time(case, row) for case in cases]
        if any(times):
            values[row] = [time and time / results.peak(case) for time, case in zip(times, cases)]
    bounds = [results.bound(case) and results.bound(case) / results.peak(case) for case in cases]
    if any(bounds):
        values["bound by reading weights"] = bounds
    powers = [math.log2(value) for row in values.values() for value in row if value]
    # int8 may be faster than the peak of f32.
    top, low = math.ceil(max(powers) * 2) / 2, min(0, math.floor(min(powers) * 2) / 2)

    def height(value):
        return BOTTOM - (math.log2(value) - low) / (top - low) * (BOTTOM - TOP)

    def across(at):
        return LEFT + 24 + at * (RIGHT - LEFT - 48) / max(1, len(cases) - 1)

    out = [text(LEFT, 20, title, 13, bold=True)]
    step = 1 if top - low < 6 else 2
    for power in range(-(int(-low) // step) * step, int(top) + 1, step):
        y = height(2.0**power)
        shade = "black" if power == 0 else "#bbb"
        out.append(f'<path d="M{LEFT},{y:.1f}H{RIGHT}" stroke="{shade}" stroke-width="{1.5 if power == 0 else 0.5}"/>')
        out.append(text(LEFT - 6, y + 4, f"{2.0**power:g}", anchor="end"))
    for at, case in enumerate(cases):
        name = str(case.units) if len({case.workload for case in cases}) == 1 else f"{case.workload} {case.units}"
        out.append(text(across(at), BOTTOM + 16, name, anchor="middle"))
    labels = []
    for row, line in values.items():
        points = [(across(at), height(value)) for at, value in enumerate(line) if value]
        # A line joins the sizes of one workload.
        moves = ["M" if at == 0 or cases[at].workload != cases[at - 1].workload else "L"
                 for at, value in enumerate(line) if value]
        path = "".join(f"{move}{x:.1f},{y:.1f}" for move, (x, y) in zip(moves, points))
        shape, width, dash = styles.get(row, (None, 1, "1 3"))
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        out.append(f'<path d="{path}" fill="none" stroke="black" stroke-width="{width}"{dashes}/>')
        if shape:
            out += [mark(shape, x, y, row.startswith("packed-rnn")) for x, y in points]
        labels.append((points[-1][1], points[-1][0], row))
    labels.append((height(1), RIGHT, "the core's multiply-add peak"))
    labels.sort()
    for (y, x, row), at in zip(labels, spread([label[0] for label in labels], BOTTOM + 24)):
        out.append(f'<path d="M{x + 6:.1f},{y:.1f}L{RIGHT + 8},{at:.1f}h4" fill="none" stroke="#888" '
                   'stroke-width="0.5"/>')
        out.append(text(RIGHT + 15, at + 3.5, row, 10, bold=row.startswith("packed-rnn")))
    return out


def main():
    results = Results(sys.argv[1])
    styles, plain = {}, 0
    for row in results.rows:
        kind = results.kind(row)
        if kind in ("ours", "whole"):
            styles[row] = ("circle", 2.5 if kind == "ours" else 1, "")
        else:
            # Variants of one peer differ in their name behind a comma, and share its mark.
            shape = next((style[0] for name, style in styles.items()
                          if name.split(",")[0].split(" int8")[0] == row.split(",")[0].split(" int8")[0]), None)
            if shape is None:
                shape, plain = list(MARKS)[plain % len(MARKS)], plain + 1
            styles[row] = (shape, 0.8, "4 3" if kind == "int8" else "")
    panels = []
    for workload, words in (("V", "V, ragged batch"), ("S", "S, one stream in one call"), ("step", "One step")):
        for cell in ("lstm", "gru"):
            cases = [case for case in results.of(workload) if case.cell == cell]
            panels.append((f"{words}, {cell.upper()}", cases))
    panels.append(("M, the classic batch, and L, a stack; LSTM", results.of("M") + results.of("L")))
    panels = [(title, cases) for title, cases in panels if cases]
    rows = (len(panels) + 1) // 2
    run = results.run
    words = (f"Time of a valid token, times that of its multiply-adds at the core's peak. {run['cpu']}, {run['date']}, "
             "one thread.")
    if run["dry"]:
        words = "DRY RUN, no measurement. " + words
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {rows * HEIGHT + 34}" '
          'font-family="sans-serif" role="img">')
    print(f"<title>{escape(words)}</title>")
    print('<rect width="100%" height="100%" fill="white"/>')
    print(text(14, 22, words, 12))
    for at, (title, cases) in enumerate(panels):
        print(f'<g transform="translate({at % 2 * WIDTH},{at // 2 * HEIGHT + 34})">')
        print("\n".join(panel(results, title, cases, styles)))
        print("</g>")
    print("</svg>")


if __name__ == "__main__":
    main()
