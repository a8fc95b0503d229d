"""The table of operations: what each one is, where it is defined, and what PyTorch says of its derivative.

One row an operation, three readings elsewhere (`symbolic.derivative`, `symbolic.balls`, `automatic.lowering`), each a
dictionary keyed by the row's name. Nothing here computes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A real interval; an end that is None is infinite."""

    lower: Fraction | None = None
    upper: Fraction | None = None
    lower_closed: bool = False
    upper_closed: bool = False

    def __str__(self) -> str:
        left = "[" if self.lower_closed else "("
        right = "]" if self.upper_closed else ")"
        lower = "-inf" if self.lower is None else str(self.lower)
        upper = "inf" if self.upper is None else str(self.upper)
        return f"{left}{lower}, {upper}{right}"


_INTERVAL = re.compile(r"([\[(])\s*(\S+)\s*,\s*(\S+)\s*([\])])")


def interval(text: str) -> Interval:
    """The interval that `text` spells, such as `(0, inf)` or `[-1, 1]`; its ends are rational."""
    found = _INTERVAL.fullmatch(text)
    if found is None:
        raise ValueError(f"not an interval: {text!r}")
    left, lower, upper, right = found.groups()
    return Interval(
        lower=None if lower == "-inf" else Fraction(lower),
        upper=None if upper == "inf" else Fraction(upper),
        lower_closed=left == "[",
        upper_closed=right == "]",
    )


class Sort(Enum):
    """What an operand or a result is."""

    NUMBER = "a number"
    CONDITION = "a condition"


N, C = Sort.NUMBER, Sort.CONDITION
LINE = interval("(-inf, inf)")
POSITIVE = interval("(0, inf)")
NONNEGATIVE = interval("[0, inf)")

BASIC_ULP = Fraction(1, 2)
"""+ − × ÷ are correctly rounded (IEEE 754-2019, section 5.4.1)."""
VECTOR_SQRT_ULP = Fraction(1)
"""On long contiguous tensors PyTorch's CPU kernel is MKL's vector square root, faithful but not correctly rounded
(oneMKL, Vector Mathematical Functions, high accuracy mode: below 1 ulp; 0.506 ulp was seen)."""
ELEMENTARY_ULP = Fraction(2)
"""Twice the 1.0 ulp that SLEEF documents for the `u10` functions PyTorch calls on a CPU."""

GAMMA_ULP = Fraction(8)
"""PyTorch's digamma follows Cephes' `psi`, which documents a peak relative error of 1.3e-15, some 6 ulps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A row of the table.

    `backward` holds, for each operand, PyTorch's own formula for the vector-Jacobian product (derivatives.yaml and
    FunctionsManual.cpp of PyTorch 2.13) in this language, in terms of the operands, `result` and `grad`; None where
    nothing flows back. `composition` spells an operation that PyTorch lacks as one function. `forward_ulp` bounds
    the local error of a faithful implementation. `kinks` are points of continuity without a derivative, `poles` and
    `jumps` those without continuity, for functions of one operand as numbers, otherwise in words.
    """

    name: str
    operands: tuple[str, ...]
    meaning: str
    domain: tuple[Interval, ...]
    source: str
    aliases: tuple[str, ...] = ()
    sorts: tuple[Sort, ...] = (N,)
    result: Sort = N
    backward: tuple[str | None, ...] = ()
    composition: str | None = None
    forward_ulp: Fraction = ELEMENTARY_ULP
    kinks: tuple[str, ...] = ()
    jumps: tuple[str, ...] = ()
    poles: tuple[str, ...] = ()
    convention: str | None = None
    symbol: str | None = None
    variadic: bool = False

    @property
    def arity(self) -> int:
        """The number of operands (of a variadic operation: of one application)."""
        return len(self.operands)


def _unary(
    name: str,
    meaning: str,
    backward: str | None,
    source: str,
    *,
    domain: Interval = LINE,
    aliases: tuple[str, ...] = (),
    forward_ulp: Fraction = ELEMENTARY_ULP,
    kinks: tuple[str, ...] = (),
    jumps: tuple[str, ...] = (),
    poles: tuple[str, ...] = (),
    convention: str | None = None,
) -> Operation:
    return Operation(
        name=name,
        operands=("x",),
        meaning=meaning,
        domain=(domain,),
        source=source,
        aliases=aliases,
        backward=(backward,),
        forward_ulp=forward_ulp,
        kinks=kinks,
        jumps=jumps,
        poles=poles,
        convention=convention,
    )


