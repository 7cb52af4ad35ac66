#!/usr/bin/env python3
"""Fits the coefficients in src/simd/math.rs. Needs mpmath; prints Rust constants.

exp:  (e^r - 1 - r) / r^2 on |r| <= ln 2 / 2, weighted for the relative error of e^r
tanh: (1 - tanh(x) / x) / x^2 in y = x^2 on [0, (ln 2 / 2)^2], weighted for the relative error of tanh

Each fit is a minimax polynomial by Lawson's reweighted least squares. Coefficients are rounded to f32 from the
lowest power up, and the rest is fitted again after each, so that the later ones make up for the rounding.
"""
import struct
from mpmath import mp, mpf, matrix, lu_solve, exp, expm1, tanh, cos, pi, log

mp.dps = 40


def f32(x):
    return mpf(struct.unpack("f", struct.pack("f", float(x)))[0])


def lawson(xs, target, weight, powers, fixed, iterations=60):
    lam = [mpf(1)] * len(xs)
    best = None
    for _ in range(iterations):
        n = len(powers)
        a, b = matrix(n, n), matrix(n, 1)
        for l, x, t, w in zip(lam, xs, target, weight):
            row = [x**p for p in powers]
            rest = t - sum(c * x**p for p, c in fixed.items())
            k = l * w * w
            for i in range(n):
                b[i] += k * row[i] * rest
                for j in range(n):
                    a[i, j] += k * row[i] * row[j]
        s = lu_solve(a, b)
        err = [
            abs(w * (sum(s[i] * x**p for i, p in enumerate(powers)) + sum(c * x**p for p, c in fixed.items()) - t))
            for x, t, w in zip(xs, target, weight)
        ]
        worst = max(err)
        if best is None or worst < best[0]:
            best = (worst, [s[i] for i in range(n)])
        total = sum(l * e for l, e in zip(lam, err))
        lam = [max(l * e / total * len(xs), mpf(10) ** -15) for l, e in zip(lam, err)]
    return best


def fit(name, xs, target, weight, degree):
    fixed, worst = {}, None
    for p in range(degree + 1):
        powers = list(range(p, degree + 1))
        worst, s = lawson(xs, target, weight, powers, fixed)
        fixed[p] = f32(s[0])
    err = max(abs(w * (sum(c * x**p for p, c in fixed.items()) - t)) for x, t, w in zip(xs, target, weight))
    print(f"// {name}: relative error {mp.nstr(err, 3)} before rounding of the arithmetic")
    for p in range(degree + 1):
        print(f"const {name}_{p}: f32 = {float(fixed[p])!r};")


N = 120
half = log(2) / 2
xs = [half * cos(pi * (i + mpf(1) / 2) / N) for i in range(N)]
fit("EXP", xs, [(expm1(r) - r) / r**2 for r in xs], [r**2 / exp(r) for r in xs], 4)

top = half**2
ys = [top * (1 - cos(pi * (i + mpf(1) / 2) / N)) / 2 for i in range(N)]
x = [y ** mpf(0.5) for y in ys]
fit("TANH", ys, [(1 - tanh(v) / v) / (v * v) for v in x], [v**3 / tanh(v) for v in x], 2)

ln2 = log(2)
hi = f32(float(ln2))
hi = mpf(int(hi * 2**16)) / 2**16  # few bits, so that n * hi is exact for |n| < 2^8
print(f"const LN2_HI: f32 = {float(hi)!r};")
print(f"const LN2_LO: f32 = {float(f32(ln2 - hi))!r};")
print(f"const LOG2_E: f32 = {float(f32(1 / ln2))!r};")
