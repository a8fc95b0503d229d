"""SymPy's expressions in our language: they parse, and mean to mpmath what they mean to
SymPy."""

from __future__ import annotations

from typing import Any

import pytest
import sympy
from mpmath import mp
from witnesses import evaluated

from verifier.language.importers.sympy_expressions import text_of
from verifier.language.programs.parsing import parse

X, Y = sympy.symbols("x y")
AT = {"x": 0.7, "y": -1.3}

EXPRESSIONS = [
    X + 2 * Y**3 - X / Y,
    sympy.Rational(1, 3) * X**2,
    0.1 * X + 0.30000000000000004,
    sympy.sqrt(X) + sympy.cbrt(X) + X ** sympy.Rational(2, 5),
    sympy.exp(-(X**2) / 2) / sympy.sqrt(2 * sympy.pi),
    sympy.exp(1) * X + sympy.EulerGamma * Y + sympy.GoldenRatio,
    sympy.log(X) + sympy.log(X, 2),
    sympy.sin(X) * sympy.cos(Y) + sympy.tan(X) + sympy.sec(X) + sympy.csc(Y),
    sympy.cot(X) + sympy.asin(X) + sympy.acos(X) + sympy.atan(Y) + sympy.atan2(X, Y),
    sympy.sinh(X) + sympy.cosh(X) + sympy.tanh(X) + sympy.sech(X) + sympy.coth(Y),
    sympy.asinh(X) + sympy.acosh(X + 1) + sympy.atanh(X),
    sympy.Abs(Y) + sympy.sign(Y) + sympy.floor(Y) + sympy.ceiling(Y),
    sympy.Max(X, Y) + sympy.Min(X, Y, 0),
    sympy.Mod(Y, X) + sympy.frac(Y),
    sympy.erf(X) + sympy.erfc(Y) + sympy.gamma(X) + sympy.loggamma(X),
    sympy.digamma(X) + sympy.polygamma(1, X) + sympy.besselj(1, X),
    sympy.sinc(X) + sympy.Heaviside(Y),
    sympy.Piecewise((X, X < Y), (Y**2, True)),
    sympy.Piecewise((X, (X > 0) & (Y < 0)), (Y, True)),
    sympy.Piecewise((X, (X < 0) | sympy.Ne(Y, 0)), (Y, True)),
    sympy.Piecewise((1, ~(X > Y)), (2, True)) * X,
    sympy.Piecewise((X, sympy.ITE(X > Y, X < 1, Y < 1)), (Y, True)),
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_the_text_means_what_sympy_means(expression: Any) -> None:
    exact = {name: sympy.Float(number, 40) for name, number in AT.items()}
    wanted = complex(sympy.N(expression.subs(exact), 30))
    with mp.workdps(30):
        given = {name: mp.mpf(number) for name, number in AT.items()}
        found = complex(evaluated(parse(text_of(expression)), given))
    assert abs(wanted - found) <= 1e-13 * abs(wanted)
