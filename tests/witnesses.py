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

SPECIAL: dict[str, Callable[..., Any]] = {
    "logit": lambda x: mp.log(x / (1 - x)),
}

ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "elu": lambda x, alpha: x if x > 0 else alpha * mp.expm1(x),
}

WITNESS = {**ELEMENTARY, **STEPS, **SPECIAL, **ACTIVATIONS}
