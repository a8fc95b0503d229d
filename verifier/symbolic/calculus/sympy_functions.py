"""What each operation is to SymPy, and what SymPy's functions are called here.

Every symbol is real. Choices and magnitudes are functions of our own, because SymPy's
rewrite themselves: `Abs(log(x))` differentiates into `re` and `im`, `Max` into
`Heaviside` of unevaluated differences, and at a kink each of them answers with a number
(`Heaviside(0)` is 1/2) where there is none. Where a choice turns is not decided here:
the stepwise derivative sees it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy

from verifier.symbolic.calculus import sympy_special

Symbolic = Any
"""A SymPy expression: SymPy publishes no types."""


class Magnitude(sympy.Function):  # type: ignore[misc]
    """|u| of a real u."""

    nargs = 1
    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Symbolic:
        return Direction(self.args[0])


class Direction(sympy.Function):  # type: ignore[misc]
    """The sign of a real u; its derivative is 0 wherever it has one."""

    nargs = 1
    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Symbolic:
        return sympy.S.Zero


class Larger(sympy.Function):  # type: ignore[misc]
    """The larger of two reals."""

    nargs = 2
    is_extended_real = True

    @classmethod
    def eval(cls, first: Symbolic, second: Symbolic) -> Symbolic:
        return first if first == second else None

    def fdiff(self, argindex: int = 1) -> Symbolic:
        first, second = self.args
        return Above(first, second) if argindex == 1 else Above(second, first)


class Above(sympy.Function):  # type: ignore[misc]
    """1 where the first exceeds the second, 0 where it falls short."""

    nargs = 2
    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Symbolic:
        return sympy.S.Zero


class Choice(sympy.Function):  # type: ignore[misc]
    """The second operand where the condition, an opaque symbol, holds; else the
    third."""

    nargs = 3
    is_extended_real = True

    def _eval_derivative(self, symbol: Symbolic) -> Symbolic:
        condition, chosen, other = self.args
        return Choice(condition, chosen.diff(symbol), other.diff(symbol))

    @classmethod
    def eval(cls, condition: Symbolic, chosen: Symbolic, other: Symbolic) -> Symbolic:
        return chosen if chosen == other else None


class WholeNumber(sympy.Function):  # type: ignore[misc]
    """The integer below (first operand −1) or above (1) the second; its derivative is 0
    wherever it has one."""

    nargs = 2
    is_extended_real = True

    def fdiff(self, argindex: int = 2) -> Symbolic:
        return sympy.S.Zero


class ErfInverse(sympy.Function):  # type: ignore[misc]
    """The inverse of erf (DLMF 7.17.1); SymPy's own takes `erfinv(erf(x))` for x."""

    nargs = 1
    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Symbolic:
        return sympy.sqrt(sympy.pi) / 2 * sympy.exp(self**2)


class ErfcInverse(sympy.Function):  # type: ignore[misc]
    """The inverse of erfc."""

    nargs = 1
    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Symbolic:
        return -sympy.sqrt(sympy.pi) / 2 * sympy.exp(self**2)


class ErfcScaled(sympy.Function):  # type: ignore[misc]
    """e^u² · erfc(u)."""

    nargs = 1
    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Symbolic:
        return 2 * self.args[0] * self - 2 / sympy.sqrt(sympy.pi)


class Sinc(sympy.Function):  # type: ignore[misc]
    """sin(πu) / (πu)."""

    nargs = 1
    is_extended_real = True

    def fdiff(self, argindex: int = 1) -> Symbolic:
        return (sympy.cos(sympy.pi * self.args[0]) - self) / self.args[0]


class _Cylinder(sympy.Function):  # type: ignore[misc]
    """A Bessel function of integer order, by the recurrence of its derivative (DLMF
    10.6.1 and 10.29.1)."""

    nargs = 2
    is_extended_real = True
    _signs: tuple[int, int]

    def fdiff(self, argindex: int = 2) -> Symbolic:
        order, argument = self.args
        below, above = (
            sign * self.func(order + step, argument)
            for sign, step in zip(self._signs, (-1, 1), strict=True)
        )
        return (below + above) / 2


class BesselJ(_Cylinder):
    """Jₙ(u)."""

    _signs = (1, -1)


class BesselY(_Cylinder):
    """Yₙ(u)."""

    _signs = (1, -1)


class BesselI(_Cylinder):
    """Iₙ(u)."""

    _signs = (1, 1)


