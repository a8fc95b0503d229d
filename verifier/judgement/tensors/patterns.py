"""What the numbers of a tensor that differ have in common: a factor, another tensor's
gradient, a term that is missing row by row, the entries at which they stand.

Each pattern says what it would make of the tensor, and is told where nearly all entries
that differ show it. Tests on the numbers at hand, each allowing for a few roundings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from verifier.enclosures import Numbers
from verifier.floats import Format
from verifier.judgement.pattern import EXPLAINED, FACTORS, FEWEST, NEARLY_ALL
from verifier.judgement.tensors.entries import Mask
from verifier.judgement.tensors.places import where_they_stand

FEW_ULPS = 4.0
"""How far a number may be from what a pattern says, in ulps of the number: a
heuristic."""
LONGEST_ROW = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surroundings:
    """What else is known of a gradient that differs."""

    inputs: Mapping[str, Numbers] = field(default_factory=dict)
    outputs: Mapping[str, Numbers] = field(default_factory=dict)
    upstream: Mapping[str, Numbers] = field(default_factory=dict)
    """By output."""
    alternatives: Mapping[str, Numbers] = field(default_factory=dict)
    """What the true gradient would be otherwise, by the words for it: `the upstream
    gradient is taken for ones`."""
    others: Mapping[str, Numbers] = field(default_factory=dict)
    """The true gradients by other inputs."""


def describe(
    measured: Numbers,
    true: Numbers,
    format_: Format,
    *,
    differs: Mask | None = None,
    surroundings: Surroundings | None = None,
) -> str | None:
    """What all that differs has in common, in words; None where nothing is found.

    `true` in double precision, NaN where there is none; `differs`: which entries do, by
    default all that are not within a few ulps.
    """
    around = surroundings or Surroundings()
    given = _Given(measured, true, format_, differs)
    if given.count < 1:
        return None
    found = next(_patterns(given, around), None)
    if found is not None:
        return found
    return where_they_stand(given.differs, around.inputs)


def _patterns(given: _Given, around: Surroundings) -> Iterator[str]:
    """All that hold, the plainest first."""
    if given.count < FEWEST:
        return
    if given.is_zero():
        yield f"it is 0 at all {given.nonzero} entries where the truth is not"
        return
    yield from _factor(given)
    yield from _rearranged(given)
    for words, expected in around.alternatives.items():
        if expected.shape == given.shape and (where := given.shows(expected)):
            yield f"{words} {where}"
    for name, expected in around.others.items():
        if expected.shape == given.shape and (where := given.shows(expected)):
            yield f"it is the gradient by {name} {where}"
    yield from _unsummed(given, around)
    yield from _one_a_row(given)
    yield from _terms(given, around)


class _Given:
    """The numbers, and whether a pattern holds of them."""

    def __init__(
        self,
        measured: Numbers,
        true: Numbers,
        format_: Format,
        differs: Mask | None,
    ) -> None:
        self.measured, self.true = measured, true
        self.shape, self.epsilon = measured.shape, format_.epsilon
        self.finite = np.isfinite(measured) & np.isfinite(true)
        found = ~self._near(true) if differs is None else differs
        self.differs: Mask = np.asarray(found & self.finite)
        self.count = int(self.differs.sum())
        self.nonzero = int((self.finite & (true != 0)).sum())

    def _near(self, expected: Numbers) -> Mask:
        with np.errstate(invalid="ignore"):
            size = np.maximum(np.abs(self.measured), np.abs(expected))
            near = np.abs(self.measured - expected) <= FEW_ULPS * self.epsilon * size
        return np.asarray(near)

    def is_zero(self) -> bool:
        """Whether nothing but 0 was measured, where there are other truths."""
        where = self.finite & (self.true != 0)
        return self.nonzero >= FEWEST and not self.measured[where].any()

    def shows(self, expected: Numbers, beside: Mask | None = None) -> str | None:
        """At how many of the entries that differ a pattern holds, in words; None: at
        too few, or elsewhere it does not."""
        expected = np.broadcast_to(expected, self.shape)
        with np.errstate(invalid="ignore"):
            left = np.abs(self.measured - expected)
            near = self._near(expected)
            explained = left * EXPLAINED <= np.abs(self.measured - self.true)
        # Of a number that is near the truth as well, nearness says nothing.
        holds = explained | (near & ~self._near(self.true))
        where = self.differs if beside is None else beside
        shown = int((holds & where).sum())
        if shown < NEARLY_ALL * where.sum() or shown < FEWEST:
            return None
        right = self.finite & ~self.differs
        if ((near | explained) & right).sum() < NEARLY_ALL * right.sum():
            return None
        return f"at {'all ' if shown == where.sum() else ''}{shown} of {self.finite.sum()} entries"


def _factor(given: _Given) -> Iterator[str]:
    """All entries times one number."""
    where = given.differs & (given.true != 0)
    if where.sum() < FEWEST:
        return
    ratio = float(np.median(given.measured[where] / given.true[where]))
    named = {**_sizes(given.shape), **FACTORS}
    close = 2 * given.epsilon
    for factor, words in named.items():
        if abs(ratio - factor) <= close * abs(factor) and factor != 1:
            shown = given.shows(factor * given.true)
            if shown is not None:
                yield f"{words} {shown}"
    shown = given.shows(ratio * given.true) if ratio else None
    if shown is not None and abs(ratio - 1) > given.epsilon / 4:
        yield f"measured / true = {_spelt_ratio(ratio)} {shown}"


def _spelt_ratio(ratio: float) -> str:
    """With as many digits as tell it from 1."""
    digits = 5
    if ratio != 1:
        digits = min(17, max(5, 4 - math.floor(math.log10(abs(ratio - 1)))))
    return f"{ratio:.{digits}g}"


def _sizes(shape: tuple[int, ...]) -> dict[float, str]:
    """Factors that a mean forgotten, or taken twice, makes."""
    sizes = {math.prod(shape): "all entries"}
    sizes |= {size: f"axis {axis}" for axis, size in enumerate(shape)}
    named: dict[float, str] = {}
    for size, of in sizes.items():
        if size > 2:
            named[float(size)] = (
                f"{size} times the true one, the size of {of}: a mean is missing"
            )
            named[1 / size] = (
                f"1/{size} of the true one, the size of {of}: a mean for a sum"
            )
            named[size / (size - 1)] = (
                f"{size}/{size - 1} of the true one: n − 1 for n of {of}"
            )
            named[(size - 1) / size] = (
                f"{size - 1}/{size} of the true one: n for n − 1 of {of}"
            )
    return named


def _rearranged(given: _Given) -> Iterator[str]:
    """The true gradient with its entries elsewhere."""
    true = given.true
    if true.ndim >= 2 and true.shape[-1] == true.shape[-2]:
        shown = given.shows(np.swapaxes(true, -1, -2))
        if shown is not None:
            yield f"it is the true one transposed {shown}"
    for axis in range(true.ndim):
        shown = given.shows(np.flip(true, axis)) if true.shape[axis] > 1 else None
        if shown is not None:
            yield f"it is the true one with axis {axis} turned round {shown}"


def _unsummed(given: _Given, around: Surroundings) -> Iterator[str]:
    """One slice in the place of the sum over all, as of a bias."""
    for upstream in around.upstream.values():
        extra = upstream.ndim - len(given.shape)
        if extra < 1 or upstream.shape[extra:] != given.shape or not upstream.size:
            continue
        flat = upstream.reshape(-1, *given.shape)
        for place, words in ((0, "first"), (-1, "last")):
            shown = given.shows(flat[place])
            if shown is not None:
                yield f"it is the {words} slice of the upstream gradient, not the sum {shown}"


def _one_a_row(given: _Given) -> Iterator[str]:
    """One entry of each row differs, all by one number: a one-hot vector is missing."""
    if len(given.shape) < 1 or given.shape[-1] < 3:
        return
    rows = given.differs.reshape(-1, given.shape[-1])
    touched = rows.sum(axis=1)
    if touched.max() != 1 or touched.sum() < FEWEST:
        return
    gap = (given.measured - given.true)[given.differs]
    middle = float(np.median(gap))
    alike = np.abs(gap - middle) <= 16 * given.epsilon * np.abs(middle)
    by = f", by {middle:.5g}" if alike.mean() >= NEARLY_ALL else ""
    yield (
        f"one entry a row differs{by}, in {int(touched.sum())} of {len(rows)} rows: "
        "as where a one-hot vector is missing"
    )


def _terms(given: _Given, around: Surroundings) -> Iterator[str]:
    """What is missing is, row by row, one number times a tensor that is known."""
    if len(given.shape) < 1 or given.shape[-1] < FEWEST:
        return
    bases: dict[str, Numbers] = {"": np.ones(given.shape)}
    for kind in (around.outputs, around.inputs, around.upstream):
        for name, tensor in kind.items():
            if tensor.shape == given.shape and np.isfinite(tensor).all():
                bases.setdefault(name, tensor)
    gap = np.where(given.finite, given.measured - given.true, 0.0)
    for name, basis in bases.items():
        fitted = _projection(gap, basis[..., None])
        if (shown := given.shows(given.true + fitted)) is not None:
            what = f"proportional to {name}" if name else "one number"
            yield f"measured − true is {what} along each row, {shown}: a term is missing"
    for name, basis in bases.items():
        if not name or given.shape[-1] < 2 * FEWEST:
            continue
        pair = np.stack([np.ones(given.shape), basis], axis=-1)
        if (shown := given.shows(given.true + _projection(gap, pair))) is not None:
            yield (
                f"measured − true is a + b · {name} along each row, {shown}: "
                "a projection is missing"
            )


def _projection(gap: Numbers, basis: Numbers) -> Numbers:
    """The least squares fit of each row by columns of its own, of shape (…, row,
    columns)."""
    square = np.swapaxes(basis, -1, -2) @ basis
    along = np.swapaxes(basis, -1, -2) @ gap[..., None]
    factors = np.linalg.pinv(square, hermitian=True) @ along
    return np.asarray((basis @ factors)[..., 0])
