"""Further runs of a case at the points of its first one, and what they show that it does not.

At other upstream gradients a backward may ignore its own, clip it, or branch on it; on all points as one tensor it may
mix them; a second time it may give another number; in float64 it may be right where it is not in the dtype. A run's
numbers are looked at where they are not what the first run lets expect, and there they are judged like any other.
"""

from __future__ import annotations

import cmath
import math
import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from typing import Any, Protocol

from verifier.automatic.faults import first_line
from verifier.automatic.faults import told as traceback_of
from verifier.automatic.subjects import SubjectError
from verifier.floats import Format, is_same, power_of_two
from verifier.judgement import linearity
from verifier.judgement.comparison import Judgement
from verifier.records import TruthStatus, Verdict

Key = tuple[str, tuple[str, ...]]
"""A quantity, and what it is differentiated by."""
Rows = list[Any]
"""Judged numbers: each has `quantity.key`, `point`, `upstream`, `measured`, `truth` and `judgement`."""

Placed = list[tuple[int, Any]]
"""Rows, each with its place in the run."""

MOST_ALONE = 256
"""Points of a callable that are run once more, one after the other."""
MOST_DRAWN = 64
"""Of these, how many at several upstream gradients each, where the callable takes no batch."""
MOST_JUDGED = 64
"""Unexpected numbers of a quantity in one run that are judged: those farthest from what was expected."""
ROWS = 6
"""Random upstream gradients at each point."""
SIZES = (1, 2, 3, 5, 8, 17, 31, 64, 129, 1024, 1031, 4099)
"""Numbers of elements of a tensor: kernels go by blocks and tails of them, and choose their code by size."""
APART = "apart"
"""The layout in which nothing, or one input alone, needs a gradient."""
WRONG = (Verdict.DIFFER_WRONG, Verdict.DIFFER_NONFINITE)
UNSTEADY = "another run, or a second backward, gives other bits"
MEND = "If it takes single numbers alone, say so with `elementwise = false`."


class Bench(Protocol):
    """What runs and judges the numbers of one task."""

    format: Format
    dtype: str

    @property
    def widest(self) -> str:
        """The dtype of most digits of the same kind."""

    def format_of(self, key: Key, found: Any) -> Format:
        """The format of a quantity's numbers in a measurement."""

    def size_and_error(self, truth: Any, number: Any) -> tuple[Fraction, Fraction]:
        """|truth|, and how far from it a finite number is."""

    def run(
        self,
        points: Sequence[Any],
        upstream: Sequence[Any],
        *,
        layout: str | None,
        twice: bool = False,
        precisely: bool = False,
    ) -> Any:
        """A measurement, of which `failure` tells what was raised; `precisely` in the widest dtype of its kind."""

    def judge(
        self, point: Any, upstream: Any, found: Any, place: int, keys: Collection[Key]
    ) -> Rows:
        """The judgements of some quantities at one place of a measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """The first run: the points, the upstream gradients that PyTorch was given, what it found, and its verdicts."""

    points: Sequence[Any]
    upstream: Sequence[Any]
    found: Any
    verdicts: Mapping[tuple[int, Key], Verdict]
    """By point and quantity; one that is not among them matches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A further run."""

    layout: str | None
    """How the points lie; None: as in the first run."""
    places: Sequence[int]
    """Which of the points each element is."""
    upstream: Sequence[Any]
    again: bool = False
    """Whether it is run a second time, to give the same bits."""
    shape: str = ""
    """What the points are given as, in words."""


def first_run(points: Sequence[Any], found: Any, judged: Rows) -> First:
    """The first run, with the verdicts on its numbers."""
    places = {id(point): index for index, point in enumerate(points)}
    verdicts = {
        (places[id(row.point)], row.quantity.key): row.judgement.verdict
        for row in judged
    }
    return First(points=points, upstream=found.upstream, found=found, verdicts=verdicts)


@dataclass(slots=True)
class Outcome:
    """What further runs show."""

    rows: Rows = field(default_factory=list)
    unsteady: dict[Key, tuple[Any, str]] = field(default_factory=dict)
    """The quantities that another run on the same numbers gives other bits of: where first, and how."""
    changed: tuple[Any, str] | None = None
    """The point at which something given was changed in place, and what."""
    failure: tuple[str, Verdict] | None = None
    """Why a run could not be had, and what that comes to."""
    traceback: str | None = None


# ── which runs ───────────────────────────────────────────────────────────────────────────────────────────────────────


def of_program(first: First, format_: Format, scales: Sequence[Any]) -> Iterator[Trial]:
    """Upstream gradients that only scale: rounding stays what it was, so that PyTorch's own may be held to them."""
    for factor in scales:
        upstream = [
            linearity.scaled(one, factor, format_) if one else one
            for one in first.upstream
        ]
        if upstream != list(first.upstream):
            yield Trial(layout=None, places=range(len(first.points)), upstream=upstream)


