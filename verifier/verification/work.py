"""One case in one dtype by one route, from points to verdict: both wings run here, and meet only in the judgement."""

from __future__ import annotations

import copy
import math
import time
import traceback
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Protocol, TypeVar

from verifier import interrupts
from verifier.automatic.faults import said
from verifier.automatic.layouts import check_alone
from verifier.automatic.layouts import check_device as check_device
from verifier.automatic.routes import Measurement, Runner
from verifier.automatic.subjects import Subject, SubjectError, load, permitted
from verifier.errors import VerifierError
from verifier.fields import REAL
from verifier.floats import (
    FORMATS,
    Format,
    decimal,
    decimal_within,
    nearest,
    power_of_two,
    shortest,
)
from verifier.judgement import pattern
from verifier.judgement.comparison import (
    CONDITIONING_STEPS,
    Judgement,
    Tolerance,
    judge,
    middle,
    severity,
)
from verifier.judgement.expectation import (
    Sides,
    disagreement,
    is_expected,
    sides,
    unaccepted,
    unlike_pinned,
)
from verifier.judgement.linearity import program_scales
from verifier.judgement.steps import by_what_it_hands_on
from verifier.judgement.tallies import joined, tallies
from verifier.judgement.vectors import judge_vector
from verifier.language.casefile.case import Case, Descent, Expected
from verifier.language.points.upstream import gradients
from verifier.language.programs import rewriting
from verifier.language.programs.program import Program
from verifier.records import (
    VALUE,
    Comparison,
    Enclosure,
    Entry,
    Epoch,
    Measured,
    PointTruth,
    Result,
    Tally,
    Truth,
    TruthStatus,
    Verdict,
)
from verifier.symbolic.arithmetic.balls import FARTHEST_EXPONENT
from verifier.symbolic.arithmetic.nearest import Rounded
from verifier.symbolic.rounding.model import Mode
from verifier.symbolic.rounding.models import Rounding
from verifier.symbolic.truth.excuses import Excuses
from verifier.symbolic.truth.many_points import RoundedTruth, Truths
from verifier.symbolic.truth.oracle import known_parts, may_vanish
from verifier.symbolic.truth.side import RealSide
from verifier.traces import Cause, Diagnosis
from verifier.verification import inquiry, together, trials
from verifier.verification.sampling import Sample, sample

Point = Mapping[str, float]

COMPILED_ROUTES = frozenset(("compile-aot_eager", "compile-inductor"))
"""Each shape and layout would be compiled anew."""
WALKED_ROUTES = frozenset(
    ("reverse", "func", "vmap", "compile-aot_eager", "reverse-reverse")
)
"""Reverse mode by PyTorch's own kernels, operation by operation: a walk over the program tells what they do."""
MOST_COPIES = 64
"""Copies of a point that stand for the batch in which it was drawn."""
MOST_REGION_INPUTS = 3
"""Inputs along which the region of a difference is looked for."""
SWIFT_FROM = 2_000
"""Points from which on their truths are found together."""
MOST_DERIVATIONS = 3
"""The stepwise one, that of the whole expression, and the witness."""
ATTESTED_EVERY = 16
"""The witness is heard on every point that differs, and on one in so many of the others."""


class Prepared:
    """A case with its symbolic derivatives, which serve every dtype and route.

    `function` is the callable to verify in the place of the lowered expression, where one is given.
    """

    def __init__(
        self,
        case: Case,
        *,
        function: Callable[..., Any] | None = None,
        allowed: Sequence[str] = (),
    ) -> None:
        begun = time.perf_counter()
        self.case = case
        self.wrt = tuple(name for name in case.wrt if name in case.program.inputs)
        self.side = RealSide(case.program, case.wrt, case.order)
        self.symbolic_s = time.perf_counter() - begun
        self._runners: dict[Setting, Runner] = {}
        self._samples: dict[tuple[str, int], Sample] = {}
        self.subject = subject_of(case, function, allowed)

    @property
    def is_subject(self) -> bool:
        """Whether a callable stands in the place of the formula."""
        return isinstance(self.subject, Subject)

    def runner(self, setting: Setting, *, twice: bool = False) -> Runner:
        """PyTorch's side; the last one is kept, for a compiled one takes seconds to make."""
        if setting in self._runners and not twice:
            return self._runners[setting]
        layout: str | None = setting.layout
        if self.is_subject and not self.case.elementwise:
            check_alone(setting.layout)
        if self.is_subject and layout == "batch":
            layout = None  # a callable's points come one after the other, and in batches by further runs
        runner = self._runner(setting, layout, twice)
        if not twice:
            self._runners.clear()
            self._runners[setting] = runner
        return runner

    def _runner(
        self, setting: Setting, layout: str | None, twice: bool, seeded: bool = False
    ) -> Runner:
        return Runner(
            self.subject,
            dtype=setting.dtype,
            wrt=self.case.wrt,
            route=setting.route,
            order=self.case.order,
            layout=layout,
            device=setting.device,
            twice=twice,
            seeded=seeded,
        )

    def further_runner(
        self, setting: Setting, layout: str | None, twice: bool
    ) -> Runner:
        """One that lays the points out otherwise; None: as `runner` does."""
        if setting.route == "forward":
            return self._runner(setting, layout, twice, seeded=True)
        is_plain = layout is None or (self.is_subject and layout == "single")
        if is_plain and setting.layout in ("batch", "single") and not twice:
            return self.runner(setting)
        return self._runner(setting, layout, twice)

    def at(self, case: Case) -> Prepared:
        """The same derivatives for a case that differs in its points and expectations alone."""
        moved = copy.copy(self)
        moved.case, moved._samples = case, {}
        return moved

    def sample(self, format_: Format, seed: int) -> Sample:
        """The points of the case in a format, which all its routes share."""
        key = format_.name, seed
        if key not in self._samples:
            self._samples[key] = sample(
                self.case, format_, seed, is_subject=self.is_subject
            )
        return self._samples[key]