class BesselK(_Cylinder):
    """Kₙ(u)."""

    _signs = (-1, -1)


OPERATIONS: dict[str, Callable[..., Symbolic]] = {
    "identity": lambda x: x,
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "neg": lambda x: -x,
    "square": lambda x: x**2,
    "reciprocal": lambda x: 1 / x,
    "sqrt": sympy.sqrt,
    "rsqrt": lambda x: 1 / sympy.sqrt(x),
    "cbrt": lambda x: Direction(x) * Magnitude(x) ** sympy.Rational(1, 3),
    "abs": Magnitude,
    "sign": Direction,
    "floor": lambda x: WholeNumber(-1, x),
    "ceil": lambda x: WholeNumber(1, x),
    "hypot": lambda x, y: sympy.sqrt(x**2 + y**2),
    "exp": sympy.exp,
    "exp2": lambda x: sympy.exp(x * sympy.log(2)),
    "expm1": lambda x: sympy.exp(x) - 1,
    "log": sympy.log,
    "log2": lambda x: sympy.log(x) / sympy.log(2),
    "log10": lambda x: sympy.log(x) / sympy.log(10),
    "log1p": lambda x: sympy.log(1 + x),
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "sec": lambda x: 1 / sympy.cos(x),
    "csc": lambda x: 1 / sympy.sin(x),
    "cot": lambda x: 1 / sympy.tan(x),
    "asin": sympy.asin,
    "acos": sympy.acos,
    "atan": sympy.atan,
    "atan2": sympy.atan2,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "tanh": sympy.tanh,
    "sech": lambda x: 1 / sympy.cosh(x),
    "csch": lambda x: 1 / sympy.sinh(x),
    "coth": lambda x: 1 / sympy.tanh(x),
    "asinh": sympy.asinh,
    "acosh": sympy.acosh,
    "atanh": sympy.atanh,
    "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)),
    "relu": lambda x: Larger(x, sympy.S.Zero),
    "erf": sympy.erf,
    "erfc": sympy.erfc,
    "lgamma": sympy_special.lgamma,
    "digamma": lambda x: sympy.polygamma(0, x),
    "polygamma": sympy.polygamma,
    # Special functions
    "erfinv": ErfInverse,
    "erfcinv": ErfcInverse,
    "erfcx": ErfcScaled,
    "sinc": Sinc,
    "besselj": BesselJ,
    "bessely": BesselY,
    "besseli": BesselI,
    "besselk": BesselK,
    **sympy_special.OPERATIONS,
    "max": Larger,
    "min": lambda x, y: -Larger(-x, -y),
    "clamp": lambda x, low, high: -Larger(-Larger(x, low), -high),
    "nan_to_num": lambda x: x,
    "where": Choice,
}
"""What each row that yields a number is to SymPy. Conditions stay opaque symbols."""

CONSTANTS = {"pi": sympy.pi, "e": sympy.E, "inf": sympy.oo}

NAMES: dict[Symbolic, str] = {
    Magnitude: "abs",
    Direction: "sign",
    Larger: "max",
    Above: "above",
    Choice: "where",
    **sympy_special.NAMES,
    # Special functions
    ErfInverse: "erfinv",
    ErfcInverse: "erfcinv",
    ErfcScaled: "erfcx",
    Sinc: "sinc",
    BesselJ: "besselj",
    BesselY: "bessely",
    BesselI: "besseli",
    BesselK: "besselk",
    sympy.Abs: "abs",
    sympy.sign: "sign",
    sympy.exp: "exp",
    sympy.log: "log",
    sympy.sin: "sin",
    sympy.cos: "cos",
    sympy.tan: "tan",
    sympy.asin: "asin",
    sympy.acos: "acos",
    sympy.atan: "atan",
    sympy.atan2: "atan2",
    sympy.sinh: "sinh",
    sympy.cosh: "cosh",
    sympy.tanh: "tanh",
    sympy.asinh: "asinh",
    sympy.acosh: "acosh",
    sympy.atanh: "atanh",
    sympy.erf: "erf",
    sympy.erfc: "erfc",
    sympy.polygamma: "polygamma",
    sympy.sec: "sec",
    sympy.csc: "csc",
    sympy.cot: "cot",
    sympy.sech: "sech",
    sympy.csch: "csch",
    sympy.coth: "coth",
}


def written_name(function: Symbolic) -> str:
    """What one of SymPy's functions, or of our own, is called in the language of case
    files."""
    return NAMES.get(function) or str(function.__name__)
