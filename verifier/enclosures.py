"""Many proved enclosures at once: what passes from the true side to the judgement of
tensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

KINK = 1
"""A bit of `Enclosures.marks`: exactly at a kink; the enclosure is the hull of what all
one-sided derivatives give."""
STRADDLES = 2
"""What is known of a number does not tell on which side of a turn it lies; the
enclosure holds for both."""
UNDEFINED = 4
"""Exactly at a pole, a jump or an end of the domain, on the way to this number: no
derivative is known there, but a limit there may be."""
NONEXISTENT = 8
"""Proved to be no number: ∞ − ∞ or 0/0 of the program's own constants, such as the mask
of a softmax over nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Enclosures:
    """True numbers, each within `radius` of `high` + `low`, which is not rounded.

    Three arrays of one shape. A radius that is not finite says that nothing is known;
    `high` is then NaN or an infinity that is proved.
    """

    high: Numbers
    """The float64 nearest to the midpoint."""
    low: Numbers
    """What `high` leaves of it."""
    radius: Numbers
    marks: npt.NDArray[np.uint8] | None = None
    """What is to be said of each, in bits; None where there is nothing."""

    def __len__(self) -> int:
        return len(self.high)

    @property
    def is_known(self) -> npt.NDArray[np.bool_]:
        """Where the enclosure is finite."""
        return np.isfinite(self.high) & np.isfinite(self.radius)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spreads:
    """What rounding may do to each number of a tensor: bounds of |measured − true|, in
    arrays of its shape. They rest on the documented errors of kernels.

    An infinite bound says that rounding may make anything of it.
    """

    within: Numbers
    """Where kernels compute in float32 at least, and round what they hand on to its
    dtype."""
    everywhere: Numbers
    """Where every operation, inside kernels too, rounds to the dtype; no less than
    `within`."""
    within_in_range: Numbers
    """As `within`, with underflow and overflow on the way, where those above have
    unlimited exponents."""
    everywhere_in_range: Numbers
    """As `everywhere`, likewise."""
    moved: Numbers
    """How far the truth moves when every input moves by two ulps."""
    terms: Numbers
    """The sum of the magnitudes of what adds up to the number."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """How random rounding of a whole pass scatters the numbers of a tensor."""

    deviations: Numbers
    """Of each sample from what it would be without rounding, in an array of one more
    axis than the tensor, the first."""
    floor: Numbers
    """The standard deviation that independent errors alone would have, by entry."""

    @property
    def noise(self) -> Numbers:
        """The standard deviation of each entry."""
        drawn = np.sqrt(np.mean(np.square(self.deviations), axis=0))
        return np.maximum(drawn, self.floor)
