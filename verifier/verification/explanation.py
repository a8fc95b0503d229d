"""One case derived step by step, on both sides: what `verifier explain` shows."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from verifier.floats import Format, decimal, nearest, shortest, ulp
from verifier.language.casefile.case import Case
from verifier.language.kernels.compositions import expand
from verifier.language.operations.table import OPERATIONS, Sort
from verifier.language.points.scalars import Point, scalar
from verifier.language.points.upstream import gradients
from verifier.language.programs.printing import render_node
from verifier.language.programs.program import Program
from verifier.records import Comparison, Result, Truth, TruthStatus, severity
from verifier.symbolic.calculus import typeset
from verifier.traces import (
    Answer,
    BackwardStep,
    Event,
    EventKind,
    Explanation,
    ForwardStep,
    Trace,
)
from verifier.verification import culprits, regions, suggestion
from verifier.verification.prepare import Prepared, Setting, Store
from verifier.verification.verify import verify

MOST_SUGGESTIONS = 3


def explain(
    case: Case,
    *,
    dtypes: Sequence[str],
    seed: int,
    allowed: Sequence[str],
    columns: int,
    plain: bool,
) -> list[Explanation]:
    """The derivation of a case in some dtypes, at its first given point or its worst drawn one.

    `allowed` are patterns of subjects that may be imported. Formulas are typeset in so many `columns`, `plain` ones in
    ASCII.
    """
    store: Store = {}
    wrt = [name for name in case.wrt if name in case.inputs]
    derivatives = typeset.derivatives(case.program, wrt, columns=columns, plain=plain)
    return [
        _explain(Prepared(case, dtype, allowed=allowed, store=store), seed, derivatives)
        for dtype in dtypes
    ]


def _explain(prepared: Prepared, seed: int, derivatives: dict[str, str]) -> Explanation:
    case, dtype, format_ = prepared.case, prepared.dtype, prepared.format
    whole = _whole(prepared, seed)
    point, upstream = _place(prepared, seed, whole)
    result = _result_at(prepared, point, upstream)
    found, events = culprits.gather(case.program, point, upstream, dtype=dtype)
    expanded = expand(case.program)
    differs = result.verdict.family == "differ" and case.subject is None
    return Explanation(
        case=case.id,
        source=case.program.source,
        dtype=dtype,
        verdict=result.verdict.value,
        point={name: _spell(value, format_) for name, value in point.items()},
        upstream=_spell(upstream, format_),
        derivatives=derivatives,
        forward=_forward(expanded, events, format_),
        backward=_backward(expanded, events, format_),
        answers=_answers(case, result, found, events, dtype, _spell(upstream, format_)),
        unexpected=_unexpected(whole),
        regions=_regions(prepared, point, upstream, seed) if differs else (),
        suggestions=_suggestions(prepared, point, upstream) if differs else (),
        note=_note(case),
        failure=found.failure,
    )


def _note(case: Case) -> str | None:
    if case.subject is not None:
        return f"The steps are those of the formula; the verdict is on `{case.subject}` as a whole."
    if case.order != 1:
        return "The steps are those of the first derivative; the verdict is on the second as well."
    return None


# ── the point ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _whole(prepared: Prepared, seed: int) -> Result | None:
    """The case on all its points; None where nothing is expected of them and the first one is given."""
    case = prepared.case
    if case.given and not case.fixed and case.expectation is None:
        return None
    return verify(prepared, _setting(case), seed=seed).result


def _unexpected(whole: Result | None) -> tuple[str, ...]:
    if whole is None or whole.as_expected or whole.message is None:
        return ()
    return tuple(re.split("; (?=expect)", whole.message))


def _place(prepared: Prepared, seed: int, whole: Result | None) -> tuple[Point, float]:
    """The first given point, or that of the worst comparison, and the upstream gradient there."""
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
    worst = max(whole.comparisons, key=_badness, default=None)
    if worst is None:
        return prepared.sample(seed).points[0], first
    point = {name: scalar(text).nearest(format_) for name, text in worst.point.items()}
    return point, scalar(worst.upstream).nearest(format_)


def _seed(case: Case, seed: int) -> int:
    return case.seed if case.seed is not None else seed


def _badness(comparison: Comparison) -> tuple[int, float]:
    return severity(comparison.verdict), comparison.error_ulp or 0.0


def _inputs(case: Case, point: Point) -> Point:
    return {name: point[name] for name in case.arguments}


def _result_at(prepared: Prepared, point: Point, upstream: float) -> Result:
    """The verdict on the case at one point alone, whatever it expects."""
    moved = prepared.at(_only(prepared.case, point, upstream))
    return verify(moved, _setting(moved.case), seed=0).result


def _only(case: Case, point: Point, upstream: float) -> Case:
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


def _setting(case: Case) -> Setting:
    return Setting(route=case.routes[0])


# ── where else, and what instead ─────────────────────────────────────────────────────────────────────────────────────


def _regions(
    prepared: Prepared, point: Point, upstream: float, seed: int
) -> tuple[str, ...]:
    case, format_ = prepared.case, prepared.format
    if not case.domains:
        return ()
    names = [name for name in case.inputs if name in case.domains]
    found = regions.regions(
        lambda at: _result_at(prepared, at, upstream).verdict.family,
        point,
        prepared.sample(seed).points,
        names,
        format_,
    )
    return tuple(regions.spell_region(region, format_) for region in found)


def _suggestions(prepared: Prepared, point: Point, upstream: float) -> tuple[str, ...]:
    case = prepared.case

    def is_match(program: Program) -> bool:
        rewritten = replace(_only(case, point, upstream), program=program)
        other = Prepared(rewritten, prepared.dtype)
        result = verify(other, _setting(case), seed=0).result
        return result.verdict.family == "match"

    found = suggestion.suggest(
        case.program, point, upstream, case.wrt, prepared.format, is_match=is_match
    )
    return tuple(
        f"{one}: equal in balls, and PyTorch's gradient of it is a match"
        for one, _ in zip(found, range(MOST_SUGGESTIONS), strict=False)
    )


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _forward(
    program: Program, events: Sequence[Event], format_: Format
) -> tuple[ForwardStep, ...]:
    return tuple(
        ForwardStep(
            text=_step(program, event.node),
            true=_true(event.true, format_, _is_condition(program, event.node)),
            measured=_measured(
                event.measured, format_, _is_condition(program, event.node)
            ),
            error=_error(event, format_),
        )
        for event in events
        if event.kind is EventKind.VALUE
        and program.nodes[event.node].operation != "constant"
        and not _is_literal(program, event)
    )


def _is_literal(program: Program, event: Event) -> bool:
    """Whether the value is arithmetic among constants."""
    return bool(program.nodes[event.node].arguments) and not event.sources


def _backward(
    program: Program, events: Sequence[Event], format_: Format
) -> tuple[BackwardStep, ...]:
    rows: list[BackwardStep] = []
    for event in events:
        if event.kind is not EventKind.PRODUCT or event.operand is None:
            continue
        upstream = events[event.sources[0].event]
        node = program.nodes[event.node]
        rows.append(
            BackwardStep(
                text=_step(program, event.node),
                upstream_true=_true(upstream.true, format_),
                upstream_measured=_measured(upstream.measured, format_),
                operand=_called(program, node.arguments[event.operand]),
                derivative=typeset.local(program, event.node, event.operand),
                true=_true(event.true, format_),
                measured=_measured(event.measured, format_),
                error=_error(event, format_),
            )
        )
    return tuple(rows)


def _step(program: Program, index: int) -> str:
    text = render_node(program, index)
    names = [name for name, at in program.steps.items() if at == index]
    return f"{names[0]} = {text}" if names else text


def _called(program: Program, index: int) -> str:
    names = [name for name, at in program.steps.items() if at == index]
    return names[0] if names else render_node(program, index)


def _is_condition(program: Program, index: int) -> bool:
    row = OPERATIONS.get(program.nodes[index].operation)
    return row is not None and row.result is Sort.CONDITION


def _true(truth: Truth, format_: Format, condition: bool = False) -> str:
    """The truth to some digits more than the dtype has."""
    if truth.status is not TruthStatus.FINITE or truth.interval is None:
        return truth.status.value
    middle = (truth.interval.lower + truth.interval.upper) / 2
    if condition:
        return str(bool(middle)).lower()
    return decimal(middle, math.ceil(format_.precision_bits * math.log10(2)) + 3)


def _measured(value: float, format_: Format, condition: bool = False) -> str:
    return str(bool(value)).lower() if condition else _spell(value, format_)


def _error(event: Event, format_: Format) -> str:
    truth = event.true
    if truth.status is not TruthStatus.FINITE or truth.interval is None:
        return ""
    middle = (truth.interval.lower + truth.interval.upper) / 2
    if math.isinf(event.measured) and event.measured == nearest(middle, format_):
        return "overflow"
    if not math.isfinite(event.measured):
        return "-"
    if event.measured == 0 != middle and nearest(middle, format_) == 0:
        return "underflow"
    if event.measured == middle:
        return ""
    error = abs(Fraction(event.measured) - middle) / ulp(middle, format_)
    try:
        return f"{float(error):.3g} ulp"
    except OverflowError:
        return "-"


def _answers(
    case: Case,
    result: Result,
    found: Trace,
    events: Sequence[Event],
    dtype: str,
    upstream: str,
) -> tuple[Answer, ...]:
    """The comparisons; a walk over the program, under the `upstream` gradient, tells why one differs."""
    answers: list[Answer] = []
    for comparison in sorted(result.comparisons, key=lambda c: c.quantity != "value"):
        one = comparison
        asked = one.verdict.family == "differ" and one.quantity != "hessian"
        walked = case.subject is None and one.upstream == upstream
        if walked and asked and one.culprit is None:
            wrt = one.wrt[0] if one.wrt else None
            diagnosis = culprits.conclude(
                case.program, found, events, dtype=dtype, wrt=wrt
            )
            one = culprits.attach(one, diagnosis)
        error = "" if not one.error_ulp else f"{one.error_ulp:.3g} ulp"
        answers.append(
            Answer(
                quantity=" ".join((one.quantity, *one.wrt)),
                upstream=one.upstream if one.wrt else "",
                true=one.true,
                measured=one.measured.removesuffix(".0"),
                error=error,
                verdict=one.verdict.value,
                culprit=one.culprit,
                message=one.message,
            )
        )
    return tuple(answers)


def _spell(value: float, format_: Format) -> str:
    return shortest(value, format_).removesuffix(".0")
