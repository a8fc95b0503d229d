"""FPCore 2.0's constants and operations, and what each is in our language."""

from __future__ import annotations

from dataclasses import dataclass

CONSTANTS = {
    "E": "e",
    "LOG2E": "1/log(2)",
    "LOG10E": "1/log(10)",
    "LN2": "log(2)",
    "LN10": "log(10)",
    "PI": "pi",
    "PI_2": "pi/2",
    "PI_4": "pi/4",
    "M_1_PI": "1/pi",
    "M_2_PI": "2/pi",
    "M_2_SQRTPI": "2/sqrt(pi)",
    "SQRT2": "sqrt(2)",
    "SQRT1_2": "sqrt(1/2)",
    "INFINITY": "inf",
}
"""Named as in C11's `math.h`."""
TRUTHS = {"TRUE": "eq", "FALSE": "ne"}
"""Our language has no constants of truth: 1 == 1 is true, and 1 != 1 is not."""


@dataclass(frozen=True, slots=True)
class Row:
    """An operation that the table may hold as it is."""

    row: str


@dataclass(frozen=True, slots=True)
class Fold:
    """One of any number of operands from `least` on, read from the left.

    Of a single operand where `least` is 2, `of_one` is the row, if there is one.
    """

    row: str
    least: int
    of_one: str | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """A relation between neighbours, or between `all_pairs`."""

    row: str
    all_pairs: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """An operation written out in others.

    Equal over the reals, and the reader of the case is told.
    """

    operands: tuple[str, ...]
    formula: str


@dataclass(frozen=True, slots=True)
class Unsupported:
    """An operation of FPCore's that has no meaning here."""


Meaning = Row | Fold | Chain | Form | Unsupported

OPERATIONS: dict[str, Meaning] = {
    "+": Fold("add", least=1),
    "-": Fold("sub", least=2, of_one="neg"),
    "*": Fold("mul", least=2),
    "/": Fold("div", least=2),
    "<": Chain("lt"),
    "<=": Chain("le"),
    ">": Chain("gt"),
    ">=": Chain("ge"),
    "==": Chain("eq"),
    "!=": Chain("ne", all_pairs=True),
    "and": Fold("logical_and", least=1),
    "or": Fold("logical_or", least=1),
    "not": Row("logical_not"),
    "fabs": Row("abs"),
    "fmax": Row("max"),
    "fmin": Row("min"),
    "nearbyint": Row("rint"),
    "tgamma": Row("gamma"),
    **{
        name: Row(name)
        for name in (
            "pow exp exp2 expm1 log log10 log2 log1p sqrt cbrt hypot sin cos tan asin "
            "acos atan atan2 sinh cosh tanh asinh acosh atanh erf erfc lgamma ceil "
            "floor trunc fmod copysign isfinite isinf isnan signbit"
        ).split()
    },
    "fma": Form(("x", "y", "z"), "x*y + z"),
    "fdim": Form(("x", "y"), "max(x - y, 0)"),
    "round": Form(("x",), "sign(x)*floor(abs(x) + 1/2)"),
    "remainder": Form(("x", "y"), "x - y*rint(x/y)"),
    **{
        name: Unsupported()
        for name in (
            "isnormal dim size ref while while* for for* tensor tensor* array #"
        ).split()
    },
}
"""FPCore's `round` takes ties away from zero, `nearbyint` to even, as PyTorch's does.

Its `remainder` is IEEE 754's; PyTorch's takes the sign of the divisor.
"""
