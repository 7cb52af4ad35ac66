#!/usr/bin/env python3
"""Reads the machine code of the LSTM's and the GRU's register tiles: the sums of a hot loop stay in registers.

    python3 ci/hot_loops.py [--target aarch64-unknown-linux-gnu] [--program PATH] [--show] [--self-test]

Builds the bench `ratios` (or takes a program that is there), disassembles it and looks at the innermost loops of this crate's functions that multiply-add
and read one element for all lanes: the tile's. (Activations also multiply-add in loops, without such an element, and
plain RNN cells are not in the bench: neither is judged.) It fails if one of them touches the stack, and if the loops of
any height of tile that src/simd names for the LSTM or the GRU are not all found: it cannot pass by finding nothing.
--show prints a loop of each tallest tile. Made-up loops are judged first, and alone with --self-test. Needs objdump.
"""

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Loops of each height of the LSTM's and of the GRU's tile: over the inputs, over the states, and in the tail.
LEAST = 3
ROW = "{:14}{:>5}  {:14}{:31}{:>10}{:>16}"
# A vector register of NEON, as an operand.
V = r"v\d+\.4s"
# For each instruction set: where src/simd says how tall its tiles are (after which words), the multiply-add (for
# unfused ones the multiply of a pair), the element of a row as it comes to all lanes.
KINDS = {
    "x86_64": {
        "zmm": ("x86.rs", "impl Simd for Avx512", r"vfmadd\d+ps .*%zmm", r"vbroadcastss \S*\(.*%zmm|\{1to16\}"),
        "ymm": ("x86.rs", "impl Simd for Avx2", r"vfmadd\d+ps .*%ymm", r"vbroadcastss \S*\(.*%ymm"),
        "xmm": ("portable.rs", "impl Simd for Portable", r"mulps .*%xmm", r"shufps \$0x0,%(xmm\d+),%\1$"),
    },
    "aarch64": {
        "NEON": ("neon.rs", "impl Simd for Neon", rf"fmla {V}", rf"ld1r \{{{V}|ldr s\d|dup {V}, v\d+\.s\["),
        "NEON, unfused": ("portable.rs", "impl Simd for Portable", rf"fmul {V}", rf"ld1r \{{{V}|ldr s\d|dup {V}, v\d+\.s\["),
    },
}
# The jumps, and what they jump to; the frame pointer being set up; an operand in the stack; what else uses it. A
# register other than these may point there as well, but no compiler keeps its own values that way.
SYNTAX = {
    "x86_64": (r"j\w+ ([0-9a-f]+)", r"mov %rsp,%rbp", r"\(%rsp", r"\(%rbp", r"(push|pop|call)\b"),
    "aarch64": (
        r"(?:b|b\.\w+|cbn?z \w+,|tbn?z \w+, #\w+,) ([0-9a-f]+) <",
        r"mov x29, sp|add x29, sp",
        r"\[sp",
        r"\[x29",
        r"blr? ",
    ),
}


def die(message):
    sys.exit(f"hot loops: FAILED: {message}")


class Loop:
    """Instructions that end with a jump back to the first and have no other jump: `vectors` sums for each of `rows`."""

    def __init__(self, function, body, kind, stack):
        self.function, self.body, self.stack = function, body, stack
        _, _, multiply, element = kind
        self.adds = sum(bool(re.match(multiply, line)) for line in body)
        self.by_element = sum(bool(re.search(r"\.s\[\d\]$", line)) for line in body)
        # Constants, which come from the program or the stack, are no elements of a row.
        self.rows = sum(bool(re.search(element, line)) and not re.search(r"\(%r[is]p", line) for line in body)
        # Where a vector of elements is multiplied lane by lane, each lane of each row's register is an element.
        lanes = {lane[0] for line in body if (lane := re.search(r"v\d+\.s\[\d\]$", line))}
        self.rows = max(self.rows, len(lanes))
        self.vectors = self.adds / self.rows if self.rows else 0
        self.effort = len(body) / self.adds if self.adds else 0

    def __str__(self):
        return f"{self.adds} multiply-adds in {self.function}\n" + "".join(f"    {line}\n" for line in self.body)


