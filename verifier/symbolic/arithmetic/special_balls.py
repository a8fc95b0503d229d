"""Arb balls of the further special functions: integrals, solutions of differential
equations, polynomials.

Each is a function of real balls; one that is continued to complex numbers for its power
series (`cauchy`) is written for complex balls, and real where those are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flint
from flint import acb, arb

Ball = Any
"""A `flint.arb` or `flint.acb`: flint publishes no types for them."""

HALF = arb(0.5)
LARGEST_SUM = 4_000
"""Terms of a series that are summed one by one, and bits that a difference may lose."""
LARGE_EXPONENT = 2**16
LARGE_ORDER = 500
"""Orders from which Arb's lower incomplete gamma function takes seconds."""


def real(function: Callable[..., Ball]) -> Callable[..., Ball]:
    """A function of complex balls, that is real for real operands, on real balls."""
    return lambda *operands: function(*map(acb, operands)).real


def integer(ball: Ball) -> int | None:
    """The integer that a real ball is, if it is exactly one."""
    return int(ball.unique_fmpz()) if ball.is_exact() and ball.is_integer() else None


# ── gamma and beta functions ──────────────────────────────────────────────────────────


def upper_gamma(a: Ball, x: Ball) -> Ball:
    """Γ(a, x)/Γ(a)."""
    return x.gamma_upper(a, regularized=1)


def lower_gamma(a: Ball, x: Ball) -> Ball:
    """1 − Γ(a, x)/Γ(a)."""
    return x.gamma_lower(a, regularized=1)


def _gammaincc(a: Ball, x: Ball) -> Ball:
    if not (a > 0 and x >= 0):
        return arb.nan()
    return upper_gamma(a, x)


def _gammainc(a: Ball, x: Ball) -> Ball:
    """By its series (DLMF 8.7.1) where `a` is large and x is smaller, which Arb's own
    takes seconds for; as 1 − Q beyond."""
    if not (a > 0 and x >= 0):
        return arb.nan()
    if not a > LARGE_ORDER:
        return lower_gamma(a, x)
    ratio = x / (a + 1)
    if ratio.is_zero():
        return arb(0)
    bits = int(flint.ctx.prec)
    if ratio < 1:
        count = (-(bits + 8) / ratio.upper().log() * arb.const_log2()).upper()
        if count < LARGEST_SUM:
            return _lower_series(a, x, int(count.ceil().unique_fmpz()) + 1)
    size = ((a * x.log() - x - (a + 1).lgamma()) / arb.const_log2()).lower()
    if not size > -LARGEST_SUM:
        return arb.nan()
    lost = 64 + max(0, -int(size.floor().unique_fmpz()))
    with flint.ctx.workprec(bits + lost):
        result = 1 - upper_gamma(a, x)
    return +result


def _lower_series(a: Ball, x: Ball, count: int) -> Ball:
    """xᵃe^−x/Γ(a + 1) · Σ xᵏ/((a + 1)…(a + k)); the rest is less than that of a
    geometric series."""
    term = total = arb(1)
    for k in range(1, count + 1):
        term = term * x / (a + k)
        total += term
    ratio = x / (a + count + 1)
    rest = term * ratio / (1 - ratio)
    total += arb(0).union(rest)
    return (a * x.log() - x - (a + 1).lgamma()).exp() * total


def beta_lower(a: Ball, b: Ball, x: Ball) -> Ball:
    """B(x; a, b)/B(a, b)."""
    return x.beta_lower(a, b, 1)


def _betainc(a: Ball, b: Ball, x: Ball) -> Ball:
    if not (a > 0 and b > 0 and x >= 0 and x <= 1):
        return arb.nan()
    if x == 0 or x == 1:
        return arb(int(x == 1))
    return real(beta_lower)(a, b, x)


def hurwitz_zeta(s: Ball, q: Ball) -> Ball:
    """ζ(s, q)."""
    return s.zeta(q)


def _zeta(s: Ball, q: Ball) -> Ball:
    """q^−s + (q + 1)^(1−s)/(s − 1) and at most (q + 1)^−s more for a large s,
    by the integral of the summand; Arb's own takes seconds there."""
    if not q > 0:
        return arb.nan()
    if not s > LARGE_EXPONENT:
        return s.zeta(q)
    logs = (q.log(), (q + 1).log())
    first, second = ((-s * log).exp() for log in logs)
    tail = ((1 - s) * logs[1]).exp() / (s - 1)
    return first + tail + arb(0).union(second)


def polylog(s: Ball, x: Ball) -> Ball:
    """Liₛ(x)."""
    return x.polylog(s)


def _polylog(s: Ball, x: Ball) -> Ball:
    return arb.nan() if x > 1 else real(polylog)(s, x)


def _lambertw(x: Ball, branch: Ball) -> Ball:
    return x.lambertw(integer(branch) or 0)


# ── exponential and related integrals ─────────────────────────────────────────────────


def exponential_integral(n: Ball, x: Ball) -> Ball:
    """Eₙ(x)."""
    return x.expint(n)


