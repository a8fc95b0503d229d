"""What each row that yields a number is to mpmath, which shares nothing with the
verifier: its operands in order.

A row that has a definition and no function here is that definition, in mpmath's
functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mpmath import mp

from verifier.language.operations.table import OPERATIONS, Operation
from verifier.language.programs.program import Program
from verifier.language.programs.rewriting import definition

ELEMENTARY: dict[str, Callable[..., Any]] = {
    "identity": lambda x: x,
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: mp.power(x, y),
    "neg": lambda x: -x,
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1 / x,
    "sqrt": mp.sqrt,
    "rsqrt": lambda x: 1 / mp.sqrt(x),
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "abs": abs,
    "sign": mp.sign,
    "hypot": mp.hypot,
    "exp": mp.exp,
    "exp2": lambda x: mp.power(2, x),
    "expm1": mp.expm1,
    "log": mp.log,
    "log2": lambda x: mp.log(x, 2),
    "log10": mp.log10,
    "log1p": mp.log1p,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "sec": mp.sec,
    "csc": mp.csc,
    "cot": mp.cot,
    "asin": mp.asin,
    "acos": mp.acos,
    "atan": mp.atan,
    "atan2": mp.atan2,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "sech": mp.sech,
    "csch": mp.csch,
    "coth": mp.coth,
    "asinh": mp.asinh,
    "acosh": mp.acosh,
    "atanh": mp.atanh,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "relu": lambda x: max(x, mp.zero),
    "erf": mp.erf,
    "erfc": mp.erfc,
    "lgamma": lambda x: mp.log(abs(mp.gamma(x))),
    "digamma": mp.digamma,
    "polygamma": lambda n, x: mp.psi(int(n), x),
    "max": max,
    "min": min,
    "floor": mp.floor,
    "ceil": mp.ceil,
    # torch.clamp: "If min is greater than max, sets all elements to the value of max."
    "clamp": lambda x, low, high: (
        high if x > high or low > high else low if x < low else x
    ),
}

STEPS: dict[str, Callable[..., Any]] = {
    "trunc": lambda x: mp.floor(x) if x > 0 else mp.ceil(x),
    "frac": lambda x: x - int(x),
    "rint": mp.nint,
    "round": lambda x, decimals: (
        mp.nint(x * mp.mpf(10) ** decimals) / mp.mpf(10) ** decimals
    ),
    "fmod": lambda x, y: mp.sign(x) * (abs(x) % abs(y)),
    "remainder": lambda x, y: x % y,
    "copysign": lambda x, y: abs(x) if y > 0 else -abs(x),
    "angle": mp.arg,
    "fmax": max,
    "fmin": min,
    "clamp_min": max,
    "clamp_max": min,
    "nan_to_num": lambda x: x,
    "deg2rad": mp.radians,
    "rad2deg": mp.degrees,
    "ldexp": lambda x, y: x * mp.power(2, y),
    "float_power": lambda x, y: mp.power(x, y),
    "rsub": lambda x, y, alpha: y - alpha * x,
    "addcmul": lambda x, y, z, value: x + value * y * z,
    "addcdiv": lambda x, y, z, value: x + value * y / z,
    "lerp": lambda x, y, weight: (1 - weight) * x + weight * y,
}


def _logit(x: Any) -> Any:
    return mp.log(x / (1 - x))


SPECIAL: dict[str, Callable[..., Any]] = {
    "erfinv": mp.erfinv,
    "erfcinv": lambda x: mp.erfinv(1 - x),
    "erfcx": lambda x: mp.exp(x * x) * mp.erfc(x),
    "ndtr": mp.ncdf,
    "ndtri": lambda x: mp.sqrt(2) * mp.erfinv(2 * x - 1),
    "log_ndtr": lambda x: mp.log(mp.ncdf(x)),
    "logit": lambda x, eps: _logit(
        x if eps < 0 or eps <= x <= 1 - eps else eps if x < eps else 1 - eps
    ),
    "entr": lambda x: -x * mp.log(x),
    "xlogy": lambda x, y: x * mp.log(y),
    "xlog1py": lambda x, y: x * mp.log1p(y),
    "logaddexp": lambda x, y: mp.log(mp.exp(x) + mp.exp(y)),
    "logaddexp2": lambda x, y: mp.log(mp.power(2, x) + mp.power(2, y), 2),
    "besselj": mp.besselj,
    "bessely": mp.bessely,
    "besseli": mp.besseli,
    "besselk": mp.besselk,
    "i0": lambda x: mp.besseli(0, x),
    "i1": lambda x: mp.besseli(1, x),
    "i0e": lambda x: mp.exp(-abs(x)) * mp.besseli(0, x),
    "i1e": lambda x: mp.exp(-abs(x)) * mp.besseli(1, x),
    "bessel_j0": lambda x: mp.besselj(0, x),
    "bessel_j1": lambda x: mp.besselj(1, x),
    "bessel_y0": lambda x: mp.bessely(0, x),
    "bessel_y1": lambda x: mp.bessely(1, x),
    "modified_bessel_i0": lambda x: mp.besseli(0, x),
    "modified_bessel_i1": lambda x: mp.besseli(1, x),
    "modified_bessel_k0": lambda x: mp.besselk(0, x),
    "modified_bessel_k1": lambda x: mp.besselk(1, x),
    "scaled_modified_bessel_k0": lambda x: mp.exp(x) * mp.besselk(0, x),
    "scaled_modified_bessel_k1": lambda x: mp.exp(x) * mp.besselk(1, x),
    "spherical_bessel_j0": mp.sinc,
    "sinc": mp.sincpi,
    # |Γₚ(x)| as the product that Wilks and others derive it by
    "mvlgamma": lambda x, p: mp.log(
        abs(
            mp.power(mp.pi, p * (p - 1) / 4)
            * mp.fprod(mp.gamma(x - mp.mpf(j) / 2) for j in range(int(p)))
        )
    ),
    "gamma": mp.gamma,
    "beta": mp.beta,
    "betaln": lambda x, y: mp.log(abs(mp.beta(x, y))),
    "asec": mp.asec,
    "acsc": mp.acsc,
    "acot": mp.acot,
    "asech": mp.asech,
    "acsch": mp.acsch,
    "acoth": mp.acoth,
}


def _spherical(kind: Callable[..., Any]) -> Callable[..., Any]:
    return lambda n, x: mp.sqrt(mp.pi / (2 * x)) * kind(n + mp.mpf(1) / 2, x)


def _regular_spherical(sign: int) -> Callable[..., Any]:
    """jₙ or iₙ, of negative numbers too, by parity (DLMF 10.47.14 and 10.47.16)."""
    kind = mp.besselj if sign < 0 else mp.besseli

    def witness(n: Any, x: Any) -> Any:
        flip = -1 if x < 0 and int(n) % 2 else 1
        root = mp.sqrt(mp.pi / (2 * abs(x)))
        return flip * root * kind(n + mp.mpf(1) / 2, abs(x))

    return witness


def _faddeeva(x: Any, y: Any) -> Any:
    z = mp.mpc(x, y)
    return mp.exp(-z * z) * mp.erfc(mp.mpc(0, -1) * z)


def _voigt(x: Any, sigma: Any, gamma: Any) -> Any:
    scale = sigma * mp.sqrt(2)
    return mp.re(_faddeeva(x / scale, gamma / scale)) / (sigma * mp.sqrt(2 * mp.pi))


def _swapped(polynomial: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, n: polynomial(n, x)


def _hermite_norm(n: Any, x: Any) -> Any:
    return mp.power(2, -n / 2) * mp.hermite(n, x / mp.sqrt(2))


FURTHER: dict[str, Callable[..., Any]] = {
    "gammainc": lambda a, x: mp.gammainc(a, 0, x, regularized=True),
    "gammaincc": lambda a, x: mp.gammainc(a, x, mp.inf, regularized=True),
    "lowergamma": lambda a, x: mp.gammainc(a, 0, x),
    "uppergamma": lambda a, x: mp.gammainc(a, x, mp.inf),
    "betainc": lambda a, b, x: mp.betainc(a, b, 0, x, regularized=True),
    "zeta": mp.zeta,
    "polylog": lambda s, x: mp.re(mp.polylog(s, x)),
    "lambertw": lambda x, k: mp.re(mp.lambertw(x, int(k))),
    "expn": mp.expint,
    "exp1": mp.e1,
    "expi": mp.ei,
    "li": mp.li,
    "Si": mp.si,
    "Ci": mp.ci,
    "Shi": mp.shi,
    "Chi": mp.chi,
    "erfi": mp.erfi,
    "dawsn": lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x),
    "fresnels": mp.fresnels,
    "fresnelc": mp.fresnelc,
    "wofz_real": lambda x, y: mp.re(_faddeeva(x, y)),
    "wofz_imag": lambda x, y: mp.im(_faddeeva(x, y)),
    "voigt_profile": _voigt,
    "ellipk": mp.ellipk,
    "ellipe": mp.ellipe,
    "ellipkinc": mp.ellipf,
    "ellipeinc": mp.ellipe,
    "airy_ai": mp.airyai,
    "airy_bi": mp.airybi,
    "airy_ai_prime": lambda x: mp.airyai(x, derivative=1),
    "airy_bi_prime": lambda x: mp.airybi(x, derivative=1),
    "struve": mp.struveh,
    "modstruve": mp.struvel,
    "spherical_jn": _regular_spherical(-1),
    "spherical_yn": _spherical(mp.bessely),
    "spherical_in": _regular_spherical(1),
    "spherical_kn": _spherical(mp.besselk),
    "eval_legendre": mp.legendre,
    "eval_chebyt": mp.chebyt,
    "eval_chebyu": mp.chebyu,
    "eval_gegenbauer": mp.gegenbauer,
    "eval_jacobi": mp.jacobi,
    "eval_hermite": mp.hermite,
    "eval_hermitenorm": _hermite_norm,
    "eval_laguerre": lambda n, x: mp.laguerre(n, 0, x),
    "eval_genlaguerre": mp.laguerre,
    "chebyshev_polynomial_t": _swapped(mp.chebyt),
    "chebyshev_polynomial_u": _swapped(mp.chebyu),
    "hermite_polynomial_h": _swapped(mp.hermite),
    "hermite_polynomial_he": _swapped(_hermite_norm),
    "laguerre_polynomial_l": _swapped(lambda n, x: mp.laguerre(n, 0, x)),
    "legendre_polynomial_p": _swapped(mp.legendre),
}


def _selu(x: Any) -> Any:
    """With the constants of torch.nn.SELU's documentation."""
    alpha = mp.mpf("1.6732632423543772848170429916717")
    scale = mp.mpf("1.0507009873554804934193349852946")
    return scale * (max(x, mp.zero) + min(mp.zero, alpha * mp.expm1(x)))


