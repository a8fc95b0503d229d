"""Arrays of numbers of a format: their ulps, and rounding to them.

Every number of every format is a float64, so arrays are float64 ones. The scaling by
powers of two below is exact, and `rint` rounds ties to even (IEEE 754-2019, 5.9).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from verifier.floats import BINARY64, Format

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def ulps(values: Numbers, format_: Format) -> Numbers:
    """The unit in the last place of the format at each value; that of 0 at 0, NaN
    where it is not finite."""
    return np.where(
        np.isfinite(values), np.ldexp(1.0, _grains(values, format_)), np.nan
    )


def _grains(values: Numbers, format_: Format) -> npt.NDArray[np.int32]:
    """The exponents of the ulps."""
    with np.errstate(invalid="ignore"):
        _, above = np.frexp(values)
    # frexp has 0.5 ≤ |mantissa| < 1, and exponent 0 of zero.
    tops = np.where(values == 0, format_.exponent_min, above - 1)
    lowered = np.maximum(tops, format_.exponent_min) - format_.precision_bits + 1
    return lowered.astype(np.int32)


def nearest(values: Numbers, format_: Format) -> Numbers:
    """The number of the format nearest to each, ties to even; infinities where it
    overflows."""
    if format_ is BINARY64:
        return values
    grains = _grains(values, format_)
    with np.errstate(invalid="ignore", over="ignore"):
        rounded = np.ldexp(np.rint(np.ldexp(values, -grains)), grains)
        beyond = np.abs(rounded) > float(format_.largest)
    overflow = np.copysign(format_.overflow, values)
    return np.asarray(np.where(beyond & np.isfinite(values), overflow, rounded))


def is_number(values: Numbers, format_: Format) -> Mask:
    """Where a value, inf and NaN included, is a number of the format."""
    return np.asarray(~np.isfinite(values) | (nearest(values, format_) == values))


def is_rounded(
    measured: Numbers, high: Numbers, low: Numbers, radius: Numbers, format_: Format
) -> Mask:
    """Where the finite numbers `measured` of the format are the correctly rounded ones
    of every number within `radius` of `high` + `low`."""
    size = np.abs(measured)
    ulp = ulps(measured, format_)
    with np.errstate(invalid="ignore"):
        mantissa, _ = np.frexp(size)
    # Below a power of two numbers lie twice as close, but not among the subnormals.
    halved = (mantissa == 0.5) & (size > float(format_.smallest_normal))
    outward, inward = ulp / 2, np.where(halved, ulp / 4, ulp / 2)
    sign = np.where(measured < 0, -1.0, 1.0)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = sign * ((high - measured) + low)
        even = np.rint(size / (2 * ulp)) * (2 * ulp) == size
        # At 0 the way inward is the way outward to the other side.
        above, below = outward - apart, np.where(size == 0, outward, inward) + apart
        room = np.minimum(above, below) - radius
        # Of an even number the midpoints to its neighbours are its own.
        return np.asarray((room > 0) | (even & (room == 0) & (radius == 0)))
