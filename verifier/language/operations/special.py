"""Special functions of torch.special, and what is composed of them.

Where PyTorch has no derivative at all, `backward` is what a faithful one would compute: a user's own is held to it.
"""

from __future__ import annotations

from fractions import Fraction

from verifier.language.operations.operation import (
    LINE,
    POSITIVE,
    Operation,
    binary,
    composed,
    defined,
    interval,
    unary,
)

ERFCX_ULP = Fraction(6)
"""S. G. Johnson's piecewise Chebyshev fit; 3.7 ulps were measured for x ≥ 0."""
NDTRI_ULP = Fraction(7)
"""Cephes' `ndtri` documents a peak relative error of 7.2e-16; 2.9 ulps were measured."""
BESSEL_I0_ULP = Fraction(8)
"""Cephes' `i0f` and `i0ef` document 4.0e-7, `i0` and `i0e` 5.8e-16; 4.4 ulps were measured."""
BESSEL_I1_ULP = Fraction(26)
"""Cephes' `i1f` and `i1ef` document 1.5e-6, `i1` and `i1e` 2.0e-15; 12 ulps were measured."""
BESSEL_K_ULP = Fraction(20)
"""Cephes' `k0f` documents 7.8e-7, `k0` 1.2e-15, `k1` 1.1e-15; 9.8 ulps were measured."""
BESSEL_ULP = Fraction(8)
"""Cephes' `j0`, `j1`, `y0` and `y1` document absolute errors of 1e-15 at most, 8 units of 2⁻⁵³."""
SPHERICAL_ULP = Fraction(4)
"""A sine and a division."""

NO_DERIVATIVE = (
    "PyTorch 2.13 has no derivative: it raises, or in a sum leaves the term out"
)
ORDER_0_OR_1 = "the integer constant n is 0 or 1 in PyTorch"
ON_THE_LINE = (LINE, LINE)
ON_THE_RIGHT = (LINE, POSITIVE)

TINY = "1/4503599627370496"
"""2⁻⁵²: what i1 and i1e hand back for less is 1/2; so for float32, where PyTorch's bound is 2⁻²³, to the last bit."""

_SIGN_OF_GAMMA = "where({0} > 0, 1, where({0} < 0, 1 - 2*(floor({0}) - 2*floor({0}/2)), copysign(1, {0})))"


def _by_order(
    name: str, meaning: str, slope: str, source: str, ulp: Fraction, convention: str
) -> Operation:
    """A Bessel function of a constant integer order."""
    return binary(
        name,
        f"{meaning}; {ORDER_0_OR_1}",
        (None, slope),
        source,
        operands=("n", "x"),
        parameters=("n",),
        domain=ON_THE_RIGHT if name in ("bessely", "besselk") else ON_THE_LINE,
        forward_ulp=ulp,
        convention=convention,
    )


def _without_derivative(
    name: str,
    meaning: str,
    definition: str,
    slope: str,
    source: str,
    ulp: Fraction,
    *,
    positive: bool = False,
) -> Operation:
    """A function that PyTorch computes and cannot differentiate."""
    return defined(
        name,
        "x",
        meaning,
        definition,
        (slope,),
        source,
        domain=(POSITIVE if positive else LINE,),
        forward_ulp=ulp,
        convention=NO_DERIVATIVE,
    )


ERRORS = (
    unary(
        "erfinv",
        "inverse of erf",
        "1/2 * sqrt(pi) * exp(result**2) * grad",
        "DLMF 7.17.1",
        domain=interval("(-1, 1)"),
        convention="±inf at ±1",
    ),
    Operation(
        name="erfcinv",
        operands=("x",),
        meaning="inverse of erfc",
        domain=(interval("(0, 2)"),),
        source="DLMF 7.17.1",
        composition="-ndtri(x / 2) / sqrt(2)",
    ),
    unary(
        "erfcx",
        "e^x² · erfc(x)",
        "(2 * x * result - 2/sqrt(pi)) * grad",
        "torch.special.erfcx",
        forward_ulp=ERFCX_ULP,
        forward="where(x < 0, 2 * exp(x * x) - erfcx(-x), erfcx(x))",
    ),
    defined(
        "ndtr",
        "x",
        "area under the standard normal density left of x",
        "erfc(-x / sqrt(2)) / 2",
        ("grad * 0.5 * (2/sqrt(pi) * exp(-(x / sqrt(2))**2)) / sqrt(2)",),
        "DLMF 7.20.1",
        forward="(1 + erf(x / sqrt(2))) * 0.5",
    ),
    defined(
        "ndtri",
        "x",
        "inverse of ndtr",
        "-sqrt(2) * erfcinv(2 * x)",
        ("grad * sqrt(2 * pi) * exp(result**2 / 2)",),
        "torch.special.ndtri",
        domain=(interval("(0, 1)"),),
        forward_ulp=NDTRI_ULP,
        convention="−inf at 0, inf at 1",
    ),
    # No number of a format is 1/3, so that the choice has no tie.
    defined(
        "log_ndtr",
        "x",
        "log(ndtr(x))",
        "where(x < -1/3, log(erfcx(-x / sqrt(2)) / 2) - x**2 / 2, log1p(-erfc(x / sqrt(2)) / 2))",
        ("grad / sqrt(2 * pi) * exp(-(result + x**2 / 2))",),
        "torch.special.log_ndtr",
        forward="where(x < -1, log(erfcx(-x / sqrt(2)) / 2) - (x / sqrt(2))**2, log1p(-erfc(x / sqrt(2)) / 2))",
    ),
)

