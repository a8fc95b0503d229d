"""PyTorch's kernels of special functions by order or degree.

Where PyTorch has no such function, or no derivative, `backward` is what a faithful one
would compute: a user's own is checked by it.
"""

from __future__ import annotations

from fractions import Fraction

from verifier.language.kernels.kernel import NO_DERIVATIVE, Kernel
from verifier.language.kernels.pytorch.missing import (
    NO_FUNCTION,
    SPECIAL_ULP,
    about_roots,
    absent,
)

POLYNOMIAL_ULP = Fraction(64)
"""A recurrence of some steps."""


def _polynomial(operation: str, function: str | None, *backward: str | None) -> Kernel:
    return Kernel(
        operation,
        None if function is None else f"torch.special.{function}",
        backward,
        forward=about_roots(operation),
        forward_ulp=POLYNOMIAL_ULP,
        absent=function is None,
        convention=NO_FUNCTION if function is None else NO_DERIVATIVE,
    )


LEGENDRE = "grad * eval_gegenbauer(n - 1, 3/2, x)"
CHEBYSHEV_T = "grad * (n * eval_gegenbauer(n - 1, 1, x))"
CHEBYSHEV_U = "grad * (2 * eval_gegenbauer(n - 1, 2, x))"
HERMITE = "grad * (2 * n * eval_hermite(n - 1, x))"
HERMITE_E = "grad * (n * 2**((1 - n)/2) * eval_hermite(n - 1, x / sqrt(2)))"
LAGUERRE = "-grad * eval_genlaguerre(n - 1, 1, x)"
STRUVE = "(x/2)**n * exp(-lgamma(n + 3/2)) / sqrt(pi)"

AIRY = (
    Kernel(
        "airy_ai",
        "torch.special.airy_ai",
        ("grad * airy_ai_prime(x)",),
        forward=about_roots("airy_ai"),
        forward_ulp=SPECIAL_ULP,
        convention=NO_DERIVATIVE,
    ),
    absent("airy_bi", "grad * airy_bi_prime(x)", has_roots=True),
    absent("airy_ai_prime", "grad * (x * airy_ai(x))", has_roots=True),
    absent("airy_bi_prime", "grad * (x * airy_bi(x))", has_roots=True),
)
BESSEL = (
    absent(
        "struve",
        None,
        f"grad * ((struve(n - 1, x) - struve(n + 1, x) + {STRUVE}) / 2)",
        has_roots=True,
    ),
    absent(
        "modstruve",
        None,
        f"grad * ((modstruve(n - 1, x) + modstruve(n + 1, x) + {STRUVE}) / 2)",
    ),
    absent(
        "spherical_jn",
        None,
        "grad * ((n * spherical_jn(n - 1, x) - (n + 1) * spherical_jn(n + 1, x)) / (2*n + 1))",
        has_roots=True,
    ),
    absent(
        "spherical_yn",
        None,
        "grad * (n / x * result - spherical_yn(n + 1, x))",
        has_roots=True,
    ),
    absent(
        "spherical_in",
        None,
        "grad * ((n * spherical_in(n - 1, x) + (n + 1) * spherical_in(n + 1, x)) / (2*n + 1))",
    ),
    absent("spherical_kn", None, "grad * (n / x * result - spherical_kn(n + 1, x))"),
)
POLYNOMIALS = (
    _polynomial("eval_legendre", "legendre_polynomial_p", None, LEGENDRE),
    _polynomial("eval_chebyt", "chebyshev_polynomial_t", None, CHEBYSHEV_T),
    _polynomial("eval_chebyu", "chebyshev_polynomial_u", None, CHEBYSHEV_U),
    _polynomial(
        "eval_gegenbauer",
        None,
        None,
        None,
        "grad * (2 * alpha * eval_gegenbauer(n - 1, alpha + 1, x))",
    ),
    _polynomial(
        "eval_jacobi",
        None,
        None,
        None,
        None,
        "grad * ((n + alpha + beta + 1) / 2 * eval_jacobi(n - 1, alpha + 1, beta + 1, x))",
    ),
    _polynomial("eval_hermite", "hermite_polynomial_h", None, HERMITE),
    _polynomial("eval_hermitenorm", "hermite_polynomial_he", None, HERMITE_E),
    _polynomial("eval_laguerre", "laguerre_polynomial_l", None, LAGUERRE),
    _polynomial(
        "eval_genlaguerre",
        None,
        None,
        None,
        "-grad * eval_genlaguerre(n - 1, alpha + 1, x)",
    ),
    _polynomial("chebyshev_polynomial_t", "chebyshev_polynomial_t", CHEBYSHEV_T),
    _polynomial("chebyshev_polynomial_u", "chebyshev_polynomial_u", CHEBYSHEV_U),
    _polynomial("hermite_polynomial_h", "hermite_polynomial_h", HERMITE),
    _polynomial("hermite_polynomial_he", "hermite_polynomial_he", HERMITE_E),
    _polynomial("laguerre_polynomial_l", "laguerre_polynomial_l", LAGUERRE),
    _polynomial("legendre_polynomial_p", "legendre_polynomial_p", LEGENDRE),
)

ROWS = (*AIRY, *BESSEL, *POLYNOMIALS)