def _binary(
    name: str,
    meaning: str,
    backward: tuple[str | None, str | None],
    source: str,
    *,
    operands: tuple[str, str] = ("x", "y"),
    domain: tuple[Interval, Interval] = (LINE, LINE),
    aliases: tuple[str, ...] = (),
    forward_ulp: Fraction = ELEMENTARY_ULP,
    kinks: tuple[str, ...] = (),
    jumps: tuple[str, ...] = (),
    poles: tuple[str, ...] = (),
    convention: str | None = None,
    symbol: str | None = None,
    variadic: bool = False,
) -> Operation:
    return Operation(
        name=name,
        operands=operands,
        meaning=meaning,
        domain=domain,
        source=source,
        aliases=aliases,
        sorts=(N, N),
        backward=backward,
        forward_ulp=forward_ulp,
        kinks=kinks,
        jumps=jumps,
        poles=poles,
        convention=convention,
        symbol=symbol,
        variadic=variadic,
    )


def _composed(
    name: str,
    meaning: str,
    composition: str,
    source: str,
    *,
    domain: Interval = LINE,
    aliases: tuple[str, ...] = (),
    kinks: tuple[str, ...] = (),
    jumps: tuple[str, ...] = (),
    poles: tuple[str, ...] = (),
    convention: str | None = None,
) -> Operation:
    return Operation(
        name=name,
        operands=("x",),
        meaning=meaning,
        domain=(domain,),
        source=source,
        aliases=aliases,
        composition=composition,
        kinks=kinks,
        jumps=jumps,
        poles=poles,
        convention=convention,
    )


def _relation(
    name: str, meaning: str, symbol: str, aliases: tuple[str, ...]
) -> Operation:
    return Operation(
        name=name,
        operands=("x", "y"),
        meaning=meaning,
        domain=(LINE, LINE),
        source="IEEE 754-2019, section 5.11",
        aliases=aliases,
        sorts=(N, N),
        result=C,
        symbol=symbol,
        jumps=("x = y",),
    )


def _connective(
    name: str, meaning: str, symbol: str, aliases: tuple[str, ...], arity: int
) -> Operation:
    return Operation(
        name=name,
        operands=("p", "q")[:arity],
        meaning=meaning,
        domain=(),
        source="Python reference, section 6.11",
        aliases=aliases,
        sorts=(C,) * arity,
        result=C,
        symbol=symbol,
        variadic=arity == 2,
    )


