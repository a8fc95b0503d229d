"""What is true of one trial: of the reference, where there is one, else of the subject's
own forward; and what rounding may make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from verifier.automatic.recording.errors import REFERENCE, RecordingError
from verifier.automatic.tensors.calls import Call
from verifier.automatic.tensors.measuring import TensorMeasurement
from verifier.automatic.tensors.recordings import (
    numbers_of,
    recorded,
    recorded_backward,
    recorded_second,
)
from verifier.automatic.tensors.trials import Trial
from verifier.enclosures import (
    KINK,
    NONEXISTENT,
    STRADDLES,
    Enclosures,
    Numbers,
    Samples,
    Spreads,
)
from verifier.judgement.tensors import iteration
from verifier.judgement.tensors.entries import EntryVerdicts, Truths
from verifier.judgement.tensors.iteration import Iteration
from verifier.judgement.tensors.patterns import Surroundings, describe
from verifier.language.cells import CellProgram, Record
from verifier.symbolic.cells.agreement import agreement
from verifier.symbolic.cells.evaluation import following
from verifier.symbolic.cells.paths import Hanging, hanging
from verifier.symbolic.cells.replay import Disagreement
from verifier.symbolic.cells.samples import of_both_models
from verifier.symbolic.cells.spread import spreads
from verifier.symbolic.cells.truth import CellTruth
from verifier.verification.tensors.bench import Bench
from verifier.verification.tensors.rows import format_of

MOST_FIRST = 50_000
"""Cells of the first trial up to which power series witness its gradients."""
MOST_OTHER = 5_000
"""Those of another trial."""
LARGE = 300_000
"""Cells of a program past which no more of rounding is worked out than is asked for."""
TIGHT = 2.0**-12
"""Of an ulp: how narrow an enclosure of an entry is asked to be."""


class UnrecordedError(Exception):
    """Nothing says what is true: the program cannot be recorded, and there is no
    reference."""


class DisputedError(UnrecordedError):
    """Two derivations of the truth are disjoint: no trial's verdict is to be relied
    on."""


class MisfitError(Exception):
    """The subject returns other tensors than the reference: how many, or of what
    shapes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """The truth of one trial."""

    bench: Bench
    call: Call
    measurement: TensorMeasurement
    program: CellProgram
    """Of what says what is true."""
    truth: CellTruth
    outputs: Mapping[str, str]
    """From the outputs that were measured to those of the program."""
    own: CellProgram | None = None
    """The subject's own program, forward and backward; None where it cannot be
    recorded."""
    stated: CellProgram | None = None
    """What computes the gradients that were stated, in the place of the derivative."""
    notes: list[str] = field(default_factory=list)
    derivations: int | None = None
    """How many spoke for the gradients; None where none but one was asked."""
    misrecorded: frozenset[str] = frozenset()
    """Inputs of which the recorded backward is not what PyTorch computed: it is no
    formula of theirs."""

    @property
    def cells(self) -> int:
        own = self.own
        is_other = own is not None and own is not self.program
        return self.program.size + (own.size if own is not None and is_other else 0)

    # ── what is true ──────────────────────────────────────────────────────────────────

    @cached_property
    def _values(self) -> dict[str, Truths]:
        found = self.truth.values(accuracy=self._accuracy)
        return {name: truths_of(e, is_value=True) for name, e in found.items()}

    @cached_property
    def _gradients(self) -> dict[str, Truths]:
        found = self.truth.gradients(accuracy=self._accuracy)
        if self.stated is not None:
            found |= CellTruth(self.stated).values(accuracy=self._accuracy)
        return {name: truths_of(e) for name, e in found.items()}

    @property
    def _accuracy(self) -> float | None:
        """Of float64 entries more is asked than the first enclosures give."""
        formats = [c.dtype for c in self.measurement.outputs.values()]
        return 2.0**-60 if "float64" in formats else None

    @cached_property
    def _hessian(self) -> dict[str, Truths]:
        """The derivatives of the gradients along the direction that was measured."""
        measured = self.measurement
        upstream = numbers_of(measured.upstream)
        names = dict(zip(measured.upstream, self.program.upstream, strict=False))
        found = self.truth.hessian_vector(
            numbers_of(measured.direction),
            {names[name]: numbers for name, numbers in upstream.items()},
        )
        return {name: truths_of(e) for name, e in found.items()}

    def truths(self, quantity: str, name: str) -> Truths:
        """Of an output, of the gradient by an input, or of how that moves."""
        if quantity == "value":
            return self._values[self.outputs[name]]
        return (self._hessian if quantity == "hessian" else self._gradients)[name]

    def formula(self, name: str) -> Enclosures | None:
        """What the recorded backward comes to, exactly; None where it gave none."""
        return self._formulas.get(name)

    @cached_property
    def _formulas(self) -> dict[str, Enclosures]:
        if self.own is None or not self.own.gradients:
            return {}
        truth = self.truth if self.own is self.program else CellTruth(self.own)
        found = truth.recorded_gradients()
        return {n: one for n, one in found.items() if n not in self.misrecorded}

    @cached_property
    def iteration(self) -> Iteration | None:
        """How the subject's forward is an iteration, where nothing else says what is
        true; None where it is none."""
        other = self.bench.reference is not None or self.stated is not None
        return None if other else iteration.found(self.program)

    # ── what rounding may do ──────────────────────────────────────────────────────────

    @cached_property
    def _spreads(self) -> tuple[dict[str, Spreads], dict[str, Spreads]]:
        with self.bench.watch.stage("rounding"):
            return spreads(
                self.rounded,
                self.bench.setting.dtype,
                recorded=self.own is not None,
                errors=self._errors() if self.rounded.size > LARGE else None,
            )

    def _errors(self) -> tuple[dict[str, Numbers], dict[str, Numbers]]:
        """How far the measured numbers are off: of a large program no more is worked
        out of what rounding does than explains that."""
        measured = self.measurement
        found: tuple[dict[str, Numbers], dict[str, Numbers]] = ({}, {})
        with np.errstate(invalid="ignore"):
            for name, column in measured.outputs.items():
                true = self._values[self.outputs[name]].enclosures
                key = name if name in self.rounded.outputs else self.outputs[name]
                found[0][key] = np.abs(column.numbers - true.high) + true.radius
            for name, gradient in measured.gradients.items():
                if gradient is not None and name in self._gradients:
                    true = self._gradients[name].enclosures
                    found[1][name] = np.abs(gradient.numbers - true.high) + true.radius
        return found

    @property
    def rounded(self) -> CellProgram:
        """The program of which the rounding is looked at: the subject's own, where it
        is seen."""
        return self.program if self.own is None else self.own

    def spreads(self, quantity: str, name: str) -> Spreads:
        """How far rounding may bring each number of a tensor."""
        values, gradients = self._spreads
        if quantity == "value":
            found = values[name if name in values else self.outputs[name]]
        elif quantity == "hessian":
            found = self._second[name]
        else:
            found = gradients[name]
            if name in self._stated:  # of which the constants round as well
                found = _together(found, self._stated[name])
        return _of_cancelled(
            found, self.truths(quantity, name).enclosures, self.epsilon
        )

    @cached_property
    def _second(self) -> dict[str, Spreads]:
        """Of the gradients, differentiated again."""
        measured, setting = self.measurement, self.bench.setting
        try:
            program = recorded_second(
                self.call,
                self.bench.wrt,
                measured.upstream,
                measured.direction,
                seed=setting.seed,
            )
        except RecordingError as error:
            raise UnrecordedError(f"the second derivative: {error}") from error
        return spreads(program, setting.dtype)[1]

    @cached_property
    def hanging(self) -> Hanging | None:
        """Where the path of what is true hangs on rounding."""
        return hanging(self.program, self.bench.setting.dtype)

    @cached_property
    def _stated(self) -> dict[str, Spreads]:
        if self.stated is None:
            return {}
        return spreads(self.stated, self.bench.setting.dtype)[0]

    @property
    def epsilon(self) -> float:
        """Of the dtype that the program runs in."""
        return format_of(self.bench.setting.dtype).epsilon

    @cached_property
    def _samples(self) -> tuple[dict[str, Samples], dict[str, Samples]]:
        dtype, is_own = self.bench.setting.dtype, self.own is not None
        with self.bench.watch.stage("samples"):
            return of_both_models(self.rounded, dtype, recorded=is_own)

    def samples(self, name: str) -> tuple[Samples, Samples]:
        """How random rounding scatters a gradient, by both models."""
        within, everywhere = self._samples
        return within[name], everywhere[name]

    # ── in words ──────────────────────────────────────────────────────────────────────

    def describe(
        self, quantity: str, name: str, measured: Numbers, verdicts: EntryVerdicts
    ) -> str | None:
        """What the entries that differ have in common."""
        true = self.truths(quantity, name).enclosures
        around = Surroundings()
        if quantity != "value":
            around = Surroundings(
                inputs=self._inputs,
                outputs={n: c.numbers for n, c in self.measurement.outputs.items()},
                upstream=numbers_of(self.measurement.upstream),
                alternatives=self._alternatives(name) if quantity == "gradient" else {},
                others={
                    other: truths.enclosures.high
                    for other, truths in self._gradients.items()
                    if other != name
                },
            )
        known = np.where(true.is_known, true.high, np.nan)
        columns: Mapping[str, Mapping[str, Any]] = {
            "value": self.measurement.outputs,
            "gradient": self.measurement.gradients,
            "hessian": self.measurement.hessian,
        }
        return describe(
            measured,
            known,
            format_of(columns[quantity][name].dtype),
            differs=verdicts.where("differ"),
            surroundings=around,
        )

    def _alternatives(self, name: str) -> dict[str, Numbers]:
        """What the gradient would be of other upstream gradients."""
        given = numbers_of(self.measurement.upstream)
        if self.stated is not None or set(given) != set(self.program.upstream):
            return {}
        ones = {output: np.ones_like(numbers) for output, numbers in given.items()}
        words = "the upstream gradient is taken for ones"
        return {words: self.truth.gradients(ones)[name].high}

    @cached_property
    def _inputs(self) -> dict[str, Numbers]:
        numbers = {}
        for name, cells in self.program.inputs.items():
            numbers[name] = self.program.values[cells]
        return numbers


