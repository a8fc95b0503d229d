"""What each row that yields a number is to mpmath, which shares nothing with the verifier: its operands in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpmath import mp

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
    "softplus": lambda x: mp.log1p(mp.exp(x)),
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

ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "elu": lambda x, alpha: x if x > 0 else alpha * mp.expm1(x),
}

WITNESS = {**ELEMENTARY, **STEPS, **SPECIAL, **ACTIVATIONS}
