"""Many proved enclosures at once: what passes from the true side to the judgement of
tensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


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

    def __len__(self) -> int:
        return len(self.high)

    @property
    def is_known(self) -> npt.NDArray[np.bool_]:
        """Where the enclosure is finite."""
        return np.isfinite(self.high) & np.isfinite(self.radius)