LOGARITHMS = (
    defined(
        "logit",
        "x",
        "log(z / (1 − z)), z being x clamped to [eps, 1 − eps] where eps is not negative",
        "log(clamp(x, eps, 1 - eps) / (1 - clamp(x, eps, 1 - eps)))",
        ("where(x < eps or x > 1 - eps, 0, grad / (x * (1 - x)))",),
        "torch.special.logit",
        parameters="eps = -1",
        domain=(interval("(0, 1)"), LINE),
        forward="log(clamp(x, eps, 1 - eps) / (1 - clamp(x, eps, 1 - eps)))",
        kinks=("eps", "1 − eps"),
        convention="the inner derivative at eps and 1 − eps",
    ),
    defined(
        "entr",
        "x",
        "−x · log(x); 0 at 0",
        "-x * log(x)",
        ("grad * -(1 + log(x))",),
        "torch.special.entr",
        domain=(interval("[0, inf)"),),
        forward="-x * log(x)",
        convention="inf at 0",
    ),
    defined(
        "xlogy",
        "x, y",
        "x · log(y); 0 where x = 0",
        "where(x == 0 and y <= 0, 0, x * log(y))",
        ("where(x == 0 and y <= 0, 0, xlogy(grad, y))", "grad * x / y"),
        "torch.special.xlogy",
        domain=ON_THE_RIGHT,
        forward="where(x == 0, 0, x * log(y))",
        convention="0 by x where x = 0 and y ≤ 0",
    ),
    defined(
        "xlog1py",
        "x, y",
        "x · log(1 + y); 0 where x = 0",
        "where(x == 0 and y <= -1, 0, x * log1p(y))",
        ("where(x == 0 and y <= -1, 0, xlog1py(grad, y))", "grad * x / (y + 1)"),
        "torch.special.xlog1py",
        domain=(LINE, interval("(-1, inf)")),
        forward="where(x == 0, 0, x * log1p(y))",
        convention="0 by x where x = 0 and y ≤ −1",
    ),
    defined(
        "logaddexp",
        "x, y",
        "log(eˣ + eʸ)",
        "where(x - y > 1/3, x + log1p(exp(y - x)), y + log1p(exp(x - y)))",
        ("grad / (1 + exp(y - x))", "grad / (1 + exp(x - y))"),
        "torch.logaddexp",
        forward="max(x, y) + log1p(exp(-abs(x - y)))",
    ),
    defined(
        "logaddexp2",
        "x, y",
        "log₂(2ˣ + 2ʸ)",
        "where(x - y > 1/3, x + log1p(exp2(y - x)) / log(2), y + log1p(exp2(x - y)) / log(2))",
        ("grad / (1 + 2**(y - x))", "grad / (1 + 2**(x - y))"),
        "torch.logaddexp2",
        forward="max(x, y) + log1p(exp2(-abs(x - y))) / log(2)",
    ),
)

