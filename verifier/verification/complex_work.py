"""One case in one complex dtype by one route, from points to verdict: the complex counterpart of `verification`."""

from __future__ import annotations

import cmath
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verifier.automatic import complex_routes
from verifier.automatic.complex_routes import ComplexMeasurement
from verifier.automatic.subjects import Subject
from verifier.fields import Plane
from verifier.floats import COMPLEX, Format, decimal, shortest_complex
from verifier.judgement.comparison import (
    CONDITIONING_STEPS,
    Judgement,
    severity,
)
from verifier.judgement.complex_comparison import (
    distance,
    judge,
    norm,
    of_float,
    of_truth,
)
from verifier.judgement.expectation import held_within
from verifier.judgement.linearity import complex_scales
from verifier.judgement.steps import by_what_it_hands_on
from verifier.judgement.tallies import tallies
from verifier.language.casefile.case import Case, Expected
from verifier.language.points import drawing
from verifier.language.programs import rewriting
from verifier.language.programs.program import Program
from verifier.records import (
    VALUE,
    Comparison,
    Disc,
    Enclosure,
    Entry,
    PointTruth,
    Rectangle,
    Result,
    Truth,
    TruthStatus,
    Verdict,
)
from verifier.symbolic.truth.excuses import Excuses
from verifier.symbolic.truth.side import ComplexSide
from verifier.verification import trials
from verifier.verification.work import (
    Interrupted,
    conclude,
    is_callables_own,
    modes,
    subject_of,
    tolerance_of,
    worth_telling,
)

Point = Mapping[str, complex]
MOST_DERIVATIONS = 2
"""The stepwise one, and the witness."""
ATTESTED_EVERY = 16
"""The witness is heard on every point that differs, and on one in so many of the others."""
_NOTHING = Enclosure(lower=Fraction(0), upper=Fraction(0))
_ZERO = Truth(
    status=TruthStatus.FINITE,
    enclosure=Rectangle(real=_NOTHING, imaginary=_NOTHING),
    derivations=2,
)
_NOWHERE = Disc(real=Fraction(0), imaginary=Fraction(0), radius=Fraction(0))


def verify(
    case: Case,
    *,
    dtype: str,
    route: str,
    seed: int,
    function: Callable[..., Any] | None = None,
    allowed: Sequence[str] = (),
    tell_all: bool = False,
) -> Result:
    """The result of one case in one complex dtype by one route; `function` stands in the place of the formula.

    With `tell_all` every comparison is in it.
    """
    begun = time.perf_counter()
    work = _Work(case, dtype, route, subject_of(case, function, allowed))
    work.tell_all = tell_all
    try:
        work.sample(seed)
    except KeyboardInterrupt as interrupt:
        if is_callables_own(work.subject) or not work.judged:
            raise
        work.points = len({id(judged.point) for judged in work.judged})
        work.interrupted = True
        raise Interrupted(work.result(time.perf_counter() - begun)) from interrupt
    return work.result(time.perf_counter() - begun)


@dataclass(frozen=True, slots=True)
class _Quantity:
    """One of the numbers that a point has: the `value`, or the `gradient` by an input or named `step`."""

    kind: str
    name: str = ""

    @property
    def told(self) -> tuple[str, tuple[str, ...]]:
        """How a report calls it."""
        if self.kind == "value":
            return "value", ()
        return "gradient", (self.name,)

    @property
    def entry(self) -> Entry:
        return Entry(*self.key)

    @property
    def key(self) -> trials.Key:
        return self.kind, (self.name,) if self.name else ()

    def of_truth(self, truth: PointTruth) -> Truth:
        return truth.get(self.entry, _ZERO)  # an argument that the formula lacks

    def of_measurement(self, found: ComplexMeasurement, index: int) -> complex:
        if self.kind == "value":
            return found.values[index]
        of_kind = found.gradient if self.kind == "gradient" else found.steps
        return of_kind[self.name][index]