def _together(first: Spreads, second: Spreads) -> Spreads:
    """What both do."""
    return Spreads(
        **{
            part.name: getattr(first, part.name) + getattr(second, part.name)
            for part in fields(Spreads)
        }
    )


def _of_cancelled(found: Spreads, true: Enclosures, epsilon: float) -> Spreads:
    """The spreads with what cancels to a truth of 0 inside a kernel, whose terms nobody
    sees: what rounding makes of them is some of their last digits."""
    with np.errstate(invalid="ignore"):
        zero = true.is_known & (np.abs(true.high) <= true.radius)
        seen = np.where(zero & np.isfinite(found.within), found.within / epsilon, 0.0)
    return replace(found, terms=np.maximum(found.terms, seen))


def truths_of(enclosures: Enclosures, *, is_value: bool = False) -> Truths:
    """What the judgement takes: where it is a kink is said by marks."""
    marks = enclosures.marks
    if marks is None:
        return Truths(enclosures=enclosures, is_value=is_value)
    return Truths(
        enclosures=enclosures,
        kinks=((marks & (KINK | STRADDLES)) != 0) & enclosures.is_known,
        undefined=(marks & NONEXISTENT) != 0,
        is_value=is_value,
    )


def answer_of(
    bench: Bench,
    trial: Trial,
    measurement: TensorMeasurement,
    *,
    is_first: bool = False,
) -> Answer:
    """The truth of a trial, held to witnesses: of the first, if it is not large, to all
    that there are. Raises `UnrecordedError` where there is none, `DisputedError` where
    derivations of it are disjoint."""
    notes: list[str] = []
    upstream = measurement.upstream
    own = _own(bench, trial, measurement, notes)
    if bench.reference is None:
        assert own is not None
        program = own
    else:
        with bench.watch.stage("recording"):
            call = bench.referred(trial.call)
            program = _recorded(bench, call, upstream, measurement, backward=False)
    outputs = _matched(measurement, program)
    truth = CellTruth(program)
    with bench.watch.stage("truth"):
        faults = _check_recording(truth)
        derivations = _derivations(truth, is_first=is_first)
    if own is not None and own is not program:
        faults = CellTruth(own).check_recording()
        forward = [fault for fault in faults if not fault.record.in_backward]
        if forward:
            own, faults = None, []
            notes.append(_alone(_misrecorded(forward[0])))
    if faults:
        notes.append(
            f"{_named(faults[0].record)} is not what its formula says in float64: "
            "the backward is judged by its numbers alone"
        )
    return Answer(
        bench=bench,
        call=trial.call,
        measurement=measurement,
        program=program,
        truth=truth,
        outputs=outputs,
        own=own,
        stated=_stated(bench, trial, measurement),
        notes=notes,
        derivations=derivations,
        misrecorded=_reached(own, faults),
    )


