"""What the further special functions are to SymPy: functions of our own by the name of
their row, each with its derivatives.

SymPy's own are complex, rewrite themselves, or answer with other functions than those
of the table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy.core.function import ArgumentIndexError

Symbolic = Any
"""A SymPy expression: SymPy publishes no types."""

Slope = Callable[..., Symbolic]
"""A derivative by one operand, of the result and all operands."""


def _function(name: str, *slopes: Slope | None) -> Symbolic:
    """A real function of as many operands as slopes; None where it is not
    differentiated."""

    def fdiff(self: Symbolic, argindex: int = 1) -> Symbolic:
        slope = slopes[argindex - 1]
        if slope is None:
            raise ArgumentIndexError(self, argindex)
        return slope(self, *self.args)

    members = {
        "nargs": len(slopes),
        "is_extended_real": True,
        "fdiff": fdiff,
        "__module__": __name__,
    }
    return type(name, (sympy.Function,), members)


def _density(a: Symbolic, x: Symbolic) -> Symbolic:
    return sympy.exp((a - 1) * sympy.log(x) - x - lgamma(a))


def _beta_density(a: Symbolic, b: Symbolic, x: Symbolic) -> Symbolic:
    powers = (a - 1) * sympy.log(x) + (b - 1) * sympy.log(1 - x)
    return sympy.exp(powers + lgamma(a + b) - lgamma(a) - lgamma(b))


def _root(phi: Symbolic, m: Symbolic) -> Symbolic:
    return sympy.sqrt(1 - m * sympy.sin(phi) ** 2)


def _struve_term(n: Symbolic, x: Symbolic) -> Symbolic:
    """(x/2)ⁿ/(√π Γ(n + 3/2)) of a number n ≥ 0 (DLMF 11.4.25 and 11.4.31)."""
    half = sympy.Rational(1, 2)
    return (x / 2) ** n * sympy.exp(-lgamma(n + 3 * half)) / sympy.sqrt(sympy.pi)


lgamma: Symbolic = _function("lgamma", lambda f, x: sympy.polygamma(0, x))
"""log |Γ|, which unlike SymPy's `loggamma` is real for negative numbers (DLMF
5.2.1)."""

gammainc: Symbolic = _function("gammainc", None, lambda f, a, x: _density(a, x))
gammaincc: Symbolic = _function("gammaincc", None, lambda f, a, x: -_density(a, x))
betainc: Symbolic = _function(
    "betainc", None, None, lambda f, a, b, x: _beta_density(a, b, x)
)
zeta: Symbolic = _function("zeta", None, lambda f, x, q: -x * zeta(x + 1, q))
polylog: Symbolic = _function("polylog", None, lambda f, s, x: polylog(s - 1, x) / x)
lambertw: Symbolic = _function(
    "lambertw", lambda f, x, k: sympy.exp(-f) / (1 + f), None
)

expn: Symbolic = _function("expn", None, lambda f, n, x: -expn(n - 1, x))
expi: Symbolic = _function("expi", lambda f, x: sympy.exp(x) / x)
Si: Symbolic = _function("Si", lambda f, x: _sinc(x))
Ci: Symbolic = _function("Ci", lambda f, x: sympy.cos(x) / x)
Shi: Symbolic = _function("Shi", lambda f, x: spherical_in(0, x))
Chi: Symbolic = _function("Chi", lambda f, x: sympy.cosh(x) / x)

erfi: Symbolic = _function(
    "erfi", lambda f, x: 2 / sympy.sqrt(sympy.pi) * sympy.exp(x**2)
)
dawsn: Symbolic = _function("dawsn", lambda f, x: 1 - 2 * x * f)
fresnels: Symbolic = _function("fresnels", lambda f, x: sympy.sin(sympy.pi * x**2 / 2))
fresnelc: Symbolic = _function("fresnelc", lambda f, x: sympy.cos(sympy.pi * x**2 / 2))
# w′(z) = −2zw(z) + 2i/√π (DLMF 7.10.2)
wofz_real: Symbolic = _function(
    "wofz_real",
    lambda f, x, y: 2 * (y * wofz_imag(x, y) - x * f),
    lambda f, x, y: 2 * (x * wofz_imag(x, y) + y * f) - 2 / sympy.sqrt(sympy.pi),
)
wofz_imag: Symbolic = _function(
    "wofz_imag",
    lambda f, x, y: 2 / sympy.sqrt(sympy.pi) - 2 * (x * f + y * wofz_real(x, y)),
    lambda f, x, y: 2 * (y * f - x * wofz_real(x, y)),
)

# DLMF 19.4.1, 19.4.2, 19.4.6 and 19.4.7
ellipk: Symbolic = _function(
    "ellipk", lambda f, m: (ellipe(m) - (1 - m) * f) / (2 * m * (1 - m))
)
ellipe: Symbolic = _function("ellipe", lambda f, m: (f - ellipk(m)) / (2 * m))
ellipkinc: Symbolic = _function(
    "ellipkinc",
    lambda f, phi, m: 1 / _root(phi, m),
    lambda f, phi, m: (
        (ellipeinc(phi, m) - (1 - m) * f) / (2 * m * (1 - m))
        - sympy.sin(2 * phi) / (4 * (1 - m) * _root(phi, m))
    ),
)
ellipeinc: Symbolic = _function(
    "ellipeinc",
    lambda f, phi, m: _root(phi, m),
    lambda f, phi, m: (f - ellipkinc(phi, m)) / (2 * m),
)

airy_ai: Symbolic = _function("airy_ai", lambda f, x: airy_ai_prime(x))
airy_bi: Symbolic = _function("airy_bi", lambda f, x: airy_bi_prime(x))
airy_ai_prime: Symbolic = _function("airy_ai_prime", lambda f, x: x * airy_ai(x))
airy_bi_prime: Symbolic = _function("airy_bi_prime", lambda f, x: x * airy_bi(x))
struve: Symbolic = _function(
    "struve",
    None,
    lambda f, n, x: (
        2 / sympy.pi - struve(1, x)
        if n == 0  # which leads to no order below 0
        else (struve(n - 1, x) - struve(n + 1, x) + _struve_term(n, x)) / 2
    ),
)
modstruve: Symbolic = _function(
    "modstruve",
    None,
    lambda f, n, x: (
        2 / sympy.pi + modstruve(1, x)
        if n == 0
        else (modstruve(n - 1, x) + modstruve(n + 1, x) + _struve_term(n, x)) / 2
    ),
)
# DLMF 10.51.2 and 10.51.5
spherical_jn: Symbolic = _function(
    "spherical_jn",
    None,
    lambda f, n, x: (
        (n * spherical_jn(n - 1, x) - (n + 1) * spherical_jn(n + 1, x)) / (2 * n + 1)
    ),
)
spherical_in: Symbolic = _function(
    "spherical_in",
    None,
    lambda f, n, x: (
        (n * spherical_in(n - 1, x) + (n + 1) * spherical_in(n + 1, x)) / (2 * n + 1)
    ),
)

# DLMF 18.9.15 to 18.9.26; a polynomial of degree −1 is 0
eval_chebyt: Symbolic = _function(
    "eval_chebyt", None, lambda f, n, x: n * eval_gegenbauer(n - 1, 1, x)
)
eval_gegenbauer: Symbolic = _function(
    "eval_gegenbauer",
    None,
    None,
    lambda f, n, alpha, x: 2 * alpha * eval_gegenbauer(n - 1, alpha + 1, x),
)
eval_jacobi: Symbolic = _function(
    "eval_jacobi",
    None,
    None,
    None,
    lambda f, n, alpha, beta, x: (
        (n + alpha + beta + 1) / 2 * eval_jacobi(n - 1, alpha + 1, beta + 1, x)
    ),
)
eval_hermite: Symbolic = _function(
    "eval_hermite", None, lambda f, n, x: 2 * n * eval_hermite(n - 1, x)
)
eval_genlaguerre: Symbolic = _function(
    "eval_genlaguerre",
    None,
    None,
    lambda f, n, alpha, x: -eval_genlaguerre(n - 1, alpha + 1, x),
)


def _sinc(x: Symbolic) -> Symbolic:
    """sin(x)/x, that is finite at 0."""
    return spherical_jn(0, x)


OPERATIONS: dict[str, Callable[..., Symbolic]] = {
    "gammainc": gammainc,
    "gammaincc": gammaincc,
    "betainc": betainc,
    "zeta": zeta,
    "polylog": polylog,
    "lambertw": lambertw,
    "expn": expn,
    "expi": expi,
    "Si": Si,
    "Ci": Ci,
    "Shi": Shi,
    "Chi": Chi,
    "erfi": erfi,
    "dawsn": dawsn,
    "fresnels": fresnels,
    "fresnelc": fresnelc,
    "wofz_real": wofz_real,
    "wofz_imag": wofz_imag,
    "ellipk": ellipk,
    "ellipe": ellipe,
    "ellipkinc": ellipkinc,
    "ellipeinc": ellipeinc,
    "airy_ai": airy_ai,
    "airy_bi": airy_bi,
    "airy_ai_prime": airy_ai_prime,
    "airy_bi_prime": airy_bi_prime,
    "struve": struve,
    "modstruve": modstruve,
    "spherical_jn": spherical_jn,
    "spherical_in": spherical_in,
    "eval_chebyt": eval_chebyt,
    "eval_gegenbauer": eval_gegenbauer,
    "eval_jacobi": eval_jacobi,
    "eval_hermite": eval_hermite,
    "eval_genlaguerre": eval_genlaguerre,
}

NAMES: dict[Symbolic, str] = {
    function: name for name, function in OPERATIONS.items()
} | {lgamma: "lgamma"}
