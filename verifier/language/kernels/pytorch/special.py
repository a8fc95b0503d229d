"""PyTorch's kernels of special functions.

Where PyTorch has no derivative at all, `backward` is what a faithful one would compute:
a user's own is checked by it.
"""

from __future__ import annotations

from fractions import Fraction

from verifier.language.kernels.kernel import NO_DERIVATIVE, Kernel
from verifier.language.kernels.pytorch.missing import about_roots
from verifier.language.operations.special import multivariate

ERFCX_ULP = Fraction(6)
"""S. G. Johnson's piecewise Chebyshev fit; 3.7 ulps were measured for x ≥ 0."""
NDTRI_ULP = Fraction(7)
"""Cephes' `ndtri` documents a peak relative error of 7.2e-16; 2.9 ulps were
measured."""
BESSEL_I0_ULP = Fraction(8)
"""Cephes' `i0f` and `i0ef` document 4.0e-7, `i0` and `i0e` 5.8e-16; 4.4 ulps were
measured."""
BESSEL_I1_ULP = Fraction(26)
"""Cephes' `i1f` and `i1ef` document 1.5e-6, `i1` and `i1e` 2.0e-15; 12 ulps were
measured."""
BESSEL_K_ULP = Fraction(20)
"""Cephes' `k0f` documents 7.8e-7, `k0` 1.2e-15, `k1` 1.1e-15; 9.8 ulps were
measured."""
BESSEL_ULP = Fraction(8)
"""Cephes' `j0`, `j1`, `y0` and `y1` document absolute errors of 1e-15 at most, 8 units
of 2⁻⁵³."""
SPHERICAL_ULP = Fraction(4)
"""A sine and a division."""

TINY = "1/4503599627370496"
"""2⁻⁵²: what i1 and i1e hand back for less is 1/2; so for float32, where PyTorch's
bound is 2⁻²³, to the last bit."""


