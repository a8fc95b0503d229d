"""What rounding may do to the outputs and gradients of a program of tensors: bounds of
|measured − true|, by entry.

The gradient is taken twice: as the library would compute it of the forward (the kernels'
own formulas, in reverse mode), and, where a backward was recorded, as that computes it.
An implementation may do either; the larger of the two is what rounding may do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from verifier import rounded
from verifier.enclosures import Numbers, Spreads
from verifier.language.cells import CONTRACTION, SUM, CellProgram, Cells
from verifier.symbolic.cells.evaluation import Evaluation
from verifier.symbolic.cells.kernel_reverse import KernelReverse
from verifier.symbolic.cells.midpoint_columns import Column
from verifier.symbolic.cells.rounding_bounds import RoundingBounds
from verifier.symbolic.cells.units import CellUnits, Precision, by_cell

Errors = tuple[Mapping[str, Numbers], Mapping[str, Numbers]]
STEPS = 2
"""Ulps by which the inputs are moved to see how the truth answers."""


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """Of one tensor, by one model."""

    middle: Numbers
    """What was computed without rounding, in float64."""
    radius: Numbers
    terms: Numbers


def spreads(
    program: CellProgram,
    dtype: str,
    *,
    upstream: Mapping[str, Numbers] | None = None,
    recorded: bool = True,
    errors: Errors | None = None,
) -> tuple[dict[str, Spreads], dict[str, Spreads]]:
    """Of the outputs, and of the gradients by each input, at an upstream gradient
    (by default the recorded one).

    `recorded`: whether the recorded backward, where there is one, is taken into account;
    of another upstream gradient than the recorded one it is evaluated at that.

    `errors`: |measured − true| of outputs and of gradients. Where the first model
    explains all of them, the rest is not worked out: `everywhere` is `within`, and
    `moved` 0.
    """
    passes = Passes(program, dtype, upstream=upstream, recorded=recorded)
    return passes.spreads(errors)


def _explains(
    found: tuple[dict[str, Bounds], dict[str, Bounds]], errors: Errors
) -> bool:
    """Whether the bounds explain all of the errors."""
    return all(
        name in bounds and bool((error <= bounds[name].radius).all())
        for bounds, named in zip(found, errors, strict=True)
        for name, error in named.items()
    )


def _alike(found: dict[str, Bounds]) -> dict[str, Spreads]:
    """The spreads of a model that explains all there is."""
    return {
        name: Spreads(
            within=bounds.radius,
            everywhere=bounds.radius,
            within_in_range=bounds.radius,
            everywhere_in_range=bounds.radius,
            moved=np.zeros(bounds.radius.shape),
            terms=bounds.terms,
        )
        for name, bounds in found.items()
    }


class Passes:
    """All passes over one program in one dtype at one upstream gradient."""

    def __init__(
        self,
        program: CellProgram,
        dtype: str,
        *,
        upstream: Mapping[str, Numbers] | None = None,
        recorded: bool = True,
    ) -> None:
        self.program, self.dtype = program, dtype
        self.upstream = dict(upstream or {})
        self.recorded = recorded and any(
            cells is not None for cells in program.gradients.values()
        )

    def spreads(
        self, errors: Errors | None = None
    ) -> tuple[dict[str, Spreads], dict[str, Spreads]]:
        """As `spreads` gives them."""
        within = self._model(everywhere=False)
        if errors is not None and _explains(within, errors):
            return _alike(within[0]), _alike(within[1])
        wide = Precision(dtype=self.dtype, everywhere=True)
        alike = wide.inner is Precision(dtype=self.dtype, everywhere=False).inner
        everywhere = within if alike else self._model(everywhere=True)
        limited = [within, everywhere]
        if self._reaches_the_range(everywhere):
            limited = [
                self._model(everywhere=wide, in_range=True) for wide in (False, True)
            ]
        moved = self._moved()
        found: list[dict[str, Spreads]] = []
        for part in (0, 1):
            found.append(
                {
                    name: Spreads(
                        within=bounds.radius,
                        everywhere=np.maximum(
                            bounds.radius, everywhere[part][name].radius
                        ),
                        within_in_range=np.maximum(
                            bounds.radius, limited[0][part][name].radius
                        ),
                        everywhere_in_range=np.maximum(
                            everywhere[part][name].radius, limited[1][part][name].radius
                        ),
                        moved=moved[part][name].radius,
                        terms=bounds.terms,
                    )
                    for name, bounds in within[part].items()
                }
            )
        return found[0], found[1]

    # ── passes ────────────────────────────────────────────────────────────────────────

    def _model(
        self, *, everywhere: bool, in_range: bool = False
    ) -> tuple[dict[str, Bounds], dict[str, Bounds]]:
        precision = Precision(
            dtype=self.dtype, everywhere=everywhere, in_range=in_range
        )
        cells = by_cell(self.program, precision)
        return self.bounds(RoundingBounds(precision, cells))

    def bounds(
        self, arithmetic: RoundingBounds
    ) -> tuple[dict[str, Bounds], dict[str, Bounds]]:
        """The outputs and the gradients in an arithmetic."""
        evaluation = self.evaluation(arithmetic)
        values = {
            name: self._bounds(
                evaluation.read(cells), self._value_terms(evaluation, cells)
            )
            for name, cells in self.program.outputs.items()
        }
        reverse = self.reverse(evaluation)
        gradients: dict[str, Bounds] = {}
        for name, cells in self.program.inputs.items():
            column, _ = reverse.gradient(cells)
            found = self._bounds(column, reverse.terms[cells])
            back = self.program.gradients.get(name) if self.recorded else None
            if back is not None:
                evaluation.compute(back)
                own = evaluation.read(back)
                # What is undefined at the very numbers is so for no rounding.
                rad = np.where(np.isnan(own.mid), 0.0, own.rad)
                found = replace(found, radius=np.maximum(found.radius, rad))
            # What the last operations hand on may be numbers of the dtype, each.
            last = arithmetic.cells.unit[cells] * arithmetic.part * reverse.parts[cells]
            gradients[name] = replace(found, radius=arithmetic.both(found.radius, last))
        return values, gradients

    def evaluation(self, arithmetic: Any) -> Evaluation:
        """The forward, evaluated at the upstream gradient asked for."""
        evaluation = Evaluation(self.program, arithmetic)
        for name, numbers in self.upstream.items():
            cells = self.program.upstream.get(name)
            if cells is not None:
                flat = np.asarray(numbers, dtype=np.float64).reshape(-1)
                evaluation.set(cells.reshape(-1), arithmetic.numbers(flat))
        evaluation.compute(*self.program.outputs.values())
        return evaluation

    def reverse(self, evaluation: Evaluation) -> KernelReverse:
        """The library's own reverse pass over the forward."""
        program = self.program
        inputs = [cells.reshape(-1) for cells in program.inputs.values()]
        reverse = KernelReverse(evaluation, np.concatenate([*inputs, np.zeros(0, int)]))
        arithmetic = evaluation.arithmetic
        for name, cells in program.outputs.items():
            if name in program.upstream:
                evaluation.compute(program.upstream[name])
                seed = evaluation.read(program.upstream[name])
            elif name in self.upstream or not program.upstream:
                ones = np.ones(cells.shape)
                seed = arithmetic.numbers(np.asarray(self.upstream.get(name, ones)))
            else:
                continue
            reverse.seed(cells, seed.reshape(-1))
        reverse.run()
        return reverse

    def _bounds(self, column: Column, terms: Numbers) -> Bounds:
        return Bounds(column.mid, column.rad, np.asarray(terms))

    def _moved(self) -> tuple[dict[str, Bounds], dict[str, Bounds]]:
        """How the truth answers: of the forward alone, whatever its recorded backward
        makes of inputs that move."""
        precision = Precision(dtype=self.dtype, everywhere=False)
        cells = by_cell(self.program, precision)
        plain = Passes(self.program, self.dtype, upstream=self.upstream, recorded=False)
        return plain.bounds(_Moved(precision, cells))

    def _value_terms(self, evaluation: Evaluation, cells: Cells) -> Numbers:
        """The sum of the magnitudes of what adds up to each output."""
        terms = np.abs(evaluation.read(cells).mid)
        flat, found = cells.reshape(-1), terms.reshape(-1).copy()
        for record in self.program.records:
            if record.kind not in (SUM, CONTRACTION, "add", "sub"):
                continue
            here = (flat >= record.first) & (flat < record.first + record.count)
            if not here.any():
                continue
            sizes = [np.abs(evaluation.read(given).mid) for given in record.operands]
            if record.kind == SUM:
                summed = sizes[0].sum(axis=-1)
            elif record.kind == CONTRACTION:
                summed = (sizes[0] @ sizes[1]).reshape(-1)
            else:
                summed = sizes[0] + sizes[1]
            found[here] = summed[flat[here] - record.first]
        return np.asarray(found.reshape(cells.shape))

    def _reaches_the_range(
        self, found: tuple[dict[str, Bounds], dict[str, Bounds]]
    ) -> bool:
        """Whether underflow or overflow may matter to the dtype anywhere."""
        format_ = Precision(dtype=self.dtype, everywhere=True).format
        # What a kernel divides by may overflow sooner: 1 + exp(-x) where x sigmoid(x)
        # is some hundred times the smallest number.
        low, high = 2.0**10 * float(format_.smallest_normal), float(format_.largest)
        if format_.bits == 16 and format_.precision_bits > 8:
            return True
        sizes = [self.program.values[np.isfinite(self.program.values)]]
        sizes += [
            bounds.middle.reshape(-1) for part in found for bounds in part.values()
        ]
        every = np.abs(np.concatenate(sizes))
        with np.errstate(invalid="ignore"):
            return bool(((every > 0) & (every < low)).any() or (every > high / 4).any())


class _Moved(RoundingBounds):
    """Nothing rounds, and every input of the program may be two ulps off."""

    def __init__(self, precision: Precision, cells: CellUnits) -> None:
        super().__init__(precision, cells)
        self.inner = self.accumulating = self.part = 0.0

    def numbers(self, numbers: Numbers) -> Column:
        mid = np.array(numbers, dtype=np.float64)
        if self.record is None or self.record.kind != "input":
            return Column(mid, np.zeros(mid.shape))
        width = STEPS * rounded.ulps(mid, self.precision.format)
        return Column(mid, np.where(mid == 0, 0.0, np.nan_to_num(width)))
