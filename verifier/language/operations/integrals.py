"""Special functions that are integrals or series: incomplete gamma and beta functions,
zeta functions, exponential, error and elliptic integrals.

PyTorch has few of them, and the derivatives of fewer: they specify a user's own
backward.
"""

from __future__ import annotations

from verifier.language.operations.operation import (
    LINE,
    NONNEGATIVE,
    POSITIVE,
    Operation,
    interval,
)

ORDERS = (-1000, 1000)
BELOW_ONE = interval("(-inf, 1)")
AMPLITUDE_AND_PARAMETER = (LINE, BELOW_ONE)

GAMMA = (
    Operation(
        "gammainc",
        ("a", "x"),
        "lower incomplete gamma function, regularised: 1/Γ(a) · ∫₀ˣ tᵃ⁻¹e⁻ᵗ dt",
        "DLMF 8.2.4",
        domain=(POSITIVE, NONNEGATIVE),
        aliases=("igamma",),
        fixed=("a",),
        examples={"a": ("1/2", "5")},
    ),
    Operation(
        "gammaincc",
        ("a", "x"),
        "upper incomplete gamma function, regularised: 1 − gammainc(a, x)",
        "DLMF 8.2.4",
        domain=(POSITIVE, NONNEGATIVE),
        aliases=("igammac",),
        fixed=("a",),
        examples={"a": ("1/2", "5")},
    ),
    Operation(
        "lowergamma",
        ("a", "x"),
        "lower incomplete gamma function, not regularised: Γ(a) · gammainc(a, x)",
        "DLMF 8.2.1",
        definition="exp(lgamma(a)) * gammainc(a, x)",
        domain=(POSITIVE, NONNEGATIVE),
        fixed=("a",),
        examples={"a": ("1/2", "5")},
    ),
    Operation(
        "uppergamma",
        ("a", "x"),
        "upper incomplete gamma function, not regularised: Γ(a) · gammaincc(a, x)",
        "DLMF 8.2.2",
        definition="exp(lgamma(a)) * gammaincc(a, x)",
        domain=(POSITIVE, NONNEGATIVE),
        fixed=("a",),
        examples={"a": ("1/2", "5")},
    ),
    Operation(
        "betainc",
        ("a", "b", "x"),
        "incomplete beta function, regularised: 1/B(a, b) · ∫₀ˣ tᵃ⁻¹(1 − t)ᵇ⁻¹ dt",
        "DLMF 8.17.2",
        domain=(POSITIVE, POSITIVE, interval("[0, 1]")),
        fixed=("a", "b"),
        examples={"a": ("1/2", "5"), "b": ("2",)},
    ),
    Operation(
        "zeta",
        ("x", "q"),
        "Hurwitz zeta function Σ (k + q)⁻ˣ, k from 0; Riemann's where q is left out",
        "DLMF 25.11.1",
        domain=(interval("(1, inf)"), POSITIVE),
        optional={"q": "1"},
        fixed=("x",),
        examples={"x": ("2", "7/2")},
    ),
    Operation(
        "polylog",
        ("s", "x"),
        "polylogarithm Liₛ(x) = Σ xᵏ/kˢ, k from 1, and continued to x < −1; s is a number",
        "DLMF 25.12.10",
        parameters={"s": None},
        ranges={"s": ORDERS},
        domain=(LINE, BELOW_ONE),
        examples={"s": ("2", "-1/2")},
    ),
    Operation(
        "lambertw",
        ("x", "k"),
        "Lambert's W, w·eʷ = x: for k = 0 where x > −1/e, for k = −1 where −1/e < x < 0",
        "DLMF 4.13.1",
        parameters={"k": "0"},
        integers={"k": (-1, 0)},
        aliases=("LambertW",),
    ),
)
EXPONENTIAL = (
    Operation(
        "expn",
        ("n", "x"),
        "generalised exponential integral Eₙ(x) = ∫₁^∞ e⁻ˣᵗ/tⁿ dt; n is a number",
        "DLMF 8.19.3",
        parameters={"n": None},
        ranges={"n": ORDERS},
        domain=(LINE, POSITIVE),
        aliases=("expint",),
        examples={"n": ("1", "2")},
    ),
    Operation(
        "exp1",
        ("x",),
        "exponential integral E₁(x)",
        "DLMF 6.2.1",
        definition="expn(1, x)",
        domain=(POSITIVE,),
        aliases=("E1",),
    ),
    Operation(
        "expi",
        ("x",),
        "exponential integral Ei(x), a principal value for x > 0; Ei(x) = −E₁(−x) for x < 0",
        "DLMF 6.2.5",
        aliases=("Ei",),
        poles=("0",),
    ),
    Operation(
        "li",
        ("x",),
        "logarithmic integral Ei(log x)",
        "DLMF 6.2.8",
        definition="expi(log(x))",
        domain=(POSITIVE,),
        poles=("1",),
    ),
    Operation("Si", ("x",), "sine integral ∫₀ˣ sin(t)/t dt", "DLMF 6.2.9"),
    Operation(
        "Ci",
        ("x",),
        "cosine integral −∫ₓ^∞ cos(t)/t dt",
        "DLMF 6.2.11",
        domain=(POSITIVE,),
    ),
    Operation("Shi", ("x",), "∫₀ˣ sinh(t)/t dt", "DLMF 6.2.15"),
    Operation(
        "Chi",
        ("x",),
        "γ + log(x) + ∫₀ˣ (cosh(t) − 1)/t dt",
        "DLMF 6.2.16",
        domain=(POSITIVE,),
    ),
)
ERRORS = (
    Operation(
        "erfi",
        ("x",),
        "imaginary error function 2/√π · ∫₀ˣ e^t² dt = −i·erf(ix)",
        "DLMF 7.5.1",
        injective=True,
    ),
    Operation("dawsn", ("x",), "Dawson's integral e^−x² · ∫₀ˣ e^t² dt", "DLMF 7.2.5"),
    Operation(
        "fresnels",
        ("x",),
        "Fresnel integral S, normalised: ∫₀ˣ sin(πt²/2) dt",
        "DLMF 7.2.8",
    ),
    Operation(
        "fresnelc",
        ("x",),
        "Fresnel integral C, normalised: ∫₀ˣ cos(πt²/2) dt",
        "DLMF 7.2.7",
    ),
    Operation(
        "wofz_real",
        ("x", "y"),
        "real part of the Faddeeva function w(x + iy), w(z) = e^−z² · erfc(−iz)",
        "DLMF 7.2.3",
    ),
    Operation(
        "wofz_imag",
        ("x", "y"),
        "imaginary part of the Faddeeva function w(x + iy)",
        "DLMF 7.2.3",
    ),
    Operation(
        "voigt_profile",
        ("x", "sigma", "gamma"),
        "Voigt profile: the density of a normal variable of deviation sigma plus a Cauchy one of half-width gamma",
        "DLMF 7.19.4",
        definition=(
            "wofz_real(x / (sigma*sqrt(2)), gamma / (sigma*sqrt(2)))"
            " / (sigma*sqrt(2*pi))"
        ),
        domain=(LINE, POSITIVE, NONNEGATIVE),
    ),
)
ELLIPTIC = (
    Operation(
        "ellipk",
        ("m",),
        "complete elliptic integral K of the parameter m = k²: ∫ (1 − m·sin²t)^(−1/2) dt, t from 0 to π/2",
        "DLMF 19.2.8",
        domain=(BELOW_ONE,),
        aliases=("elliptic_k",),
    ),
    Operation(
        "ellipe",
        ("m",),
        "complete elliptic integral E of the parameter m = k²: ∫ (1 − m·sin²t)^(1/2) dt, t from 0 to π/2",
        "DLMF 19.2.8",
        domain=(interval("(-inf, 1]"),),
        aliases=("elliptic_e",),
    ),
    Operation(
        "ellipkinc",
        ("phi", "m"),
        "incomplete elliptic integral F of the amplitude phi and the parameter m = k²",
        "DLMF 19.2.4",
        domain=AMPLITUDE_AND_PARAMETER,
        aliases=("elliptic_f", "ellipf"),
    ),
    Operation(
        "ellipeinc",
        ("phi", "m"),
        "incomplete elliptic integral E of the amplitude phi and the parameter m = k²",
        "DLMF 19.2.5",
        domain=AMPLITUDE_AND_PARAMETER,
    ),
)

ROWS = (*GAMMA, *EXPONENTIAL, *ERRORS, *ELLIPTIC)