def _expn(n: Ball, x: Ball) -> Ball:
    if x.is_zero() and n > 1:
        return 1 / (n - 1)
    return x.expint(n) if x > 0 else arb.nan()


def principal_integral(x: Ball) -> Ball:
    """Ei(x); about a negative number as −E₁(−x), which is analytic there."""
    return x.ei() if x.real > 0 else -(-x).expint(1)


def _on_the_right(function: Callable[[Ball], Ball]) -> Callable[[Ball], Ball]:
    return lambda x: function(x) if x > 0 else arb.nan()


def dawson(x: Ball) -> Ball:
    """e^−x² · ∫₀ˣ e^t² dt, as x · M(1, 3/2, −x²) (DLMF 7.11.5 and 13.2.39)."""
    return x * (-x * x).hypgeom_1f1(type(x)(1), type(x)(1.5))


def faddeeva(z: Ball) -> Ball:
    """w(z) = e^−z² erfc(−iz) (DLMF 7.2.3); in the upper half-plane by a function that
    does not underflow (DLMF 7.11.5)."""
    turned = acb(z.imag, -z.real)
    if z.imag > 1 or (z.imag > 0 and abs(z.real) > 4):
        return (turned * turned).hypgeom_u(acb(HALF), acb(HALF)) / arb.pi().sqrt()
    return (turned * turned).exp() * turned.erfc()


def faddeeva_real(x: Ball, y: Ball) -> Ball:
    """Re w(x + iy) of reals, continued: (w(x + iy) + w(−x + iy))/2."""
    up = acb(-y.imag, y.real)
    return (faddeeva(up + x) + faddeeva(up - x)) / 2


def faddeeva_imaginary(x: Ball, y: Ball) -> Ball:
    """Im w(x + iy) of reals, continued: (w(x + iy) − w(−x + iy))/(2i)."""
    up = acb(-y.imag, y.real)
    return (faddeeva(up + x) - faddeeva(up - x)) / acb(0, 2)


# ── elliptic integrals ────────────────────────────────────────────────────────────────


def _elliptic(function: Callable[[Ball], Ball]) -> Callable[[Ball], Ball]:
    return lambda m: real(function)(m) if m < 1 else arb.nan()


_complete_e = _elliptic(lambda m: m.elliptic_e())


def elliptic_f(phi: Ball, m: Ball) -> Ball:
    """F(φ | m)."""
    return acb.elliptic_f(phi, m)


def elliptic_e(phi: Ball, m: Ball) -> Ball:
    """E(φ | m)."""
    return acb.elliptic_e_inc(phi, m)


def _incomplete(function: Callable[..., Ball]) -> Callable[..., Ball]:
    return lambda phi, m: real(function)(phi, m) if m < 1 else arb.nan()


# ── solutions of differential equations ───────────────────────────────────────────────


def struve(order: Ball, x: Ball, sign: int) -> Ball:
    """Hₙ(x), or with the sign 1 Lₙ(x): (x/2)ⁿ⁺¹ Σ (±x²/4)ᵏ/(Γ(k + 3/2) Γ(k + n + 3/2))
    (DLMF 11.2.1); the order is real."""
    shifted = order + 3 * HALF
    at = acb(sign * x * x / 4)
    series = at.hypgeom([acb(1)], [acb(3 * HALF), acb(shifted)])
    n, half = integer(order), x / 2
    if n == -1:
        lead = half * 0 + 1
    else:
        lead = ((order + 1) * half.log()).exp() if n is None else half ** (n + 1)
    return series * lead * 2 * shifted.rgamma() / arb.pi().sqrt()


def _struve(sign: int) -> Callable[[Ball, Ball], Ball]:
    def function(order: Ball, x: Ball) -> Ball:
        if x.is_zero() and order > -1:
            return arb(0)
        inside = x > 0 or integer(order) is not None
        return struve(order, x, sign).real if inside else arb.nan()

    return function


def spherical(order: int, z: Ball, sign: int) -> Ball:
    """jₙ(z), or with the sign 1 iₙ(z): √π/2 · (z/2)ⁿ Σ (±z²/4)ᵏ/(k! Γ(n + k + 3/2))
    (DLMF 10.53.1), an entire function."""
    if order < 0:  # meets no coefficient but 0
        return z * 0
    at = sign * z * z / 4
    series = at.hypgeom_0f1(type(z)(order + 1.5), regularized=True)
    lead = (z / 2) ** order if order else 1
    return series * lead * arb.pi().sqrt() / 2


def _spherical(sign: int) -> Callable[[Ball, Ball], Ball]:
    return lambda order, x: spherical(integer(order) or 0, x, sign)


# ── polynomials ───────────────────────────────────────────────────────────────────────


def _of_degree(polynomial: Callable[..., Ball]) -> Callable[..., Ball]:
    """A family of polynomials by degree; 0 below 0, where a derivative of a constant
    leads."""

    def function(degree: Ball, *operands: Ball) -> Ball:
        n = integer(degree)
        if n is None:
            return arb.nan()
        return arb(0) if n < 0 else polynomial(n, *operands)

    return function