def of_subject(
    first: First, format_: Format, *, batched: bool, alone: str | None, name: str
) -> Iterator[Trial]:
    """Other upstream gradients of either sign and many magnitudes, point by point and, where it can, in batches."""
    source = random.Random(f"{name}:further upstream gradients")
    count = len(first.points)
    few = _spread(count, MOST_ALONE)

    def drawn(places: Sequence[int]) -> list[Any]:
        gradients = [
            [column[place] for place in places]
            for (kind, _), column in first.found.columns().items()
            if kind != "value"
        ]
        own = [first.upstream[place] for place in places]
        return linearity.drawn(own, gradients, format_, source)

    def pointwise(
        places: Sequence[int], upstream: Sequence[Any], again: bool = False
    ) -> Trial:
        return Trial(layout=alone, places=places, upstream=upstream, again=again)

    scaled = [linearity.scaled(u, linearity.SCALE, format_) for u in first.upstream]
    yield pointwise(few, [scaled[place] for place in few], True)
    fewer = _spread(count, MOST_DRAWN)
    if alone is not None:
        own = [first.upstream[place] for place in fewer]
        yield Trial(layout=APART, places=fewer, upstream=own)
    if batched:
        yield pointwise(few, drawn(few))
        yield from _batches(first, scaled, drawn, source)
        return
    small = linearity.SMALL
    yield pointwise(fewer, [0.0] * len(fewer))
    yield pointwise(fewer, [small[k % len(small)] for k in range(len(fewer))])
    many = [place for place in fewer for _ in range(ROWS)]
    yield pointwise(many, drawn(many))


def _batches(
    first: First,
    scaled: Sequence[Any],
    drawn: Callable[[Sequence[int]], list[Any]],
    source: random.Random,
) -> Iterator[Trial]:
    count = len(first.points)
    every = list(range(count)) if count > 1 else [0, 0]
    own = [first.upstream[place] for place in every]
    yield Trial(
        layout="batch",
        places=every,
        upstream=own,
        again=True,
        shape="one tensor",
    )
    small = linearity.SMALL
    fixed: list[Any] = [0.0] * len(every)
    fixed += [small[k % len(small)] for k in range(len(every))]
    many = every * (ROWS if count <= MOST_ALONE else 2)
    yield Trial(
        layout="2,-1",
        places=[*every, *every, *many],
        upstream=[*fixed, *drawn(many)],
        shape="a tensor of two rows",
    )
    # In another order, so that what is kept for a shape belongs to other numbers.
    mixed = source.sample(every, len(every))
    for layout, places, shape in (
        ("strided", mixed, "a strided tensor"),
        ("transposed", mixed * 2, "a transposed tensor"),
        ("deep", mixed * 4, "a tensor of three dimensions"),
        ("1,-1", mixed, "a tensor of one row"),
        ("-1,1", mixed, "a tensor of one column"),
        ("2,1,-1,2", mixed * 4, "a tensor of four dimensions"),
        ("expanded", mixed[:1] * 8, "an expanded tensor"),
    ):
        yield Trial(layout=layout, places=places, upstream=drawn(places), shape=shape)
    for size in SIZES:
        places = [mixed[k % len(mixed)] for k in range(size)]
        elements = "element" if size == 1 else "elements"
        yield Trial(
            layout="batch",
            places=places,
            upstream=drawn(places),
            shape=f"a tensor of {size} {elements}",
        )
    yield Trial(
        layout="expanded",
        places=every,
        upstream=[scaled[0]] * len(every),
        shape="one tensor with an expanded upstream gradient",
    )


