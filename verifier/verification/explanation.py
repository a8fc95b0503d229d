"""One case derived step by step, on both sides: what `verifier explain` shows."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from verifier.floats import Point
from verifier.language.casefile.case import Case
from verifier.language.kernels.compositions import expand
from verifier.language.points.scalars import scalar
from verifier.language.points.upstream import gradients
from verifier.records import Result
from verifier.symbolic.calculus import typeset
from verifier.traces import (
    Explanation,
)
from verifier.verification import better, culprits, regions, walkthrough
from verifier.verification.prepare import Prepared, Setting, Store
from verifier.verification.verify import verify
from verifier.verification.walkthrough import spell

MOST_SUGGESTIONS = 3
"""Better formulas that are shown."""


def explain(
    case: Case,
    *,
    dtypes: Sequence[str],
    seed: int,
    allowed: Sequence[str],
    columns: int,
    plain: bool,
) -> list[Explanation]:
    """The derivation of a case in some dtypes, at its first given point or the worst
    drawn.

    `allowed` are patterns of subjects that may be imported. It is to be read in so many
    `columns`; `plain` formulas are typeset in ASCII.
    """
    store: Store = {}
    wrt = [name for name in case.wrt if name in case.inputs]
    derivatives = typeset.derivatives(case.program, wrt, columns=columns, plain=plain)
    return [
        _explain(
            Prepared(case, dtype, allowed=allowed, store=store),
            seed,
            derivatives,
            columns,
        )
        for dtype in dtypes
    ]


def _explain(
    prepared: Prepared, seed: int, derivatives: dict[str, str], columns: int
) -> Explanation:
    case, dtype, format_ = prepared.case, prepared.dtype, prepared.format
    whole = _whole(prepared, seed)
    point, upstream = _place(prepared, seed, whole)
    result = _result_at(prepared, point, upstream)
    trace, events = culprits.gather(case.program, point, upstream, dtype=dtype)
    expanded = walkthrough.named(expand(case.program), events, format_, columns)
    differs = result.verdict.family == "differ" and case.subject is None
    return Explanation(
        case=case.id,
        source=case.program.source,
        dtype=dtype,
        verdict=result.verdict.value,
        point={name: spell(value, format_) for name, value in point.items()},
        upstream=spell(upstream, format_),
        derivatives=derivatives,
        forward=walkthrough.forward(expanded, events, format_),
        backward=walkthrough.backward(expanded, events, format_),
        answers=walkthrough.answers(
            case, result, trace, events, dtype, spell(upstream, format_)
        ),
        unexpected=_unexpected(whole),
        regions=_regions(prepared, point, upstream, seed) if differs else (),
        suggestions=_suggestions(prepared, point, upstream) if differs else (),
        note=_note(case),
        failure=trace.failure,
    )


def _note(case: Case) -> str | None:
    if case.subject is not None:
        return f"The steps are those of the formula; the verdict is on `{case.subject}` as a whole."
    if case.order != 1:
        return "The steps are those of the first derivative; the verdict is on the second as well."
    return None


# ── the point ─────────────────────────────────────────────────────────────────────────


def _whole(prepared: Prepared, seed: int) -> Result | None:
    """The case on all its points; None where nothing is expected of them and the first
    is given."""
    case = prepared.case
    if case.given and not case.fixed and case.expectation is None:
        return None
    return verify(prepared, _setting(case), seed=seed).result


def _unexpected(whole: Result | None) -> tuple[str, ...]:
    if whole is None or whole.as_expected or whole.message is None:
        return ()
    return tuple(re.split("; (?=expect)", whole.message))


def _place(prepared: Prepared, seed: int, whole: Result | None) -> tuple[Point, float]:
    """The first given point, or that of the worst comparison, and the upstream gradient
    there."""
    case, format_ = prepared.case, prepared.format
    first = gradients(
        case.upstream,
        given=1,
        drawn=0,
        format_=format_,
        seed=_seed(case, seed),
        name=case.name,
    )[0]
    if case.given and not case.fixed:
        given = {n: v.nearest(format_) for n, v in case.given[0].items()}
        return _inputs(case, given), 1.0 if case.descent else first
    assert whole is not None
    worst = max(whole.comparisons, key=better.badness, default=None)
    if worst is None:
        return prepared.sample(seed).points[0], first
    point = {name: scalar(text).nearest(format_) for name, text in worst.point.items()}
    return point, scalar(worst.upstream).nearest(format_)


def _seed(case: Case, seed: int) -> int:
    return case.seed if case.seed is not None else seed


def _inputs(case: Case, point: Point) -> Point:
    return {name: point[name] for name in case.arguments}


def _result_at(prepared: Prepared, point: Point, upstream: float) -> Result:
    """The verdict on the case at one point alone, whatever it expects."""
    moved = prepared.at(better.alone(prepared.case, point, upstream))
    return verify(moved, _setting(moved.case), seed=0).result


def _setting(case: Case) -> Setting:
    return Setting(route=case.routes[0])


# ── where else, and what instead ──────────────────────────────────────────────────────


def _regions(
    prepared: Prepared, point: Point, upstream: float, seed: int
) -> tuple[str, ...]:
    case, format_ = prepared.case, prepared.format
    if not case.domains:
        return ()
    names = [name for name in case.inputs if name in case.domains]
    places = regions.regions(
        lambda at: _result_at(prepared, at, upstream).verdict.family,
        point,
        prepared.sample(seed).points,
        names,
        format_,
    )
    return tuple(regions.spell_region(region, format_) for region in places)


def _suggestions(prepared: Prepared, point: Point, upstream: float) -> tuple[str, ...]:
    formulas = better.formulas(prepared, _setting(prepared.case), point, upstream)
    return tuple(
        f"{formula}: equal in balls, and PyTorch's gradient of it is a match"
        for formula in itertools.islice(formulas, MOST_SUGGESTIONS)
    )
