"""The frozen records that pass between the stages of a verification. They hold no
logic.

Those that reports hold are written as JSON, read from it and described by a JSON Schema through
`serialisation`, which goes by their annotations, docstrings and metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any, TypeAlias


class Reported:
    """A record that a report holds; the docstrings of its fields describe them in the
    JSON Schema."""

    __slots__ = ()
    __pydantic_config__ = {"use_attribute_docstrings": True}  # noqa: RUF012 (pydantic's own name)


class As:
    """Of an annotation: the row of `serialisation.SPELLINGS` by which JSON spells the
    field."""

    def __init__(self, spelling: str, *arguments: type[StrEnum]) -> None:
        self._spelling, self._arguments = spelling, arguments

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """What pydantic asks an annotation for."""
        from verifier.serialisation import SPELLINGS

        return handler.generate_schema(SPELLINGS[self._spelling](*self._arguments))


class Verdict(StrEnum):
    """`verdict.kind` of a comparison, as the manual defines each."""

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


Counts = Annotated[Mapping[str, int], As("counts", Verdict)]
"""How many comparisons have each verdict."""
ErrorUlp = Annotated[float | None, As("error")]
"""|measured − true| in ulps of the true value; null where one of them is not finite."""
Seconds = Annotated[float, As("seconds")]
Number = Annotated[float, As("number")]


def _json(**extra: Any) -> dict[str, Any]:
    """Metadata of a field of which the JSON Schema says more."""
    return {"json_schema_extra": extra}


_NOT_IN_JSON = {"exclude": True}
_QUANTITY = _json(enum=["value", "gradient", "hessian", "formula"])
_COUNT = {"ge": 0}
_FROM_ONE = {"ge": 1}
_ONLY_TRUE = _json(const=True)


_SEVERITY = {
    verdict: rank
    for rank, verdict in enumerate(
        (
            Verdict.MATCH_EXACT,
            Verdict.MATCH_ROUNDING,
            Verdict.MATCH_CONDITIONING,
            Verdict.MATCH_SUBGRADIENT,
            Verdict.MATCH_UNDEFINED,
            Verdict.UNDECIDED_LIMIT,
            Verdict.UNDECIDED_PRECISION,
            Verdict.UNDECIDED_ORACLE,
            Verdict.UNDECIDED_BUDGET,
            Verdict.DIFFER_INACCURATE,
            Verdict.DIFFER_BIASED,
            Verdict.DIFFER_UNSTABLE,
            Verdict.DIFFER_RANGE,
            Verdict.DIFFER_CONVENTION,
            Verdict.DIFFER_SPURIOUS,
            Verdict.DIFFER_NONFINITE,
            Verdict.DIFFER_UNSUPPORTED,
            Verdict.DIFFER_NONDETERMINISTIC,
            Verdict.DIFFER_MUTATED,
            Verdict.DIFFER_MISSING,
            Verdict.DIFFER_WRONG,
            Verdict.ERROR_RUN,
        )
    )
}


def severity(verdict: Verdict) -> int:
    """The rank of a verdict: the worst comparison of a result is the one of highest."""
    return _SEVERITY[verdict]


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
    """Another right answer, where there is one: what the signs that IEEE 754 gives
    zeros and poles make of it."""
    at_edge: bool = False
    """Whether the program as written has an edge at the point, and limits decided."""
    reason: str | None = None
    derivations: int = field(default=1, compare=False)
    """How many derivations say so: the stepwise one or the limits, the whole
    expression's, the witness."""

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
    """The gradients that a function tends to on one smooth piece of the neighbourhood
    of a kink.

    They are `gradient` + Σ over `norms` of Σ sᵢ·vᵢ with |s| ≤ 1, the vᵢ being the
    vectors of that norm. A vector has an entry for each input.
    """

    gradient: tuple[Enclosure, ...]
    norms: tuple[tuple[tuple[Enclosure, ...], ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict, the error in ulps of the truth (None where there is none to give) and
    why.

    Of a truth of 0 the error is in ulps of the terms that cancel to it, where their
    size is known.
    """

    verdict: Verdict
    error_ulp: float | None = None
    bits_lost: float | None = None
    message: str | None = None
    cause: str | None = None
    """What the message begins with where more is known than the number tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Reported):
    """One number of PyTorch's compared with the truth, at one point, ready to be
    reported."""

    quantity: str = field(metadata=_QUANTITY)
    """`value`, `gradient`, `hessian`, or `formula`: the recorded backward of a program
    of tensors, evaluated exactly."""
    wrt: tuple[str, ...]
    """The inputs or named steps differentiated by; empty for a value, two for a
    Hessian."""
    index: tuple[int, ...]
    point: dict[str, str]
    upstream: str
    measured: str
    true: str
    """20 significant digits; `[l, r]` at a kink; `undefined`; `inf`."""
    error_ulp: ErrorUlp
    """|measured − true| in ulps of the true value in the dtype, of a true 0 in ulps of the terms that cancel to it;
    null where one of them is not finite."""
    bits_lost: float | None = field(default=None, metadata=_NOT_IN_JSON)
    verdict: Verdict
    culprit: str | None
    """The operation at fault, and where it stands."""
    message: str | None
    """All that is said of it: `cause`, what the verdict is for, and `regions`."""
    cause: str | None = None
    """What the culprit does, or what all numbers that differ have in common."""
    regions: tuple[str, ...] = ()
    """Between which floats the verdict flips, along each drawn input."""
    instead: tuple[str, ...] = ()
    """Better formulas: proved equal, and a match at this point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally(Reported):
    """The comparisons of one quantity of a result, all points together."""

    quantity: str = field(metadata=_QUANTITY)
    """`value`, `gradient`, `hessian` or `formula`."""
    wrt: tuple[str, ...]
    """What it is differentiated by, as in a `Comparison`."""
    counts: Counts
    """How many comparisons have each verdict."""
    max_error_ulp: ErrorUlp
    """The largest error at a point that is not `match.conditioning`, where an error
    says nothing of the kernel."""

    @property
    def name(self) -> str:
        """`value`, `gradient x`, `hessian x y`."""
        return " ".join((self.quantity, *self.wrt))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet(Reported):
    """An expectation of a case that does not hold."""

    key: str
    """`expect.gradient.a`"""
    line: int | None = field(default=None, metadata=_FROM_ONE)
    """Where it stands in the case file."""
    expected: str
    measured: str | None = None
    """PyTorch's number, as `true` is the true one; none where a verdict is expected."""
    true: str | None = None
    found: str
    """What was found instead, in words."""

    def __str__(self) -> str:
        return f"{self.key}: expected {self.expected}; {self.found}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch(Reported):
    """One epoch of a descent: what PyTorch printed, and how far it has drifted from the
    exact trajectory."""

    number: int = field(metadata=_COUNT)
    loss: Number
    weight: Number
    """The weight after the epoch's update."""
    gradient: Number
    true_loss: str
    true_weight: str
    """That of the exact trajectory, as is `true_loss`; 20 significant digits."""
    drift: Number
    """weight − true_weight, to about double precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement(Reported):
    """Two routes that gave different numbers at the same points. It tells of PyTorch,
    and is no verdict."""

    case: str
    """`FILE::NAME`."""
    dtype: str
    order: int = field(metadata=_FROM_ONE)
    routes: tuple[str, str]
    points: int = field(metadata=_COUNT)
    differing: int = field(metadata=_COUNT)
    """Points at which some number differs."""
    max_ulp: int | None = field(metadata=_FROM_ONE)
    """How many numbers of the dtype the farthest two lie apart; null where only one of
    two is NaN."""
    quantity: str = field(metadata=_QUANTITY)
    wrt: tuple[str, ...]
    point: dict[str, str]
    """Where they lie farthest apart, and of what."""
    upstream: str
    measured: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Reported):
    """The verdict on one case in one dtype by one route."""

    case: str
    """`FILE::NAME`."""
    line: int | None = field(metadata=_FROM_ONE)
    dtype: str
    route: str
    order: int = field(metadata=_FROM_ONE)
    verdict: Verdict
    """The worst of its comparisons."""
    expected: str | None
    """The verdict that the case's `expect` pins."""
    as_expected: bool
    elapsed_s: Seconds
    derivations: int | None = field(default=None, metadata=_FROM_ONE)
    """How many derivations spoke for every derivative that was judged; none where none
    was. Of tensors, for those of the first inputs: at others it is the same program."""
    points: int = field(metadata=_COUNT)
    counts: Counts
    """How many comparisons have each verdict."""
    max_error_ulp: ErrorUlp
    comparisons: tuple[Comparison, ...]
    """Every one that is no match, and the worst of the others; or every one."""
    quantities: tuple[Tally, ...] = ()
    """The comparisons by quantity: the value, then each derivative."""
    drawn: int = field(default=0, metadata=_COUNT)
    """How many of the points were drawn from a domain, or are all of its numbers."""
    boundary: int = field(default=0, metadata=_COUNT)
    """How many were added where the program turns, vanishes or leaves the range."""
    refused: int = field(default=0, metadata=_COUNT)
    """How many draws the precondition refused, which are none of the points."""
    message: str | None = None
    broken: tuple[str, ...] = ()
    """The expectations of the case that do not hold, by their keys:
    `expect.gradient.a`."""
    unmet: tuple[Unmet, ...] = ()
    """The same with what was expected and found; one for each point or epoch."""
    notes: tuple[str, ...] = ()
    """What `message` says that bears on no verdict."""
    interrupted: bool = field(default=False, metadata=_ONLY_TRUE)
    """Whether the user stopped the case before its last point."""
    traceback: str | None = None
    """That of the exception, where one ended the case."""
    epochs: tuple[Epoch, ...] = ()
    stages_s: dict[str, float] = field(default_factory=dict, metadata=_NOT_IN_JSON)
    """Seconds spent in each stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord(Reported):
    """A finished run: all that a report may say."""

    environment: dict[str, str]
    """Versions of everything that may change a number."""
    seed: int
    elapsed_s: Seconds
    results: tuple[Result, ...]
    planned: int | None = field(default=None, metadata=_NOT_IN_JSON)
    """How many results there should be; none where nobody knows."""
    interrupted: bool = field(default=False, metadata=_ONLY_TRUE)
    """Whether the run was stopped before its end."""
    disagreements: tuple[Disagreement, ...] = ()
    """Routes that gave different numbers at the same points: information, no
    verdict."""


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
class Change(Reported):
    """One difference between a run and its baseline; `regression` decides the exit
    code."""

    result: str
    """`FILE::NAME dtype route order`."""
    kind: ChangeKind
    regression: bool
    before: str | None
    after: str | None
    quantity: str | None = None
    """Which quantity of the result, as a `Tally` is named; none where it is the result
    as a whole."""