def _envelope(distance: Any, delta: Any) -> Any:
    """The Moreau envelope of delta · |p|, at its minimum p = max(distance − delta,
    0)."""
    p = max(distance - delta, mp.zero)
    return delta * p + (distance - p) ** 2 / 2


ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "gelu": lambda x: x * mp.ncdf(x),
    "gelu_tanh": lambda x: (
        x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3)))
    ),
    "silu": lambda x: x / (1 + mp.exp(-x)),
    # tanh(log(1 + u)) = ((1 + u)² − 1) / ((1 + u)² + 1)
    "mish": lambda x: x * ((1 + mp.exp(x)) ** 2 - 1) / ((1 + mp.exp(x)) ** 2 + 1),
    "softplus": lambda x, beta, threshold: mp.log(1 + mp.exp(beta * x)) / beta,
    "logsigmoid": lambda x: mp.log(1 / (1 + mp.exp(-x))),
    "softsign": lambda x: x / (1 + abs(x)),
    "tanhshrink": lambda x: x - mp.sinh(x) / mp.cosh(x),
    "elu": lambda x, alpha: x if x > 0 else alpha * mp.expm1(x),
    "celu": lambda x, alpha: (
        max(x, mp.zero) + min(mp.zero, alpha * mp.expm1(x / alpha))
    ),
    "selu": _selu,
    "hardswish": lambda x: x if x >= 3 else mp.zero if x <= -3 else x * (x + 3) / 6,
    "hardsigmoid": lambda x: (
        mp.one if x >= 3 else mp.zero if x <= -3 else x / 6 + mp.mpf(1) / 2
    ),
    "hardtanh": lambda x, low, high: min(max(x, low), high),
    "relu6": lambda x: min(max(x, mp.zero), mp.mpf(6)),
    "leaky_relu": lambda x, slope: max(x, mp.zero) + slope * min(x, mp.zero),
    "rrelu": lambda x, lower, upper: (
        max(x, mp.zero) + (lower + upper) / 2 * min(x, mp.zero)
    ),
    "prelu": lambda x, weight: max(x, mp.zero) + weight * min(x, mp.zero),
    "softshrink": lambda x, lambd: mp.sign(x) * max(abs(x) - lambd, mp.zero),
    "hardshrink": lambda x, lambd: x if abs(x) > lambd else mp.zero,
    "threshold": lambda x, threshold, value: x if x > threshold else value,
    "glu": lambda a, b: a / (1 + mp.exp(-b)),
}

