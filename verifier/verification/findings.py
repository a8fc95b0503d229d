"""What is known of a case by one route so far: handed from stage to stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from verifier.measurements import Batch, Measurement
from verifier.records import Epoch, Unmet, Verdict
from verifier.verification.judging import Row
from verifier.verification.sampling import Sample
from verifier.verification.settled import Settled


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a run could not be had, and what that comes to."""

    message: str
    verdict: Verdict
    traceback: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRun:
    """The first run: its points, how many of them the case gives, and what PyTorch
    gave."""

    batch: Batch
    given: int
    measurement: Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Judged numbers, and what is said of the case as a whole."""

    sample: Sample = field(default_factory=Sample)
    points: int = 0
    """Points that are judged."""
    rows: tuple[Row, ...] = ()
    settled: Settled | None = None
    first: FirstRun | None = None
    derivations: int | None = None
    """How many derivations spoke for every derivative that was judged."""
    broken: tuple[Unmet, ...] = ()
    """The expectations of the case that do not hold."""
    epochs: tuple[Epoch, ...] = ()
    notes: Sequence[str] = ()
    failure: Failure | None = None
    interrupted: bool = False
