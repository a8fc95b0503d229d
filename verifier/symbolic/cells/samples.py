"""How random rounding of a whole pass, forward and back, scatters the gradients of a
program of tensors: what the statistics over all entries are held against."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from verifier.enclosures import Numbers, Samples
from verifier.language.cells import BLOCKS, CellProgram
from verifier.symbolic.cells.random_rounding import RandomRounding
from verifier.symbolic.cells.rounding_bounds import RoundingBounds
from verifier.symbolic.cells.spread import Passes
from verifier.symbolic.cells.units import Precision, by_cell

COUNT = 16
MOST_AT_ONCE = 1 << 24
"""Cells of all draws that are computed side by side."""
FEWEST = 4
"""Draws of the largest programs."""
ENOUGH = 1 << 24
"""Cells of all draws together, past which there are fewer."""

Named = dict[str, Samples]


def of_both_models(
    program: CellProgram,
    dtype: str,
    *,
    recorded: bool = True,
    count: int = COUNT,
    seed: int = 0,
) -> tuple[Named, Named]:
    """In the two models, which are one where kernels compute in the dtype itself."""
    within, everywhere = (
        Precision(dtype=dtype, everywhere=wide).inner for wide in (False, True)
    )
    first, *second = (
        samples(
            program,
            dtype,
            everywhere=wide,
            recorded=recorded,
            count=count,
            seed=seed,
        )
        for wide in ((False,) if within is everywhere else (False, True))
    )
    return first, second[0] if second else first


def samples(
    program: CellProgram,
    dtype: str,
    *,
    everywhere: bool,
    upstream: Mapping[str, Numbers] | None = None,
    recorded: bool = True,
    count: int = COUNT,
    seed: int = 0,
) -> Named:
    """Of the gradient by each input, in one of the two models.

    Where a backward was recorded (and `recorded`), each entry has the draws of the two
    ways of differentiating that scatter more. The draws of either are centred on its own
    numbers, not on the truth: a fault would hide itself.
    """
    if any(record.kind in BLOCKS for record in program.records):
        return {n: _unknown(cells.shape) for n, cells in program.inputs.items()}
    passes = Passes(program, dtype, upstream=upstream, recorded=recorded)
    precision = Precision(dtype=dtype, everywhere=everywhere)
    cells = by_cell(program, precision)
    count = min(count, max(FEWEST, ENOUGH // max(program.size, 1)))
    centre = _gradients(passes, RandomRounding(precision, cells, count=0))
    drawn: list[tuple[dict[str, Numbers], dict[str, Numbers]]] = []
    chunk = max(1, MOST_AT_ONCE // max(program.size, 1))
    for start in range(0, count, chunk):
        arithmetic = RandomRounding(
            precision, cells, count=min(chunk, count - start), seed=seed + start
        )
        drawn.append(_gradients(passes, arithmetic))
    quadratic = RoundingBounds(precision, cells, quadratic=True)
    floors = passes.bounds(quadratic)[1]
    found: Named = {}
    for name, bounds in floors.items():
        ways = []
        for way in (0, 1):
            if name in centre[way]:
                every = np.concatenate([one[way][name] for one in drawn])
                with np.errstate(invalid="ignore"):
                    ways.append(
                        np.nan_to_num(every - centre[way][name], posinf=0.0, neginf=0.0)
                    )
        floor = np.where(np.isfinite(bounds.radius), bounds.radius, 0.0)
        found[name] = Samples(deviations=_wider(ways), floor=floor)
    return found


def _unknown(shape: tuple[int, ...]) -> Samples:
    """Where nobody knows: functions of a matrix whose algorithms are not modelled."""
    return Samples(deviations=np.zeros((1, *shape)), floor=np.full(shape, np.inf))


def _wider(ways: list[Numbers]) -> Numbers:
    """Those of the way that scatters more as a whole."""
    return max(ways, key=lambda way: float(np.square(way).sum()))


def _gradients(
    passes: Passes, arithmetic: RandomRounding
) -> tuple[dict[str, Numbers], dict[str, Numbers]]:
    """By input: by the kernels' formulas, and of the recorded backward."""
    evaluation = passes.evaluation(arithmetic)
    reverse = passes.reverse(evaluation)
    plain = {
        name: reverse.gradient(cells)[0].values
        for name, cells in passes.program.inputs.items()
    }
    recorded: dict[str, Numbers] = {}
    if passes.recorded:
        for name, found in passes.program.gradients.items():
            if found is not None:
                evaluation.compute(found)
                recorded[name] = evaluation.read(found).values
    return plain, recorded
