"""Prints what measure.py has found as Markdown: python table.py RESULTS [--median]"""

import sys

from results import TITLES, Results, geometric_mean

# Measured once, in one call, on another day and machine, whose own peak it is a share of.
RTNEURAL = 0.58


def number(value):
    if value is None:
        return "—"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def line(name, cells):
    return f"| {name} | " + " | ".join(cells) + " |"


def table(results, workloads, median):
    cases = [case for workload in workloads for case in results.of(workload)]
    if not cases:
        return
    print("\n**" + "; ".join(TITLES[workload] for workload in workloads if results.of(workload)) + "**\n")
    names, before = [], None
    for case in cases:
        group = ((f"{case.workload}, " if len(workloads) > 1 else "") + case.cell.upper())
        names.append(f"{group} {case.units}" if group != before else str(case.units))
        before = group
    print(line("ns per valid token", names))
    print("| --- |" + " ---: |" * len(cases))
    best = {case.name: results.best_peer(case) for case in cases}
    for row in results.rows:
        cells = [results.cells.get((case.name, row)) for case in cases]
        if all(cell is None or cell.fastest is None for cell in cells):
            continue
        texts = []
        for case, cell in zip(cases, cells):
            text = number(cell and (cell.median if median else cell.fastest))
            texts.append(f"**{text}**" if row in ("packed-rnn", best[case.name][1]) and text != "—" else text)
        print(line(f"**{row}**" if row == "packed-rnn" else row, texts))
    print(line("*the core's multiply-add peak*", [number(results.peak(case)) for case in cases]))
    if any(results.bound(case) for case in cases):
        print(line("*bound by reading the weights too*", [number(results.bound(case)) for case in cases]))
    print(line("best f32 peer / packed-rnn", [f"{best[case.name][0] / results.ours(case):.2f}" for case in cases]))


def where(results, names):
    """Cases in a few words: V, L; or S gru 64."""
    groups = {}
    for name in names:
        case = results.cases[name]
        groups.setdefault(case.workload, []).append(case)
    words = []
    for workload, cases in groups.items():
        cells = {case.cell for case in cases}
        all_of = {case.name for case in results.of(workload)}
        if {case.name for case in cases} == all_of:
            words.append(workload)
        elif {case.name for case in cases} == {name for name in all_of if results.cases[name].cell in cells}:
            words += [f"{workload} {cell.upper()}" for cell in sorted(cells)]
        else:
            words += [f"{workload} {case.cell.upper()} {case.units}" for case in cases]
    return ", ".join(words)


def summary(results):
    wins, lost = 0, []
    for case in results.cases.values():
        time, peer = results.best_peer(case)
        ratio = time / results.ours(case)
        wins += ratio > 1
        if ratio <= 1:
            lost.append(f"{where(results, [case.name])} to {peer} ({ratio:.2f})")
    print(f"\n- Faster than every f32 peer in {wins} of {len(results.cases)} cells"
          + (f"; **lost**: {'; '.join(lost)}." if lost else "."))
    v, whole = results.of("V"), "packed-rnn, with pack and unpack"
    if v:
        means = [geometric_mean(results.best_peer(case)[0] / time(case) for case in v)
                 for time in (results.ours, lambda case: results.time(case, whole), results.peak)]
        print(f"- Best f32 peer / packed-rnn, geometric mean over the {len(v)} cells of V: **{means[0]:.2f}**; with "
              f"pack and unpack, {means[1]:.2f}. A run at the core's multiply-add peak would have {means[2]:.2f}.")
    small = results.cases.get("S-lstm-32")
    if small:
        print(f"- S, LSTM 32: {100 * results.peak(small) / results.ours(small):.0f} % of the core's multiply-add peak. "
              f"RTNeural (C++, sizes fixed when compiled) is not run here; on a Zen 5 core it had "
              f"{100 * RTNEURAL:.0f} % of the peak.")


def notes(results):
    wrong, reasons, errors = {}, {}, {}
    for (case, row), cell in results.cells.items():
        if cell.error is not None and cell.reason:
            wrong.setdefault(case, []).append((row, cell.error))
        elif cell.reason:
            # One line for one reason.
            reasons.setdefault((row.split(",")[0] if cell.kind == "int8" else row, cell.reason), []).append(case)
        elif cell.error is not None:
            # Of all ways to call a peer.
            peer = row.split(",")[0]
            errors[peer] = max(errors.get(peer, 0), cell.error)
    errors = {peer: errors[peer] for peer in dict.fromkeys(row.split(",")[0] for row in results.rows) if peer in errors}
    for case, found in wrong.items():
        listed = "; ".join(f"{row} by {error:.2g}" for row, error in found)
        print(f"- Wrong in {where(results, [case])}, and so not timed; off on valid tokens by up to: {listed}.")
    for (row, reason), found in reasons.items():
        print(f"- — {row}, in {where(results, found)}: {reason}.")
    listed = "; ".join(f"{peer} {error:.1e}" for peer, error in errors.items())
    print(f"- Largest difference from an f64 computation, on valid tokens, of what was timed: {listed}.")


def main():
    results = Results(sys.argv[1])
    run, end, versions = results.run, results.end, results.run["versions"]
    if run["dry"]:
        print("**DRY RUN: it tries the scripts, and its times mean nothing.**\n")
    print(f"{run['date']}, {run['cpu']}, one thread on one core, f32 unless said; {run['system']}, "
          f"Python {run['python']}. packed-rnn {versions['packed-rnn']}{', ' * bool(run['commit'])}{run['commit']}; "
          f"ONNX Runtime {versions['onnxruntime']}, PyTorch {versions['torch']}, OpenVINO {versions['openvino']}, "
          f"rten {versions['rten']}, tract {versions['tract']}, candle {versions['candle']}.")
    # The numbers of a run that was cut short are no less true, but are not all.
    print(f"Command: `{' '.join(['bash benches/peers/run.sh', *run['options']])}`; {run['seconds']} s in each of "
          f"{run['rounds']} round{'s' * (run['rounds'] > 1)} for each cell, "
          + (f"{end['minutes']} minutes" if end else "**not ended**")
          + f"; {'median of the rounds' if '--median' in sys.argv else 'the fastest repeat'} is shown. "
          f"Load average before: {run['load']:.2f}"
          + (f"; the core was the peers' for {100 * end['core']:.1f} % of their time" if end.get("core") else "")
          + ".")
    for workloads in (["V"], ["S"], ["step"], ["M", "L"]):
        table(results, workloads, "--median" in sys.argv)
    summary(results)
    notes(results)


if __name__ == "__main__":
    main()
