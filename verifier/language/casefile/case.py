"""What a case is, and what it may say: plain records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction

from verifier.errors import Place
from verifier.language.casefile.tensor_case import Tensors
from verifier.language.points.domains import Domain
from verifier.language.points.drawing import Draw
from verifier.language.points.scalars import Scalar
from verifier.language.points.upstream import Upstream
from verifier.language.programs.program import Program
from verifier.records import Verdict

DTYPES = ("float32", "float64")
"""The dtypes of a case that names none; it may name any of `floats.DTYPES`."""
ROUTES = {
    1: (
        "reverse",
        "forward",
        "func",
        "vmap",
        "compile-aot_eager",
        "compile-inductor",
    ),
    2: ("reverse-reverse", "forward-forward", "forward-reverse", "reverse-forward"),
}
"""The ways to a derivative by order; the first is that of a case that names none."""
ROUTE_ALIASES = {"compile": "compile-inductor"}
"""Other names of routes."""
LAYOUTS = ("batch", "single", "strided", "expanded")
"""How points may lie in memory when PyTorch is given them."""


CONVENTIONS = ("left", "right", "any")
"""What `subgradient` may demand at a kink, besides a number."""
DRAWN_POINTS = 64
"""Points drawn from a domain where a case does not say how many."""
MANY_POINTS = 4096
"""Those of a subject in a 16-bit dtype: only many numbers tell bias from rounding."""
LEAST_SEED, MOST_SEED = -(2**63), 2**64 - 1
"""A seed has 64 bits, with a sign or without."""
MOST_POINTS = 1_000_000
ALL = "all"
"""What `points` says to ask for every number of a dtype in `SMALL_DTYPES`."""
MOST_EPOCHS = 100_000
DIFFERENCES = {v.kind: v for v in Verdict if v.family == "differ"}
"""What `accept` may name, by kind: nothing undecided ever passes, and nothing that
could not be run."""
QUANTITIES = ("value", "gradient", "hessian", "formula")
"""What is compared, and what `expect.verdict` may name."""
VERDICTS = ("match", "differ", "undecided", *(verdict.value for verdict in Verdict))
"""What `expect.verdict` may say: a verdict, or a family of them."""


NO_PROGRAM = Program(source="", nodes=(), inputs=(), output=-1)
"""That of a case of tensors, which runs a callable."""


class Boundary(StrEnum):
    """Which points are added to those drawn from a domain."""

    NONE = "none"
    NAMED = "named"
    """Those that mathematics names: ends of the domain, kinks, poles, branch points,
    zeros."""
    MACHINE = "machine"
    """And those that the format names: where inner values overflow, underflow or
    saturate, the smallest numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A number that a case expects; `half_unit` is half a unit of the last digit of a
    decimal, else None."""

    scalar: Scalar
    half_unit: Fraction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """The verdict that a quantity must get; without `wrt`, every derivative of that
    kind."""

    verdict: str
    quantity: str
    wrt: str | None = None

    def __str__(self) -> str:
        return " ".join(
            part for part in (self.quantity, self.wrt, self.verdict) if part
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a case pins; `value` and each entry of `gradient` hold one number for each
    given point, or none."""

    value: tuple[Expected, ...] = ()
    gradient: Mapping[str, tuple[Expected, ...]] = field(default_factory=dict)
    verdict: str | None = None
    """What every quantity must get that does not match, and one of them does."""
    pins: tuple[Pin, ...] = ()
    """What single quantities must get; all others must match."""
    reason: str | None = None
    lines: Mapping[str, int] = field(default_factory=dict)
    """Where each key stands in the case file: `expect.gradient.a`."""
    losses: tuple[Expected, ...] = ()
    weights: tuple[Expected, ...] = ()

    @property
    def pinned(self) -> str | None:
        """The verdicts that are pinned, in words; None where none is."""
        return self.verdict or ", ".join(map(str, self.pins)) or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """Gradient descent by one input from the given point."""

    parameter: str
    learning_rate: Scalar
    epochs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing to verify.

    Either every table of `given` names all inputs and is a point, or there is a single
    one, it names those inputs that no domain names, and it fixes them at every drawn
    point (`fixed`).
    """

    name: str
    place: Place
    program: Program
    wrt: tuple[str, ...]
    given: tuple[Mapping[str, Scalar], ...]
    domains: Mapping[str, Domain]
    points: int | str
    """How many points are drawn from the domains; `ALL` stands for every number of the
    dtype, of a single input."""
    seed: int | None
    upstream: Upstream
    """A number for every point, one for each, or a word of `upstream.WORDS`."""
    arguments: tuple[str, ...]
    """The inputs in the order in which a subject takes them. One that the formula lacks
    has the derivative 0."""
    subject: str | None
    """The callable to verify, `module:callable`; None means the formula itself,
    lowered."""
    order: int
    routes: tuple[str, ...]
    dtypes: tuple[str, ...]
    subgradient: Scalar | str | None
    """What is demanded at a kink: a number, or one of `CONVENTIONS`."""
    accept: tuple[Verdict, ...]
    """Differences that count as expected."""
    tolerance: Fraction | None
    """The relative tolerance; None means that of the dtype."""
    expectation: Expectation | None
    descent: Descent | None
    cite: str | None
    tags: tuple[str, ...]
    reason: str | None
    subject_line: int | None = None
    """Where the subject is named in the file."""
    many: bool = False
    """Whether no number of points is asked for, so that there may be `MANY_POINTS`."""
    elementwise: bool = True
    """Whether the subject takes many points as one tensor; False where it takes single
    numbers alone."""
    where: Program | None = None
    """The precondition: a condition in the inputs that every point satisfies."""
    boundary: Boundary = Boundary.NAMED
    draw: Draw = Draw.VALUES
    """How points are drawn from bounded domains."""
    absolute_tolerance: Fraction = Fraction(0)
    """The absolute error that is tolerated, however large relative to the truth."""
    tensors: Tensors | None = None
    """Of a case of tensors, what it says besides; its `program` is `NO_PROGRAM`."""

    @property
    def id(self) -> str:
        """`FILE::NAME`, or the name alone where there is no file."""
        return f"{self.place.file}::{self.name}" if self.place.file else self.name

    @property
    def subject_place(self) -> Place:
        """Where the subject is named."""
        line = self.subject_line or self.place.line
        return replace(self.place, line=line, key="subject", column=None)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The variables of the formula in order of first appearance."""
        return self.program.inputs

    @property
    def fixed(self) -> Mapping[str, Scalar]:
        """The inputs that have the same value at every drawn point."""
        given = self.given[0] if self.given and self.domains else {}
        return {name: given[name] for name in given if name not in self.domains}