BESSEL = (
    _by_order(
        "besselj",
        "Bessel function Jₙ(x)",
        "grad * ((besselj(n - 1, x) - besselj(n + 1, x)) / 2)",
        "DLMF 10.2.2",
        BESSEL_ULP,
        NO_DERIVATIVE,
    ),
    _by_order(
        "bessely",
        "Bessel function Yₙ(x)",
        "grad * ((bessely(n - 1, x) - bessely(n + 1, x)) / 2)",
        "DLMF 10.2.3",
        BESSEL_ULP,
        NO_DERIVATIVE,
    ),
    _by_order(
        "besseli",
        "modified Bessel function Iₙ(x)",
        "grad * ((besseli(n - 1, x) + besseli(n + 1, x)) / 2)",
        "DLMF 10.25.2",
        BESSEL_I1_ULP,
        "1/2 for |x| ≤ eps where n = 1",
    ),
    _by_order(
        "besselk",
        "modified Bessel function Kₙ(x)",
        "-grad * ((besselk(n - 1, x) + besselk(n + 1, x)) / 2)",
        "DLMF 10.25.3",
        BESSEL_K_ULP,
        NO_DERIVATIVE,
    ),
    defined(
        "i0",
        "x",
        "modified Bessel function I₀(x)",
        "besseli(0, x)",
        ("grad * i1(x)",),
        "DLMF 10.25.2",
        forward_ulp=BESSEL_I0_ULP,
    ),
    defined(
        "i1",
        "x",
        "modified Bessel function I₁(x)",
        "besseli(1, x)",
        (f"where(abs(x) > {TINY}, grad * (i0(x) - result * reciprocal(x)), grad / 2)",),
        "DLMF 10.25.2",
        forward_ulp=BESSEL_I1_ULP,
        convention="1/2 for |x| ≤ eps",
    ),
    defined(
        "i0e",
        "x",
        "e^−|x| · I₀(x)",
        "exp(-abs(x)) * besseli(0, x)",
        ("grad * (i1e(x) - sign(x) * result)",),
        "torch.special.i0e",
        forward_ulp=BESSEL_I0_ULP,
        kinks=("0",),
        convention="0 at 0",
    ),
    defined(
        "i1e",
        "x",
        "e^−|x| · I₁(x)",
        "exp(-abs(x)) * besseli(1, x)",
        (
            f"where(abs(x) > {TINY}, grad * (i0e(x) - result * (sign(x) + reciprocal(x))), grad / 2)",
        ),
        "torch.special.i1e",
        forward_ulp=BESSEL_I1_ULP,
        convention="1/2 for |x| ≤ eps",
    ),
    _without_derivative(
        "bessel_j0",
        "Bessel function J₀(x)",
        "besselj(0, x)",
        "-grad * besselj(1, x)",
        "DLMF 10.2.2",
        BESSEL_ULP,
    ),
    _without_derivative(
        "bessel_j1",
        "Bessel function J₁(x)",
        "besselj(1, x)",
        "grad * ((besselj(0, x) - besselj(2, x)) / 2)",
        "DLMF 10.2.2",
        BESSEL_ULP,
    ),
    _without_derivative(
        "bessel_y0",
        "Bessel function Y₀(x)",
        "bessely(0, x)",
        "-grad * bessely(1, x)",
        "DLMF 10.2.3",
        BESSEL_ULP,
        positive=True,
    ),
    _without_derivative(
        "bessel_y1",
        "Bessel function Y₁(x)",
        "bessely(1, x)",
        "grad * ((bessely(0, x) - bessely(2, x)) / 2)",
        "DLMF 10.2.3",
        BESSEL_ULP,
        positive=True,
    ),
    _without_derivative(
        "modified_bessel_i0",
        "modified Bessel function I₀(x); i0 has a derivative",
        "besseli(0, x)",
        "grad * besseli(1, x)",
        "DLMF 10.25.2",
        BESSEL_I0_ULP,
    ),
    _without_derivative(
        "modified_bessel_i1",
        "modified Bessel function I₁(x); i1 has a derivative",
        "besseli(1, x)",
        "grad * ((besseli(0, x) + besseli(2, x)) / 2)",
        "DLMF 10.25.2",
        BESSEL_I1_ULP,
    ),
    _without_derivative(
        "modified_bessel_k0",
        "modified Bessel function K₀(x)",
        "besselk(0, x)",
        "-grad * besselk(1, x)",
        "DLMF 10.25.3",
        BESSEL_K_ULP,
        positive=True,
    ),
    _without_derivative(
        "modified_bessel_k1",
        "modified Bessel function K₁(x)",
        "besselk(1, x)",
        "-grad * ((besselk(0, x) + besselk(2, x)) / 2)",
        "DLMF 10.25.3",
        BESSEL_K_ULP,
        positive=True,
    ),
    _without_derivative(
        "scaled_modified_bessel_k0",
        "eˣ · K₀(x)",
        "exp(x) * besselk(0, x)",
        "grad * (exp(x) * (besselk(0, x) - besselk(1, x)))",
        "torch.special.scaled_modified_bessel_k0",
        BESSEL_K_ULP,
        positive=True,
    ),
    _without_derivative(
        "scaled_modified_bessel_k1",
        "eˣ · K₁(x)",
        "exp(x) * besselk(1, x)",
        "grad * (exp(x) * (besselk(1, x) - (besselk(0, x) + besselk(2, x)) / 2))",
        "torch.special.scaled_modified_bessel_k1",
        BESSEL_K_ULP,
        positive=True,
    ),
    _without_derivative(
        "spherical_bessel_j0",
        "spherical Bessel function sin(x) / x, 1 at 0",
        "sinc(x / pi)",
        "grad * ((cos(x) - sin(x) / x) / x)",
        "DLMF 10.49.3",
        SPHERICAL_ULP,
    ),
)