LOSSES: dict[str, Callable[..., Any]] = {
    "mse_loss": lambda x, y: (x - y) ** 2,
    "l1_loss": lambda x, y: abs(x - y),
    "huber_loss": lambda x, y, delta: _envelope(abs(x - y), delta),
    "smooth_l1_loss": lambda x, y, beta: _envelope(abs(x - y), beta) / beta,
    "binary_cross_entropy": lambda x, y: -y * mp.log(x) - (1 - y) * mp.log(1 - x),
    "binary_cross_entropy_with_logits": lambda x, y: (
        max(x, mp.zero) - x * y + mp.log(1 + mp.exp(-abs(x)))
    ),
    "kl_div": lambda x, y: y * mp.log(y / mp.exp(x)),
    "kl_div_log": lambda x, y: mp.exp(y) * (y - x),
    "poisson_nll_loss": lambda x, y: mp.exp(x) - y * x,
    "poisson_nll_loss_rate": lambda x, y, eps: x - y * mp.log(x + eps),
    # −log of the normal density, without the constant log(2π) / 2
    "gaussian_nll_loss": lambda x, y, var, eps: (
        -mp.log(mp.npdf(x, y, mp.sqrt(max(var, eps)))) - mp.log(2 * mp.pi) / 2
    ),
    "soft_margin_loss": lambda x, y: mp.log(1 + mp.exp(-x * y)),
    "hinge_embedding_loss": lambda x, y, margin: {
        1: x,
        -1: max(margin - x, mp.zero),
    }.get(int(y), max(margin, x)),
    "margin_ranking_loss": lambda a, b, y, margin: max(-y * (a - b) + margin, mp.zero),
}


