"""PyTorch's kernels of special functions that are integrals or series.

Where PyTorch has no such function, or no derivative, `backward` is what a faithful one
would compute: a user's own is checked by it.
"""

from __future__ import annotations

from fractions import Fraction

from verifier.language.kernels.kernel import Kernel
from verifier.language.kernels.pytorch.missing import absent

INCOMPLETE_ULP = Fraction(128)
"""Cephes documents peak relative errors of 5e-15 to 3e-14 for `igam` and `igamc`."""
ZETA_ULP = Fraction(16)

DENSITY = "exp((a - 1) * log(x) - x - lgamma(a))"
BETA_DENSITY = (
    "exp((a - 1) * log(x) + (b - 1) * log1p(-x)"
    " - (lgamma(a) + lgamma(b) - lgamma(a + b)))"
)

_AT = "x / (sigma * sqrt(2)), gamma / (sigma * sqrt(2))"
SLOPE = f"(gamma * wofz_imag({_AT}) - x * wofz_real({_AT}))"
GROWTH = f"(x * wofz_imag({_AT}) + gamma * wofz_real({_AT}))"
SCALE = "(sigma**3 * sqrt(2 * pi))"

GAMMA = (
    Kernel(
        "gammainc",
        "torch.special.gammainc",
        (None, f"grad * {DENSITY}"),
        forward_ulp=INCOMPLETE_ULP,
        convention="no derivative by a",
    ),
    Kernel(
        "gammaincc",
        "torch.special.gammaincc",
        (None, f"-grad * {DENSITY}"),
        forward_ulp=INCOMPLETE_ULP,
        convention="no derivative by a",
    ),
    Kernel("lowergamma", convention="no derivative by a"),
    Kernel("uppergamma", convention="no derivative by a"),
    absent("betainc", None, None, f"grad * {BETA_DENSITY}"),
    Kernel(
        "zeta",
        "torch.special.zeta",
        (None, "grad * -x * zeta(x + 1, q)"),
        forward_ulp=ZETA_ULP,
        convention="no derivative by x",
    ),
    absent("polylog", None, "grad * (polylog(s - 1, x) / x)"),
    absent("lambertw", "grad * (exp(-result) / (1 + result))", None),
)
EXPONENTIAL = (
    absent("expn", None, "-grad * expn(n - 1, x)"),
    absent("exp1", "-grad * (exp(-x) / x)"),
    absent("expi", "grad * (exp(x) / x)", has_roots=True),
    absent("li", "grad / log(x)"),
    absent("Si", "grad * sinc(x / pi)"),
    absent("Ci", "grad * (cos(x) / x)", has_roots=True),
    absent("Shi", "grad * spherical_in(0, x)"),
    absent("Chi", "grad * (cosh(x) / x)", has_roots=True),
)
ERRORS = (
    absent("erfi", "grad * (2/sqrt(pi) * exp(x**2))"),
    absent("dawsn", "grad * (1 - 2 * x * result)"),
    absent("fresnels", "grad * sin(pi * x**2 / 2)"),
    absent("fresnelc", "grad * cos(pi * x**2 / 2)"),
    absent(
        "wofz_real",
        "2 * grad * (y * wofz_imag(x, y) - x * result)",
        "2 * grad * (x * wofz_imag(x, y) + y * result - 1/sqrt(pi))",
    ),
    absent(
        "wofz_imag",
        "2 * grad * (1/sqrt(pi) - x * result - y * wofz_real(x, y))",
        "2 * grad * (y * result - x * wofz_real(x, y))",
    ),
    absent(
        "voigt_profile",
        f"grad * ({SLOPE} / {SCALE})",
        f"-grad * ((result + (x * {SLOPE} + gamma * {GROWTH}) / {SCALE}"
        " - gamma / (pi * sigma**2)) / sigma)",
        f"grad * ({GROWTH} / {SCALE} - 1 / (pi * sigma**2))",
    ),
)
ELLIPTIC = (
    absent("ellipk", "grad * ((ellipe(m) - (1 - m) * result) / (2 * m * (1 - m)))"),
    absent("ellipe", "grad * ((result - ellipk(m)) / (2 * m))"),
    absent(
        "ellipkinc",
        "grad / sqrt(1 - m * sin(phi)**2)",
        "grad * ((ellipeinc(phi, m) - (1 - m) * result) / (2 * m * (1 - m))"
        " - sin(2 * phi) / (4 * (1 - m) * sqrt(1 - m * sin(phi)**2)))",
    ),
    absent(
        "ellipeinc",
        "grad * sqrt(1 - m * sin(phi)**2)",
        "grad * ((result - ellipkinc(phi, m)) / (2 * m))",
    ),
)

ROWS = (*GAMMA, *EXPONENTIAL, *ERRORS, *ELLIPTIC)
