"""What a row of the table of operations holds, and short ways to write one."""

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
    nothing flows back. `tangent` is its formula for the Jacobian-vector product, in terms of the operands, `result` and
    the operands' tangents `x_t`, …, where it is not the sum of `backward`'s with the tangents in the place of `grad`.
    `composition` spells an operation that PyTorch lacks as one function. `definition` says in this language what an
    operation is over the reals that PyTorch has as one function but the symbolic side does not: that side sees the
    definition in its place. `parameters` are the operands that are numbers and never tensors, and `defaults` the values
    of those that may be left out. `forward_ulp` bounds the local error of a faithful implementation; where `forward` is
    given, the kernel is that formula instead, and each of its operations rounds (the row itself, within its own
    formula, is a faithful implementation). `kinks` are points of continuity without a derivative, `poles` and `jumps`
    those without continuity, for functions of one operand as numbers, otherwise in words.
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
    tangent: str | None = None
    composition: str | None = None
    definition: str | None = None
    parameters: tuple[str, ...] = ()
    defaults: tuple[tuple[str, str], ...] = ()
    forward_ulp: Fraction = ELEMENTARY_ULP
    forward: str | None = None
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

    @property
    def tensors(self) -> tuple[str, ...]:
        """The operands that are tensors."""
        return tuple(name for name in self.operands if name not in self.parameters)


def tangent_name(operand: str) -> str:
    """What an operand's tangent is called in `tangent`."""
    return f"{operand}_t"


def unary(
    name: str,
    meaning: str,
    backward: str | None,
    source: str,
    *,
    domain: Interval = LINE,
    aliases: tuple[str, ...] = (),
    forward_ulp: Fraction = ELEMENTARY_ULP,
    forward: str | None = None,
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
        forward=forward,
        kinks=kinks,
        jumps=jumps,
        poles=poles,
        convention=convention,
    )


def binary(
    name: str,
    meaning: str,
    backward: tuple[str | None, str | None],
    source: str,
    *,
    operands: tuple[str, str] = ("x", "y"),
    parameters: tuple[str, ...] = (),
    domain: tuple[Interval, Interval] = (LINE, LINE),
    aliases: tuple[str, ...] = (),
    tangent: str | None = None,
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
        tangent=tangent,
        parameters=parameters,
        forward_ulp=forward_ulp,
        kinks=kinks,
        jumps=jumps,
        poles=poles,
        convention=convention,
        symbol=symbol,
        variadic=variadic,
    )


def composed(
    name: str,
    meaning: str,
    composition: str,
    source: str,
    *,
    domain: Interval = LINE,
    aliases: tuple[str, ...] = (),
    operands: tuple[str, ...] = ("x",),
    is_definition: bool = False,
    kinks: tuple[str, ...] = (),
    jumps: tuple[str, ...] = (),
    poles: tuple[str, ...] = (),
    convention: str | None = None,
) -> Operation:
    """A row that PyTorch is given as a composition; `is_definition`: the symbolic side sees the composition too."""
    return Operation(
        name=name,
        operands=operands,
        meaning=meaning,
        domain=(domain,) * len(operands),
        source=source,
        aliases=aliases,
        sorts=(N,) * len(operands),
        composition=composition,
        definition=composition if is_definition else None,
        kinks=kinks,
        jumps=jumps,
        poles=poles,
        convention=convention,
    )


def defined(
    name: str,
    operands: str,
    meaning: str,
    definition: str,
    backward: tuple[str | None, ...],
    source: str,
    *,
    parameters: str = "",
    domain: tuple[Interval, ...] | None = None,
    aliases: tuple[str, ...] = (),
    tangent: str | None = None,
    forward_ulp: Fraction = ELEMENTARY_ULP,
    forward: str | None = None,
    kinks: tuple[str, ...] = (),
    jumps: tuple[str, ...] = (),
    poles: tuple[str, ...] = (),
    convention: str | None = None,
) -> Operation:
    """A row that is defined by the others.

    `operands` are separated by commas, as are `parameters`, of which each may have a default: `"beta = 1, threshold"`.
    """
    own = tuple(part.strip() for part in operands.split(","))
    spelled = [part.partition("=") for part in parameters.split(",") if part]
    taken = tuple(name.strip() for name, _, _ in spelled)
    names = (*own, *taken)
    return Operation(
        name=name,
        operands=names,
        meaning=meaning,
        domain=domain or (LINE,) * len(names),
        source=source,
        aliases=aliases,
        sorts=(N,) * len(names),
        backward=backward + (None,) * len(taken),
        tangent=tangent,
        definition=definition,
        parameters=taken,
        defaults=tuple((n.strip(), value.strip()) for n, _, value in spelled if value),
        forward_ulp=forward_ulp,
        forward=forward,
        kinks=kinks,
        jumps=jumps,
        poles=poles,
        convention=convention,
    )


def relation(
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


def connective(
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