@dataclass(frozen=True, slots=True)
class _Judged:
    """A judged number; it is spelled out only if the report tells of it."""

    quantity: _Quantity
    point: Point
    upstream: complex
    measured: complex
    truth: Truth
    judgement: Judgement
    format: Format

    def rank(self) -> tuple[int, float]:
        return severity(self.judgement.verdict), self.judgement.error_ulp or 0.0

    def comparison(self, format_: Format) -> Comparison:
        spell = shortest_complex
        quantity, wrt = self.quantity.told
        return Comparison(
            quantity=quantity,
            wrt=wrt,
            index=(),
            point={name: spell(value, format_) for name, value in self.point.items()},
            upstream=spell(self.upstream, format_),
            measured=spell(self.measured, format_),
            true=_spell_truth(self.truth),
            error_ulp=self.judgement.error_ulp,
            bits_lost=self.judgement.bits_lost,
            verdict=self.judgement.verdict,
            culprit=None,
            message=self.judgement.message,
        )


class _Work:
    """Gathers the comparisons of one task."""

    def __init__(
        self, case: Case, dtype: str, route: str, subject: Program | Subject
    ) -> None:
        self.case, self.dtype, self.route, self.subject = case, dtype, route, subject
        self.format = COMPLEX[dtype]
        self.wrt = [name for name in case.wrt if name in case.inputs]
        self.side = ComplexSide(case.program, case.wrt)
        self.rounding = self.side.rounding(self.format, modes(route))
        self.tolerance = tolerance_of(case, self.format)
        self.reached = rewriting.reached(case.program)
        self.judged: list[_Judged] = []
        self.broken: list[str] = []
        self.failure: str | None = None
        self.traceback: str | None = None
        self.interrupted = False
        self.derivations = MOST_DERIVATIONS
        self.tell_all = False
        self.failure_verdict = Verdict.DIFFER_UNSUPPORTED
        self.notes: list[str] = []
        self.points = 0

    def sample(self, seed: int) -> None:
        """Verify every given and drawn point."""
        points = self.all_points(seed)
        assert not isinstance(self.case.upstream, (str, tuple))  # refused at load
        upstream = self.case.upstream.rounded(self.format, is_complex=True)
        found = self.measure(points, upstream)
        if found is None:
            return
        self.points = len(points)
        given = 0 if self.case.fixed else len(self.case.given)
        for index, point in enumerate(points):
            truth = self.compare(point, upstream, found, index)
            if index < given:
                self.check_expected(found, truth, index)
        self.try_further(points, found)

    def all_points(self, seed: int) -> list[Point]:
        case = self.case
        assert isinstance(case.points, int)  # "all" is for real dtypes of 16 bits
        given = () if case.fixed else case.given
        points = [
            {name: v.rounded(self.format, is_complex=True) for name, v in point.items()}
            for point in given
        ]
        fixed = {
            name: v.rounded(self.format, is_complex=True)
            for name, v in case.fixed.items()
        }
        drawn = drawing.draw(
            case.domains,
            case.points,
            self.format,
            seed=case.seed if case.seed is not None else seed,
            name=case.name,
            how=case.draw,
            is_complex=True,
        )
        points += [{**fixed, **point} for point in drawn]
        return [{name: point[name] for name in case.arguments} for point in points]

    def measure(
        self, points: Sequence[Point], upstream: complex
    ) -> ComplexMeasurement | None:
        """What PyTorch computes at the points, or None where it raised."""
        found = complex_routes.measure(
            self.subject,
            points,
            upstream,
            dtype=self.dtype,
            wrt=self.case.wrt,
            route=self.route,
        )
        self.failure, self.traceback = found.failure, found.traceback
        self.failure_verdict = found.failure_verdict
        return None if found.failure is not None else found

    def truth_at(self, point: Point, upstream: complex) -> PointTruth:
        return self.side.truths(point, upstream, self.format)

    def compare(
        self, point: Point, upstream: complex, found: ComplexMeasurement, index: int
    ) -> PointTruth:
        """Judge every quantity at one point."""
        truth = self.truth_at(point, upstream)
        judged = self.judge_all(point, upstream, found, index, truth)
        differs = any(one.judgement.verdict.family == "differ" for one in judged)
        if differs or index % ATTESTED_EVERY == 0:
            attested = self.side.attested(point, upstream, truth)
            is_other = attested != truth
            truth = attested
            if is_other:
                judged = self.judge_all(point, upstream, found, index, truth)
        spoke = [
            one.quantity.of_truth(truth).derivations
            for one in judged
            if one.quantity.kind != "value"
        ]
        self.derivations = min([self.derivations, *spoke])
        self.judged += judged
        return truth

    def judge_all(
        self,
        point: Point,
        upstream: complex,
        found: ComplexMeasurement,
        index: int,
        truth: PointTruth,
        keys: Collection[trials.Key] | None = None,
    ) -> list[_Judged]:
        """The judgements of every quantity at one point, or of some."""
        excuses = Excuses(
            self.side, self.rounding, point, upstream, truth, steps=CONDITIONING_STEPS
        )
        judged: list[_Judged] = []
        for quantity in self.quantities(found):
            if keys is not None and quantity.key not in keys:
                continue
            measured = quantity.of_measurement(found, index)
            true = quantity.of_truth(truth)
            if quantity.kind == "step" and true.status is not TruthStatus.FINITE:
                continue  # the input's gradient is the question
            judgement = judge(
                measured,
                true,
                self.format,
                tolerance=self.tolerance,
                excuses=excuses.of(quantity.entry),
                written=isinstance(self.subject, Program),
            )
            if index in found.missing.get(quantity.key[1], ()):
                judgement = trials.of_none(judgement, true.status)
            if quantity.kind == "step":
                judgement = self.by_what_it_hands_on(
                    quantity, point, measured, truth, judgement
                )
            judged.append(
                _Judged(
                    quantity, point, upstream, measured, true, judgement, self.format
                )
            )
        return judged

    def by_what_it_hands_on(
        self,
        step: _Quantity,
        point: Point,
        measured: complex,
        truth: PointTruth,
        judgement: Judgement,
    ) -> Judgement:
        """The judgement of a named step, by how far its error moves the gradients that are asked for."""
        true = of_truth(step.of_truth(truth))
        if true is None or not cmath.isfinite(measured):
            return judgement
        sizes: dict[str, Fraction | None] = {}
        for name in self.wrt:
            number = of_truth(truth[Entry("gradient", (name,))])
            sizes[name] = None if number is None else norm(number)
        return by_what_it_hands_on(
            judgement,
            distance(of_float(measured), true),
            lambda: self.side.slopes(step.name, point, self.format),
            sizes,
            self.format,
            self.tolerance,
        )

    def quantities(self, found: ComplexMeasurement) -> list[_Quantity]:
        """What there is to compare; only reverse mode shows steps."""
        program = self.case.program
        steps = [
            _Quantity("step", name)
            for name, index in program.steps.items()
            if name in found.steps and index != program.output and self.reached[index]
        ]
        gradient = [_Quantity("gradient", name) for name in self.case.wrt]
        return [_Quantity("value"), *gradient, *steps]

    # ── further runs ─────────────────────────────────────────────────────────────────────────────────────────────

    def try_further(self, points: Sequence[Point], found: ComplexMeasurement) -> None:
        """Run the points again in other ways, and judge what they show that the first run does not."""
        is_subject = isinstance(self.subject, Subject)
        if is_subject:
            self.judged = trials.with_digits(self, self.judged)
        first = trials.first_run(points, found, self.judged)
        further = (
            trials.of_subject(
                first,
                self.format,
                batched=self.case.elementwise,
                alone="single",
                name=self.case.name,
            )
            if is_subject
            else trials.of_program(first, self.format, complex_scales(self.format))
        )
        outcome = trials.further(
            self, first, self.judged, further, is_subject=is_subject
        )
        self.judged = outcome.rows
        self.notes += found.returned
        if outcome.failure is not None:
            self.failure, self.failure_verdict = outcome.failure
            self.traceback = outcome.traceback

    @property
    def widest(self) -> str:
        """The dtype in which a subject is run once more where it seems wrong."""
        return "complex128"

    def run(
        self,
        points: Sequence[Point],
        upstream: Sequence[complex],
        *,
        layout: str | None,
        twice: bool = False,
        precisely: bool = False,
    ) -> ComplexMeasurement:
        return complex_routes.measure(
            self.subject,
            points,
            upstream,
            dtype=self.widest if precisely else self.dtype,
            wrt=self.case.wrt,
            route=self.route,
            layout=layout,
            twice=twice and self.route == "reverse",
            seeded=not isinstance(self.subject, Program),
        )

    def judge(
        self,
        point: Point,
        upstream: complex,
        found: ComplexMeasurement,
        place: int,
        keys: Collection[trials.Key],
    ) -> list[_Judged]:
        truth = self.truth_at(point, upstream)
        return self.judge_all(point, upstream, found, place, truth, keys)

    def format_of(self, key: trials.Key, found: ComplexMeasurement) -> Format:
        del key, found  # a complex value is judged in the dtype of the case
        return self.format

    def size_and_error(
        self, truth: Truth, number: complex
    ) -> tuple[Fraction, Fraction]:
        true = of_truth(truth)
        assert true is not None
        return norm(true), distance(of_float(number), true)

    # ── expectations ─────────────────────────────────────────────────────────────────────────────────────────────

    def check_expected(
        self, found: ComplexMeasurement, truth: PointTruth, index: int
    ) -> None:
        expectation = self.case.expectation
        if expectation is None:
            return
        if expectation.value:
            self.hold(
                "expect.value",
                expectation.value[index],
                found.values[index],
                truth[VALUE],
            )
        for name, expected in expectation.gradient.items():
            self.hold(
                f"expect.gradient.{name}",
                expected[index],
                found.gradient[name][index],
                truth.get(Entry("gradient", (name,)), _ZERO),
            )

    def hold(
        self, key: str, expected: Expected, measured: complex, truth: Truth
    ) -> None:
        """Note which side breaks an expectation, with all three numbers."""
        true = of_truth(truth)
        measured_holds = cmath.isfinite(measured) and self.is_near(
            expected, of_float(measured)
        )
        true_holds = true is not None and self.is_near(expected, true)
        if measured_holds and true_holds:
            return
        spelled = shortest_complex(measured, self.format)
        told = _spell_truth(truth)
        if measured_holds:
            verdict = f"PyTorch's {spelled} agrees, the true {told} does not"
        elif true_holds:
            verdict = f"the true {told} agrees, PyTorch's {spelled} does not"
        else:
            verdict = f"neither PyTorch's {spelled} nor the true {told} agrees"
        self.broken.append(f"{key}: expected {expected.scalar.text}; {verdict}")

    def is_near(self, expected: Expected, found: Plane) -> bool:
        real, imaginary = expected.scalar.parts
        if not real.is_finite:
            return False
        wanted = (
            (real.lower + real.upper) / 2,
            (imaginary.lower + imaginary.upper) / 2,
        )
        within = held_within(expected, norm(wanted), self.tolerance)
        return distance(found, wanted) <= within

    # ── the result ───────────────────────────────────────────────────────────────────────────────────────────────

    def result(self, elapsed_s: float) -> Result:
        case = self.case
        verdicts = [one.judgement.verdict for one in self.judged]
        if self.failure is not None:
            verdicts = [*verdicts, self.failure_verdict]
        quantities = tallies((one.quantity.told, one.judgement) for one in self.judged)
        end = conclude(
            case,
            verdicts,
            quantities,
            self.broken,
            self.failure,
            self.notes,
            interrupted_after=self.points if self.interrupted else None,
        )
        errors = [one.judgement.error_ulp for one in self.judged]
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
            counts=dict(Counter(one.judgement.verdict.value for one in self.judged)),
            max_error_ulp=max((e for e in errors if e is not None), default=None),
            comparisons=tuple(
                one.comparison(self.format)
                for one in (
                    self.judged if self.tell_all else worth_telling(self.judged)
                )
            ),
            derivations=self.derivations if self.judged else None,
            quantities=quantities,
            message=end.message,
            broken=end.broken,
            interrupted=self.interrupted,
            traceback=self.traceback,
        )


def _spell_truth(truth: Truth) -> str:
    number = of_truth(truth)
    if number is not None:
        real, imaginary = (decimal(part) for part in number)
        return f"{real}{'' if imaginary.startswith('-') else '+'}{imaginary}j"
    return "undefined" if truth.status is TruthStatus.UNDEFINED else "undecided"