RELATIONS: dict[str, Callable[..., Any]] = {
    "lt": lambda x, y: x < y,
    "le": lambda x, y: x <= y,
    "gt": lambda x, y: x > y,
    "ge": lambda x, y: x >= y,
    "eq": lambda x, y: x == y,
    "ne": lambda x, y: x != y,
    "logical_and": lambda p, q: p and q,
    "logical_or": lambda p, q: p or q,
    "logical_not": lambda p: not p,
    "where": lambda p, x, y: x if p else y,
}


def by_definition(row: Operation) -> Callable[..., Any]:
    """A row's definition in mpmath: what PyTorch has as one function is checked against
    it all the same."""
    program = definition(row)

    def witness(*operands: Any) -> Any:
        return evaluated(program, dict(zip(row.operands, operands, strict=True)))

    return witness


def evaluated(program: Program, given: Mapping[str, Any]) -> Any:
    """The value of a program in mpmath."""
    constants = {"pi": mp.pi, "e": mp.e, "inf": mp.inf}
    values: list[Any] = []
    for node in program.nodes:
        if node.operation == "variable":
            values.append(given[node.name or ""])
        elif node.number is not None:
            values.append(mp.mpf(node.number.numerator) / node.number.denominator)
        elif node.operation == "constant":
            values.append(+constants[node.name or ""])
        else:
            function = (WITNESS | RELATIONS)[node.operation]
            values.append(function(*(values[i] for i in node.arguments)))
    return values[program.output]


OWN = {**ELEMENTARY, **STEPS, **SPECIAL, **FURTHER, **ACTIVATIONS, **LOSSES}
DEFINED = [row for row in OPERATIONS.values() if row.definition is not None]
WITNESS = {**{row.name: by_definition(row) for row in DEFINED}, **OWN}
