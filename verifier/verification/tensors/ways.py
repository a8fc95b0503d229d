"""The first trial's numbers by other ways of calling, of which the results must not
depend: each is held against the first run bit by bit, and what differs against the
truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, TypeVar

from verifier.automatic.faults import first_line
from verifier.automatic.tensors import ways
from verifier.automatic.tensors.calls import Call
from verifier.automatic.tensors.measuring import (
    Column,
    TensorMeasurement,
    are_equal,
    measure,
    same_bits,
)
from verifier.automatic.tensors.trials import Trial
from verifier.errors import UsageError
from verifier.records import Verdict
from verifier.verification.tensors.answers import Answer, UnrecordedError, answer_of
from verifier.verification.tensors.bench import Bench
from verifier.verification.tensors.judging import judge, judged_missing, judged_row
from verifier.verification.tensors.rows import Remark, Row

T = TypeVar("T")
MOST_ALONE = 8
"""How many inputs are each asked for alone."""
Told = Iterator[Row | Remark | str]
"""Rows and remarks of what differs, and notes."""


def other_ways(
    bench: Bench, trial: Trial, first: TensorMeasurement, answer: Answer
) -> Told:
    """What the other ways show of the first trial."""
    if bench.setting.route != "reverse" or bench.case.order != 1:
        return
    ways_ = _Ways(bench, trial, first, answer)
    yield from ways_.elsewhere()
    yield from ways_.without_gradients()
    yield from ways_.laid_out()
    yield from ways_.each_alone()


class _Ways:
    """The ways of one trial."""

    def __init__(
        self, bench: Bench, trial: Trial, first: TensorMeasurement, answer: Answer
    ) -> None:
        self.bench, self.trial, self.first, self.answer = bench, trial, first, answer
        self.call, self.asked = bench.placed(trial.call), bench.asked(trial)

    def elsewhere(self) -> Told:
        """Where a subject that looks at its caller sees none of this program: a right
        one gives the same bits as in a thread where it does."""
        words = "called from elsewhere, with inputs that other operations gave"
        seen, found = (
            self._tried(partial(ways.in_a_thread, self.call, self.asked, through=one))
            for one in (_called, None)
        )
        if isinstance(seen, str) or isinstance(found, str):
            why = found if isinstance(found, str) else seen
            yield f"left out: it raises {why} {words}"
            return
        name = same_bits(seen, found)
        if name is None:
            return
        is_gradient = name in self.bench.wrt
        yield Remark(
            where=self.bench.where(self.trial),
            verdict=Verdict.DIFFER_NONDETERMINISTIC,
            quantity="gradient" if is_gradient else "value",
            wrt=(name,) if is_gradient else (),
            message=f"other bits where it is {words}: it looks at how it is called",
        )

    def without_gradients(self) -> Told:
        """The values that are computed where no gradient is wanted."""
        words = "under torch.no_grad()"
        found = self._tried(lambda: ways.without_gradients(self.call, self.asked))
        if isinstance(found, str):
            yield f"left out: it raises {found} {words}"
        elif found.keys() == self.first.outputs.keys() and not self.is_random:
            yield from self._differing(words, found, {})

    def laid_out(self) -> Told:
        """Inputs that are not contiguous."""
        call = ways.laid_out(self.call)
        if call is None:
            return
        words = "inputs that are not contiguous"
        found = self._tried(lambda: measure(call, self.asked))
        if isinstance(found, str) or found.failure is not None:
            why = found if isinstance(found, str) else _why(found)
            yield f"left out: it raises {why} at {words}"
        elif self._draws_otherwise(found):
            yield from self._anew(words, call, found)
        else:
            yield from self._differing(words, found.outputs, found.gradients)

    def each_alone(self) -> Told:
        """Each input as the only one of which a gradient is wanted."""
        names = self.bench.wrt if len(self.bench.wrt) > 1 else ()
        for name in names[:MOST_ALONE]:
            asked = replace(self.asked, wrt=(name,))
            words = f"a gradient of {name} alone"
            found = self._tried(lambda asked=asked: measure(self.call, asked))  # type: ignore[misc]
            if isinstance(found, str):
                yield f"left out: it raises {found} where {words} is wanted"
            elif found.failure is not None:
                yield Remark(
                    where=self.bench.where(self.trial),
                    verdict=found.failure.verdict,
                    wrt=(name,),
                    message=f"it raises {_why(found)} where {words} is wanted",
                )
            elif not self._draws_otherwise(found):
                yield from self._differing(words, {}, found.gradients)

    @cached_property
    def is_random(self) -> bool:
        """Whether another seed gives other values: numbers are drawn in the order in
        which they lie in memory."""
        asked = replace(self.asked, seed=self.asked.seed + 1)
        found = self._tried(lambda: ways.without_gradients(self.call, asked))
        other = self._tried(lambda: ways.without_gradients(self.call, self.asked))
        if isinstance(found, str) or isinstance(other, str):
            return True
        return any(not are_equal(found[name], other.get(name)) for name in found)

    def _draws_otherwise(self, found: TensorMeasurement) -> bool:
        known = self.first.outputs
        same = all(are_equal(found.outputs.get(name), known[name]) for name in known)
        return not same and self.is_random

    def _anew(self, words: str, call: Call, found: TensorMeasurement) -> Told:
        """The rows of a run that drew other numbers, held against its own truth."""
        label = {**self.trial.label, "called": words}
        trial = replace(self.trial, call=call, label=label, is_sampled=False)
        try:
            answer = answer_of(self.bench, trial, found)
        except UnrecordedError:
            return
        rows, remarks = judge(self.bench, trial, found, answer)
        yield from (row for row in rows if _differs(row.worst))
        yield from (remark for remark in remarks if _differs(remark.verdict))

    def _tried(self, run: Callable[[], T]) -> T | str:
        """What a run gives, or what it raises."""
        try:
            with self.bench.watch.stage("automatic"):
                return run()
        except UsageError:
            raise
        except Exception as error:  # a subject need not take what it was not given
            return first_line(error)

    def _differing(
        self,
        words: str,
        outputs: Mapping[str, Column],
        gradients: Mapping[str, Column | None],
    ) -> Told:
        """The rows of what has other bits than the first run, where they are wrong."""
        trial = replace(self.trial, label={**self.trial.label, "called": words})
        parts: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any]], ...] = (
            ("value", outputs, self.first.outputs),
            ("gradient", gradients, self.first.gradients),
        )
        for quantity, columns, known in parts:
            for name, column in columns.items():
                if name not in known or are_equal(column, known[name]):
                    continue
                if column is None:
                    remark = judged_missing(self.bench, trial, name, self.answer)
                    if remark is not None and remark.verdict.family == "differ":
                        yield remark
                    continue
                row = judged_row(self.bench, trial, quantity, name, column, self.answer)
                if _differs(row.worst):
                    single = quantity == "value" and len(known) == 1
                    yield replace(row, wrt=()) if single else row


def _called(run: Callable[[], None]) -> None:
    """A frame of this package on the stack."""
    run()


def _differs(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.family == "differ"


def _why(found: TensorMeasurement) -> str:
    return "" if found.failure is None else found.failure.message
