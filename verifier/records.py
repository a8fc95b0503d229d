"""The frozen records that pass between the stages of a verification. They hold no logic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import TypeAlias


class Verdict(StrEnum):
    """`verdict.kind` of a comparison, as the design's section 6 defines each."""

    MATCH_EXACT = "match.exact"
    MATCH_ROUNDING = "match.rounding"
    MATCH_CONDITIONING = "match.conditioning"
    MATCH_SUBGRADIENT = "match.subgradient"
    MATCH_UNDEFINED = "match.undefined"
    DIFFER_WRONG = "differ.wrong"
    DIFFER_INACCURATE = "differ.inaccurate"
    DIFFER_BIASED = "differ.biased"
    DIFFER_UNSTABLE = "differ.unstable"
    DIFFER_RANGE = "differ.range"
    DIFFER_NONFINITE = "differ.nonfinite"
    DIFFER_SPURIOUS = "differ.spurious"
    DIFFER_CONVENTION = "differ.convention"
    DIFFER_MISSING = "differ.missing"
    DIFFER_MUTATED = "differ.mutated"
    DIFFER_NONDETERMINISTIC = "differ.nondeterministic"
    DIFFER_UNSUPPORTED = "differ.unsupported"
    UNDECIDED_LIMIT = "undecided.limit"
    UNDECIDED_PRECISION = "undecided.precision"
    UNDECIDED_ORACLE = "undecided.oracle"
    UNDECIDED_BUDGET = "undecided.budget"
    ERROR_RUN = "error.run"

    @property
    def family(self) -> str:
        """`match`, `differ`, `undecided` or `error`."""
        return self.value.partition(".")[0]

    @property
    def kind(self) -> str:
        """What refines the family."""
        return self.value.partition(".")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """A closed interval proved to contain the true value."""

    lower: Fraction
    upper: Fraction

    def __post_init__(self) -> None:
        if self.lower > self.upper:
            raise ValueError(f"enclosure upside down: [{self.lower}, {self.upper}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """A closed rectangle of the complex plane, proved to contain the true value."""

    real: Enclosure
    imaginary: Enclosure


@dataclass(frozen=True, slots=True, kw_only=True)
class Disc:
    """A closed disc of the complex plane."""

    real: Fraction
    imaginary: Fraction
    radius: Fraction


@dataclass(frozen=True, slots=True)
class Entry:
    """One number of a point: a quantity, what it is differentiated by, and an index."""

    quantity: str
    """`value`, `gradient`, `step` (the adjoint of a named step) or `hessian`."""
    wrt: tuple[str, ...] = ()
    """The inputs, or the named step; empty for a value, two inputs for a Hessian."""
    index: tuple[int, ...] = ()
    """Which number of a tensor; empty for a scalar."""

    @property
    def reported(self) -> tuple[str, tuple[str, ...]]:
        """The quantity and what it is differentiated by, as a report calls them."""
        return "gradient" if self.quantity == "step" else self.quantity, self.wrt


VALUE = Entry("value")
"""The value of a scalar program."""


class TruthStatus(StrEnum):
    """What is known of a true value."""

    FINITE = "finite"
    UNDEFINED = "undefined"
    INFINITE = "infinite"
    KINK = "kink"
    LIMIT = "limit"
    PRECISION = "precision"
    ORACLE = "oracle"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """A true value or derivative, real or complex.

    `enclosure` is given where the status is FINITE (the value), KINK (the Clarke
    interval) or PRECISION (as far as it is known); `sign` where it is INFINITE. `reason`
    says why it is undecided. Complex infinities have no direction: poles and branch
    points are UNDEFINED.
    """

    status: TruthStatus
    enclosure: Enclosure | Rectangle | None = None
    sides: tuple[Enclosure, ...] = ()
    """At a kink: the derivatives from the left and from the right."""
    sign: int = 0
    signed: Truth | None = None
    """Another right answer, where there is one: what the signs that IEEE 754 gives zeros and poles make of it."""
    at_edge: bool = False
    """Whether the program as written has an edge at the point, and limits decided."""
    reason: str | None = None
    derivations: int = field(default=1, compare=False)
    """How many derivations say so: the stepwise one or the limits, the whole expression's, the witness."""

    @property
    def interval(self) -> Enclosure | None:
        """The enclosure of a real number."""
        return self.enclosure if isinstance(self.enclosure, Enclosure) else None

    @property
    def rectangle(self) -> Rectangle | None:
        """The enclosure of a complex number."""
        return self.enclosure if isinstance(self.enclosure, Rectangle) else None


PointTruth: TypeAlias = Mapping[Entry, Truth]
"""All that is true at one point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClarkePiece:
    """The gradients that a function tends to on one smooth piece of the neighbourhood of a kink.

    They are `gradient` + Σ over `norms` of Σ sᵢ·vᵢ with |s| ≤ 1, the vᵢ being the vectors of that norm. A vector has an
    entry for each input.
    """

    gradient: tuple[Enclosure, ...]
    norms: tuple[tuple[tuple[Enclosure, ...], ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One number of PyTorch's held against the truth, at one point, ready to be reported."""

    quantity: str
    """`value`, `gradient` or `hessian`."""
    wrt: tuple[str, ...]
    """The inputs or named steps differentiated by; empty for a value, two for a Hessian."""
    index: tuple[int, ...]
    point: dict[str, str]
    upstream: str
    measured: str
    true: str
    error_ulp: float | None
    """|measured − true| in ulps of the true value in the dtype, of a true 0 in ulps of the terms that cancel to it.

    None where one of them is not finite."""
    bits_lost: float | None = None
    verdict: Verdict
    culprit: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The comparisons of one quantity of a result, all points together."""

    quantity: str
    """`value`, `gradient` or `hessian`."""
    wrt: tuple[str, ...]
    """What it is differentiated by, as in a `Comparison`."""
    counts: Mapping[str, int]
    """How many comparisons have each verdict."""
    max_error_ulp: float | None
    """The largest error at a point that is not `match.conditioning`, where an error says nothing of the kernel."""

    @property
    def name(self) -> str:
        """`value`, `gradient x`, `hessian x y`."""
        return " ".join((self.quantity, *self.wrt))


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One epoch of a descent: what PyTorch printed, and how far it has drifted from the exact trajectory."""

    number: int
    loss: float
    weight: float
    """The weight after the epoch's update."""
    gradient: float
    true_loss: str
    true_weight: str
    """Those of the exact trajectory, 20 significant digits."""
    drift: float
    """weight − true_weight, to about double precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The numbers of PyTorch's behind a result, in the order of its points: for what is found among results."""

    points: Mapping[str, Sequence[float]]
    upstream: Sequence[float]
    numbers: Mapping[tuple[str, tuple[str, ...]], Sequence[float]]
    """By quantity and what it is differentiated by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """Two routes that gave different numbers at the same points. It tells of PyTorch, and is no verdict."""

    case: str
    dtype: str
    order: int
    routes: tuple[str, str]
    points: int
    differing: int
    """Points at which some number differs."""
    max_ulp: int | None
    """How many numbers of the dtype the farthest two lie apart; None where only one of two is NaN."""
    quantity: str
    wrt: tuple[str, ...]
    point: dict[str, str]
    """Where they lie farthest apart, and of what."""
    upstream: str
    measured: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The verdict on one case in one dtype by one route."""

    case: str
    """`FILE::NAME`."""
    line: int | None
    dtype: str
    route: str
    order: int
    verdict: Verdict
    """The worst of its comparisons."""
    expected: str | None
    """The verdict that the case's `expect` pins."""
    as_expected: bool
    elapsed_s: float
    points: int
    counts: dict[str, int]
    """How many comparisons have each verdict."""
    max_error_ulp: float | None
    comparisons: tuple[Comparison, ...]
    """Every one that is no match, and the worst of the others; or every one."""
    derivations: int | None = None
    """How many derivations spoke for every derivative that was judged; None where none was."""
    quantities: tuple[Tally, ...] = ()
    """The same by quantity: the value, then each derivative."""
    message: str | None = None
    epochs: tuple[Epoch, ...] = ()
    drawn: int = 0
    """How many of the points were drawn from a domain, or are all of its numbers."""
    boundary: int = 0
    """How many were added where the program turns, vanishes or leaves the range."""
    refused: int = 0
    """How many draws the precondition refused, which are none of the points."""
    broken: tuple[str, ...] = ()
    """The expectations of the case that do not hold, by their keys: `expect.gradient.a`."""
    interrupted: bool = False
    """Whether the user stopped the case before its last point."""
    traceback: str | None = None
    """That of the exception, where one ended the case."""
    stages_s: dict[str, float] = field(default_factory=dict)
    """Seconds spent in each stage of the pipeline."""
    measured: Measured | None = field(default=None, compare=False, repr=False)
    """Kept only until the routes of the case are compared; no report tells of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A finished run: all that a report may say."""

    environment: dict[str, str]
    seed: int
    elapsed_s: float
    results: tuple[Result, ...]
    planned: int | None = None
    """How many results there should be; None where nobody knows."""
    interrupted: bool = False
    disagreements: tuple[Disagreement, ...] = ()


class ChangeKind(StrEnum):
    """How a result stands to the one stored in a baseline."""

    NEW_DIFFERENCE = "new difference"
    WORSE_VERDICT = "worse verdict"
    MORE_POINTS = "more points"
    LARGER_ERROR = "larger error"
    VANISHED = "vanished"
    IMPROVED = "improved"
    NEW = "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference between a run and its baseline; `regression` decides the exit code."""

    result: str
    """`FILE::NAME dtype route`."""
    kind: ChangeKind
    regression: bool
    before: str | None
    after: str | None
    quantity: str | None = None
    """Which quantity of the result, as a `Tally` is named; None of the result as a whole."""