def _derivations(truth: CellTruth, *, is_first: bool) -> int | None:
    """How many derivations speak for the gradients; None where no witness was asked."""
    if truth.program.size > (MOST_FIRST if is_first else MOST_OTHER):
        return 1 if is_first else None
    found = agreement(truth, whole=is_first)
    if found.dispute is not None:
        raise DisputedError(f"the truth is in dispute: {found.dispute}")
    return found.derivations if is_first else None


def _own(
    bench: Bench, trial: Trial, measurement: TensorMeasurement, notes: list[str]
) -> CellProgram | None:
    """The subject's own program; where it cannot be had, and a reference can, a note
    says why."""
    try:
        with bench.watch.stage("recording"):
            return _recorded(bench, trial.call, measurement.upstream, measurement)
    except UnrecordedError as error:
        if bench.reference is None:
            raise
        notes.append(_alone(str(error).removesuffix(f": {REFERENCE}")))
        return None


def _alone(why: str) -> str:
    return f"judged by bounds and statistics alone: {why}"


def _recorded(
    bench: Bench,
    call: Any,
    upstream: Any,
    measurement: TensorMeasurement,
    *,
    backward: bool = True,
) -> CellProgram:
    try:
        return recorded(
            call,
            bench.wrt,
            upstream,
            backward=backward,
            seed=bench.setting.seed,
        )
    except RecordingError as error:
        raise UnrecordedError(str(error)) from error


