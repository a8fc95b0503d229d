"""All that is true of a program of tensors, by one interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from verifier.enclosures import KINK, NONEXISTENT, UNDEFINED, Enclosures
from verifier.language.cells import CONSTANT, CellProgram, Cells, Values
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.cells import scalarised
from verifier.symbolic.cells.adjoints import Reverse
from verifier.symbolic.cells.columns import BallArithmetic
from verifier.symbolic.cells.evaluation import Evaluation
from verifier.symbolic.cells.midpoint_radius import MidpointRadius
from verifier.symbolic.cells.replay import Disagreement, disagreements
from verifier.symbolic.cells.series_columns import LENGTH, SeriesArithmetic, slopes

LARGEST_BALLS = 300_000
"""Cells up to which balls are computed at once."""
BITS = 128
"""Of the first balls: those of a double and 64 more; Arb keeps as many without memory
of its own."""
MOST_BITS = 2048

Wanted = Mapping[str, npt.NDArray[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """<u, J v> by power series and <Jᵀ u, v> by reverse mode, for one random v."""

    agrees: bool | None
    """Whether the balls overlap; None where one of them says nothing."""
    forward: tuple[float, float]
    """Midpoint and radius."""
    reverse: tuple[float, float]


class CellTruth:
    """The true numbers of one program: its values, its gradients, and what its recorded
    backward comes to in exact arithmetic.

    `accuracy` asks for more: radii of at most that much of the number, for the entries
    `wanted` (by default all). Without it an answer is the first that there is, from
    balls of 128 bits or, of a large program, from float64 midpoints with radii.
    Entries at a kink, or undefined, are never sharpened: `Enclosures.marks` names them.
    """

    def __init__(
        self, program: CellProgram, *, largest_balls: int = LARGEST_BALLS
    ) -> None:
        self.program = program
        self.largest_balls = largest_balls
        self._kept: dict[int, Evaluation] = {}

    def values(
        self, *, accuracy: float | None = None, wanted: Wanted | None = None
    ) -> dict[str, Enclosures]:
        """The outputs."""
        found = self._sharpened(
            lambda evaluation: self._read(evaluation, self.program.outputs),
            accuracy,
            wanted,
        )
        return self._without_numbers(found, lambda other: other.values())

    def gradients(
        self,
        upstream: Mapping[str, Values] | None = None,
        *,
        accuracy: float | None = None,
        wanted: Wanted | None = None,
    ) -> dict[str, Enclosures]:
        """The vector-Jacobian product of the forward, by input: at the upstream gradient
        that was recorded, or at another."""
        found = self._sharpened(
            lambda evaluation: self._gradients(evaluation, upstream), accuracy, wanted
        )
        return self._without_numbers(found, lambda other: other.gradients(upstream))

    def recorded_gradients(
        self, *, accuracy: float | None = None, wanted: Wanted | None = None
    ) -> dict[str, Enclosures]:
        """What the recorded backward computes, in exact arithmetic; without the inputs
        for which it returned None."""
        cells = {
            name: found
            for name, found in self.program.gradients.items()
            if found is not None
        }
        return self._sharpened(
            lambda evaluation: self._read(evaluation, cells), accuracy, wanted
        )

    def check_recording(self) -> list[Disagreement]:
        """Operations of which the library itself computed something else than their
        records say, by more than its rounding explains."""
        return disagreements(self.program)

    def jacobian_vector(self, direction: Mapping[str, Values]) -> dict[str, Enclosures]:
        """How the outputs move along a direction of the inputs, by power series."""
        with self._series(direction) as evaluation:
            evaluation.compute(*self.program.outputs.values())
            return {
                name: evaluation.arithmetic.slopes(evaluation.read(cells))
                for name, cells in self.program.outputs.items()
            }

    def hessian_vector(
        self,
        direction: Mapping[str, Values],
        upstream: Mapping[str, Values] | None = None,
    ) -> dict[str, Enclosures]:
        """How the gradients move along a direction of the inputs: reverse mode over
        power series."""
        with self._series(direction) as evaluation:
            reverse = self._reversed(evaluation, upstream)
            return {
                name: evaluation.arithmetic.slopes(reverse.gradient(cells)[0])
                for name, cells in self.program.inputs.items()
            }

    def witness(self, seed: int = 0) -> Witness:
        """Whether two derivations that share no rule of differentiation agree."""
        random = np.random.default_rng(seed)
        direction = {
            name: random.integers(-64, 65, cells.shape) / 32.0
            for name, cells in self.program.inputs.items()
        }
        with balls.workprec(BITS):
            reverse = self._reversed(Evaluation(self.program, BallArithmetic()), None)
            given = balls.zero()
            for name, cells in self.program.inputs.items():
                column = reverse.gradient(cells.reshape(-1))[0]
                given += _inner(column, direction[name].reshape(-1))
        with self._series(direction) as evaluation:
            evaluation.compute(*self.program.outputs.values())
            moved = balls.zero()
            for name, cells in self.program.upstream.items():
                output = self.program.outputs[name].reshape(-1)
                by = slopes(evaluation.read(output))
                evaluation.compute(cells)
                seeds = evaluation.arithmetic.first(evaluation.read(cells.reshape(-1)))
                moved += _dot(by, seeds)
        known = balls.is_finite(given) and balls.is_finite(moved)
        return Witness(
            agrees=balls.overlaps(given, moved) if known else None,
            forward=_parts(moved),
            reverse=_parts(given),
        )

    def agrees_with_sympy(self) -> bool | None:
        """Whether SymPy's derivative of the whole program, written out in scalars, has
        a number in common with every entry of the gradients; None of a program of more
        than 200 cells, or where SymPy has none."""
        with balls.workprec(BITS):
            evaluation = Evaluation(self.program, BallArithmetic())
            reverse = self._reversed(evaluation, None)
            seeds = {
                name: evaluation.read(cells.reshape(-1))
                for name, cells in self.program.upstream.items()
            }
            found = scalarised.gradient(evaluation, seeds)
            if found is None:
                return None
            every = [cells.reshape(-1) for cells in self.program.inputs.values()]
            adjoints = reverse.gradient(np.concatenate(every))[0]
            pairs = zip(found, adjoints, strict=True)
            return all(balls.overlaps(one, other) for one, other in pairs)

    # ── how ───────────────────────────────────────────────────────────────────────────

    def _sharpened(
        self,
        compute: Callable[[Evaluation], dict[str, Enclosures]],
        accuracy: float | None,
        wanted: Wanted | None,
    ) -> dict[str, Enclosures]:
        found: dict[str, Enclosures] = {}
        for bits in self._tiers():
            with balls.workprec(max(bits, BITS)):
                found = compute(self._evaluation(bits))
            if accuracy is None or _are_known(found, accuracy, wanted):
                break
        return found

    def _without_numbers(
        self,
        found: dict[str, Enclosures],
        ask: Callable[[CellTruth], dict[str, Enclosures]],
    ) -> dict[str, Enclosures]:
        """The enclosures with marks where there is no number: nothing is known of them,
        and all would be, were the program's infinite constants finite."""
        if all(np.isfinite(_unknown(one)).all() for one in found.values()):
            return found
        tame = _with_finite_constants(self.program)
        if tame is self.program:
            return found
        others = ask(CellTruth(tame, largest_balls=self.largest_balls))
        return {
            name: _marked(one, np.isnan(_unknown(one)) & others[name].is_known)
            for name, one in found.items()
        }

    def _tiers(self) -> Iterator[int]:
        """Precisions in bits; 0 for midpoints with radii."""
        if self.program.size > self.largest_balls:
            yield 0
        bits = BITS
        while bits <= MOST_BITS:
            yield bits
            bits *= 2

    def _evaluation(self, bits: int) -> Evaluation:
        """The evaluation in force at a precision; of several only the latest is kept."""
        if bits not in self._kept:
            arithmetic = BallArithmetic() if bits else MidpointRadius()
            self._kept = {bits: Evaluation(self.program, arithmetic)}
        return self._kept[bits]

    def _read(
        self, evaluation: Evaluation, named: Mapping[str, Cells]
    ) -> dict[str, Enclosures]:
        evaluation.compute(*named.values())
        return {
            name: evaluation.arithmetic.enclosures(evaluation.read(cells))
            for name, cells in named.items()
        }

    def _gradients(
        self, evaluation: Evaluation, upstream: Mapping[str, Values] | None
    ) -> dict[str, Enclosures]:
        reverse = self._reversed(evaluation, upstream)
        found = {}
        for name, cells in self.program.inputs.items():
            column, marks = reverse.gradient(cells)
            plain = evaluation.arithmetic.enclosures(column)
            # What came to one number is at no kink.
            marks = np.where(plain.radius == 0, marks & UNDEFINED, marks)
            found[name] = Enclosures(
                high=plain.high,
                low=plain.low,
                radius=plain.radius,
                marks=marks if marks.any() else None,
            )
        return found

    def _reversed(
        self, evaluation: Evaluation, upstream: Mapping[str, Values] | None
    ) -> Reverse:
        """A reverse pass that has run."""
        program = self.program
        every = [cells.reshape(-1) for cells in program.inputs.values()]
        reverse = Reverse(
            evaluation, np.concatenate(every) if every else np.empty(0, int)
        )
        names = program.upstream if upstream is None else upstream
        evaluation.compute(*(program.outputs[name] for name in names))
        for name in names:
            if upstream is not None:
                seeds = evaluation.arithmetic.numbers(np.ravel(upstream[name]))
            else:
                evaluation.compute(program.upstream[name])
                seeds = evaluation.read(program.upstream[name].reshape(-1))
            reverse.seed(program.outputs[name], seeds)
        reverse.run()
        return reverse

    @contextmanager
    def _series(self, direction: Mapping[str, Values]) -> Iterator[Evaluation]:
        """An evaluation over power series in which the inputs move."""
        program = self.program
        numbers = np.zeros(program.size)
        for record in program.records:
            if record.numbers is not None:
                here = slice(record.first, record.first + record.count)
                numbers[here] = record.numbers.reshape(-1)
        with balls.workprec(BITS), balls.capped(LENGTH):
            evaluation = Evaluation(program, SeriesArithmetic())
            for name, by in direction.items():
                cells = program.inputs[name].reshape(-1)
                slope = np.asarray(by, dtype=np.float64).reshape(-1)
                column = evaluation.arithmetic.moving(numbers[cells], slope)
                evaluation.set(cells, column)
            yield evaluation