ERRORS = (
    Kernel(
        "erfinv",
        "torch.special.erfinv",
        ("1/2 * sqrt(pi) * exp(result**2) * grad",),
        convention="±inf at ±1",
    ),
    Kernel("erfcinv", composition="-ndtri(x / 2) / sqrt(2)"),
    Kernel(
        "erfcx",
        "torch.special.erfcx",
        ("(2 * x * result - 2/sqrt(pi)) * grad",),
        forward="where(x < 0, 2 * exp(x * x) - erfcx(-x), erfcx(x))",
        forward_ulp=ERFCX_ULP,
    ),
    Kernel(
        "ndtr",
        "torch.special.ndtr",
        ("grad * 0.5 * (2/sqrt(pi) * exp(-(x / sqrt(2))**2)) / sqrt(2)",),
        forward="(1 + erf(x / sqrt(2))) * 0.5",
    ),
    Kernel(
        "ndtri",
        "torch.special.ndtri",
        ("grad * sqrt(2 * pi) * exp(result**2 / 2)",),
        forward_ulp=NDTRI_ULP,
        convention="−inf at 0, inf at 1",
    ),
    # No number of a format is 1/3, so that the choice has no tie.
    Kernel(
        "log_ndtr",
        "torch.special.log_ndtr",
        ("grad / sqrt(2 * pi) * exp(-(result + x**2 / 2))",),
        forward="where(x < -1, log(erfcx(-x / sqrt(2)) / 2) - (x / sqrt(2))**2, log1p(-erfc(x / sqrt(2)) / 2))",
    ),
)
LOGARITHMS = (
    Kernel(
        "logit",
        "torch.special.logit",
        ("where(x < eps or x > 1 - eps, 0, grad / (x * (1 - x)))",),
        forward="log(clamp(x, eps, 1 - eps) / (1 - clamp(x, eps, 1 - eps)))",
        convention="the inner derivative at eps and 1 − eps",
    ),
    Kernel(
        "entr",
        "torch.special.entr",
        ("grad * -(1 + log(x))",),
        forward="-x * log(x)",
        convention="inf at 0",
    ),
    Kernel(
        "xlogy",
        "torch.special.xlogy",
        ("where(x == 0 and y <= 0, 0, xlogy(grad, y))", "grad * x / y"),
        forward="where(x == 0, 0, x * log(y))",
        convention="0 by x where x = 0 and y ≤ 0",
    ),
    Kernel(
        "xlog1py",
        "torch.special.xlog1py",
        ("where(x == 0 and y <= -1, 0, xlog1py(grad, y))", "grad * x / (y + 1)"),
        forward="where(x == 0, 0, x * log1p(y))",
        convention="0 by x where x = 0 and y ≤ −1",
    ),
    Kernel(
        "logaddexp",
        "torch.logaddexp",
        ("grad / (1 + exp(y - x))", "grad / (1 + exp(x - y))"),
        forward="max(x, y) + log1p(exp(-abs(x - y)))",
    ),
    Kernel(
        "logaddexp2",
        "torch.logaddexp2",
        ("grad / (1 + 2**(y - x))", "grad / (1 + 2**(x - y))"),
        forward="max(x, y) + log1p(exp2(-abs(x - y))) / log(2)",
    ),
)
BESSEL = (
    Kernel(
        "besselj",
        "torch.special.bessel_j0",
        (None, "grad * ((besselj(n - 1, x) - besselj(n + 1, x)) / 2)"),
        forward=about_roots("besselj"),
        forward_ulp=BESSEL_ULP,
        convention=NO_DERIVATIVE,
    ),
    Kernel(
        "bessely",
        "torch.special.bessel_y0",
        (None, "grad * ((bessely(n - 1, x) - bessely(n + 1, x)) / 2)"),
        forward=about_roots("bessely"),
        forward_ulp=BESSEL_ULP,
        convention=NO_DERIVATIVE,
    ),
    Kernel(
        "besseli",
        "torch.special.i0",
        (None, "grad * ((besseli(n - 1, x) + besseli(n + 1, x)) / 2)"),
        forward_ulp=BESSEL_I1_ULP,
        inner_exponential="abs(x)",
        convention="1/2 for |x| ≤ eps where n = 1",
    ),
    Kernel(
        "besselk",
        "torch.special.modified_bessel_k0",
        (None, "-grad * ((besselk(n - 1, x) + besselk(n + 1, x)) / 2)"),
        forward_ulp=BESSEL_K_ULP,
        convention=NO_DERIVATIVE,
    ),
    Kernel(
        "i0",
        "torch.special.i0",
        ("grad * i1(x)",),
        forward_ulp=BESSEL_I0_ULP,
        inner_exponential="abs(x)",
    ),
    Kernel(
        "i1",
        "torch.special.i1",
        (f"where(abs(x) > {TINY}, grad * (i0(x) - result * reciprocal(x)), grad / 2)",),
        forward_ulp=BESSEL_I1_ULP,
        inner_exponential="abs(x)",
        convention="1/2 for |x| ≤ eps",
    ),
    Kernel(
        "i0e",
        "torch.special.i0e",
        ("grad * (i1e(x) - sign(x) * result)",),
        forward_ulp=BESSEL_I0_ULP,
        convention="0 at 0",
    ),
    Kernel(
        "i1e",
        "torch.special.i1e",
        (
            f"where(abs(x) > {TINY}, grad * (i0e(x) - result * (sign(x) + reciprocal(x))), grad / 2)",
        ),
        forward_ulp=BESSEL_I1_ULP,
        convention="1/2 for |x| ≤ eps",
    ),
    Kernel(
        "bessel_j0",
        "torch.special.bessel_j0",
        ("-grad * besselj(1, x)",),
        forward=about_roots("bessel_j0"),
        forward_ulp=BESSEL_ULP,
        convention=NO_DERIVATIVE,
    ),
    Kernel(
        "bessel_j1",
        "torch.special.bessel_j1",
        ("grad * ((besselj(0, x) - besselj(2, x)) / 2)",),
        forward=about_roots("bessel_j1"),
        forward_ulp=BESSEL_ULP,
        convention=NO_DERIVATIVE,
    ),
    Kernel(
        "bessel_y0",
        "torch.special.bessel_y0",
        ("-grad * bessely(1, x)",),
        forward=about_roots("bessel_y0"),
        forward_ulp=BESSEL_ULP,
        convention=NO_DERIVATIVE,
    ),
    Kernel(
        "bessel_y1",
        "torch.special.bessel_y1",
        ("grad * ((bessely(0, x) - bessely(2, x)) / 2)",),
        forward=about_roots("bessel_y1"),
        forward_ulp=BESSEL_ULP,
        convention=NO_DERIVATIVE,
    ),
    Kernel(
        "modified_bessel_i0",
        "torch.special.modified_bessel_i0",
        ("grad * besseli(1, x)",),
        forward_ulp=BESSEL_I0_ULP,
        inner_exponential="abs(x)",
        convention=NO_DERIVATIVE,
    ),
    Kernel(
        "modified_bessel_i1",
        "torch.special.modified_bessel_i1",
        ("grad * ((besseli(0, x) + besseli(2, x)) / 2)",),
        forward_ulp=BESSEL_I1_ULP,
        inner_exponential="abs(x)",
        convention=NO_DERIVATIVE,
    ),
    Kernel(
        "modified_bessel_k0",
        "torch.special.modified_bessel_k0",
        ("-grad * besselk(1, x)",),
        forward_ulp=BESSEL_K_ULP,
        convention=NO_DERIVATIVE,
    ),
    Kernel(
        "modified_bessel_k1",
        "torch.special.modified_bessel_k1",
        ("-grad * ((besselk(0, x) + besselk(2, x)) / 2)",),
        forward_ulp=BESSEL_K_ULP,
        convention=NO_DERIVATIVE,
    ),
    Kernel(
        "scaled_modified_bessel_k0",
        "torch.special.scaled_modified_bessel_k0",
        ("grad * (exp(x) * (besselk(0, x) - besselk(1, x)))",),
        forward_ulp=BESSEL_K_ULP,
        convention=NO_DERIVATIVE,
    ),
    Kernel(
        "scaled_modified_bessel_k1",
        "torch.special.scaled_modified_bessel_k1",
        ("grad * (exp(x) * (besselk(1, x) - (besselk(0, x) + besselk(2, x)) / 2))",),
        forward_ulp=BESSEL_K_ULP,
        convention=NO_DERIVATIVE,
    ),
    Kernel(
        "spherical_bessel_j0",
        "torch.special.spherical_bessel_j0",
        ("grad * ((cos(x) - sin(x) / x) / x)",),
        forward_ulp=SPHERICAL_ULP,
        convention=NO_DERIVATIVE,
    ),
)
OTHERS = (
    Kernel(
        "sinc",
        "torch.special.sinc",
        (
            "where(x * x * pi == 0, 0, "
            "grad * ((x * pi * cos(x * pi) - sin(x * pi)) / (x * x * pi)))",
        ),
        forward="where(x == 0, 1, sin(pi * x) / (pi * x))",
        convention="0 at 0",
    ),
    Kernel(
        "mvlgamma",
        "torch.mvlgamma",
        (f"grad * ({multivariate('digamma')})",),
        forward=f"{multivariate('lgamma')} + p*(p - 1)/4 * log(pi)",
    ),
    Kernel("gamma"),
    Kernel("beta"),
    Kernel("betaln"),
    Kernel("asec", convention="inf at ±1"),
    Kernel("acsc", convention="−inf at ±1"),
    Kernel("acot"),
    Kernel("asech", convention="−inf at 1"),
    Kernel("acsch"),
    Kernel("acoth"),
)

ROWS = (*ERRORS, *LOGARITHMS, *BESSEL, *OTHERS)
