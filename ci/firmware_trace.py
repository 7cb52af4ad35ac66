#!/usr/bin/env python3
"""Runs a program of firmware/ under the emulator, one instruction at a time, and counts what is executed between
`measured_begin` and `measured_end`: exactly, and in cycles of a Cortex-M4 by a model.

Usage: firmware_trace.py ELF [--mix]

Prints a line `NAME UNITS INSTRUCTIONS CYCLES` for each measurement; `--mix` adds which instructions they were. Fails
if the program does, or if what its own clock told is not what the trace holds.

The model: the table of Arm's Cortex-M4 reference manual, memory without wait states. A load behind a load takes 1
(pipelined), a taken branch 2 more, and the result of floating-point arithmetic one more for the next instruction.
"""

import collections
import re
import subprocess
import sys

EMULATOR = "qemu-system-arm -M mps2-an386 -cpu cortex-m4 -nographic -monitor none -serial none -icount shift=0".split()
SEMIHOSTING = ["-semihosting-config", "enable=on,target=native"]
# What the program's clock tells may be off by: a tick at either end, and the markers.
SLACK = 100

# Cycles by the start of the mnemonic, the first that fits; N is the number of registers in the list.
CYCLES = [
    (r"(vldm|vstm|vpush|vpop|ldm|stm|push|pop)", lambda n: 1 + n),
    (r"(vfn?m|vn?ml)", 3),
    (r"(vdiv|vsqrt)", 14),
    (r"(vldr|vstr)", lambda n: 1 + n),
    (r"(ldrd|strd)", 3),
    (r"ldr", 2),
    (r"(udiv|sdiv)", 12),
    (r"", 1),
]
ARITHMETIC = re.compile(r"v(add|sub|n?mul|n?ml[as]|fn?m[as]|div|sqrt|cvt)")
# These read their first operand too.
READS_FIRST = re.compile(r"v(n?ml[as]|fn?m[as]|str|stm|push|cmp|mrs)")


def die(what):
    sys.exit(f"firmware_trace: FAILED: {what}")


def registers(operands):
    """The single registers that operands name, doubles as two, ranges in full."""
    found = []
    for kind, first, last in re.findall(r"\b([rsd])(\d+)(?:-[rsd](\d+))?\b", operands):
        for number in range(int(first), int(last or first) + 1):
            found += [f"s{2 * number}", f"s{2 * number + 1}"] if kind == "d" else [f"{kind}{number}"]
    return found + re.findall(r"\b(lr|pc|sp|ip|sl|fp)\b", operands)


class Instruction:
    def __init__(self, mnemonic, operands):
        self.name = mnemonic.split(".")[0]
        first, _, rest = operands.partition(",")
        block = re.search(r"\{(.*)\}", operands)
        listed = len(registers(block.group(1))) if block else len(registers(first))
        cycles = next(cycles for start, cycles in CYCLES if re.match(start, self.name))
        self.cycles = cycles(listed) if callable(cycles) else cycles
        self.is_load = self.name.startswith("ldr") and not self.name.startswith("ldrd")
        self.result = set(registers(first)) if ARITHMETIC.match(self.name) else set()
        reads = operands if READS_FIRST.match(self.name) else rest
        self.reads = set(registers(reads))
        self.jumps_here = self.name.startswith("b")


def disassembly(elf):
    """Instructions by address, and the two markers."""
    text = subprocess.run(
        ["arm-none-eabi-objdump", "-d", "--no-show-raw-insn", elf], capture_output=True, text=True, check=True
    ).stdout
    code, symbols = {}, {}
    for line in text.splitlines():
        if symbol := re.match(r"([0-9a-f]+) <(.+)>:$", line):
            symbols[symbol[2]] = int(symbol[1], 16)
        elif found := re.match(r"\s*([0-9a-f]+):\t(\S+)(?:\t([^@;<]*))?", line):
            code[int(found[1], 16)] = Instruction(found[2], found[3] or "")
    try:
        return code, symbols["measured_begin"], symbols["measured_end"]
    except KeyError as name:
        die(f"{elf} has no {name}")


def cost(code, before, at, behind):
    """Cycles of the instruction `at`, between two others."""
    this = code[at]
    cycles = 1 if this.is_load and code[before].is_load else this.cycles
    if behind not in (at + 2, at + 4) or (behind == at + 4 and at + 2 in code):
        cycles += 2
    return cycles + bool(this.result & code[behind].reads)


def sections(trace, begin, end):
    """The addresses executed between the markers, each time with the one before and the one behind."""
    section = last = None
    for address in trace:
        # The emulator takes an instruction up again that was interrupted before it ran.
        if address == last:
            continue
        last = address
        if address == begin:
            section = [begin]
        elif address == end and section:
            yield section + [end]
            section = None
        elif section is not None:
            section.append(address)


def addresses(stream):
    entry = re.compile(rb"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/", re.M)
    rest = b""
    while chunk := stream.read(1 << 22):
        whole, _, rest = (rest + chunk).rpartition(b"\n")
        for address in entry.findall(whole):
            yield int(address, 16)


def main():
    elf, mix = sys.argv[1], sys.argv[2:] == ["--mix"]
    code, begin, end = disassembly(elf)
    options = subprocess.run(["qemu-system-arm", "-help"], capture_output=True, text=True, check=True).stdout
    single = ["-singlestep"] if "-singlestep" in options else ["-accel", "tcg,one-insn-per-tb=on"]
    command = EMULATOR + single + ["-d", "exec,nochain", "-D", "/dev/stderr"] + SEMIHOSTING + ["-kernel", elf]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as emulator:
        found = []
        for section in sections(addresses(emulator.stderr), begin, end):
            triples = collections.Counter(zip(section, section[1:], section[2:]))
            cycles = sum(count * cost(code, *triple) for triple, count in triples.items())
            names = collections.Counter()
            for (_, at, _), count in triples.items():
                names[code[at].name] += count
            found.append((len(section) - 2, cycles, names))
        told = emulator.stdout.read().decode().splitlines()
    if emulator.returncode != 0:
        die(f"{elf} failed: {told}")
    # The clock tries itself first: 10000 times nop, subs, bne, and bx; 5 cycles each.
    loop, found = found[:1], found[1:]
    if not loop or not (30000 < loop[0][0] < 30020 and 49990 < loop[0][1] < 50030):
        die(f"a loop of 30000 instructions and 49998 cycles was traced as {loop}")
    if len(told) != len(found):
        die(f"{len(told)} measurements were told, and {len(found)} traced")
    for line, (instructions, cycles, names) in zip(told, found):
        name, units, clock = re.match(r"(\S+) (\d+) (\d+):", line).groups()
        if abs(instructions - int(clock)) > SLACK:
            die(f"{name}: {instructions} instructions were traced, and the clock told {clock}")
        print(name, units, instructions, cycles)
        if mix:
            print("   ", ", ".join(f"{count / int(units):.3f} {name}" for name, count in names.most_common(12)))


main()