def _unknown(enclosures: Enclosures) -> Values:
    """NaN where nothing is known, not even an infinity."""
    known = enclosures.is_known | np.isinf(enclosures.high)
    return np.where(known, 0.0, np.nan)


def _marked(enclosures: Enclosures, where: npt.NDArray[np.bool_]) -> Enclosures:
    """With the mark of what is no number."""
    if not where.any():
        return enclosures
    marks = np.zeros(where.shape, np.uint8)
    if enclosures.marks is not None:
        marks = enclosures.marks.copy()
    marks[where] = NONEXISTENT
    return replace(enclosures, marks=marks)


def _with_finite_constants(program: CellProgram) -> CellProgram:
    """The program with 0 for each constant that is not finite; itself where there is
    none."""
    records = tuple(
        replace(record, numbers=np.where(finite, record.numbers, 0.0))
        if record.kind == CONSTANT
        and record.numbers is not None
        and not (finite := np.isfinite(record.numbers)).all()
        else record
        for record in program.records
    )
    same = all(new is old for new, old in zip(records, program.records, strict=True))
    return program if same else replace(program, records=records)


def _inner(column: Any, numbers: Values) -> Any:
    return _dot(column, BallArithmetic().numbers(numbers))


def _dot(first: Any, second: Any) -> Any:
    if not len(first):
        return balls.zero()
    return np.add.reduce(np.multiply(first, second))


def _parts(ball: Any) -> tuple[float, float]:
    found = BallArithmetic().enclosures(np.array([ball], dtype=object))
    return float(found.high[0]), float(found.radius[0])


def _are_known(
    found: Mapping[str, Enclosures], accuracy: float, wanted: Wanted | None
) -> bool:
    """Whether all entries that are wanted have radii that are small enough."""
    for name, enclosures in found.items():
        known = enclosures.radius <= accuracy * np.abs(enclosures.high)
        if enclosures.marks is not None:
            known |= (enclosures.marks & (KINK | UNDEFINED | NONEXISTENT)) != 0
        if wanted is not None and name in wanted:
            known |= ~wanted[name]
        elif wanted is not None:
            continue
        if not known.all():
            return False
    return True
