"""Better formulas, tried on the case itself where PyTorch's numbers of the one written
differ."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import replace

from verifier.fields import REAL
from verifier.floats import Point
from verifier.language.casefile.case import Case
from verifier.language.points.scalars import scalar
from verifier.language.programs.program import Program
from verifier.records import Comparison, Result, severity
from verifier.verification import suggestion
from verifier.verification.prepare import Prepared, Setting
from verifier.verification.result import Verified
from verifier.verification.rewriting import Suggestion
from verifier.verification.verify import Interrupted, verify

MOST = 1
"""Better formulas that a result offers; `explain` shows more."""
LONGEST_S = 5.0
"""Seconds after which no other formula is tried."""


def offered(prepared: Prepared, setting: Setting, verified: Verified) -> Verified:
    """The same with better formulas beside the worst difference, if that is unexpected
    and there are any."""
    begun = time.perf_counter()
    worst = _differing(prepared, verified.result)
    if worst is None:
        return verified
    point = {n: scalar(x).nearest(prepared.format) for n, x in worst.point.items()}
    upstream = scalar(worst.upstream).nearest(prepared.format)
    found = formulas(prepared, setting, point, upstream, deadline=begun + LONGEST_S)
    try:
        better = replace(worst, instead=tuple(map(str, itertools.islice(found, MOST))))
    except KeyboardInterrupt as interrupt:
        raise Interrupted(verified.result) from interrupt
    result = replace(
        verified.result,
        comparisons=tuple(
            better if one is worst else one for one in verified.result.comparisons
        ),
        elapsed_s=verified.result.elapsed_s + time.perf_counter() - begun,
    )
    return replace(verified, result=result)


def _differing(prepared: Prepared, result: Result) -> Comparison | None:
    """The worst difference of real numbers of a formula; None where the case expects
    it."""
    if prepared.is_subject or prepared.field is not REAL or result.as_expected:
        return None
    differing = (c for c in result.comparisons if c.verdict.family == "differ")
    return max(differing, key=badness, default=None)


def badness(comparison: Comparison) -> tuple[int, bool, float]:
    """How bad it is; an error that is no number is worse than any."""
    error = comparison.error_ulp
    return severity(comparison.verdict), error is None, error or 0.0


def formulas(
    prepared: Prepared,
    setting: Setting,
    point: Point,
    upstream: float,
    *,
    deadline: float = math.inf,
) -> Iterator[Suggestion]:
    """Formulas proved equal to that of the case, of which PyTorch's numbers match at a
    point; none is begun after the deadline (of `time.perf_counter`)."""
    case = prepared.case

    def is_match(program: Program) -> bool:
        rewritten = replace(alone(case, point, upstream), program=program)
        result = verify(Prepared(rewritten, prepared.dtype), setting, seed=0).result
        return result.verdict.family == "match"

    yield from suggestion.suggest(
        case.program,
        point,
        upstream,
        case.wrt,
        prepared.format,
        is_match=is_match,
        deadline=deadline,
    )


def alone(case: Case, point: Point, upstream: float) -> Case:
    """The case with one given point, its upstream gradient and no expectation."""
    given = ({name: scalar(value) for name, value in point.items()},)
    return replace(
        case,
        given=given,
        upstream=scalar(upstream),
        domains={},
        points=0,
        where=None,
        expectation=None,
        descent=None,
    )
