"""The frozen records of a survey: how accurate PyTorch is, operation by operation. They hold no logic."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepTask:
    """One operation to be surveyed in one dtype, by all routes asked for."""

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
    """Errors above this are told as inaccurate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Points of one kind at which there are no ulps to count, and at how many of them PyTorch says what is true."""

    points: int = 0
    agreeing: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """The point of the largest error; numbers as the shortest decimals of the dtype, the truth to 20 digits."""

    point: dict[str, str]
    measured: str
    true: str
    error_ulp: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Where errors of one kind lie: for each operand, between two inputs that are both at fault."""

    kind: str
    """`zero`, `nonfinite` or `inaccurate`."""
    box: dict[str, tuple[str, str]]
    """By operand: the least and the greatest input at fault; of zeros and non-finite numbers found by bisection."""
    points: int
    """How many of the surveyed points in it are at fault."""
    surveyed: int
    """How many points in it were surveyed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """One number that PyTorch computes, held against the truth at every point of a sweep."""

    quantity: str
    """`value` or `gradient`."""
    wrt: str | None
    """The operand differentiated by; None of a value."""
    route: str
    compared: int
    """Points at which the truth rounds to a finite number: the errors are those of these points."""
    max_error_ulp: float | None
    """Over the compared points where PyTorch's number is finite; None where there are none."""
    p99_error_ulp: float | None
    """99 % of those points have no larger error."""
    correctly_rounded: int
    """Compared points where PyTorch's number is the truth rounded to nearest, ties to even."""
    zeros: int
    """Compared points where PyTorch says 0 and the truth is a normal number."""
    nonfinite: int
    """Compared points where PyTorch says NaN or infinity and the truth is a normal number."""
    nonfinite_below: int
    """The same where the truth is below the normal numbers."""
    inaccurate: int
    """Compared points with a finite error above the survey's threshold, zeros among them."""
    worst: Worst | None
    regions: tuple[Region, ...]
    beyond_range: Standing
    """The truth rounds to infinity; PyTorch agrees with that infinity."""
    infinite: Standing
    """The truth is infinite; PyTorch agrees with that infinity, or with NaN."""
    kinks: Standing
    """PyTorch agrees with a number of the Clarke interval."""
    undefined: Standing
    """There is no truth; PyTorch agrees with NaN or infinity."""
    undecided: int
    """Points at which the truth was not found, or two derivations of it disagree."""
    unexamined: int
    """Points, most of them at edges, whose truth only the oracle knows, beyond the number that it is asked about."""
    reasons: tuple[str, ...]
    """Why points are undecided, each reason at its first point; what derivations that disagree say comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One operation in one dtype at all of its points."""

    operation: str
    expression: str
    dtype: str
    exhaustive: bool
    """Whether every number of the dtype in the domain was surveyed; else a sample."""
    points: int
    checked: int
    """At how many points the truth was derived by other ways as well."""
    accuracies: tuple[Accuracy, ...]
    failures: dict[str, str]
    """By route: the first line of the exception that PyTorch raised."""
    error: str | None
    """Why there is nothing, where the survey itself broke down."""
    elapsed_s: float
    stages_s: dict[str, float]
    """Seconds spent in each stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRecord:
    """A finished survey: all that a report may say."""

    environment: dict[str, str]
    seed: int
    sample: int
    """Points drawn of a sampled operation."""
    threshold_ulp: float
    """Errors above this are told as inaccurate."""
    elapsed_s: float
    sweeps: tuple[Sweep, ...]
    skipped: dict[str, str]
    """By operation: why it was not surveyed."""
    interrupted: bool = False