def _spread(count: int, most: int) -> list[int]:
    """At most so many places, evenly spread."""
    return sorted({k * count // min(count, most) for k in range(min(count, most))})


# ── what they show ───────────────────────────────────────────────────────────────────────────────────────────────────


def further(
    bench: Bench,
    first: First,
    judged: Rows,
    trials: Iterator[Trial],
    *,
    is_subject: bool,
) -> Outcome:
    """All rows of a task after its further runs, and what these say of it as a whole."""
    outcome = _carried_out(bench, first, trials, is_subject)
    rows = judged + outcome.rows
    changed = outcome.changed
    if first.found.changed is not None:
        place, what = first.found.changed
        changed = first.points[place], what
    unsteady = outcome.unsteady
    rows = [_unsteady(row) if row.quantity.key in unsteady else row for row in rows]
    for key, (point, told) in unsteady.items():
        verdict = Verdict.DIFFER_NONDETERMINISTIC
        rows += _told(bench, first, key, point, verdict, told)
    if changed is not None:
        key = next(key for key in first.found.columns() if key[0] != "value")
        rows += _told(bench, first, key, changed[0], Verdict.DIFFER_MUTATED, changed[1])
    outcome.rows = rows
    if any(row.judgement.verdict.family == "differ" for row in rows):
        outcome.failure = None  # what differs is told, whatever could not be run
    return outcome


def _told(
    bench: Bench, first: First, key: Key, point: Any, verdict: Verdict, message: str
) -> Rows:
    """What is found of several runs, beside the number of the first one."""
    index = next(k for k, one in enumerate(first.points) if one is point)
    upstream = first.found.upstream[index]
    return [
        replace(row, judgement=replace(row.judgement, verdict=verdict, message=message))
        for row in bench.judge(point, upstream, first.found, index, {key})
        if row.quantity.key == key
    ]


def _unsteady(row: Any) -> Any:
    """A difference of a number that no two runs agree about."""
    if row.judgement.verdict.family != "differ":
        return row
    judgement = replace(
        row.judgement, verdict=Verdict.DIFFER_NONDETERMINISTIC, message=UNSTEADY
    )
    return replace(row, judgement=judgement)


def _carried_out(
    bench: Bench, first: First, trials: Iterator[Trial], is_subject: bool
) -> Outcome:
    """What the trials show that the first run does not: every kind of difference that is new at its point."""
    outcome = Outcome()
    told: set[tuple[Key, Verdict]] = set()
    for trial in trials:
        points = [first.points[place] for place in trial.places]
        found = _run(bench, points, trial)
        if found.failure is not None:
            if trial.shape and len(first.points) == 1:
                return outcome  # of a single point there is no batch, nor need there be
            outcome.failure = _failure(trial, found)
            outcome.traceback = found.traceback
            return outcome
        _note_state(bench, outcome, points, trial, found)
        rows = _news(bench, first, trial, points, found, is_subject)
        if is_subject:
            rows = _explained(bench, first, trial, points, rows)
        new = [row for row in _once(rows, trial) if _kind(row) not in told]
        told |= {_kind(row) for row in new}
        outcome.rows += new
    return outcome


def _once(rows: Placed, trial: Trial) -> Rows:
    """The rows, copies of a point apart."""
    found = {(trial.places[k], _kind(row), row.upstream): row for k, row in rows}
    return list(found.values())


def _run(bench: Bench, points: Sequence[Any], trial: Trial) -> Any:
    """The measurement; what other code than PyTorch raises is a failure too, for the first run went well."""
    try:
        return bench.run(points, trial.upstream, layout=trial.layout, twice=trial.again)
    except Exception as error:
        told = error.message if isinstance(error, SubjectError) else first_line(error)
        return _Failed(failure=told, traceback=traceback_of(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failed:
    failure: str
    traceback: str
    failure_verdict: Verdict = Verdict.ERROR_RUN


def _failure(trial: Trial, found: Any) -> tuple[str, Verdict]:
    verdict = found.failure_verdict
    if trial.layout == APART:
        return f"where one input alone needs a gradient: {found.failure}", verdict
    if not trial.shape:
        return f"at another upstream gradient: {found.failure}", verdict
    if verdict is not Verdict.DIFFER_WRONG:
        verdict = Verdict.ERROR_RUN
    told = f"expected the subject to take its points as {trial.shape}, found: {found.failure}"
    return f"{told.rstrip('.')}. {MEND}", verdict


def _kind(row: Any) -> tuple[Key, Verdict]:
    return row.quantity.key, row.judgement.verdict


def _note_state(
    bench: Bench, outcome: Outcome, points: Sequence[Any], trial: Trial, found: Any
) -> None:
    """Note what was changed in place, and whether a second backward and a second run give the same bits."""
    if found.changed is not None and outcome.changed is None:
        place, what = found.changed
        outcome.changed = points[place], what
    if not trial.again:
        return
    if found.unsteady is not None:
        place, how = found.unsteady
        key = next(key for key in found.columns() if key[0] != "value")
        told = f"a second backward through the same graph {how}"
        outcome.unsteady.setdefault(key, (points[place], told))
    second = _run(bench, points, trial)
    if second.failure is not None:
        key = next(iter(found.columns()))
        told = f"a second run on the same numbers raises {second.failure}"
        outcome.unsteady.setdefault(key, (points[0], told))
        return
    others = second.columns()
    for key, column in found.columns().items():
        for place, (one, other) in enumerate(zip(column, others[key], strict=True)):
            if not is_same(one, other):
                told = f"a second run on the same numbers gives {other!r} after {one!r}"
                outcome.unsteady.setdefault(key, (points[place], told))
                break


def _news(
    bench: Bench,
    first: First,
    trial: Trial,
    points: Sequence[Any],
    found: Any,
    is_subject: bool,
) -> Placed:
    """The differences of a run that are new at their points."""
    asked: dict[int, set[Key]] = {}
    for key in found.columns():
        # At a kink the gradient counts as a vector.
        kin = {other for other in found.columns() if other[0] == key[0]}
        for position in _unexpected(bench, first, trial, found, key, is_subject):
            asked.setdefault(position, set()).update(kin)

    @cache
    def ignores_upstream(key: Key) -> bool:
        return _ignores_upstream(first, trial, found, key)

    rows: Placed = []
    for position, keys in sorted(asked.items()):
        place, upstream = trial.places[position], found.upstream[position]
        for row in bench.judge(points[position], upstream, found, position, keys):
            key, verdict = row.quantity.key, row.judgement.verdict
            is_other = key[0] != "value" and upstream != first.upstream[place]
            if (
                verdict.family == "differ"
                and verdict is not first.verdicts.get((place, key))
                and not (is_other and verdict in _of_any_upstream(is_subject))
            ):
                if is_other and ignores_upstream(key):
                    row = _with(row, "the gradient does not depend on the upstream one")
                rows.append((position, row))
    return rows


def _ignores_upstream(first: First, trial: Trial, found: Any, key: Key) -> bool:
    """Whether every gradient is that of the first run, at other upstream gradients than there."""
    main, column = first.found.columns()[key], found.columns()[key]
    other = [
        position
        for position, place in enumerate(trial.places)
        if found.upstream[position] != first.upstream[place] and main[place]
    ]
    return bool(other) and all(
        is_same(column[position], main[trial.places[position]]) for position in other
    )


def _with(row: Any, told: str) -> Any:
    """The row with words before its own message."""
    message = "; ".join(part for part in (told, row.judgement.message) if part)
    return replace(row, judgement=replace(row.judgement, message=message))


def _of_any_upstream(is_subject: bool) -> tuple[Verdict, ...]:
    """Differences that tell nothing of another upstream gradient.

    The range is the case's own business. What rounding explains it explains at any upstream gradient, which only
    scales it: a callable that has it at none but this one was lucky at the first. A power of two changes no rounding.
    """
    rounding = (Verdict.DIFFER_UNSTABLE,) if is_subject else ()
    return (Verdict.DIFFER_RANGE, *rounding)


def _unexpected(
    bench: Bench, first: First, trial: Trial, found: Any, key: Key, is_subject: bool
) -> list[int]:
    """The places at which a number is not what the first run lets expect, the farthest ones."""
    main, column = first.found.columns()[key], found.columns()[key]
    format_ = bench.format_of(key, found)
    far: list[tuple[float, int]] = []
    for position, place in enumerate(trial.places):
        wanted = main[place]
        if key[0] != "value":
            wanted = linearity.expected(
                wanted, first.upstream[place], found.upstream[position]
            )
        number = column[position]
        if wanted is None:
            far.append((math.inf, position))
        elif not linearity.is_near(number, wanted, format_) and (
            is_subject or linearity.is_inside(wanted, format_)
        ):
            far.append((linearity.deviation(number, wanted), position))
    far.sort(key=lambda one: -one[0])
    return [position for _, position in far[:MOST_JUDGED]]


def of_none(judgement: Judgement, status: TruthStatus) -> Judgement:
    """The judgement on a None, which stands as 0: where the derivative is not zero, it is missing."""
    if judgement.verdict.family != "differ" or status is TruthStatus.UNDEFINED:
        return judgement
    return replace(
        judgement,
        verdict=Verdict.DIFFER_MISSING,
        message="`None` was returned, where the derivative is not zero",
    )


# ── why ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _explained(
    bench: Bench, first: First, trial: Trial, points: Sequence[Any], rows: Placed
) -> Placed:
    """The rows with what they come from: the batch, the other elements, the digits of the dtype, or the upstream."""
    if not rows:
        return rows
    if trial.layout == APART:
        return [(place, _apart(row)) for place, row in rows]
    in_batch: Placed = []
    if trial.shape:
        alone = _alone(bench, [row for _, row in rows])
        in_batch = [
            placed
            for k, placed in enumerate(rows)
            if alone is None or not _is_near(bench, alone, k, placed[1])
        ]
    of_upstream = [placed for placed in rows if placed not in in_batch]
    settled = with_digits(bench, [row for _, row in of_upstream])
    kept = [
        (placed[0], row)
        for placed, row in zip(of_upstream, settled, strict=True)
        if row is placed[1] or _loses_nearby(bench, first, trial, placed)
    ]
    return kept + _in_batch(bench, trial, points, in_batch)


def _apart(row: Any) -> Any:
    """A row with what it comes from: the first run gave another number at the same upstream gradient."""
    is_value = row.quantity.key[0] == "value"
    told = "where nothing" if is_value else "where this input alone"
    told += f" needs a gradient; {row.judgement.message}"
    return replace(row, judgement=replace(row.judgement, message=told))


def _alone(bench: Bench, rows: Rows) -> Any:
    """The points of the rows, run one after the other; None where they cannot be."""
    try:
        found = bench.run(
            [row.point for row in rows], [row.upstream for row in rows], layout="single"
        )
    except Exception:  # then the rows stay what they are
        return None
    return found if found.failure is None else None


def _is_near(bench: Bench, found: Any, place: int, row: Any) -> bool:
    key = row.quantity.key
    number = found.columns()[key][place]
    return linearity.is_near(number, row.measured, bench.format_of(key, found))


def with_digits(bench: Bench, rows: Rows) -> Rows:
    """The rows of a subject; one that is right in the widest dtype, at the same numbers, loses digits or range alone.

    Right there: within a sixteenth of the dtype's unit roundoff, or sixteen times nearer than in the dtype. A mistake
    in the mathematics is as large in every dtype.
    """
    asked = [row for row in rows if _is_asked(row)]
    if not asked:
        return rows
    points, upstream = [row.point for row in asked], [row.upstream for row in asked]
    columns = _precise(bench, points, upstream, "single")
    if columns is None:
        return rows
    settled = {
        id(row): _with_digits(bench, row, columns[row.quantity.key][k])
        for k, row in enumerate(asked)
    }
    return [settled.get(id(row), row) for row in rows]


def _is_asked(row: Any) -> bool:
    """Whether the digits of the dtype may be to blame."""
    return row.judgement.verdict in WRONG and row.truth.status is TruthStatus.FINITE


def _precise(
    bench: Bench, points: Sequence[Any], upstream: Sequence[Any], layout: str | None
) -> Any:
    """The numbers in the widest dtype of the kind; None where there is none wider, or it is not taken."""
    if bench.dtype == bench.widest:
        return None
    try:
        found = bench.run(points, upstream, layout=layout, precisely=True)
    except Exception:  # it does not take that dtype: the rows stay what they are
        return None
    return found.columns() if found.failure is None else None


def _with_digits(bench: Bench, row: Any, precise: Any) -> Any:
    if not cmath.isfinite(precise):
        return row
    size, error = bench.size_and_error(row.truth, precise)
    unit = power_of_two(-row.format.precision_bits)
    if cmath.isfinite(row.measured):
        _, own = bench.size_and_error(row.truth, row.measured)
        is_right = error <= max(size * unit, own) / 16
        verdict = Verdict.DIFFER_UNSTABLE
        told = (
            f"the subject loses digits in {bench.dtype}: in {bench.widest} it is right"
        )
    else:
        is_right = error <= size * unit
        verdict = Verdict.DIFFER_RANGE
        told = f"the subject leaves the range of {bench.dtype}: in {bench.widest} it is right"
    if not is_right:
        return row
    return replace(row, judgement=replace(row.judgement, verdict=verdict, message=told))


def _loses_nearby(
    bench: Bench, first: First, trial: Trial, placed: tuple[int, Any]
) -> bool:
    """Whether digits are lost too at an upstream gradient so near to the first one that no range is left."""
    position, row = placed
    place = trial.places[position]
    own = first.upstream[place]
    near = linearity.nearer(row.upstream, own, bench.format)
    found = _alone(bench, [replace(row, upstream=near)])
    if found is None or row.quantity.key[0] == "value":
        return True
    key = row.quantity.key
    wanted = linearity.expected(
        first.found.columns()[key][place], own, found.upstream[0]
    )
    number = found.columns()[key][0]
    format_ = bench.format_of(key, found)
    return wanted is None or not linearity.is_near(number, wanted, format_)


def _in_batch(
    bench: Bench, trial: Trial, points: Sequence[Any], rows: Placed
) -> Placed:
    """The rows that differ in a batch alone, with whether their numbers depend on the other elements."""
    mixes: dict[Key, bool] = {}
    precise = None
    if any(_is_asked(row) for _, row in rows):
        precise = _precise(bench, points, trial.upstream, trial.layout)
    found: Placed = []
    for position, row in rows:
        key = row.quantity.key
        if key not in mixes:
            mixes[key] = _depends(bench, trial, points, position, row)
        what = "value" if key[0] == "value" else "gradient"
        if mixes[key]:
            verdict = Verdict.DIFFER_WRONG
            told = f"the {what} at one element depends on others, in {trial.shape}"
        else:
            if precise is not None and _is_asked(row):
                row = _with_digits(bench, row, precise[key][position])
            verdict = row.judgement.verdict
            told = (
                f"the {what} in {trial.shape} is another than that of a single number"
            )
        if row.judgement.message:
            told += f"; {row.judgement.message}"
        judgement = replace(row.judgement, verdict=verdict, message=told)
        found.append((position, replace(row, judgement=judgement)))
    return found


def _depends(
    bench: Bench, trial: Trial, points: Sequence[Any], position: int, row: Any
) -> bool:
    """Whether a number is another once all elements are as this one, and so are their upstream gradients."""
    if trial.layout == "expanded":  # which would lay out otherwise what is all the same
        trial = replace(trial, layout="batch")
        found = _run(bench, points, trial)
        if found.failure is not None or not _is_near(bench, found, position, row):
            return False
    count = len(points)
    trial = replace(trial, upstream=[row.upstream] * count)
    found = _run(bench, [row.point] * count, trial)
    return found.failure is None and not _is_near(bench, found, position, row)