_ROWS = (
    # Arithmetic
    _binary(
        "add",
        "x + y",
        ("grad", "grad"),
        "IEEE 754-2019, section 5.4.1",
        forward_ulp=BASIC_ULP,
        symbol="+",
        aliases=("Add",),
        variadic=True,
    ),
    _binary(
        "sub",
        "x − y",
        ("grad", "-grad"),
        "IEEE 754-2019, section 5.4.1",
        forward_ulp=BASIC_ULP,
        symbol="-",
    ),
    _binary(
        "mul",
        "x · y",
        ("grad * y", "grad * x"),
        "IEEE 754-2019, section 5.4.1",
        forward_ulp=BASIC_ULP,
        symbol="*",
        aliases=("Mul",),
        variadic=True,
    ),
    _binary(
        "div",
        "x / y",
        ("grad / y", "-grad * ((x / y) / y)"),
        "IEEE 754-2019, section 5.4.1",
        forward_ulp=BASIC_ULP,
        poles=("y = 0",),
        symbol="/",
    ),
    _binary(
        "pow",
        "x to the power y",
        (
            "where(y == 0, 0, grad * (y * x**(y - 1)))",
            "where(x == 0 and y >= 0, 0, grad * (result * log(x)))",
        ),
        "DLMF 4.2.26",
        domain=(POSITIVE, LINE),
        symbol="**",
        aliases=("Pow",),
        poles=("x = 0 where y < 0",),
        convention="0 for y = 0, and by y at x = 0 where y ≥ 0",
    ),
    _unary(
        "neg",
        "−x",
        "-grad",
        "IEEE 754-2019, section 5.5.1",
        forward_ulp=BASIC_ULP,
    ),
    _unary(
        "square",
        "x²",
        "grad * (2 * x)",
        "torch.square",
        forward_ulp=BASIC_ULP,
    ),
    _unary(
        "reciprocal",
        "1 / x",
        "-grad * (result * result)",
        "torch.reciprocal",
        forward_ulp=BASIC_ULP,
        poles=("0",),
    ),
    _unary(
        "identity",
        "x itself",
        "grad",
        "torch.nn.Identity",
        forward_ulp=Fraction(0),
    ),
    # Roots, magnitudes
    _unary(
        "sqrt",
        "square root",
        "grad / (2 * result)",
        "IEEE 754-2019, section 5.4.1",
        domain=NONNEGATIVE,
        forward_ulp=VECTOR_SQRT_ULP,
        convention="inf at 0",
    ),
    _unary(
        "rsqrt",
        "1 / √x",
        "-1/2 * grad * result**3",
        "torch.rsqrt",
        domain=POSITIVE,
    ),
    _composed(
        "cbrt",
        "real cube root",
        "sign(x) * abs(x)**(1/3)",
        "IEEE 754-2019, section 9.2 (rootn)",
        kinks=("0",),
    ),
    _unary(
        "abs",
        "absolute value",
        "grad * sign(x)",
        "torch.abs",
        aliases=("Abs", "fabs", "absolute"),
        forward_ulp=BASIC_ULP,
        kinks=("0",),
        convention="0 at 0",
    ),
    _unary(
        "sign",
        "−1, 0 or 1",
        None,
        "torch.sign",
        aliases=("sgn",),
        forward_ulp=BASIC_ULP,
        jumps=("0",),
        convention="0 everywhere",
    ),
    _binary(
        "hypot",
        "√(x² + y²)",
        ("grad * x / result", "grad * y / result"),
        "IEEE 754-2019, section 9.2",
        kinks=("x = y = 0",),
        convention="NaN at x = y = 0",
    ),
    _unary(
        "floor",
        "the largest integer not above x",
        None,
        "torch.floor",
        forward_ulp=BASIC_ULP,
        jumps=("integers",),
        convention="0 everywhere",
    ),
    _unary(
        "ceil",
        "the smallest integer not below x",
        None,
        "torch.ceil",
        aliases=("ceiling",),
        forward_ulp=BASIC_ULP,
        jumps=("integers",),
        convention="0 everywhere",
    ),
    # Exponentials and logarithms
    _unary("exp", "eˣ", "grad * result", "DLMF 4.2.19"),
    _unary("exp2", "2ˣ", "grad * result * log(2)", "IEEE 754-2019, section 9.2"),
    _unary("expm1", "eˣ − 1", "grad * (result + 1)", "IEEE 754-2019, section 9.2"),
    _unary(
        "log",
        "natural logarithm",
        "grad / x",
        "DLMF 4.2.2",
        domain=POSITIVE,
        aliases=("ln",),
    ),
    _unary(
        "log2",
        "logarithm to base 2",
        "grad / (x * log(2))",
        "IEEE 754-2019, section 9.2",
        domain=POSITIVE,
    ),
    _unary(
        "log10",
        "logarithm to base 10",
        "grad / (x * log(10))",
        "IEEE 754-2019, section 9.2",
        domain=POSITIVE,
    ),
    _unary(
        "log1p",
        "log(1 + x)",
        "grad / (x + 1)",
        "IEEE 754-2019, section 9.2",
        domain=interval("(-1, inf)"),
    ),
    # Trigonometry
    _unary("sin", "sine", "grad * cos(x)", "DLMF 4.14.1"),
    _unary("cos", "cosine", "grad * -sin(x)", "DLMF 4.14.2"),
    _unary("tan", "tangent", "grad * (1 + result**2)", "DLMF 4.14.4"),
    _composed("sec", "1 / cos x", "1 / cos(x)", "DLMF 4.14.6"),
    _composed("csc", "1 / sin x", "1 / sin(x)", "DLMF 4.14.5", poles=("0",)),
    _composed("cot", "1 / tan x", "1 / tan(x)", "DLMF 4.14.7", poles=("0",)),
    _unary(
        "asin",
        "inverse sine",
        "grad * rsqrt(-x * x + 1)",
        "DLMF 4.23.19",
        domain=interval("[-1, 1]"),
        aliases=("arcsin",),
        convention="inf at ±1",
    ),
    _unary(
        "acos",
        "inverse cosine",
        "grad * -rsqrt(-x * x + 1)",
        "DLMF 4.23.19",
        domain=interval("[-1, 1]"),
        aliases=("arccos",),
        convention="−inf at ±1",
    ),
    _unary(
        "atan",
        "inverse tangent",
        "grad / (x * x + 1)",
        "DLMF 4.23.3",
        aliases=("arctan",),
    ),
    _binary(
        "atan2",
        "angle of the point (x, y)",
        ("grad * x * (1 / (y*y + x*x))", "grad * -y * (1 / (y*y + x*x))"),
        "IEEE 754-2019, section 9.2",
        operands=("y", "x"),
        aliases=("arctan2",),
        jumps=("y = 0 where x ≤ 0",),
        convention="0 at x = y = 0",
    ),
    # Hyperbolic functions
    _unary("sinh", "hyperbolic sine", "grad * cosh(x)", "DLMF 4.28.1"),
    _unary("cosh", "hyperbolic cosine", "grad * sinh(x)", "DLMF 4.28.2"),
    _unary("tanh", "hyperbolic tangent", "grad * (1 - result * result)", "DLMF 4.28.4"),
    _composed("sech", "1 / cosh x", "1 / cosh(x)", "DLMF 4.28.6"),
    _composed("csch", "1 / sinh x", "1 / sinh(x)", "DLMF 4.28.5", poles=("0",)),
    _composed("coth", "1 / tanh x", "1 / tanh(x)", "DLMF 4.28.7", poles=("0",)),
    _unary(
        "asinh",
        "inverse hyperbolic sine",
        "grad * rsqrt(x**2 + 1)",
        "DLMF 4.37.16",
        aliases=("arcsinh",),
    ),
    _unary(
        "acosh",
        "inverse hyperbolic cosine",
        "grad * rsqrt(x * x - 1)",
        "DLMF 4.37.19",
        domain=interval("[1, inf)"),
        aliases=("arccosh",),
        convention="inf at 1",
    ),
    _unary(
        "atanh",
        "inverse hyperbolic tangent",
        "grad * 1 / (1 - x**2)",
        "DLMF 4.37.24",
        domain=interval("(-1, 1)"),
        aliases=("arctanh",),
    ),
    # Activations
    _unary(
        "sigmoid",
        "1 / (1 + e⁻ˣ)",
        "grad * ((1 - result) * result)",
        "torch.sigmoid",
        aliases=("expit", "logistic"),
        forward_ulp=Fraction(3),
    ),
    _unary(
        "softplus",
        "log(1 + eˣ)",
        "where(x > 20, grad, grad * exp(x) / (exp(x) + 1))",
        "torch.nn.functional.softplus",
        forward_ulp=Fraction(3),
        convention="x itself above the threshold 20",
    ),
    _unary(
        "relu",
        "max(x, 0)",
        "where(x > 0, grad, 0)",
        "torch.relu",
        forward_ulp=BASIC_ULP,
        kinks=("0",),
        convention="0 at 0",
    ),
    # Special functions
    _unary("erf", "error function", "2/sqrt(pi) * exp(-x**2) * grad", "DLMF 7.2.1"),
    _unary(
        "erfc",
        "complementary error function",
        "-2/sqrt(pi) * exp(-x**2) * grad",
        "DLMF 7.2.2",
    ),
    _unary(
        "lgamma",
        "log |Γ(x)|",
        "grad * digamma(x)",
        "DLMF 5.2.1",
        aliases=("loggamma", "gammaln"),
        poles=("0, −1, −2, …",),
    ),
    _unary(
        "digamma",
        "Γ′(x) / Γ(x)",
        "grad * polygamma(1, x)",
        "DLMF 5.2.2",
        aliases=("psi",),
        poles=("0, −1, −2, …",),
        forward_ulp=GAMMA_ULP,
    ),
    _binary(
        "polygamma",
        "n-th derivative of digamma; n is an integer constant",
        (None, "grad * polygamma(n + 1, x)"),
        "DLMF 5.15",
        operands=("n", "x"),
        domain=(interval("[0, inf)"), LINE),
        poles=("0, −1, −2, …",),
        forward_ulp=GAMMA_ULP,
    ),
    # Choice
    _binary(
        "max",
        "the larger",
        (
            "where(x > y, grad, where(x < y, 0, grad / 2))",
            "where(x < y, grad, where(x > y, 0, grad / 2))",
        ),
        "torch.maximum",
        aliases=("Max", "maximum"),
        forward_ulp=BASIC_ULP,
        kinks=("x = y",),
        convention="half to each at x = y",
        variadic=True,
    ),
    _binary(
        "min",
        "the smaller",
        (
            "where(x < y, grad, where(x > y, 0, grad / 2))",
            "where(x > y, grad, where(x < y, 0, grad / 2))",
        ),
        "torch.minimum",
        aliases=("Min", "minimum"),
        forward_ulp=BASIC_ULP,
        kinks=("x = y",),
        convention="half to each at x = y",
        variadic=True,
    ),
    Operation(
        name="clamp",
        operands=("x", "low", "high"),
        meaning="x, or the end of [low, high] that it lies beyond",
        domain=(LINE, LINE, LINE),
        source="torch.clamp",
        aliases=("clip",),
        sorts=(N, N, N),
        backward=(
            "where(x >= low and x <= high, grad, 0)",
            "where(x < low and low < high, grad, 0)",
            "where(x > high or low > high, grad, 0)",
        ),
        forward_ulp=BASIC_ULP,
        kinks=("x = low", "x = high"),
        convention="1 at both ends",
    ),
    Operation(
        name="where",
        operands=("p", "x", "y"),
        meaning="x where the condition p holds, else y",
        domain=(LINE, LINE),
        source="torch.where",
        aliases=("ITE",),
        sorts=(C, N, N),
        backward=(None, "where(p, grad, 0)", "where(p, 0, grad)"),
        forward_ulp=BASIC_ULP,
        jumps=("where p changes",),
        convention="the branch that p takes",
    ),
    # Conditions
    _relation("lt", "x < y", "<", ("Lt", "StrictLessThan")),
    _relation("le", "x ≤ y", "<=", ("Le", "LessThan")),
    _relation("gt", "x > y", ">", ("Gt", "StrictGreaterThan")),
    _relation("ge", "x ≥ y", ">=", ("Ge", "GreaterThan")),
    _relation("eq", "x = y", "==", ("Eq", "Equality")),
    _relation("ne", "x ≠ y", "!=", ("Ne", "Unequality")),
    _connective("logical_and", "both hold", "and", ("And",), 2),
    _connective("logical_or", "one holds", "or", ("Or",), 2),
    _connective("logical_not", "does not hold", "not", ("Not",), 1),
)