LARGEST_MULTIVARIATE = 10
"""The largest order p of `mvlgamma`."""


def _multivariate(function: str) -> str:
    """The sum of a function over x, x − 1/2, …, of which the first p terms count."""
    terms = [f"{function}(x)"]
    for j in range(1, LARGEST_MULTIVARIATE):
        terms.append(f"where(p > {j} + 1/2, {function}(x - {j}/2), 0)")
    return " + ".join(terms)


OTHERS = (
    Operation(
        name="sinc",
        operands=("x",),
        meaning="sin(πx) / (πx), 1 at 0; SymPy's is spherical_bessel_j0",
        domain=(LINE,),
        source="torch.special.sinc",
        backward=(
            "where(x * x * pi == 0, 0, "
            "grad * ((x * pi * cos(x * pi) - sin(x * pi)) / (x * x * pi)))",
        ),
        forward="where(x == 0, 1, sin(pi * x) / (pi * x))",
        convention="0 at 0",
    ),
    defined(
        "mvlgamma",
        "x",
        "log of the multivariate gamma function of order p: p(p − 1)/4 · log π + Σ lgamma(x − j/2), j from 0 to p − 1",
        f"p*(p - 1)/4 * log(pi) + {_multivariate('lgamma')}",
        (f"grad * ({_multivariate('digamma')})",),
        "DLMF 35.3.4",
        parameters="p",
        domain=(POSITIVE, LINE),
        aliases=("multigammaln",),
        forward=f"{_multivariate('lgamma')} + p*(p - 1)/4 * log(pi)",
        poles=("0, 1/2, 1, … below p/2, and the negative ones",),
    ),
    composed(
        "gamma",
        "Γ(x)",
        f"{_SIGN_OF_GAMMA.format('x')} * exp(lgamma(x))",
        "DLMF 5.2.1",
        is_definition=True,
        poles=("0, −1, −2, …",),
    ),
    composed(
        "beta",
        "Γ(x) · Γ(y) / Γ(x + y)",
        f"{_SIGN_OF_GAMMA.format('x')} * {_SIGN_OF_GAMMA.format('y')} * {_SIGN_OF_GAMMA.format('(x + y)')}"
        " * exp(lgamma(x) + lgamma(y) - lgamma(x + y))",
        "DLMF 5.12.1",
        operands=("x", "y"),
        domain=POSITIVE,
        is_definition=True,
        poles=("x or y = 0, −1, −2, …",),
    ),
    composed(
        "betaln",
        "log |beta(x, y)|",
        "lgamma(x) + lgamma(y) - lgamma(x + y)",
        "DLMF 5.12.1",
        operands=("x", "y"),
        domain=POSITIVE,
        is_definition=True,
        poles=("x or y = 0, −1, −2, …",),
    ),
    composed(
        "asec",
        "inverse secant, arccos(1/x); so for x ≤ −1 too",
        "acos(1 / x)",
        "DLMF 4.23.8",
        domain=interval("[1, inf)"),
        aliases=("arcsec",),
        is_definition=True,
        convention="inf at ±1",
    ),
    composed(
        "acsc",
        "inverse cosecant, arcsin(1/x); so for x ≤ −1 too",
        "asin(1 / x)",
        "DLMF 4.23.7",
        domain=interval("[1, inf)"),
        aliases=("arccsc",),
        is_definition=True,
        convention="−inf at ±1",
    ),
    composed(
        "acot",
        "inverse cotangent, arctan(1/x)",
        "atan(1 / x)",
        "DLMF 4.23.9",
        aliases=("arccot",),
        is_definition=True,
        jumps=("0",),
    ),
    composed(
        "asech",
        "inverse hyperbolic secant, arcosh(1/x)",
        "acosh(1 / x)",
        "DLMF 4.37.8",
        domain=interval("(0, 1]"),
        aliases=("arcsech",),
        is_definition=True,
        convention="−inf at 1",
    ),
    composed(
        "acsch",
        "inverse hyperbolic cosecant, arsinh(1/x)",
        "asinh(1 / x)",
        "DLMF 4.37.7",
        aliases=("arccsch",),
        is_definition=True,
        poles=("0",),
    ),
    composed(
        "acoth",
        "inverse hyperbolic cotangent, artanh(1/x); so for x < −1 too",
        "atanh(1 / x)",
        "DLMF 4.37.9",
        domain=interval("(1, inf)"),
        aliases=("arccoth",),
        is_definition=True,
    ),
)

ROWS = (*ERRORS, *LOGARITHMS, *BESSEL, *OTHERS)