def subject_of(
    case: Case, function: Callable[..., Any] | None, allowed: Sequence[str]
) -> Program | Subject:
    """What PyTorch is to run: `function`, else the case's own callable, else its formula."""
    if function is None and case.subject is not None:
        allowed = [*permitted(case.place.file), *allowed]
        try:
            function = load(case.subject, allowed)
        except SubjectError as error:
            place = replace(case.place, key="subject", column=None)
            raise error.at(place) from error
    if function is None:
        return case.program
    return Subject(function=function, inputs=case.arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How PyTorch is asked: the dtype, the route, how points lie in memory, and the device."""

    dtype: str
    route: str
    layout: str = "batch"
    device: str = "cpu"
    tell_all: bool = False
    """Whether every comparison is told, and not those alone that are worth it."""


def verify(
    prepared: Prepared,
    *,
    dtype: str,
    route: str,
    seed: int,
    layout: str = "batch",
    device: str = "cpu",
    tell_all: bool = False,
    on_point: Callable[[int, int], None] | None = None,
) -> Result:
    """The result of one case in one dtype by one route; `on_point` hears how many points of how many are judged.

    With `tell_all` every comparison is in it.
    """
    setting = Setting(
        dtype=dtype, route=route, layout=layout, device=device, tell_all=tell_all
    )
    work = _Work(prepared, setting, on_point)
    begun = time.perf_counter()
    descent = prepared.case.descent
    try:
        if descent is None:
            work.sample(seed)
        else:
            work.descend(descent)
    except KeyboardInterrupt as interrupt:
        if is_callables_own(prepared.subject):
            raise
        if not work.judged and not work.done:
            raise
        work.points = work.done or len({id(judged.point) for judged in work.judged})
        work.chosen = work.chosen.first(work.points)
        work.interrupted = True
        raise Interrupted(work.result(time.perf_counter() - begun)) from interrupt
    return work.result(time.perf_counter() - begun)


def modes(route: str) -> tuple[Mode, Mode]:
    """The outer and the inner mode of a route; of order 1 both are the same."""
    outer, _, inner = route.partition("-")
    return _mode(outer), _mode(inner or outer)


def _mode(name: str) -> Mode:
    """Every route that is not forward mode is reverse mode by another name."""
    return Mode.FORWARD if name == Mode.FORWARD.value else Mode.REVERSE


def is_callables_own(subject: Program | Subject) -> bool:
    """Whether a `KeyboardInterrupt` in hand was raised by the user's callable, for nobody has interrupted."""
    return isinstance(subject, Subject) and not interrupts.is_received()


class Interrupted(KeyboardInterrupt):
    """The user's interrupt in the middle of a case, with the result of the points that were judged."""

    def __init__(self, result: Result) -> None:
        super().__init__()
        self.result = result


def failed(case: Case, *, dtype: str, route: str, error: BaseException) -> Result:
    """The result of a case that could not be run."""
    told = error.message if isinstance(error, VerifierError) else said(error)
    kind = type(error).__name__
    message = "; ".join(
        [
            f"{kind}: {told}" if told else kind,
            *filter(None, getattr(error, "__notes__", ())),
        ]
    )
    end = conclude(case, [Verdict.ERROR_RUN], (), (), message)
    return Result(
        case=case.id,
        line=case.place.line,
        dtype=dtype,
        route=route,
        order=case.order,
        verdict=end.verdict,
        expected=end.expected,
        as_expected=end.as_expected,
        broken=end.broken,
        elapsed_s=0.0,
        points=0,
        counts={},
        max_error_ulp=None,
        comparisons=(),
        message=end.message,
        traceback="".join(traceback.format_exception(error)),
    )


@dataclass(slots=True)
class _Stopwatch:
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - begun
            self.seconds[name] = self.seconds.get(name, 0.0) + spent


@dataclass(frozen=True, slots=True, kw_only=True)
class _Quantity:
    """One of the numbers that a point has: the value, or a derivative by one input or named step, or by two inputs."""

    name: str
    wrt: tuple[str, ...] = ()

    @property
    def entry(self) -> Entry:
        return Entry(self.name, self.wrt)

    @property
    def key(self) -> trials.Key:
        return self.name, self.wrt

    @property
    def told(self) -> tuple[str, tuple[str, ...]]:
        """How a report calls it."""
        return "gradient" if self.name == "step" else self.name, self.wrt

    def of_truth(self, truth: PointTruth) -> Truth:
        return truth.get(self.entry, _ZERO)

    def of_measurement(self, found: Measurement, index: int) -> float:
        match self.name:
            case "value":
                return found.values[index]
            case "step":
                return found.steps[self.wrt[0]][index]
            case "hessian":
                return found.hessian[self.wrt[0], self.wrt[1]][index]
        return found.gradient[self.wrt[0]][index]


_NOTHING = Enclosure(lower=Fraction(0), upper=Fraction(0))
_ZERO = Truth(status=TruthStatus.FINITE, enclosure=_NOTHING, derivations=3)
"""The derivative by an argument that the formula lacks: however it is derived."""


def _is_at_edge(truth: Truth) -> bool:
    return truth.at_edge or truth.status in (
        TruthStatus.KINK,
        TruthStatus.INFINITE,
        TruthStatus.UNDEFINED,
        TruthStatus.LIMIT,
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    """A judged number; it is spelled out only if the report tells of it."""

    quantity: _Quantity
    point: Point
    upstream: float
    measured: float
    truth: Truth
    judgement: Judgement
    format: Format

    @property
    def differs(self) -> bool:
        return self.judgement.verdict.family == "differ"

    def rank(self) -> tuple[int, float]:
        return severity(self.judgement.verdict), self.judgement.error_ulp or 0.0

    def comparison(self, format_: Format) -> Comparison:
        wrt = self.quantity.wrt
        return Comparison(
            quantity=self.quantity.told[0],
            wrt=wrt,
            index=(),
            point={name: _spell(self.point[name], format_) for name in self.point},
            upstream=_spell(self.upstream, format_),
            measured=shortest(self.measured, self.format),
            true=_spell_truth(self.truth),
            error_ulp=self.judgement.error_ulp,
            bits_lost=self.judgement.bits_lost,
            verdict=self.judgement.verdict,
            culprit=None,
            message=self.judgement.message,
        )


class _Swift:
    """Points at which PyTorch's numbers are the truths correctly rounded, told without a comparison of each.

    They are counted, with the largest error among them.
    """

    def __init__(self, truths: Truths, found: Measurement) -> None:
        self.truths = truths
        self.names = [entry.reported for entry in truths.columns]
        numbers = [
            found.gradient[wrt[0]] if wrt else found.values for _, wrt in self.names
        ]
        self.columns = list(zip(truths.columns.values(), numbers, strict=True))
        self.points = 0
        self.largest = [0.0] * len(self.columns)

    def settles(self, index: int) -> bool:
        """Whether every number at the point is correctly rounded; if so, they have been counted."""
        errors: list[float] = []
        for entries, numbers in self.columns:
            entry = entries[index]
            if not isinstance(entry, Rounded) or numbers[index] != entry.nearest:
                return False
            errors.append(abs(entry.rest))
        self.points += 1
        self.largest = [max(pair) for pair in zip(self.largest, errors, strict=True)]
        return True

    def entries(self) -> dict[tuple[str, tuple[str, ...]], Sequence[RoundedTruth]]:
        """The truths at all points, by quantity."""
        columns = [entries for entries, _ in self.columns]
        return dict(zip(self.names, columns, strict=True))

    def tallies(self) -> list[Tally]:
        """The tallies of the points that were counted."""
        counts = {Verdict.MATCH_EXACT.value: self.points}
        return [
            Tally(quantity=quantity, wrt=wrt, counts=counts, max_error_ulp=error)
            for (quantity, wrt), error in zip(self.names, self.largest, strict=True)
            if self.points
        ]


class _Work:
    """Gathers the comparisons of one task."""

    def __init__(
        self,
        prepared: Prepared,
        setting: Setting,
        on_point: Callable[[int, int], None] | None = None,
    ) -> None:
        self.on_point = on_point or (lambda done, total: None)
        self.prepared, self.case, self.side = prepared, prepared.case, prepared.side
        self.setting = setting
        self.dtype, self.route = setting.dtype, setting.route
        self.format: Format = FORMATS[self.dtype]
        self.tolerance = tolerance_of(self.case, self.format)
        self._rounding: dict[str, Rounding] = {}
        self.watch = _Stopwatch({"symbolic": prepared.symbolic_s})
        self.reached = rewriting.reached(self.case.program)
        self.judged: list[_Judged] = []
        self.diagnoses: dict[int, Diagnosis] = {}  # by identity of what was judged
        self.exactly: _Swift | None = None
        self.done = 0
        self.broken: list[str] = []
        self.epochs: list[Epoch] = []
        self.points = 0
        self.chosen = Sample()
        self.sampled: Sequence[Point] = ()
        self.failure: str | None = None
        self.traceback: str | None = None
        self.interrupted = False
        self.derivations = MOST_DERIVATIONS
        self.failure_verdict = Verdict.DIFFER_UNSUPPORTED
        self.notes: list[str] = []
        self.measured: Measured | None = None

    # ── what is done ─────────────────────────────────────────────────────────────────────────────────────────────

    def sample(self, seed: int) -> None:
        """Verify every given and drawn point."""
        with self.watch.stage("points"):
            self.chosen = self.prepared.sample(self.format, seed)
        given, points = self.chosen.given, self.chosen.points
        upstream = gradients(
            self.case.upstream,
            given=len(given),
            drawn=len(points) - len(given),
            format_=self.format,
            seed=self.case.seed if self.case.seed is not None else seed,
            name=self.case.name,
        )
        found = self.measure(points, upstream)
        if found is None:
            return
        upstream = list(found.upstream)
        self.points = len(points)
        self.measured = _measured(points, upstream, found, self.case)
        self.sampled = points[len(given) :]
        swift = self.swift(points, upstream, found)
        for index, point in enumerate(points):
            is_given = index < len(given)  # and may be held to more than the truth
            if is_given or swift is None or not swift.settles(index):
                known = None if swift is None else swift.truths.at(index)
                truth = self.compare(point, upstream[index], found, index, known)
                if is_given:
                    self.check_expected(found, truth, index)
            self.done = index + 1
            self.on_point(self.done, len(points))
        if self.prepared.is_subject and self.case.order == 1:
            self.judge_whole(points, found)
        self.try_further(points, found)
        if self.prepared.is_subject and self.case.order == 1:
            self.tell_patterns(points, found)

    def swift(
        self, points: Sequence[Point], upstream: Sequence[float], found: Measurement
    ) -> _Swift | None:
        """What settles most of many points at once; None where every point is judged by itself."""
        if len(points) < SWIFT_FROM or self.case.order != 1 or self.case.program.steps:
            return None
        if self.setting.tell_all:
            return None
        if len(set(upstream)) > 1 or set(self.case.wrt) != set(self.prepared.wrt):
            return None
        if found.missing or self.format_of(("gradient", ()), found) != self.format:
            return None
        value_format = self.format_of(("value", ()), found)
        with self.watch.stage("truth"):
            truths = self.side.many(points, upstream[0], self.format)
            assert truths is not None
            if value_format != self.format:
                wide = self.side.many(points, upstream[0], value_format)
                assert wide is not None
                value = {VALUE: wide.columns[VALUE]}
                truths = replace(truths, columns={**truths.columns, **value})
        self.exactly = _Swift(truths, found)
        return self.exactly

    def judge_whole(self, points: Sequence[Point], found: Measurement) -> None:
        """Judge what only all numbers of the first run show together."""
        whole = together.Whole(
            program=self.case.program,
            wrt=self.case.wrt,
            points=points,
            upstream=found.upstream,
        )
        settled = {} if self.exactly is None else self.exactly.entries()
        index_of = {id(point): index for index, point in enumerate(points)}
        with self.watch.stage("together"):
            for quantity in self.quantities(found):
                places = {
                    index_of[id(row.point)]: place
                    for place, row in enumerate(self.judged)
                    if row.quantity == quantity
                }
                rejudged = whole.judge(
                    quantity.key,
                    [quantity.of_measurement(found, i) for i in range(len(points))],
                    {i: self.judged[place] for i, place in places.items()},
                    settled.get(quantity.key, ()),
                    self.format_of(quantity.key, found),
                )
                for index, judgement in rejudged:
                    row = replace(self.judged[places[index]], judgement=judgement)
                    self.judged[places[index]] = row

    def tell_patterns(self, points: Sequence[Point], found: Measurement) -> None:
        """Say with the worst number of each gradient that differs what all of them have in common."""
        index_of = {id(point): index for index, point in enumerate(points)}
        rows: dict[str, list[tuple[int, int]]] = {}
        for place, row in enumerate(self.judged):
            index = index_of.get(id(row.point))
            if index is None or row.quantity.name != "gradient":
                continue
            if row.upstream == found.upstream[index]:
                rows.setdefault(row.quantity.wrt[0], []).append((place, index))
        differing = {
            name: max(wrong, key=lambda place: self.judged[place].rank())
            for name, pairs in rows.items()
            if (wrong := [p for p, _ in pairs if self.judged[p].differs])
        }
        if not differing:
            return
        settled = {} if self.exactly is None else self.exactly.entries()
        true = {
            name: together.truths(
                {index: self.judged[place].truth for place, index in pairs},
                settled.get(("gradient", (name,)), ()),
                len(points),
                self.format,
            )
            for name, pairs in rows.items()
        }
        measured = {name: found.gradient[name] for name in rows}
        told = pattern.of_gradients(measured, true, self.format.epsilon)
        for name, place in differing.items():
            if name not in told:
                missing = self.missing_term(name, points, measured[name], true[name])
                told |= {} if missing is None else {name: missing}
            if name in told:
                row = self.judged[place]
                parts = [told[name], row.judgement.message]
                message = "; ".join(part for part in parts if part)
                judgement = replace(row.judgement, message=message)
                self.judged[place] = replace(row, judgement=judgement)

    def missing_term(
        self,
        name: str,
        points: Sequence[Point],
        measured: Sequence[float],
        true: Sequence[float],
    ) -> str | None:
        """The term of SymPy's derivative that the gradient lacks, as a few of the points show it."""
        some = range(0, len(points), len(points) // MOST_COPIES + 1)
        inputs = [{n: points[k][n] for n in self.case.inputs} for k in some]
        upstream = self.measured.upstream if self.measured else [1.0] * len(points)
        terms = {
            text: [number * upstream[k] for number, k in zip(column, some, strict=True)]
            for text, column in self.side.terms(name, inputs).items()
        }
        return pattern.missing_term(
            [measured[k] for k in some],
            [true[k] for k in some],
            terms,
            self.format.epsilon,
        )

    def try_further(self, points: Sequence[Point], found: Measurement) -> None:
        """Run the points again in other ways, and judge what they show that the first run does not."""
        if self.prepared.is_subject:
            self.judged = trials.with_digits(self, self.judged)
        first = trials.first_run(points, found, self.judged)
        outcome = trials.further(
            self,
            first,
            self.judged,
            self.further(first),
            is_subject=self.prepared.is_subject,
        )
        self.judged = outcome.rows
        self.notes += found.returned
        if outcome.failure is not None:
            self.failure, self.failure_verdict = outcome.failure
            self.traceback = outcome.traceback

    def further(self, first: trials.First) -> Iterator[trials.Trial]:
        if not self.prepared.is_subject:
            scales = program_scales(self.format)
            return trials.of_program(first, self.format, scales)
        return trials.of_subject(
            first,
            self.format,
            batched=self.case.elementwise
            and self.route != "vmap"
            and self.route not in COMPILED_ROUTES,
            alone=None if self.route == "vmap" else "single",
            name=self.case.name,
        )

    # ── as a bench for trials ────────────────────────────────────────────────────────────────────────────────────

    @property
    def widest(self) -> str:
        """The dtype in which a subject is run once more where it seems wrong."""
        return "float64"

    def run(
        self,
        points: Sequence[Point],
        upstream: Sequence[float],
        *,
        layout: str | None,
        twice: bool = False,
        precisely: bool = False,
    ) -> Measurement:
        setting = self.setting
        if precisely:
            setting = replace(setting, dtype=self.widest)
        twice = twice and setting.route == "reverse"
        with self.watch.stage("automatic"):
            runner = self.prepared.further_runner(setting, layout, twice)
            return runner.measure(points, upstream)

    def judge(
        self,
        point: Point,
        upstream: float,
        found: Measurement,
        place: int,
        keys: Collection[trials.Key],
    ) -> list[_Judged]:
        truth = self.truth_at(point, upstream)
        return self.judge_all(point, upstream, found, place, truth, keys)

    def format_of(self, key: trials.Key, found: Measurement) -> Format:
        dtype = found.value_dtype if key[0] == "value" else found.gradient_dtype
        return FORMATS.get(dtype, self.format)

    def size_and_error(self, truth: Truth, number: float) -> tuple[Fraction, Fraction]:
        assert truth.interval is not None
        true = middle(truth.interval)
        return abs(true), abs(Fraction(number) - true)

    def descend(self, descent: Descent) -> None:
        """Gradient descent as a training loop does it: the weight in double precision, the tensor in the dtype."""
        start = {
            name: value.nearest(self.format)
            for name, value in self.case.given[0].items()
        }
        parameter = descent.parameter
        rate = descent.learning_rate
        weight = self.case.given[0][parameter].nearest(FORMATS["float64"])
        rate_float = rate.nearest(FORMATS["float64"])
        with self.watch.stage("trajectory"):
            path = self.side.trajectory(
                {**start, parameter: weight},
                parameter,
                (rate.lower + rate.upper) / 2,
                descent.epochs,
            )
        for number in range(1, descent.epochs + 1):
            point = {**start, parameter: _to_format(weight, self.format)}
            found = self.measure([point], [1.0])
            if found is None:
                return
            self.points += 1
            self.compare(point, 1.0, found, 0)
            gradient = found.gradient[parameter][0]
            weight = weight - rate_float * gradient
            self.record_epoch(
                number, found.values[0], weight, gradient, path[number - 1]
            )

    def measure(
        self, points: Sequence[Point], upstream: Sequence[float]
    ) -> Measurement | None:
        """What PyTorch computes at the points, or None where it raised."""
        with self.watch.stage("automatic"):
            found = self.prepared.runner(self.setting).measure(points, upstream)
        self.failure, self.traceback = found.failure, found.traceback
        self.failure_verdict = found.failure_verdict
        return None if found.failure is not None else found

    def truth_at(
        self, point: Point, upstream: float, format_: Format | None = None
    ) -> PointTruth:
        """The truth, to what a format can tell apart; without one, to what the dtype can."""
        format_ = format_ or self.format
        with self.watch.stage("truth"):
            return self.side.truths(point, upstream, format_)

    def rounding_in(self, format_: Format) -> Rounding:
        """What rounding in a format may do."""
        if format_.name not in self._rounding:
            found = self.side.rounding(format_, modes(self.route))
            self._rounding[format_.name] = found
        return self._rounding[format_.name]

    def attested(self, point: Point, upstream: float, truth: PointTruth) -> PointTruth:
        """The truth with the witness heard."""
        with self.watch.stage("witness"):
            return self.side.attested(point, upstream, truth)

    def quantities(self, found: Measurement) -> list[_Quantity]:
        """What there is to compare; the routes through forward mode show no steps."""
        case = self.case
        quantities = [_Quantity(name="value")]
        quantities += [_Quantity(name="gradient", wrt=(name,)) for name in case.wrt]
        quantities += [
            _Quantity(name="step", wrt=(name,))
            for name, index in case.program.steps.items()
            if name in found.steps
            and index != case.program.output
            and self.reached[index]
        ]
        quantities += [_Quantity(name="hessian", wrt=pair) for pair in found.hessian]
        return quantities

    def compare(
        self,
        point: Point,
        upstream: float,
        found: Measurement,
        index: int,
        known: PointTruth | None = None,
    ) -> PointTruth:
        """Judge every quantity at one point, of which the truth may be known already."""
        truth = known or self.truth_at(point, upstream)
        swiftly = known or {}
        if any(may_vanish(known_parts(one)) for one in swiftly.values()):
            truth = self.truth_at(point, upstream)
        judged = self.judge_all(point, upstream, found, index, truth)
        differs = any(one.judgement.verdict.family == "differ" for one in judged)
        if differs or index % ATTESTED_EVERY == 0:
            attested = self.attested(point, upstream, truth)
            is_other = attested != truth
            truth = attested
            if is_other:
                judged = self.judge_all(point, upstream, found, index, truth)
        spoke = [
            one.quantity.of_truth(truth).derivations
            for one in judged
            if one.quantity.name != "value"
        ]
        self.derivations = min([self.derivations, *spoke])
        self.judged += judged
        return truth

    def judge_all(
        self,
        point: Point,
        upstream: float,
        found: Measurement,
        index: int,
        truth: PointTruth,
        keys: Collection[trials.Key] | None = None,
    ) -> list[_Judged]:
        """The judgements of every quantity at one point, or of some, each in the dtype in which it came."""
        excuses: dict[str, Excuses] = {}
        judged: list[_Judged] = []
        for quantity in self.quantities(found):
            if keys is not None and quantity.key not in keys:
                continue
            format_ = self.format_of(quantity.key, found)
            if format_.name not in excuses:
                known = truth
                if format_ != self.format:
                    known = self.truth_at(point, upstream, format_)
                excuses[format_.name] = Excuses(
                    self.side,
                    self.rounding_in(format_),
                    point,
                    upstream,
                    known,
                    steps=CONDITIONING_STEPS,
                    stopwatch=self.watch,
                )
            of_entry = excuses[format_.name].of(quantity.entry)
            true = quantity.of_truth(excuses[format_.name].truths)
            if quantity.name == "step" and _is_at_edge(true):
                continue  # the input's gradient is the question; a safe `where` has such steps
            measured = quantity.of_measurement(found, index)
            judgement = judge(
                measured,
                true,
                format_,
                tolerance=tolerance_of(self.case, format_),
                excuses=of_entry,
                convention=_convention(self.case, upstream),
                written=not self.prepared.is_subject,
            )
            is_nonfinite = judgement.verdict is Verdict.DIFFER_NONFINITE
            if is_nonfinite and of_entry.leaves_range():
                judgement = replace(
                    judgement,
                    verdict=Verdict.DIFFER_RANGE,
                    message=f"{judgement.message}: an intermediate result overflows or underflows",
                )
            if index in found.missing.get(quantity.wrt, ()):
                judgement = trials.of_none(judgement, true.status)
            if quantity.name == "step":
                judgement = self.by_what_it_hands_on(
                    quantity, point, measured, truth, judgement
                )
            judged.append(
                _Judged(quantity, point, upstream, measured, true, judgement, format_)
            )
        return self.judge_together(judged, point, upstream)

    def judge_together(
        self, judged: list[_Judged], point: Point, upstream: float
    ) -> list[_Judged]:
        """The judgements with those of a gradient at a kink that is no subgradient as a vector, if it is proved so."""
        kinked = {
            one.quantity.wrt[0]: one.measured
            for one in judged
            if one.quantity.name == "gradient"
            and one.truth.status is TruthStatus.KINK
            and one.judgement.verdict is Verdict.MATCH_SUBGRADIENT
            and math.isfinite(one.measured)
        }
        if len(kinked) < 2 or self.case.subgradient not in (None, "any"):
            return judged
        inputs = {name: point[name] for name in self.case.inputs}
        clarke = self.side.clarke
        with self.watch.stage("clarke"):
            pieces = clarke.pieces(inputs, upstream, list(kinked))
            if pieces is None:
                return judged
            together = judge_vector(
                list(kinked.values()),
                pieces,
                self.format,
                self.tolerance,
                lambda: clarke.rounding(inputs, upstream, list(kinked), self.format),
            )
        if together is None:
            return judged
        return [
            replace(one, judgement=together)
            if one.quantity.name == "gradient" and one.quantity.wrt[0] in kinked
            else one
            for one in judged
        ]

    def by_what_it_hands_on(
        self,
        step: _Quantity,
        point: Point,
        measured: float,
        truth: PointTruth,
        judgement: Judgement,
    ) -> Judgement:
        """The judgement of a named step, by how far its error moves the gradients that are asked for."""
        true = REAL.of_truth(step.of_truth(truth))
        if true is None or not math.isfinite(measured):
            return judgement
        sizes: dict[str, Fraction | None] = {}
        for name in self.prepared.wrt:
            number = REAL.of_truth(truth[Entry("gradient", (name,))])
            sizes[name] = None if number is None else abs(number)
        return by_what_it_hands_on(
            judgement,
            abs(Fraction(measured) - true),
            lambda: self.side.slopes(step.wrt[0], point, self.format),
            sizes,
            self.format,
            self.tolerance,
        )

    # ── expectations ─────────────────────────────────────────────────────────────────────────────────────────────

    def check_expected(self, found: Measurement, truth: PointTruth, index: int) -> None:
        expectation = self.case.expectation
        if expectation is None:
            return
        if expectation.value:
            both = sides(found.values[index], truth[VALUE])
            self.hold("expect.value", expectation.value[index], both)
        for name, expected in expectation.gradient.items():
            true = truth.get(Entry("gradient", (name,)), _ZERO)
            both = sides(found.gradient[name][index], true)
            self.hold(f"expect.gradient.{name}", expected[index], both)

    def record_epoch(
        self,
        number: int,
        loss: float,
        weight: float,
        gradient: float,
        true: tuple[Enclosure, Enclosure] | None,
    ) -> None:
        ends = [(end.lower + end.upper) / 2 for end in true] if true else [None, None]
        expectation = self.case.expectation
        for key, wanted, measured, end in (
            ("losses", expectation and expectation.losses, loss, ends[0]),
            ("weights", expectation and expectation.weights, weight, ends[1]),
        ):
            if wanted and number <= len(wanted):
                both = Sides(measured=measured, true=end, true_name="unknown")
                self.hold(f"expect.{key}[{number}]", wanted[number - 1], both)
        drift = math.nan
        if ends[1] is not None and math.isfinite(weight):
            drift = float(Fraction(weight) - ends[1])
        self.epochs.append(
            Epoch(
                number=number,
                loss=loss,
                weight=weight,
                gradient=gradient,
                true_loss="unknown" if ends[0] is None else decimal(ends[0]),
                true_weight="unknown" if ends[1] is None else decimal(ends[1]),
                drift=drift,
            )
        )

    def hold(self, key: str, expected: Expected, both: Sides) -> None:
        broken = disagreement(key, expected, both, self.format, self.tolerance)
        if broken is not None:
            self.broken.append(broken)

    # ── the result ───────────────────────────────────────────────────────────────────────────────────────────────

    def told(self) -> Iterator[Comparison]:
        """What is worth telling; of what differs, the worst with their culprits."""
        told = self.judged if self.setting.tell_all else worth_telling(self.judged)
        differing = [one for one in told if one.judgement.verdict.family == "differ"]
        worst = max(differing, key=_Judged.rank, default=None)
        for judged in told:
            comparison = judged.comparison(self.format)
            if id(judged) in self.diagnoses:
                comparison = inquiry.attach(comparison, self.diagnoses[id(judged)])
            if judged is worst and self.looks_for_regions(judged):
                comparison = self.bounded(judged, comparison)
            yield comparison

    def looks_for_regions(self, judged: _Judged) -> bool:
        """Whether the region of a difference is worth its verdicts: drawn, steady, and no pinned verdict."""
        expectation = self.case.expectation
        pinned = expectation is not None and expectation.pinned is not None
        steady = judged.judgement.verdict is not Verdict.DIFFER_NONDETERMINISTIC
        return judged.point in self.sampled and steady and not pinned

    def bounded(self, judged: _Judged, comparison: Comparison) -> Comparison:
        """The comparison with the exact floats between which the verdict flips, along each drawn input."""
        if self.verdict_at(judged, judged.point) != "differ":
            return comparison  # it takes the other points beside it
        names = [name for name in self.case.arguments if name in self.case.domains]
        with self.watch.stage("regions"):
            found = inquiry.regions(
                lambda point: self.verdict_at(judged, point),
                judged.point,
                self.sampled,
                names[:MOST_REGION_INPUTS],
                self.format,
            )
        told = [inquiry.spell_region(region, self.format) for region in found]
        message = "; ".join(part for part in (comparison.message, *told) if part)
        return replace(comparison, message=message)

    def verdict_at(self, judged: _Judged, point: Point) -> str:
        """The family of the verdict on the same quantity at another point.

        In a batch as large as that of the drawn ones: PyTorch's code for many numbers may round otherwise than that
        for a single one.
        """
        is_program = isinstance(self.prepared.subject, Program)
        in_batch = is_program and self.setting.layout != "single"
        count = min(self.points, MOST_COPIES) if in_batch else 1
        found = self.measure([point] * count, [judged.upstream] * count)
        if found is None:
            return "differ"
        truth = self.truth_at(point, judged.upstream)
        return next(
            one.judgement.verdict.family
            for one in self.judge_all(
                point, judged.upstream, found, 0, truth, keys=[judged.quantity.key]
            )
        )

    def is_asked(self, judged: _Judged) -> bool:
        """Whether a walk over the written program tells why: it ran as written, by reverse mode, at order 1."""
        return (
            judged.judgement.verdict.family == "differ"
            and isinstance(self.prepared.subject, Program)
            and judged.quantity.name != "hessian"
            and self.route in WALKED_ROUTES
        )

    def inquire(self) -> None:
        """Find the operation that is to blame for the worst differences, and why.

        What is not finite since a number on the way leaves the range is `range`, whatever else rounding might do.
        """
        told = filter(self.is_asked, worth_telling(self.judged))
        asked = sorted(told, key=_Judged.rank, reverse=True)[: inquiry.MOST_INQUIRIES]
        for judged in asked:
            diagnosis = self.diagnosed(judged)
            settled = judged
            if judged.judgement.verdict is Verdict.DIFFER_NONFINITE and (
                diagnosis.cause in (Cause.OVERFLOW, Cause.UNDERFLOW)
            ):
                judgement = replace(judged.judgement, verdict=Verdict.DIFFER_RANGE)
                settled = replace(judged, judgement=judgement)
                at = next(i for i, one in enumerate(self.judged) if one is judged)
                self.judged[at] = settled
            self.diagnoses[id(settled)] = diagnosis

    def diagnosed(self, judged: _Judged) -> Diagnosis:
        with self.watch.stage("diagnosis"):
            return inquiry.investigate(
                self.case.program,
                judged.point,
                judged.upstream,
                dtype=self.dtype,
                wrt=next(iter(judged.quantity.wrt), None),
                device=self.setting.device,
            )

    def least_derivations(self) -> int | None:
        """How many derivations spoke for every derivative that was judged."""
        if self.exactly is not None and self.exactly.points:
            return 1  # settled together, of which some were checked
        judged = any(one.quantity.name != "value" for one in self.judged)
        return self.derivations if judged else None

    def quantity_tallies(self) -> tuple[Tally, ...]:
        """The tally of every quantity, with the points that were settled together."""
        apart = tallies(
            (judged.quantity.told, judged.judgement) for judged in self.judged
        )
        together = [] if self.exactly is None else self.exactly.tallies()
        names = dict.fromkeys((one.quantity, one.wrt) for one in (*together, *apart))
        parts = [
            joined(
                one for one in (*apart, *together) if (one.quantity, one.wrt) == name
            )
            for name in names
        ]
        return tuple(part for part in parts if part is not None)

    def result(self, elapsed_s: float) -> Result:
        case = self.case
        self.inquire()
        verdicts = [judged.judgement.verdict for judged in self.judged]
        if self.failure is not None:
            verdicts = [*verdicts, self.failure_verdict]
        # Where none was judged by itself, all were settled swiftly.
        verdicts = verdicts or [Verdict.MATCH_EXACT]
        quantities = self.quantity_tallies()
        end = conclude(
            case,
            verdicts,
            quantities,
            self.broken,
            self.failure,
            self.notes,
            interrupted_after=self.points if self.interrupted else None,
        )
        errors = [
            judged.judgement.error_ulp
            for judged in self.judged
            if judged.judgement.error_ulp is not None
        ]
        errors += self.exactly.largest if self.exactly is not None else []
        counts: Counter[str] = Counter()
        for tally in quantities:
            counts.update(tally.counts)
        return Result(
            case=case.id,
            line=case.place.line,
            dtype=self.dtype,
            route=self.route,
            order=case.order,
            verdict=end.verdict,
            expected=end.expected,
            as_expected=end.as_expected,
            elapsed_s=elapsed_s,
            points=self.points,
            drawn=len(self.chosen.drawn),
            boundary=len(self.chosen.boundary),
            refused=self.chosen.refused,
            counts=dict(counts),
            max_error_ulp=max(errors, default=None),
            comparisons=tuple(self.told()),
            derivations=self.least_derivations(),
            quantities=quantities,
            message=end.message,
            broken=end.broken,
            interrupted=self.interrupted,
            traceback=self.traceback,
            epochs=tuple(self.epochs),
            stages_s=self.watch.seconds,
            measured=self.measured,
        )


def tolerance_of(case: Case, format_: Format) -> Tolerance:
    """What the case tolerates in a format."""
    own = case.tolerance
    relative = format_.relative_tolerance if own is None else own
    return Tolerance(relative=relative, absolute=case.absolute_tolerance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What a result says as a whole."""

    verdict: Verdict
    """The worst of all."""
    expected: str | None
    """The verdict that the case pins."""
    as_expected: bool
    broken: tuple[str, ...]
    """The expectations that do not hold, by their keys."""
    message: str | None


def conclude(
    case: Case,
    verdicts: Sequence[Verdict],
    quantities: Sequence[Tally],
    broken: Sequence[str],
    failure: str | None,
    notes: Sequence[str] = (),
    *,
    interrupted_after: int | None = None,
) -> Conclusion:
    """What the verdicts of a case, its broken expectations (`KEY: …`) and the failure to run it come to.

    `notes` are told beside. Interrupted after so many of its points, a case is never as expected.
    """
    verdict = max(verdicts, key=severity)
    expectation = case.expectation
    pinned = None if expectation is None else expectation.pinned
    unlike = None
    if expectation is None or pinned is None:
        worst = unaccepted(verdict, verdicts, case.accept)
        as_expected = is_expected(worst, broken, case.accept)
    else:
        unlike = unlike_pinned(verdict, quantities, expectation, case.accept)
        as_expected = unlike is None and not broken
    keys = [text.partition(":")[0] for text in broken]
    parts = [*broken, *([failure] if failure else [])]
    if interrupted_after is not None:
        as_expected = False
        parts.append(f"interrupted after {interrupted_after} points")
    elif unlike is not None and not broken:
        keys.append("expect.verdict")
        parts.append(unlike)
    parts += notes
    return Conclusion(
        verdict=verdict,
        expected=pinned,
        as_expected=as_expected,
        broken=tuple(dict.fromkeys(keys)),
        message="; ".join(parts) or None,
    )


def _measured(
    points: Sequence[Point],
    upstream: Sequence[float],
    found: Measurement,
    case: Case,
) -> Measured:
    """The numbers to hold against those of other routes, packed: eight bytes each."""
    numbers: dict[tuple[str, tuple[str, ...]], Sequence[float]] = {
        ("value", ()): array("d", found.values)
    }
    numbers |= {("gradient", (n,)): array("d", found.gradient[n]) for n in case.wrt}
    numbers |= {("hessian", pair): array("d", c) for pair, c in found.hessian.items()}
    return Measured(
        points={n: array("d", (p[n] for p in points)) for n in case.arguments},
        upstream=array("d", upstream),
        numbers=numbers,
    )


class _Ranked(Protocol):
    @property
    def quantity(self) -> Hashable: ...
    @property
    def judgement(self) -> Judgement: ...
    def rank(self) -> tuple[int, float]: ...


_AnyJudged = TypeVar("_AnyJudged", bound=_Ranked)


def worth_telling(all_: Sequence[_AnyJudged]) -> list[_AnyJudged]:
    """Every comparison that is no match, and the worst match of each quantity."""
    told: list[_AnyJudged] = []
    best: dict[Hashable, _AnyJudged] = {}
    for judged in all_:
        if judged.judgement.verdict.family != "match":
            told.append(judged)
        elif (
            judged.quantity not in best or judged.rank() > best[judged.quantity].rank()
        ):
            best[judged.quantity] = judged
    return [*told, *best.values()]


def _convention(case: Case, upstream: float) -> Fraction | str | None:
    """What the case demands at a kink, scaled by the upstream gradient as the derivative is."""
    demanded = case.subgradient
    if demanded is None or isinstance(demanded, str):
        return demanded
    if not math.isfinite(upstream):  # past the dtype's range: nothing is demanded
        return None
    return (demanded.lower + demanded.upper) / 2 * Fraction(upstream)


def _to_format(value: float, format_: Format) -> float:
    return nearest(Fraction(value), format_) if math.isfinite(value) else value


def _spell(value: float, format_: Format) -> str:
    text = shortest(value, format_)
    return text.removesuffix(".0")


def _spell_truth(truth: Truth) -> str:
    if truth.status is TruthStatus.FINITE and truth.interval is not None:
        return _spell_known(truth.interval)
    if truth.status is TruthStatus.KINK and truth.interval is not None:
        ends = (truth.interval.lower, truth.interval.upper)
        return "[" + ", ".join(_spell_clarke(end) for end in ends) + "]"
    if truth.status is TruthStatus.INFINITE:
        return "inf" if truth.sign > 0 else "-inf"
    return "undefined" if truth.status is TruthStatus.UNDEFINED else "undecided"


def _spell_clarke(end: Fraction) -> str:
    if abs(end) >= power_of_two(FARTHEST_EXPONENT):
        return "inf" if end > 0 else "-inf"
    return decimal(end)


def _spell_known(ends: Enclosure) -> str:
    """A true number, no digit of it beyond what is known; enclosures are cut off far beyond every format."""
    number = middle(ends)
    if abs(number) >= power_of_two(FARTHEST_EXPONENT):
        return f"{'-' if number < 0 else ''}2^{FARTHEST_EXPONENT} or beyond"
    return decimal_within(ends.lower, ends.upper) if number else "0"
