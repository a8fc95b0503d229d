"""One case of tensors in one dtype by one route, from its trials to a result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from verifier.automatic.faults import first_line, is_pytorchs
from verifier.automatic.tensors import trials
from verifier.automatic.tensors.measuring import TensorMeasurement, same_bits
from verifier.automatic.tensors.trials import Trial
from verifier.errors import UsageError
from verifier.records import Result, Tally, Unmet, Verdict
from verifier.verification.result import Verified, conclude
from verifier.verification.tensors import rows as told
from verifier.verification.tensors.answers import (
    Answer,
    DisputedError,
    MisfitError,
    UnrecordedError,
    answer_of,
)
from verifier.verification.tensors.bench import Bench, Setting, bench_of
from verifier.verification.tensors.expected import broken
from verifier.verification.tensors.explaining import Explanation, explained, lost
from verifier.verification.tensors.judging import judge, missing_names
from verifier.verification.tensors.rows import Remark, Row, Where
from verifier.verification.tensors.ways import other_ways

OnPoint = Callable[[int, int], None]
MOST_CELLS = 2_000_000
"""Cells of all trials together beyond the first, past which no further trial of ours
is made."""
MOST_TRIALS = 64


@dataclass(slots=True)
class Found:
    """What the trials have shown so far."""

    rows: list[Row] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    points: int = 0
    drawn: int = 0
    cells: int = 0
    derivations: int | None = None
    failure: tuple[str, Verdict, str | None] | None = None
    explained: dict[str, Explanation] = field(default_factory=dict)
    """By input, what a wrong gradient was put down to."""
    broken: list[Unmet] = field(default_factory=list)
    """What the case expects and does not hold."""

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def verify(setting: Setting, *, on_point: OnPoint | None = None) -> Verified:
    """The result of a case of tensors."""
    begun = time.perf_counter()
    bench = bench_of(setting)
    found = Found()
    base = trials.first(bench.plan)
    measurement = bench.measure(base, twice=True)
    if measurement.failure is not None:
        failure = measurement.failure
        found.failure = failure.message, failure.verdict, failure.traceback
        return _result(bench, found, begun)
    bench = bench.once_measured(measurement)
    _note_run(bench, found, base, measurement)
    _note_state(bench, found, base, measurement)
    try:
        answer = _judge(bench, found, base, measurement, is_first=True)
        found.broken = broken(bench, measurement, answer)
        _note_ways(bench, found, base, measurement, answer)
    except UnrecordedError as error:
        found.failure = str(error), Verdict.UNDECIDED_ORACLE, None
        return _result(bench, found, begun)
    except MisfitError as error:
        found.failure = str(error), Verdict.DIFFER_WRONG, None
        return _result(bench, found, begun)
    if on_point is not None:
        on_point(1, MOST_TRIALS)
    first_cells = found.cells
    for count, trial in enumerate(_others(bench, measurement), start=1):
        if not trial.is_asked and found.cells - first_cells > MOST_CELLS:
            found.note(f"past {MOST_CELLS} cells: no more inputs were tried")
            break
        _try(bench, found, trial)
        if on_point is not None:
            on_point(count + 1, MOST_TRIALS)
    _note_end(bench, found, base, measurement)
    return _result(bench, found, begun)


def _others(bench: Bench, first: TensorMeasurement) -> Iterator[Trial]:
    """The trials after the first: of several outputs, each alone has an upstream
    gradient once."""
    yield from trials.others(bench.plan)
    if bench.setting.route == "reverse" and bench.case.order == 1:
        yield from trials.each_alone(bench.plan, list(first.upstream))


def _judge(
    bench: Bench,
    found: Found,
    trial: Trial,
    measurement: TensorMeasurement,
    *,
    is_first: bool = False,
) -> Answer:
    answer = answer_of(bench, trial, measurement, is_first=is_first)
    rows, remarks = judge(bench, trial, measurement, answer)
    with bench.watch.stage("explanation"):
        rows, remarks = explained(answer, rows, remarks, found.explained)
        if is_first:
            answer.notes.extend(lost(answer, rows))
    found.cells += answer.cells
    found.points += 1
    found.drawn += bool(bench.plan.inputs)
    if is_first:
        found.derivations = answer.derivations
    found.rows += rows
    found.remarks += remarks
    for text in answer.notes:
        found.note(text)
    return answer


def _try(bench: Bench, found: Found, trial: Trial) -> None:
    """A further trial. One of ours that the function does not take, or of which nothing
    can be said, is left out."""
    if trial.is_asked:
        measurement = bench.measure(trial)
        if measurement.failure is not None:
            failure = measurement.failure
            found.failure = failure.message, failure.verdict, failure.traceback
            return
        _note_run(bench, found, trial, measurement)
        try:
            _judge(bench, found, trial, measurement)
        except UnrecordedError as error:
            found.failure = str(error), Verdict.UNDECIDED_ORACLE, None
        return
    words = ", ".join(trial.label.values())
    try:
        measurement = bench.measure(trial)
    except UsageError:
        raise
    except Exception as error:  # the function may refuse what it was not asked for
        if "sizes" in trial.label and not _takes(bench, trial):
            return
        found.note(f"left out: it raises {first_line(error)} at inputs {words}")
        return
    if measurement.failure is not None:
        if trial.is_as_given:
            how = f"it raises {measurement.failure.message}"
            verdict = measurement.failure.verdict
            found.remarks.append(_about(bench.where(trial), verdict, bench.wrt[0], how))
            return
        found.note(
            f"left out: it raises {measurement.failure.message} at inputs {words}"
        )
        return
    aside = Found(explained=found.explained)
    try:
        _judge(bench, aside, trial, measurement)
    except DisputedError as error:
        found.failure = str(error), Verdict.UNDECIDED_ORACLE, None
        return
    except UnrecordedError:
        return
    except MisfitError as error:
        found.remarks.append(_misfit(bench, trial, error))
        return
    except Exception as error:
        if not is_pytorchs(error):
            raise
        return  # the reference does not take them
    found.cells += aside.cells
    if not any(_says(row.worst) for row in aside.rows):
        found.note(f"left out: nothing is known of the truth at inputs {words}")
        return
    _note_run(bench, aside, trial, measurement)
    found.points += 1
    found.rows += [row for row in aside.rows if _says(row.worst)]
    found.remarks += [r for r in aside.remarks if r.verdict.family != "undecided"]


def _misfit(bench: Bench, trial: Trial, error: MisfitError) -> Remark:
    return Remark(
        where=bench.where(trial),
        verdict=Verdict.DIFFER_WRONG,
        quantity="value",
        message=str(error),
    )


def _says(verdict: Verdict | None) -> bool:
    return verdict is None or verdict.family != "undecided"


def _takes(bench: Bench, trial: Trial) -> bool:
    """Whether the reference takes the inputs of a trial."""
    from verifier.automatic.tensors.references import outputs_of

    if bench.reference is None:
        return False
    return not isinstance(outputs_of(bench.referred(trial.call)), Exception)


# ── what a run does besides ───────────────────────────────────────────────────────────


def _note_run(
    bench: Bench, found: Found, trial: Trial, measurement: TensorMeasurement
) -> None:
    where = bench.where(trial)
    if measurement.changed is not None:
        name, how = measurement.changed
        found.remarks.append(_about(where, Verdict.DIFFER_MUTATED, name, how))
    if measurement.unsteady is not None:
        name, how = measurement.unsteady
        found.remarks.append(_about(where, Verdict.DIFFER_NONDETERMINISTIC, name, how))
    if measurement.touched is not None:
        found.note(measurement.touched)
    for text in measurement.returned:
        found.note(text)
    for name in missing_names(bench, measurement):
        found.note(f"no gradient was asked of `{name}`, and none is returned")


def _about(where: Where, verdict: Verdict, name: str, message: str) -> Remark:
    return Remark(where=where, verdict=verdict, wrt=(name,), message=message)


def _note_state(
    bench: Bench, found: Found, trial: Trial, measurement: TensorMeasurement
) -> None:
    """Whether a second run on the same numbers gives the same bits, and one on inputs
    that share a storage."""
    _compare(bench, found, trial, measurement, "another run on the same numbers")
    call = trials.shared(trial.call)
    if call is None or bench.setting.route != "reverse":
        return
    name = next(n for n in call.tensors if call.tensors[n] is not trial.call.tensors[n])
    apart = trial.call.with_tensors({name: call.tensors[name].clone()})
    try:
        one = bench.measure(replace(trial, call=apart))
        other = bench.measure(replace(trial, call=call))
    except UsageError:
        raise
    except Exception as error:  # it may refuse one number where another was
        words = "where one input has the numbers of another"
        found.note(f"left out: it raises {first_line(error)} {words}")
        return
    if one.failure is not None or other.failure is not None:
        return
    if other.changed is not None and one.changed is None:
        changed, how = other.changed
        words = f"{how}, where it shares its storage with another input"
        remark = _about(bench.where(trial), Verdict.DIFFER_MUTATED, changed, words)
        found.remarks.append(remark)
    differs = same_bits(one, other)
    if differs is not None:
        words = "other bits where two inputs of the same numbers share one storage"
        remark = _differing(bench, trial, differs, words)
        found.remarks.append(remark)


def _note_end(
    bench: Bench, found: Found, trial: Trial, measurement: TensorMeasurement
) -> None:
    """Whether the first run gives the same bits after all others."""
    _compare(bench, found, trial, measurement, "a run on the same numbers after others")


def _compare(
    bench: Bench,
    found: Found,
    trial: Trial,
    measurement: TensorMeasurement,
    what: str,
) -> None:
    known = any(r.verdict is Verdict.DIFFER_NONDETERMINISTIC for r in found.remarks)
    if known:
        return
    again = bench.measure(trial)
    differs = same_bits(measurement, again)
    if differs is not None:
        remark = _differing(bench, trial, differs, f"{what} gives other bits")
        found.remarks.append(remark)


def _differing(bench: Bench, trial: Trial, name: str, message: str) -> Remark:
    verdict = Verdict.DIFFER_NONDETERMINISTIC
    if name in bench.wrt:
        return _about(bench.where(trial), verdict, name, message)
    return Remark(
        where=bench.where(trial), verdict=verdict, quantity="value", message=message
    )


def _note_ways(
    bench: Bench,
    found: Found,
    trial: Trial,
    measurement: TensorMeasurement,
    answer: Answer,
) -> None:
    """What other ways of calling show."""
    known = any(r.verdict is Verdict.DIFFER_NONDETERMINISTIC for r in found.remarks)
    for one in other_ways(bench, trial, measurement, answer):
        if isinstance(one, str):
            found.note(one)
        elif isinstance(one, Row):
            found.rows.append(one)
        elif one.verdict is not Verdict.DIFFER_NONDETERMINISTIC or not known:
            found.remarks.append(one)


# ── the result ────────────────────────────────────────────────────────────────────────


def _result(bench: Bench, found: Found, begun: float) -> Verified:
    case, setting = bench.case, bench.setting
    tallies = told.tallied(found.rows, found.remarks)
    verdicts = [Verdict(name) for tally in tallies for name in tally.counts]
    message, failed, traceback = found.failure or (None, None, None)
    if failed is not None:
        verdicts.append(failed)
    verdicts = verdicts or [Verdict.MATCH_EXACT]
    end = conclude(case, verdicts, tallies, found.broken, message, found.notes)
    result = Result(
        case=case.id,
        line=case.place.line,
        dtype=setting.dtype,
        route=setting.route,
        order=case.order,
        verdict=end.verdict,
        expected=end.expected,
        as_expected=end.as_expected,
        elapsed_s=time.perf_counter() - begun,
        points=found.points,
        drawn=found.drawn,
        counts=told.counts_of(tallies),
        max_error_ulp=_largest(tallies),
        comparisons=told.told(found.rows, found.remarks, every=setting.report_all),
        derivations=found.derivations,
        quantities=tallies,
        message=end.message,
        broken=tuple(dict.fromkeys(unmet.key for unmet in end.unmet)),
        unmet=end.unmet,
        notes=tuple(found.notes),
        traceback=traceback,
        stages_s=bench.watch.seconds,
    )
    return Verified(result=result)


def _largest(tallies: tuple[Tally, ...]) -> float | None:
    errors: Iterator[float] = (
        t.max_error_ulp for t in tallies if t.max_error_ulp is not None
    )
    return max(errors, default=None)