def _check_recording(truth: CellTruth) -> list[Disagreement]:
    """Raise where PyTorch computed something else than the records of the forward say;
    give where it did in the backward, which is no part of the truth."""
    found = truth.check_recording()
    forward = [one for one in found if not one.record.in_backward]
    if forward:
        raise UnrecordedError(_misrecorded(forward[0]))
    return found


def _misrecorded(found: Disagreement) -> str:
    record = found.record
    return (
        f"{_named(record)} is recorded as {found.expected:.9g}, "
        f"and PyTorch computed {found.computed:.9g}"
    )


def _named(record: Record) -> str:
    where = f" ({record.source})" if record.source else ""
    return f"`{record.operation or record.kind}`{where}"


def _reached(
    program: CellProgram | None, faults: Sequence[Disagreement]
) -> frozenset[str]:
    """The inputs whose recorded gradients hang on what is not recorded rightly."""
    if program is None or not faults:
        return frozenset()
    spoilt = following(program, np.concatenate([f.record.cells for f in faults]))
    return frozenset(
        name
        for name, cells in program.gradients.items()
        if cells is not None and spoilt[cells].any()
    )


def _matched(measurement: TensorMeasurement, program: CellProgram) -> dict[str, str]:
    """The measured outputs, and which of the program's each is: in order."""
    names, others = list(measurement.outputs), list(program.outputs)
    if len(names) != len(others):
        raise MisfitError(
            f"the subject returns {len(names)} tensors, the reference {len(others)}"
        )
    if set(names) == set(others):
        others = names
    for name, other in zip(names, others, strict=True):
        shape = list(measurement.outputs[name].numbers.shape)
        wanted = list(program.outputs[other].shape)
        if shape != wanted:
            raise MisfitError(
                f"`{name}` has the shape {shape}, that of the reference {wanted}"
            )
    return dict(zip(names, others, strict=True))


def _stated(
    bench: Bench, trial: Trial, measurement: TensorMeasurement
) -> CellProgram | None:
    """The program of the gradients that were stated."""
    if bench.backward is None:
        return None
    try:
        return recorded_backward(
            trial.call, bench.backward, measurement.upstream, seed=bench.setting.seed
        )
    except RecordingError as error:
        raise UnrecordedError(f"gradient: {error}") from error
