"""The numbers of one trial held against their truths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from verifier.automatic.tensors.measuring import Column, TensorMeasurement
from verifier.automatic.tensors.trials import Trial
from verifier.enclosures import Numbers, Spreads
from verifier.judgement.tensors.entries import (
    EntryVerdicts,
    Truths,
    judge_entries,
    judge_missing,
)
from verifier.judgement.tensors.formula import FormulaJudgement, judge_formula
from verifier.judgement.tensors.statistics import judge_bulk, judge_scale
from verifier.records import Verdict
from verifier.verification.tensors.answers import Answer
from verifier.verification.tensors.bench import Bench
from verifier.verification.tensors.rows import (
    Remark,
    Row,
    format_of,
    spelt,
    spelt_enclosure,
)


def judge(
    bench: Bench, trial: Trial, measurement: TensorMeasurement, answer: Answer
) -> tuple[list[Row], list[Remark]]:
    """The rows of every tensor, and what is said of no single number."""
    rows = [*_values(bench, trial, measurement, answer)]
    remarks: list[Remark] = []
    for name in bench.wrt:
        column = measurement.gradients.get(name)
        if column is None:
            remark = judged_missing(bench, trial, name, answer)
            remarks += [] if remark is None else [remark]
            continue
        row = judged_row(bench, trial, "gradient", name, column, answer)
        rows.append(row)
        if trial.is_sampled:
            remarks += _together(bench, trial, name, column, answer, row)
    for name, column in measurement.hessian.items():
        if column is not None:
            rows.append(judged_row(bench, trial, "hessian", name, column, answer))
        else:
            remarks += [_unmoved(bench, trial, name, answer)]
    remarks += _formulas(bench, trial, answer)
    return rows, remarks


def missing_names(bench: Bench, measurement: TensorMeasurement) -> Iterable[str]:
    """The inputs that nobody asked for and of which no gradient came."""
    return [
        n for n, g in measurement.gradients.items() if g is None and n in bench.optional
    ]


def _values(
    bench: Bench, trial: Trial, measurement: TensorMeasurement, answer: Answer
) -> Iterator[Row]:
    several = len(measurement.outputs) > 1
    for name, column in measurement.outputs.items():
        row = judged_row(bench, trial, "value", name, column, answer)
        yield row if several else _unnamed(row)


def _unnamed(row: Row) -> Row:
    return replace(row, wrt=())


def judged_row(
    bench: Bench, trial: Trial, quantity: str, name: str, column: Column, answer: Answer
) -> Row:
    """The numbers of a tensor held against their truths."""
    truths = answer.truths(quantity, name)
    format_ = format_of(column.dtype)
    spreads = answer.spreads(quantity, name)
    verdicts = _judged(bench, column, truths, spreads)
    if quantity == "gradient" and _hangs_on_limit(answer, name):
        verdicts = verdicts.withheld(Verdict.UNDECIDED_ORACLE)
    if quantity == "gradient" and verdicts.where("differ").any():
        verdicts = _on_its_path(answer, name, verdicts)
    cause = None
    if verdicts.where("differ").any():
        cause = answer.describe(quantity, name, column.numbers, verdicts)
    return Row(
        where=bench.where(trial),
        quantity=quantity,
        wrt=(name,),
        format=format_,
        measured=column.numbers,
        truths=truths,
        verdicts=verdicts,
        cause=cause,
        spreads=spreads,
    )


def _judged(
    bench: Bench, column: Column, truths: Truths, spreads: Spreads
) -> EntryVerdicts:
    format_ = format_of(column.dtype)
    return judge_entries(
        column.numbers,
        truths,
        spreads,
        format_,
        tolerance=bench.tolerance(format_),
    )


def judged_missing(
    bench: Bench, trial: Trial, name: str, answer: Answer
) -> Remark | None:
    """The verdict on None, which stands as 0."""
    truths = answer.truths("gradient", name)
    verdict, place = judge_missing(truths)
    if name in bench.optional:
        return None
    message = None
    if verdict is Verdict.DIFFER_MISSING:
        message = "`None` was returned, where the derivative is not zero"
    return Remark(
        where=bench.where(trial),
        verdict=verdict,
        wrt=(name,),
        index=_index(truths, place),
        measured="none",
        true="0" if place is None else spelt(truths, place),
        message=message,
    )


def _unmoved(bench: Bench, trial: Trial, name: str, answer: Answer) -> Remark:
    """The verdict on a second derivative that is None, which stands as 0."""
    verdict, place = judge_missing(answer.truths("hessian", name))
    truths = answer.truths("hessian", name)
    return Remark(
        where=bench.where(trial),
        verdict=verdict,
        quantity="hessian",
        wrt=(name,),
        index=_index(truths, place),
        measured="none",
        true="0" if place is None else spelt(truths, place),
    )


def _index(truths: Truths, place: int | None) -> tuple[int, ...]:
    if place is None:
        return ()
    return tuple(int(i) for i in np.unravel_index(place, truths.shape))


def _together(
    bench: Bench, trial: Trial, name: str, column: Column, answer: Answer, row: Row
) -> Iterator[Remark]:
    """What all entries of a gradient say together, where each alone could be
    rounding."""
    if row.worst is None or row.worst.family == "differ":
        return
    if _hangs_on_limit(answer, name):
        return
    format_ = format_of(column.dtype)
    samples = answer.samples(name)
    true = answer.truths("gradient", name).enclosures
    within, everywhere = samples
    for judge_together in (judge_scale, judge_bulk):
        found = judge_together(column.numbers, true, within, everywhere, format_)
        if found is not None and found.verdict.family == "differ":
            yield Remark(
                where=bench.where(trial),
                verdict=found.verdict,
                wrt=(name,),
                measured=f"{1 + found.delta:.6g} × the true gradient",
                true="1 ×",
                message=found.message,
            )
            return


def _scale(spreads: Spreads) -> Numbers:
    """To what a difference of formulas is relative where terms cancel: no less than
    rounding makes of them."""
    return np.maximum(spreads.terms, np.nan_to_num(spreads.within, posinf=0.0))


def _formula(answer: Answer, name: str) -> FormulaJudgement | None:
    """The recorded backward by one input as a formula; None where there is none."""
    recorded = answer.formula(name)
    if recorded is None:
        return None
    return judge_formula(
        recorded,
        answer.truths("gradient", name),
        format_of(answer.bench.call.dtype_of(name)),
        terms=_scale(answer.spreads("gradient", name)),
        iteration=answer.iteration,
    )


def _on_its_path(answer: Answer, name: str, verdicts: EntryVerdicts) -> EntryVerdicts:
    """The verdicts, where comparisons that rounding may turn are of entries that
    differ: those are undecided, unless so many differ that it is no matter of a few
    that went the other way."""
    hanging = answer.hanging
    if hanging is None:
        return verdicts
    of_path = hanging.inputs[name]
    differ = int((verdicts.where("differ") & of_path).sum())
    if not differ or differ > max(hanging.count, of_path.sum() / 2):
        return verdicts
    answer.notes.append(hanging.words)
    return verdicts.withheld(Verdict.UNDECIDED_PRECISION, of_path)


def _hangs_on_limit(answer: Answer, name: str) -> bool:
    """Whether the forward is an iteration, and the backward is of its limit or
    wrong: nothing here says which."""
    if answer.iteration is None:
        return False
    found = _formula(answer, name)
    return found is not None and found.verdict is Verdict.UNDECIDED_ORACLE


def _formulas(bench: Bench, trial: Trial, answer: Answer) -> Iterator[Remark]:
    """The recorded backward against the true derivative, as formulas."""
    for name in bench.wrt:
        found = _formula(answer, name)
        if found is None:
            continue
        truths = answer.truths("gradient", name)
        recorded = answer.formula(name)
        assert recorded is not None
        place = found.place
        yield Remark(
            where=bench.where(trial),
            verdict=found.verdict,
            quantity="formula",
            wrt=(name,),
            index=_index(truths, place),
            measured="" if place is None else spelt_enclosure(recorded, place),
            true="" if place is None else spelt(truths, place),
            message=None
            if found.verdict is Verdict.MATCH_EXACT and not found.is_note
            else found.message,
            is_proof=True,
        )
