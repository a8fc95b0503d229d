"""Special functions of torch.special, and what is composed of them."""

from __future__ import annotations

from verifier.language.operations.operation import (
    LINE,
    POSITIVE,
    Operation,
    interval,
)

OF_ORDER = "n is a number, in PyTorch 0 or 1"
ON_BOTH_SIDES = f"{OF_ORDER}; x > 0 where it is no integer"
ON_THE_RIGHT = (LINE, POSITIVE)
ORDERS = {"n": (-1000, 1000)}
LARGEST_MULTIVARIATE = 10
"""The largest order p of `mvlgamma`."""

_SIGN_OF_GAMMA = "where({0} > 0, 1, where({0} < 0, 1 - 2*(floor({0}) - 2*floor({0}/2)), copysign(1, {0})))"


def multivariate(function: str) -> str:
    """The sum of a function over x, x − 1/2, …, of which the first p terms count."""
    terms = [f"{function}(x)"]
    for j in range(1, LARGEST_MULTIVARIATE):
        terms.append(f"where(p > {j} + 1/2, {function}(x - {j}/2), 0)")
    return " + ".join(terms)


ERRORS = (
    Operation(
        "erfinv", ("x",), "inverse of erf", "DLMF 7.17.1", domain=(interval("(-1, 1)"),)
    ),
    Operation(
        "erfcinv",
        ("x",),
        "inverse of erfc",
        "DLMF 7.17.1",
        domain=(interval("(0, 2)"),),
    ),
    Operation("erfcx", ("x",), "e^x² · erfc(x)", "torch.special.erfcx"),
    Operation(
        "ndtr",
        ("x",),
        "area under the standard normal density left of x",
        "DLMF 7.20.1",
        definition="erfc(-x / sqrt(2)) / 2",
    ),
    Operation(
        "ndtri",
        ("x",),
        "inverse of ndtr",
        "torch.special.ndtri",
        definition="-sqrt(2) * erfcinv(2 * x)",
        domain=(interval("(0, 1)"),),
    ),
    # No number of a format is 1/3, so that the choice has no tie.
    Operation(
        "log_ndtr",
        ("x",),
        "log(ndtr(x))",
        "torch.special.log_ndtr",
        definition="where(x < -1/3, log(erfcx(-x / sqrt(2)) / 2) - x**2 / 2, log1p(-erfc(x / sqrt(2)) / 2))",
    ),
)
LOGARITHMS = (
    Operation(
        "logit",
        ("x", "eps"),
        "log(z / (1 − z)), z being x clamped to [eps, 1 − eps] where eps is not negative",
        "torch.special.logit",
        definition="log(clamp(x, eps, 1 - eps) / (1 - clamp(x, eps, 1 - eps)))",
        parameters={"eps": "-1"},
        domain=(interval("(0, 1)"), LINE),
        kinks=("eps", "1 − eps"),
    ),
    Operation(
        "entr",
        ("x",),
        "−x · log(x); 0 at 0",
        "torch.special.entr",
        definition="-x * log(x)",
        domain=(interval("[0, inf)"),),
    ),
    Operation(
        "xlogy",
        ("x", "y"),
        "x · log(y); 0 where x = 0",
        "torch.special.xlogy",
        definition="where(x == 0 and y <= 0, 0, x * log(y))",
        domain=ON_THE_RIGHT,
    ),
    Operation(
        "xlog1py",
        ("x", "y"),
        "x · log(1 + y); 0 where x = 0",
        "torch.special.xlog1py",
        definition="where(x == 0 and y <= -1, 0, x * log1p(y))",
        domain=(LINE, interval("(-1, inf)")),
    ),
    Operation(
        "logaddexp",
        ("x", "y"),
        "log(eˣ + eʸ); of more, logaddexp(logaddexp(x, y), z)",
        "torch.logaddexp",
        aliases=("logsumexp",),
        variadic=True,
        definition="where(x - y > 1/3, x + log1p(exp(y - x)), y + log1p(exp(x - y)))",
    ),
    Operation(
        "logaddexp2",
        ("x", "y"),
        "log₂(2ˣ + 2ʸ)",
        "torch.logaddexp2",
        definition="where(x - y > 1/3, x + log1p(exp2(y - x)) / log(2), y + log1p(exp2(x - y)) / log(2))",
    ),
)
BESSEL = (
    Operation(
        "besselj",
        ("n", "x"),
        f"Bessel function Jₙ(x); {ON_BOTH_SIDES}",
        "DLMF 10.2.2",
        parameters={"n": None},
        aliases=("jv",),
        ranges=ORDERS,
        examples={"n": ("0", "1")},
    ),
    Operation(
        "bessely",
        ("n", "x"),
        f"Bessel function Yₙ(x); {OF_ORDER}",
        "DLMF 10.2.3",
        parameters={"n": None},
        domain=ON_THE_RIGHT,
        aliases=("yv",),
        ranges=ORDERS,
        examples={"n": ("0", "1")},
    ),
    Operation(
        "besseli",
        ("n", "x"),
        f"modified Bessel function Iₙ(x); {ON_BOTH_SIDES}",
        "DLMF 10.25.2",
        parameters={"n": None},
        aliases=("iv",),
        ranges=ORDERS,
        examples={"n": ("0", "1")},
    ),
    Operation(
        "besselk",
        ("n", "x"),
        f"modified Bessel function Kₙ(x); {OF_ORDER}",
        "DLMF 10.25.3",
        parameters={"n": None},
        domain=ON_THE_RIGHT,
        aliases=("kv",),
        ranges=ORDERS,
        examples={"n": ("0", "1")},
    ),
    Operation(
        "i0",
        ("x",),
        "modified Bessel function I₀(x)",
        "DLMF 10.25.2",
        definition="besseli(0, x)",
    ),
    Operation(
        "i1",
        ("x",),
        "modified Bessel function I₁(x)",
        "DLMF 10.25.2",
        definition="besseli(1, x)",
    ),
    Operation(
        "i0e",
        ("x",),
        "e^−|x| · I₀(x)",
        "torch.special.i0e",
        definition="exp(-abs(x)) * besseli(0, x)",
        kinks=("0",),
    ),
    Operation(
        "i1e",
        ("x",),
        "e^−|x| · I₁(x)",
        "torch.special.i1e",
        definition="exp(-abs(x)) * besseli(1, x)",
    ),
    Operation(
        "bessel_j0",
        ("x",),
        "Bessel function J₀(x)",
        "DLMF 10.2.2",
        definition="besselj(0, x)",
    ),
    Operation(
        "bessel_j1",
        ("x",),
        "Bessel function J₁(x)",
        "DLMF 10.2.2",
        definition="besselj(1, x)",
    ),
    Operation(
        "bessel_y0",
        ("x",),
        "Bessel function Y₀(x)",
        "DLMF 10.2.3",
        definition="bessely(0, x)",
        domain=(POSITIVE,),
    ),
    Operation(
        "bessel_y1",
        ("x",),
        "Bessel function Y₁(x)",
        "DLMF 10.2.3",
        definition="bessely(1, x)",
        domain=(POSITIVE,),
    ),
    Operation(
        "modified_bessel_i0",
        ("x",),
        "modified Bessel function I₀(x); i0 has a derivative",
        "DLMF 10.25.2",
        definition="besseli(0, x)",
    ),
    Operation(
        "modified_bessel_i1",
        ("x",),
        "modified Bessel function I₁(x); i1 has a derivative",
        "DLMF 10.25.2",
        definition="besseli(1, x)",
    ),
    Operation(
        "modified_bessel_k0",
        ("x",),
        "modified Bessel function K₀(x)",
        "DLMF 10.25.3",
        definition="besselk(0, x)",
        domain=(POSITIVE,),
    ),
    Operation(
        "modified_bessel_k1",
        ("x",),
        "modified Bessel function K₁(x)",
        "DLMF 10.25.3",
        definition="besselk(1, x)",
        domain=(POSITIVE,),
    ),
    Operation(
        "scaled_modified_bessel_k0",
        ("x",),
        "eˣ · K₀(x)",
        "torch.special.scaled_modified_bessel_k0",
        definition="exp(x) * besselk(0, x)",
        domain=(POSITIVE,),
    ),
    Operation(
        "scaled_modified_bessel_k1",
        ("x",),
        "eˣ · K₁(x)",
        "torch.special.scaled_modified_bessel_k1",
        definition="exp(x) * besselk(1, x)",
        domain=(POSITIVE,),
    ),
    Operation(
        "spherical_bessel_j0",
        ("x",),
        "spherical Bessel function sin(x) / x, 1 at 0",
        "DLMF 10.49.3",
        definition="sinc(x / pi)",
    ),
)
OTHERS = (
    Operation(
        "sinc",
        ("x",),
        "sin(πx) / (πx), 1 at 0; SymPy's is spherical_bessel_j0",
        "torch.special.sinc",
        continuous_at_edges=True,
    ),
    Operation(
        "mvlgamma",
        ("x", "p"),
        "log of the multivariate gamma function of order p: p(p − 1)/4 · log π + Σ lgamma(x − j/2), j from 0 to p − 1",
        "DLMF 35.3.4",
        definition=f"p*(p - 1)/4 * log(pi) + {multivariate('lgamma')}",
        parameters={"p": None},
        domain=(POSITIVE, LINE),
        aliases=("multigammaln",),
        poles=("0, 1/2, 1, … below p/2, and the negative ones",),
        integers={"p": (1, LARGEST_MULTIVARIATE)},
        examples={"p": ("2", "3")},
    ),
    Operation(
        "gamma",
        ("x",),
        "Γ(x)",
        "DLMF 5.2.1",
        definition=f"{_SIGN_OF_GAMMA.format('x')} * exp(lgamma(x))",
        poles=("0, −1, −2, …",),
    ),
    Operation(
        "beta",
        ("x", "y"),
        "Γ(x) · Γ(y) / Γ(x + y)",
        "DLMF 5.12.1",
        definition=(
            f"{_SIGN_OF_GAMMA.format('x')} * {_SIGN_OF_GAMMA.format('y')} * {_SIGN_OF_GAMMA.format('(x + y)')}"
            " * exp(lgamma(x) + lgamma(y) - lgamma(x + y))"
        ),
        domain=(
            POSITIVE,
            POSITIVE,
        ),
        poles=("x or y = 0, −1, −2, …",),
    ),
    Operation(
        "betaln",
        ("x", "y"),
        "log |beta(x, y)|",
        "DLMF 5.12.1",
        definition="lgamma(x) + lgamma(y) - lgamma(x + y)",
        domain=(
            POSITIVE,
            POSITIVE,
        ),
        poles=("x or y = 0, −1, −2, …",),
    ),
    Operation(
        "asec",
        ("x",),
        "inverse secant, arccos(1/x); so for x ≤ −1 too",
        "DLMF 4.23.8",
        definition="acos(1 / x)",
        domain=(interval("[1, inf)"),),
        aliases=("arcsec",),
    ),
    Operation(
        "acsc",
        ("x",),
        "inverse cosecant, arcsin(1/x); so for x ≤ −1 too",
        "DLMF 4.23.7",
        definition="asin(1 / x)",
        domain=(interval("[1, inf)"),),
        aliases=("arccsc",),
    ),
    Operation(
        "acot",
        ("x",),
        "inverse cotangent, arctan(1/x)",
        "DLMF 4.23.9",
        definition="atan(1 / x)",
        aliases=("arccot",),
        jumps=("0",),
    ),
    Operation(
        "asech",
        ("x",),
        "inverse hyperbolic secant, arcosh(1/x)",
        "DLMF 4.37.8",
        definition="acosh(1 / x)",
        domain=(interval("(0, 1]"),),
        aliases=("arcsech",),
    ),
    Operation(
        "acsch",
        ("x",),
        "inverse hyperbolic cosecant, arsinh(1/x)",
        "DLMF 4.37.7",
        definition="asinh(1 / x)",
        aliases=("arccsch",),
        poles=("0",),
    ),
    Operation(
        "acoth",
        ("x",),
        "inverse hyperbolic cotangent, artanh(1/x); so for x < −1 too",
        "DLMF 4.37.9",
        definition="atanh(1 / x)",
        domain=(interval("(1, inf)"),),
        aliases=("arccoth",),
    ),
)

ROWS = (*ERRORS, *LOGARITHMS, *BESSEL, *OTHERS)
