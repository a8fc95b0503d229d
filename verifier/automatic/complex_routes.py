"""PyTorch's ways to the gradient of a complex function, by its convention for complex numbers.

Reverse mode hands back grad · conj(f′(z)) of a holomorphic f. Forward mode takes the tangent 1 to f′(z); the gradient
is the upstream gradient times its conjugate. The routes are those of real numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from verifier.automatic.routes import Runner
from verifier.automatic.subjects import Subject
from verifier.language.programs.program import Program
from verifier.records import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplexMeasurement:
    """What PyTorch computed at each point, by point in order: a `Measurement` of complex numbers.

    `steps`, the adjoints of named steps, is empty by the routes that have none to show. `failure` is the first line of
    the exception where PyTorch raised one, and `traceback` all of it; then the rest is empty.
    """

    values: tuple[complex, ...] = ()
    gradient: Mapping[str, tuple[complex, ...]] = field(default_factory=dict)
    steps: Mapping[str, tuple[complex, ...]] = field(default_factory=dict)
    upstream: tuple[complex, ...] = ()
    missing: Mapping[tuple[str, ...], frozenset[int]] = field(default_factory=dict)
    changed: tuple[int, str] | None = None
    unsteady: tuple[int, str] | None = None
    returned: tuple[str, ...] = ()
    failure: str | None = None
    traceback: str | None = None
    failure_verdict: Verdict = Verdict.DIFFER_UNSUPPORTED

    def columns(self) -> dict[tuple[str, tuple[str, ...]], tuple[complex, ...]]:
        """The numbers by quantity and what it is differentiated by; named steps apart."""
        found: dict[tuple[str, tuple[str, ...]], tuple[complex, ...]] = {
            ("value", ()): self.values
        }
        found |= {("gradient", (name,)): own for name, own in self.gradient.items()}
        return found


def measure(
    subject: Program | Subject,
    points: Sequence[Mapping[str, complex]],
    upstream: complex | Sequence[complex],
    *,
    dtype: str,
    wrt: Sequence[str],
    route: str = "reverse",
    layout: str | None = None,
    twice: bool = False,
    seeded: bool = False,
) -> ComplexMeasurement:
    """What a `Runner` of a complex dtype measures once; exceptions are as its `measure` says."""
    runner: Any = Runner(
        subject,
        dtype=dtype,
        wrt=wrt,
        route=route,
        layout=layout,
        twice=twice,
        seeded=seeded,
    )
    found = runner.measure(points, upstream)
    return ComplexMeasurement(
        values=found.values,
        gradient=found.gradient,
        steps=found.steps,
        upstream=found.upstream,
        missing=found.missing,
        changed=found.changed,
        unsteady=found.unsteady,
        returned=found.returned,
        failure=found.failure,
        traceback=found.traceback,
        failure_verdict=found.failure_verdict,
    )
