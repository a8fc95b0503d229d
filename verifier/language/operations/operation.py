"""What a row of the table of operations holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
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
    """The interval that `text` spells, such as `(0, inf)` or `[-1, 1]`; its ends are
    rational."""
    match = _INTERVAL.fullmatch(text)
    if match is None:
        raise ValueError(f"not an interval: {text!r}")
    left, lower, upper, right = match.groups()
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


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the table: one operation, as mathematics has it.

    Properties from `degree` on are those of an operation itself. One that has a
    definition is told by that, and needs none but `piecewise_constant`.
    """

    name: str
    operands: tuple[str, ...]
    meaning: str
    source: str
    _: KW_ONLY
    definition: str | None = None
    """What the operation is over the reals, in other operations, which the symbolic
    side sees in its place."""
    parameters: Mapping[str, str | None] = field(default_factory=dict)
    """The operands that are numbers and never tensors, with the values of those that
    may be left out."""
    integers: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """The parameters that are integer constants: the least and the largest."""
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """The least and the largest value of other parameters, where they are bounded."""
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Usual values of the parameters that may not be left out, and of `fixed` operands."""
    optional: Mapping[str, str] = field(default_factory=dict)
    """The values of other operands that may be left out, which are the last ones."""
    fixed: tuple[str, ...] = ()
    """Operands by which it is not differentiated: tensors, but in no `wrt`."""
    sorts: tuple[Sort, ...] = ()
    """What the operands are; by default numbers."""
    result: Sort = N
    domain: tuple[Interval, ...] = ()
    """Of each operand that is a number; by default the line."""
    aliases: tuple[str, ...] = ()
    kinks: tuple[str, ...] = ()
    """Points of continuity without a derivative: of one operand as numbers, otherwise
    in words; so `jumps`, `poles`."""
    jumps: tuple[str, ...] = ()
    poles: tuple[str, ...] = ()
    symbol: str | None = None
    variadic: bool = False
    holds_for: frozenset[int] = frozenset()
    """Of a relation: the signs of the difference of its operands for which it is
    true."""
    settled_by: bool | None = None
    """Of a connective: the operand that settles it, whatever the others are."""
    degree: int | None = None
    """Of a polynomial with coefficients ±1."""
    piecewise_linear: bool = False
    """Linear in each operand between ties of operands or, of one operand, between
    integers; but not linear."""
    piecewise_constant: bool = False
    """Constant beside any point."""
    continuous_at_edges: bool = False
    """Continuous wherever it is defined, at its kinks and branch points too."""
    nonnegative: bool = False
    """No result is less than 0."""
    keeps_nonnegative: bool = False
    """No result of operands that are no less than 0 is less than 0."""
    injective: bool = False
    """On the whole line: what has no limit before has none after."""
    supremum: int | None = None
    """What it tends to and does not reach."""
    infinity_at_zero: int = 0
    """The sign of the infinity that it tends to from above 0; of a quotient, where the
    numerator is positive."""
    like_identity_at_zero: bool = False
    """f(u) / u tends to 1 where u tends to 0."""
    holomorphic: bool = False
    """An analytic function of complex operands, away from its cuts and poles."""
    infinite_at_branch_points: bool = False
    # What follows from the above, computed once for those who ask at every node.
    is_condition: bool = field(init=False)
    """Whether it yields a truth value."""
    is_relation: bool = field(init=False)
    """Whether it compares two numbers."""
    is_connective: bool = field(init=False)
    """Whether it makes a condition of conditions."""
    is_sum: bool = field(init=False)
    """Whether it adds or subtracts two numbers."""
    is_ordinal: bool = field(init=False)
    """Whether it asks only how its operands are ordered."""
    hangs_on_ties: bool = field(init=False)
    """Whether it chooses by the order of its operands, or at integers."""

    def __post_init__(self) -> None:
        is_condition, is_relation = self.result is C, bool(self.holds_for)
        has_several = self.arity > 1
        sorts = self.sorts or (N,) * self.arity
        is_ordinal = is_relation or (self.piecewise_linear and has_several)
        for name, value in {
            "sorts": sorts,
            "domain": self.domain or (LINE,) * sorts.count(N),
            "is_condition": is_condition,
            "is_relation": is_relation,
            "is_connective": is_condition and not is_relation,
            "is_sum": self.degree == 1 and has_several,
            "is_ordinal": is_ordinal,
            "hangs_on_ties": is_ordinal or self.piecewise_linear,
        }.items():
            object.__setattr__(self, name, value)

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def arity(self) -> int:
        """The number of operands (of a variadic operation: of one application)."""
        return len(self.operands)

    @property
    def defaults(self) -> Mapping[str, str]:
        """The values of the operands that may be left out, which are the last ones."""
        given = {**self.parameters, **self.optional}.items()
        return {name: value for name, value in given if value is not None}

    @property
    def tensors(self) -> tuple[str, ...]:
        """The operands that are tensors."""
        return tuple(name for name in self.operands if name not in self.parameters)


def tangent_name(operand: str) -> str:
    """What an operand's tangent is called in `tangent`."""
    return f"{operand}_t"