def functions(disassembly):
    """The name of each function of this crate, or of the bench's limits, and its instructions, as address and text."""
    ours = re.compile("packed_rnn|ratios.*limits")
    name, code = "", []
    for line in disassembly.splitlines():
        if heading := re.match(r"[0-9a-f]+ <(.*)>:", line):
            if ours.search(name):
                yield name, code
            name, code = heading[1], []
        elif instruction := re.match(r" *([0-9a-f]+):\s+(.*)", line):
            text = re.sub(r"\s*(//|# ).*", "", instruction[2])
            code.append((int(instruction[1], 16), re.sub(r"\s+", " ", text).strip()))
    if ours.search(name):
        yield name, code


def loops_of(disassembly, arch):
    """The tile's loops of each kind, and the loops that measure the machine's peak."""
    jump, sets_frame, in_stack, in_frame, uses_stack = SYNTAX[arch]
    found, limits = [{kind: [] for kind in KINDS[arch]} for _ in range(2)]
    for name, code in functions(disassembly):
        at = {address: i for i, (address, _) in enumerate(code)}
        text = [line for _, line in code]
        # Only where the frame pointer is one does it point into the stack.
        framed = any(re.match(sets_frame, line) for line in text)
        operand = f"{in_stack}|{in_frame}" if framed else in_stack
        jumps = [i for i, line in enumerate(text) if re.match(jump, line)]
        for before, last in zip([-1, *jumps], jumps):
            first = at.get(int(re.match(jump, text[last])[1], 16), -1)
            if not before < first <= last:
                continue
            body = text[first : last + 1]
            stack = sum(bool(re.search(operand, line) or re.match(uses_stack, line)) for line in body)
            for kind, about in KINDS[arch].items():
                loop = Loop(name, body, about, stack)
                if loop.adds and loop.rows:
                    found[kind].append(loop)
                elif loop.adds and "limits" in name:
                    limits[kind].append(loop)
    return found, limits


def tallest(file, where):
    """How many rows the tallest tile has, for three and for four gates, and from how many on a tile goes by lines of
    two vectors, as src/simd says."""
    source = (ROOT / "src" / "simd" / file).read_text()
    sizes = r".*?three_gates: (\d+), four_gates: (\d+)(?: };\s+const LINES: usize = (\d+);)?"
    rows = re.search(re.escape(where) + sizes, source, re.DOTALL)
    if not rows:
        die(f"src/simd/{file} does not tell the rows of its tiles after `{where}`")
    return int(rows[1]), int(rows[2]), int(rows[3] or sys.maxsize)


def judge(kind, loops, about):
    """What is wrong, and the loops of the tallest tile by gates."""
    wrong, tall = [], {}
    *tallest_of, lines = tallest(*about[:2])
    for gates, heights in zip((3, 4), tallest_of):
        for rows in range(1, heights + 1):
            # Whichever gates the vectors of a line belong to.
            vectors = 2 if rows >= lines else gates
            # An unrolled loop has several times the rows.
            tall[gates] = [loop for loop in loops if loop.vectors == vectors and loop.rows % rows == 0]
            if len(tall[gates]) < LEAST:
                wrong.append(f"{kind}: {len(tall[gates])} loops of {rows} rows by {vectors} instead of {LEAST}")
    wrong += [f"{kind}: {loop.stack} accesses of the stack: {loop}" for loop in loops if loop.stack]
    return wrong, tall


def row_of_table(kind, loops, tall):
    adds = [loop.adds for loop in loops] or [0]
    worst = [max(some, key=lambda loop: loop.effort) for some in tall.values() if some]
    efforts = [f"{loop.rows} x {loop.vectors:.0f}: {loop.effort:.2f}" for loop in worst]
    by_element, stack = sum(loop.by_element for loop in loops), sum(loop.stack for loop in loops)
    return ROW.format(kind, len(loops), f"{min(adds)} to {max(adds)}", ", ".join(efforts), by_element, stack)


