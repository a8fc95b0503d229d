"""Which further runs there are of the points of the first one.

At other upstream gradients a backward may ignore its own, clip it, or branch on it; on
all points as one tensor it may mix them; a second time it may give another number.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from verifier.floats import Number
from verifier.judgement import linearity
from verifier.measurements import Batch
from verifier.verification.bench import COMPILED_ROUTES, Bench
from verifier.verification.findings import FirstRun

MOST_ALONE = 256
"""Points of a callable that are run once more, one after the other."""
MOST_DRAWN = 64
"""Of these, how many at several upstream gradients each, where the callable takes no
batch."""
ROWS = 6
"""Random upstream gradients at each point."""
SIZES = (1, 2, 3, 5, 8, 17, 31, 64, 129, 1024, 1031, 4099)
"""Numbers of elements of a tensor: kernels go by blocks and tails of them, and choose
their code by size."""
APART = "apart"
"""The layout in which nothing, or one input alone, needs a gradient."""

Draw = Callable[[Sequence[int]], list[Number]]
"""Random upstream gradients for points at which the first run was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A further run."""

    layout: str | None
    """How the points lie; None: as in the first run."""
    places: Sequence[int]
    """Which of the points each element is."""
    upstream: Sequence[Number]
    again: bool = False
    """Whether it is run a second time, to give the same bits."""
    shape: str = ""
    """What the points are given as, in words."""

    def batch(self, first: Batch) -> Batch:
        return first.take(self.places, self.upstream)


def trials(bench: Bench, first: FirstRun) -> Iterator[Trial]:
    """The further runs of a program, or of a callable."""
    if bench.is_subject:
        return _of_subject(bench, first)
    return _of_program(bench, first)


def _of_program(bench: Bench, first: FirstRun) -> Iterator[Trial]:
    """Upstream gradients that only scale: rounding stays what it was, so that PyTorch's
    own may be expected to follow."""
    given = first.measurement.upstream
    for factor in linearity.scales(bench.field, bench.format):
        upstream = [
            linearity.scaled(number, factor, bench.format) if number else number
            for number in given
        ]
        if upstream != list(given):
            yield Trial(layout=None, places=range(len(given)), upstream=upstream)


def _of_subject(bench: Bench, first: FirstRun) -> Iterator[Trial]:
    """Other upstream gradients of either sign and many magnitudes, point by point and,
    where the callable takes them, in batches."""
    route = bench.setting.route
    batched = (
        bench.case.elementwise and route != "vmap" and route not in COMPILED_ROUTES
    )
    alone = None if route == "vmap" else "single"
    source = random.Random(f"{bench.case.name}:further upstream gradients")
    draw = _drawing(bench, first, source)
    given = first.measurement.upstream
    few, fewer = _spread(len(given), MOST_ALONE), _spread(len(given), MOST_DRAWN)

    def pointwise(
        places: Sequence[int], upstream: Sequence[Number], again: bool = False
    ) -> Trial:
        return Trial(layout=alone, places=places, upstream=upstream, again=again)

    scale = linearity.SCALE
    scaled = [linearity.scaled(number, scale, bench.format) for number in given]
    yield pointwise(few, [scaled[place] for place in few], True)
    if alone is not None:
        own = [given[place] for place in fewer]
        yield Trial(layout=APART, places=fewer, upstream=own)
    if batched:
        yield pointwise(few, draw(few))
        yield from _batches(given, scaled, draw, source)
        return
    small = linearity.SMALL
    yield pointwise(fewer, [0.0] * len(fewer))
    yield pointwise(fewer, [small[k % len(small)] for k in range(len(fewer))])
    many = [place for place in fewer for _ in range(ROWS)]
    yield pointwise(many, draw(many))


def _drawing(bench: Bench, first: FirstRun, source: random.Random) -> Draw:
    def draw(places: Sequence[int]) -> list[Number]:
        gradients = [
            [column[place] for place in places]
            for entry, column in first.measurement.outputs().items()
            if entry.quantity != "value"
        ]
        own = [first.measurement.upstream[place] for place in places]
        return linearity.drawn(own, gradients, bench.format, source)

    return draw


def _batches(
    given: Sequence[Number],
    scaled: Sequence[Number],
    draw: Draw,
    source: random.Random,
) -> Iterator[Trial]:
    """All points as one tensor, of many shapes and sizes."""
    count = len(given)
    every = list(range(count)) if count > 1 else [0, 0]
    yield Trial(
        layout="batch",
        places=every,
        upstream=[given[place] for place in every],
        again=True,
        shape="one tensor",
    )
    small = linearity.SMALL
    fixed: list[Number] = [0.0] * len(every)
    fixed += [small[k % len(small)] for k in range(len(every))]
    many = every * (ROWS if count <= MOST_ALONE else 2)
    yield Trial(
        layout="2,-1",
        places=[*every, *every, *many],
        upstream=[*fixed, *draw(many)],
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
        yield Trial(layout=layout, places=places, upstream=draw(places), shape=shape)
    for size in SIZES:
        places = [mixed[k % len(mixed)] for k in range(size)]
        elements = "element" if size == 1 else "elements"
        yield Trial(
            layout="batch",
            places=places,
            upstream=draw(places),
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