def recurrence(
    degree: int,
    first: Ball,
    second: Ball,
    following: Callable[[int, Ball, Ball], Ball],
) -> Ball:
    """The polynomial of a degree, by what follows from the two before: `following(n, pₙ,
    pₙ₋₁)` is pₙ₊₁."""
    before, current = first, second
    if degree == 0:
        return before
    for n in range(1, degree):
        before, current = current, following(n, current, before)
    return current


def chebyshev(n: int, x: Ball) -> Ball:
    """Tₙ (DLMF 18.9.1)."""
    return recurrence(n, x * 0 + 1, x, lambda n, p, q: 2 * x * p - q)


def hermite(n: int, x: Ball) -> Ball:
    """Hₙ (DLMF 18.9.1)."""
    return recurrence(n, x * 0 + 1, 2 * x, lambda n, p, q: 2 * x * p - 2 * n * q)


def laguerre(n: int, alpha: Ball, x: Ball) -> Ball:
    """Lₙ⁽ᵅ⁾ (DLMF 18.9.1)."""
    return recurrence(
        n,
        x * 0 + 1,
        1 + alpha - x,
        lambda n, p, q: ((2 * n + 1 + alpha - x) * p - (n + alpha) * q) / (n + 1),
    )


def gegenbauer(n: int, alpha: Ball, x: Ball) -> Ball:
    """Cₙ⁽ᵅ⁾ (DLMF 18.9.1)."""
    return recurrence(
        n,
        x * 0 + 1,
        2 * alpha * x,
        lambda n, p, q: (2 * (n + alpha) * x * p - (n - 1 + 2 * alpha) * q) / (n + 1),
    )


def jacobi(n: int, a: Ball, b: Ball, x: Ball) -> Ball:
    """Pₙ⁽ᵅ ᵝ⁾ (DLMF 18.9.2); where that divides by 0, by its sum."""
    total = a + b
    if any(total.contains(-pole) for k in range(1, n) for pole in (k + 1, 2 * k)):
        return _jacobi_sum(n, a, b, x)

    def following(n: int, p: Ball, q: Ball) -> Ball:
        total = 2 * n + a + b
        lead = 2 * (n + 1) * (n + a + b + 1) * total
        middle = (total + 1) * ((total + 2) * total * x + (a * a - b * b))
        last = 2 * (n + a) * (n + b) * (total + 2)
        return (middle * p - last * q) / lead

    one = x * 0 + 1
    return recurrence(n, one, ((a - b) + (a + b + 2) * x) / 2, following)


def _jacobi_sum(n: int, a: Ball, b: Ball, x: Ball) -> Ball:
    """Pₙ⁽ᵅ ᵝ⁾ (DLMF 18.5.8)."""
    below, above = (x - 1) / 2, (x + 1) / 2
    total = x * 0
    for k in range(n + 1):
        factor = (a + n).bin(n - k) * (b + n).bin(k)
        total += factor * below**k * above ** (n - k)
    return total


OPERATIONS: dict[str, Callable[..., Any]] = {
    "gammainc": _gammainc,
    "gammaincc": _gammaincc,
    "betainc": _betainc,
    "zeta": _zeta,
    "polylog": _polylog,
    "lambertw": _lambertw,
    "expn": _expn,
    "expi": lambda x: x.ei(),
    "Si": lambda x: x.si(),
    "Ci": _on_the_right(lambda x: x.ci()),
    "Shi": lambda x: x.shi(),
    "Chi": _on_the_right(lambda x: x.chi()),
    "erfi": lambda x: x.erfi(),
    "dawsn": dawson,
    "fresnels": lambda x: x.fresnel_s(),
    "fresnelc": lambda x: x.fresnel_c(),
    "wofz_real": lambda x, y: faddeeva(acb(x, y)).real,
    "wofz_imag": lambda x, y: faddeeva(acb(x, y)).imag,
    "ellipk": _elliptic(lambda m: m.elliptic_k()),
    "ellipe": lambda m: arb(1) if m == 1 else _complete_e(m),
    "ellipkinc": _incomplete(elliptic_f),
    "ellipeinc": _incomplete(elliptic_e),
    "airy_ai": lambda x: x.airy_ai(),
    "airy_bi": lambda x: x.airy_bi(),
    "airy_ai_prime": lambda x: x.airy_ai(1),
    "airy_bi_prime": lambda x: x.airy_bi(1),
    "struve": _struve(-1),
    "modstruve": _struve(1),
    "spherical_jn": _spherical(-1),
    "spherical_in": _spherical(1),
    "eval_chebyt": _of_degree(lambda n, x: x.chebyshev_t(arb(n))),
    "eval_gegenbauer": _of_degree(gegenbauer),
    "eval_jacobi": _of_degree(jacobi),
    "eval_hermite": _of_degree(lambda n, x: x.hermite_h(arb(n))),
    "eval_genlaguerre": _of_degree(lambda n, alpha, x: x.laguerre_l(arb(n), alpha)),
}
"""An enclosure of each over its operands' balls."""