OPERATIONS = {row.name: row for row in _ROWS}

CONSTANTS = {
    "pi": "pi",
    "e": "e",
    "inf": "inf",
    "Pi": "pi",
    "E": "e",
    "oo": "inf",
    "infinity": "inf",
}
"""Named constants and their aliases."""

HOLOMORPHIC = frozenset(
    "add sub mul div pow neg square reciprocal identity sqrt rsqrt exp exp2 expm1 log log2 log10 log1p "
    "sin cos tan sec csc cot asin acos atan sinh cosh tanh sech csch coth asinh acosh atanh sigmoid".split()
)
"""The rows that are analytic functions of complex operands, away from their cuts and poles."""

_NAMES = {alias: row for row in _ROWS for alias in (row.name, *row.aliases)}
_SYMBOLS = {row.symbol: row for row in _ROWS if row.symbol is not None}

if len(_NAMES) != sum(1 + len(row.aliases) for row in _ROWS):
    raise RuntimeError("two rows of the table share a name or alias")


def find(name: str) -> Operation | None:
    """The row of that name or alias."""
    return _NAMES.get(name)


def of_symbol(symbol: str) -> Operation:
    """The row written with an infix or prefix symbol."""
    return _SYMBOLS[symbol]


def known_names() -> list[str]:
    """Every name that an expression may call or use as a constant."""
    return [*_NAMES, *CONSTANTS, "Piecewise"]
