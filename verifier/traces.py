"""The frozen records of an inquiry: what passes between tracing, local truth, diagnosis
and explanation. No logic."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from verifier.records import Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """PyTorch's own numbers at one point, by node of the *expanded* program, as exact
    floats (conditions: 1.0, 0.0).

    `products[i][k]` is what operation i alone hands back to its operand k, given its own measured adjoint. None stands
    where PyTorch keeps no gradient. `failure` is the first line of what it raised; then the rest is empty.
    """

    values: tuple[float, ...] = ()
    adjoints: tuple[float | None, ...] = ()
    products: tuple[tuple[float | None, ...], ...] = ()
    failure: str | None = None


class EventKind(StrEnum):
    """What a number of the run is."""

    VALUE = "value"
    ADJOINT = "adjoint"
    """The sum of what all uses of a node hand back to it."""
    PRODUCT = "product"
    """The local vector-Jacobian product of an operation to one operand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An earlier number that an event is computed from.

    `share` is how far the event's truth would move if this source alone had PyTorch's number; None where that is no
    finite distance.
    """

    event: int
    share: Fraction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One number that a run computes, in order of execution: all values, then adjoints
    and products backward.

    `local` is the truth at PyTorch's *own* operands; `true` that at the true ones, all the way from the inputs.
    `explained`, of a product: whether rounding inside PyTorch's documented formula explains its error; else None.
    """

    kind: EventKind
    node: int
    operand: int | None = None
    measured: float
    local: Truth
    true: Truth
    sources: tuple[Source, ...] = ()
    explained: bool | None = None


class Cause(StrEnum):
    """Why a number differs."""

    NONE = "none"
    """At this point alone, PyTorch's number is right."""
    FAILURE = "failure"
    """PyTorch raised."""
    KERNEL = "kernel"
    """An operation's own result is inaccurate."""
    FORMULA = "formula"
    """An operation's own backward is wrong or loses digits."""
    ZERO_TIMES_INFINITY = "zero-times-infinity"
    OVERFLOW = "overflow"
    UNDERFLOW = "underflow"
    CANCELLATION = "cancellation"
    AMPLIFICATION = "amplification"
    SINGULARITY = "singularity"
    """A removable singularity (0/0, 0·inf) or a pole, met head-on."""
    KINK = "kink"
    DOMAIN = "domain"
    """Operands outside the operation's domain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Where and why a number of PyTorch's differs. `message` is one line that does not
    repeat the culprit."""

    cause: Cause
    message: str
    culprit: str | None = None
    """Such as "`exp(x) - 1` (sub, column 2)"."""
    node: int | None = None
    """Of the expanded program."""
    backward: bool = False
    measured: float | None = None
    """PyTorch's local result; `true` is the true one at the same operands, to 20 digits
    or as its status is called."""
    true: str | None = None
    error_ulp: float | None = None
    amplification: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Where along one input a verdict holds, the other inputs being fixed.

    An end is a pair of neighbouring floats, the differing one first, and the family of
    the verdict beyond it; None where no other verdict was found on that side.
    """

    input: str
    below: tuple[float, float, str] | None
    above: tuple[float, float, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardStep:
    """One line of the forward pass."""

    text: str
    true: str
    measured: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackwardStep:
    """One line of the backward pass: what an operation hands back to one operand."""

    node: int
    """Of the expanded program."""
    text: str
    upstream_true: str
    upstream_measured: str
    operand: str
    derivative: str
    """The local derivative as a formula."""
    true: str
    measured: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The end of the derivation: one quantity, its two numbers and the verdict."""

    quantity: str
    upstream: str
    """The upstream gradient under which a derivative was taken; empty of a value."""
    true: str
    measured: str
    error: str
    verdict: str
    culprit: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All that can be told of one case at one point in one dtype."""

    case: str
    source: str
    dtype: str
    verdict: str
    point: dict[str, str]
    upstream: str
    derivatives: dict[str, str] = field(default_factory=dict)
    """The symbolic derivative by each input, typeset over several lines; without those
    that are too large."""
    forward: tuple[ForwardStep, ...] = ()
    backward: tuple[BackwardStep, ...] = ()
    answers: tuple[Answer, ...] = ()
    unexpected: tuple[str, ...] = ()
    """What the case expects and does not get, over all its points."""
    regions: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    note: str | None = None
    """What of the case the derivation does not show."""
    failure: str | None = None
