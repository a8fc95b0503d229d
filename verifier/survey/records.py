"""The frozen records of a survey: how accurate PyTorch is, operation by operation. They
hold no logic."""

from __future__ import annotations

from dataclasses import dataclass, field

from verifier.records import Reported


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepTask:
    """One operation to be surveyed in one dtype, by some routes."""

    operation: str
    expression: str
    operands: tuple[str, ...]
    """The operands that vary."""
    dtype: str
    routes: tuple[str, ...]
    seed: int
    sample: int
    """Points to be drawn where not every number is surveyed."""
    threshold_ulp: float
    """Errors above this count as `inaccurate`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement(Reported):
    """Points of one kind at which there are no ulps to count, and at how many of them
    PyTorch says what is true."""

    points: int = 0
    """How many points."""
    agreeing: int = 0
    """At how many of them PyTorch says what is true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst(Reported):
    """The point of the largest error; numbers as the shortest decimals of the dtype,
    the truth to 20 digits."""

    point: dict[str, str]
    """By operand: the input."""
    measured: str
    """PyTorch's number."""
    true: str
    """The truth, 20 significant digits."""
    error_ulp: float
    """Their distance in ulps of the truth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region(Reported):
    """Where errors of one kind lie: for each operand, between two inputs that are both
    at fault."""

    kind: str
    """`zero`, `nonfinite` or `inaccurate`."""
    box: dict[str, tuple[str, str]]
    """By operand: the least and the greatest input at fault; of zeros and non-finite
    numbers found by bisection."""
    points: int
    """How many of the surveyed points in it are at fault."""
    surveyed: int
    """How many points in it were surveyed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy(Reported):
    """One number that PyTorch computes, compared with the truth at every point of a
    sweep."""

    quantity: str
    """`value` or `gradient`."""
    wrt: str | None
    """The operand differentiated by; null of a value."""
    route: str
    """The way to the derivative."""
    compared: int
    """Points at which the truth rounds to a finite number; all errors are of these."""
    max_error_ulp: float | None
    """In ulps of the truth, where PyTorch's number is finite; null where it never
    is."""
    p99_error_ulp: float | None
    """99 % of those errors are no larger."""
    correctly_rounded: int
    """Compared points where PyTorch's number is the truth rounded to nearest, ties to
    even."""
    zeros: int
    """Compared points where PyTorch says 0 and the truth is a normal number."""
    nonfinite: int
    """Compared points where PyTorch says NaN or infinity and the truth is a normal
    number."""
    nonfinite_below: int
    """The same where the truth is below the normal numbers."""
    inaccurate: int
    """Compared points with a finite error above the survey's threshold, zeros among
    them."""
    worst: Worst | None
    """The point of the largest error; null where every number is exact."""
    regions: tuple[Region, ...]
    """Where zeros, non-finite numbers and inaccurate ones lie."""
    beyond_range: Agreement
    """The truth rounds to infinity; PyTorch agrees with that infinity."""
    infinite: Agreement
    """The truth is infinite; PyTorch agrees with that infinity, or with NaN."""
    kinks: Agreement
    """PyTorch agrees with a number of the Clarke interval."""
    undefined: Agreement
    """There is no truth; PyTorch agrees with NaN or infinity."""
    undecided: int
    """Points at which the truth was not found, or two derivations of it disagree."""
    unexamined: int
    """Points, most of them at edges, that were left out because the truth takes long
    there."""
    reasons: tuple[str, ...]
    """Why points are undecided, each reason at its first point; what derivations that
    disagree say comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep(Reported):
    """One operation in one dtype at all of its points."""

    operation: str
    """The row of `verifier operations`."""
    expression: str
    """What was computed."""
    dtype: str
    """The dtype of inputs and results."""
    exhaustive: bool = False
    """Whether every number of the dtype in the domain was surveyed; else a seeded
    sample."""
    points: int = 0
    """How many points were surveyed."""
    checked: int = 0
    """At how many points the truth was derived by other ways as well."""
    accuracies: tuple[Accuracy, ...] = ()
    """One number that PyTorch computes each: value, or gradient by one operand, by one
    route."""
    failures: dict[str, str] = field(default_factory=dict)
    """By route: the first line of the exception that PyTorch raised."""
    error: str | None = None
    """Why there is nothing, where the survey itself broke down; else null."""
    elapsed_s: float = 0.0
    """Seconds that the sweep took."""
    stages_s: dict[str, float] = field(default_factory=dict)
    """Those seconds by stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRecord(Reported):
    """A finished survey: all that a report may say."""

    environment: dict[str, str]
    """Versions of everything that may change a number."""
    seed: int
    """Of the points that are drawn."""
    sample: int
    """Points drawn of a sampled operation, boundary points apart."""
    threshold_ulp: float
    """Errors above this count as `inaccurate`."""
    elapsed_s: float
    """Wall-clock seconds."""
    sweeps: tuple[Sweep, ...]
    """One operation in one dtype each."""
    skipped: dict[str, str]
    """By operation: why it was not surveyed."""
    interrupted: bool = False
    """Whether the survey was stopped before its end."""
