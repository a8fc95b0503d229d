"""Special functions in families, by their order or degree: Airy, Struve and spherical
Bessel functions, and classical orthogonal polynomials.

PyTorch has some of them, and a derivative of none: they specify a user's own backward.
"""

from __future__ import annotations

from verifier.language.operations.operation import LINE, POSITIVE, Operation

LARGEST_DEGREE = 1000
DEGREES = (0, LARGEST_DEGREE)


def _polynomial(
    name: str,
    operands: tuple[str, ...],
    meaning: str,
    source: str,
    aliases: tuple[str, ...] = (),
    definition: str | None = None,
) -> Operation:
    """A family of polynomials by the degree n, other operands than x being numbers."""
    others = [operand for operand in operands if operand not in ("n", "x")]
    return Operation(
        name,
        operands,
        meaning,
        source,
        definition=definition,
        parameters=dict.fromkeys(
            [*others, "n"] if operands[0] == "x" else operands[:-1]
        ),
        integers={"n": DEGREES},
        aliases=aliases,
        examples={"n": ("2", "5"), **dict.fromkeys(others, ("1/2",))},
    )


def _spherical(kind: str, name: str, definition: str | None = None) -> Operation:
    """A spherical Bessel function of integer order."""
    return Operation(
        name,
        ("n", "x"),
        f"spherical Bessel function {kind}; n is an integer constant",
        "DLMF 10.47",
        definition=definition,
        parameters={"n": None},
        domain=() if definition is None else (LINE, POSITIVE),
        integers={"n": DEGREES},
        examples={"n": ("0", "2")},
    )


AIRY = (
    Operation(
        "airy_ai", ("x",), "Airy function Ai(x)", "DLMF 9.2.2", aliases=("airyai",)
    ),
    Operation(
        "airy_bi", ("x",), "Airy function Bi(x)", "DLMF 9.2.2", aliases=("airybi",)
    ),
    Operation(
        "airy_ai_prime",
        ("x",),
        "derivative Ai′(x) of the Airy function",
        "DLMF 9.2.2",
        aliases=("airyaiprime",),
    ),
    Operation(
        "airy_bi_prime",
        ("x",),
        "derivative Bi′(x) of the Airy function",
        "DLMF 9.2.2",
        aliases=("airybiprime",),
    ),
)
BESSEL = (
    Operation(
        "struve",
        ("n", "x"),
        "Struve function Hₙ(x); n is a number, and x > 0 where that is no integer",
        "DLMF 11.2.1",
        parameters={"n": None},
        ranges={"n": DEGREES},
        aliases=("struveh",),
        examples={"n": ("0", "1")},
    ),
    Operation(
        "modstruve",
        ("n", "x"),
        "modified Struve function Lₙ(x); n is a number, and x > 0 where that is no integer",
        "DLMF 11.2.2",
        parameters={"n": None},
        ranges={"n": DEGREES},
        aliases=("struvel",),
        examples={"n": ("0", "1")},
    ),
    _spherical("jₙ(x), of the first kind", "spherical_jn"),
    _spherical(
        "yₙ(x), of the second kind",
        "spherical_yn",
        "sqrt(pi / (2*x)) * bessely(n + 1/2, x)",
    ),
    _spherical("iₙ(x), modified, of the first kind", "spherical_in"),
    _spherical(
        "kₙ(x) = √(π/(2x)) · Kₙ₊½(x), modified, of the second kind",
        "spherical_kn",
        "sqrt(pi / (2*x)) * besselk(n + 1/2, x)",
    ),
)
POLYNOMIALS = (
    _polynomial(
        "eval_legendre",
        ("n", "x"),
        "Legendre polynomial Pₙ(x)",
        "DLMF 18.3",
        ("legendre",),
        "eval_gegenbauer(n, 1/2, x)",
    ),
    _polynomial(
        "eval_chebyt",
        ("n", "x"),
        "Chebyshev polynomial of the first kind, Tₙ(x)",
        "DLMF 18.3",
        ("chebyshevt", "chebyt"),
    ),
    _polynomial(
        "eval_chebyu",
        ("n", "x"),
        "Chebyshev polynomial of the second kind, Uₙ(x)",
        "DLMF 18.3",
        ("chebyshevu", "chebyu"),
        "eval_gegenbauer(n, 1, x)",
    ),
    _polynomial(
        "eval_gegenbauer",
        ("n", "alpha", "x"),
        "Gegenbauer polynomial Cₙ⁽ᵅ⁾(x)",
        "DLMF 18.3",
        ("gegenbauer",),
    ),
    _polynomial(
        "eval_jacobi",
        ("n", "alpha", "beta", "x"),
        "Jacobi polynomial Pₙ⁽ᵅ ᵝ⁾(x)",
        "DLMF 18.3",
        ("jacobi",),
    ),
    _polynomial(
        "eval_hermite",
        ("n", "x"),
        "physicists' Hermite polynomial Hₙ(x), with the leading coefficient 2ⁿ",
        "DLMF 18.3",
        ("hermite",),
    ),
    _polynomial(
        "eval_hermitenorm",
        ("n", "x"),
        "probabilists' Hermite polynomial Heₙ(x), with the leading coefficient 1",
        "DLMF 18.3",
        ("hermite_prob",),
        "2**(-n/2) * eval_hermite(n, x / sqrt(2))",
    ),
    _polynomial(
        "eval_laguerre",
        ("n", "x"),
        "Laguerre polynomial Lₙ(x)",
        "DLMF 18.3",
        ("laguerre",),
        "eval_genlaguerre(n, 0, x)",
    ),
    _polynomial(
        "eval_genlaguerre",
        ("n", "alpha", "x"),
        "associated Laguerre polynomial Lₙ⁽ᵅ⁾(x)",
        "DLMF 18.3",
        ("assoc_laguerre",),
    ),
    _polynomial(
        "chebyshev_polynomial_t",
        ("x", "n"),
        "Chebyshev polynomial Tₙ(x), with the operands in PyTorch's order",
        "DLMF 18.3",
        (),
        "eval_chebyt(n, x)",
    ),
    _polynomial(
        "chebyshev_polynomial_u",
        ("x", "n"),
        "Chebyshev polynomial Uₙ(x), with the operands in PyTorch's order",
        "DLMF 18.3",
        (),
        "eval_gegenbauer(n, 1, x)",
    ),
    _polynomial(
        "hermite_polynomial_h",
        ("x", "n"),
        "physicists' Hermite polynomial Hₙ(x), with the operands in PyTorch's order",
        "DLMF 18.3",
        (),
        "eval_hermite(n, x)",
    ),
    _polynomial(
        "hermite_polynomial_he",
        ("x", "n"),
        "probabilists' Hermite polynomial Heₙ(x), with the operands in PyTorch's order",
        "DLMF 18.3",
        (),
        "2**(-n/2) * eval_hermite(n, x / sqrt(2))",
    ),
    _polynomial(
        "laguerre_polynomial_l",
        ("x", "n"),
        "Laguerre polynomial Lₙ(x), with the operands in PyTorch's order",
        "DLMF 18.3",
        (),
        "eval_genlaguerre(n, 0, x)",
    ),
    _polynomial(
        "legendre_polynomial_p",
        ("x", "n"),
        "Legendre polynomial Pₙ(x), with the operands in PyTorch's order",
        "DLMF 18.3",
        (),
        "eval_gegenbauer(n, 1/2, x)",
    ),
)

ROWS = (*AIRY, *BESSEL, *POLYNOMIALS)