def self_test():
    """A loop that keeps its sums is passed; a spill, a frame's slot and a call are seen; a bench's own loop is not."""

    def stack(body, prologue="nop", function="packed_rnn::tile"):
        body = ["vbroadcastss (%rax,%rbx,4),%ymm1", "vfmadd231ps (%rcx),%ymm1,%ymm0", *body, "jne    11 <back>"]
        lines = [f"{0x10 + i:4x}:\t{line}" for i, line in enumerate([prologue, *body])]
        loops = loops_of("\n".join([f"0010 <{function}>:", *lines]), "x86_64")[0]["ymm"]
        wrong, _ = judge("ymm", loops, KINDS["x86_64"]["ymm"])
        return sum("accesses of the stack" in what for what in wrong) if loops else None

    arm = "\n".join(
        ["0010 <packed_rnn::tile>:", "10:\tldr\ts1, [x1], #4", "14:\tfmla\tv0.4s, v2.4s, v1.s[0]"]
        + ["18:\tstr\tq0, [sp, #32]", "1c:\tb.ne\t10 <packed_rnn::tile>  // b.any"]
    )
    cases = [
        ("sums in registers", stack(["inc    %rbx"]), 0),
        ("a spill", stack(["vmovups %ymm0,0x40(%rsp)"]), 1),
        ("a reload within the multiply-add", stack(["vfmadd231ps 0x20(%rsp),%ymm1,%ymm2"]), 1),
        ("rbp as any other register", stack(["vmovups (%rbp,%rbx,4),%ymm2"]), 0),
        ("rbp as the frame", stack(["vmovups -0x40(%rbp),%ymm2"], "mov    %rsp,%rbp"), 1),
        ("a call", stack(["call   1000 <f>"]), 1),
        ("a loop of the bench", stack([], function="ratios::inside::steps"), None),
        ("no loops", len(judge("ymm", [], KINDS["x86_64"]["ymm"])[0]), sum(tallest("x86.rs", "impl Simd for Avx2")[:2])),
        ("a spill on aarch64", sum(loop.stack for loop in loops_of(arm, "aarch64")[0]["NEON"]), 1),
    ]
    for name, found, expected in cases:
        if found != expected:
            die(f"self-test, {name}: {found} instead of {expected}")
    print(f"hot loops: {len(cases)} made-up loops were judged rightly")


def build(target):
    """Builds the bench and gives its path."""
    command = ["cargo", "bench", "--locked", "--bench", "ratios", "--no-run"]
    command += ["--message-format=json-render-diagnostics", *(["--target", target] if target else [])]
    run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE)
    if run.returncode != 0:
        die("cannot build the bench")
    messages = [json.loads(line) for line in run.stdout.splitlines()]
    paths = [m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "ratios"]
    if len(paths) != 1:
        die(f"cargo names {len(paths)} executables")
    return paths[0]


def disassemble(program, target):
    objdump = "objdump"
    if target and not target.startswith(platform.machine()):
        objdump = target.replace("-unknown", "") + "-objdump"
    elif not shutil.which(objdump):
        subprocess.run(["apt-get", "update"], stdout=sys.stderr)
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", "binutils"], stdout=sys.stderr)
    if not shutil.which(objdump):
        die(f"there is no {objdump}")
    command = [objdump, "-d", "--no-show-raw-insn", program]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main():
    parser = argparse.ArgumentParser(description="Checks that the tile's hot loops do not touch the stack.")
    parser.add_argument("--target", help="builds for this target instead of the machine's own")
    parser.add_argument("--program", help="is read instead of the bench; it may use LSTMs and GRUs only")
    parser.add_argument("--show", action="store_true", help="prints the loops of the tallest tiles")
    parser.add_argument("--self-test", action="store_true", help="judges made-up loops only")
    arguments = parser.parse_args()
    self_test()
    if arguments.self_test:
        return
    arch = (arguments.target or platform.machine()).split("-")[0]
    if arch not in KINDS:
        print(f"!!! NOT RUN: the hot loops of {arch} are not known; those of {' and '.join(KINDS)} are !!!")
        return
    program = arguments.program or build(arguments.target)
    found, limits = loops_of(disassemble(program, arguments.target), arch)
    print(ROW.format("", "loops", "multiply-adds", "instructions for each, tallest", "by element", "stack accesses"))
    wrong, shown = [], []
    for kind, loops in found.items():
        faults, tall = judge(kind, loops, KINDS[arch][kind])
        wrong += faults
        print(row_of_table(kind, loops, tall))
        # A peak measured with sums in memory is none, and all ratios to it are wrong.
        wrong += [f"{kind}, the machine's peak: {loop}" for loop in limits[kind] if loop.stack]
        if arch == "x86_64" and not limits[kind]:
            wrong.append(f"{kind}: no loop measures the machine's peak")
        shown += [f"{kind}: {loop}" for some in tall.values() for loop in some[:1] if arguments.show]
    print("\n".join(shown), end="")
    if wrong:
        die("\n".join(wrong))
    print("hot loops: none touches the stack")


if __name__ == "__main__":
    main()
