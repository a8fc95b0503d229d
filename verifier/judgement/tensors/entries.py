"""The verdict on every number of a tensor.

Measured numbers are held against proved enclosures of the truth and against what
rounding may do (`Spreads`): bounds that rest on documented errors of kernels. No loop
over entries, no fractions: the arrays are float64, whose own rounding is far below an
ulp of the dtype that is judged, or, where that is float64, is in the enclosure's `low`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from verifier import rounded
from verifier.enclosures import KINK, Enclosures, Numbers, Spreads
from verifier.floats import Format
from verifier.judgement.excuses import CONDITIONING_FACTOR, MOST_LOCAL_ULP
from verifier.judgement.finite import CANCELLED_ULPS
from verifier.judgement.tolerance import Tolerance
from verifier.records import TruthStatus, Verdict, severity

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]

VERDICTS: tuple[Verdict, ...] = tuple(Verdict)
"""What a code is the index of."""
ALL_LOST = 0.5
"""Of a number: an error that leaves no binary digit of it."""

CODES = {verdict: code for code, verdict in enumerate(VERDICTS)}
_SEVERITY = np.array([severity(verdict) for verdict in VERDICTS])
_UNDECIDED = {
    TruthStatus.LIMIT: Verdict.UNDECIDED_LIMIT,
    TruthStatus.PRECISION: Verdict.UNDECIDED_PRECISION,
    TruthStatus.ORACLE: Verdict.UNDECIDED_ORACLE,
    TruthStatus.BUDGET: Verdict.UNDECIDED_BUDGET,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truths:
    """What is true of each number of a tensor."""

    enclosures: Enclosures
    """Of shape like the tensor. An infinity that is proved is `high`, its radius not
    finite."""
    kinks: Mask | None = None
    """Where the enclosure is the interval of subgradients."""
    undefined: Mask | None = None
    """Where the truth is proved not to exist: a softmax over nothing."""
    unknown: TruthStatus = TruthStatus.LIMIT
    """Why nothing is known where the enclosure says so."""
    is_value: bool = False
    """Of a value only the right infinity is right where the truth is infinite."""

    @classmethod
    def of(
        cls,
        enclosures: Enclosures,
        *,
        unknown: TruthStatus = TruthStatus.LIMIT,
        is_value: bool = False,
    ) -> Truths:
        """As the true side marks them."""
        marks = enclosures.marks
        return cls(
            enclosures=enclosures,
            kinks=None if marks is None else (marks & KINK) != 0,
            unknown=unknown,
            is_value=is_value,
        )

    @property
    def shape(self) -> tuple[int, ...]:
        return self.enclosures.high.shape

    def mask(self, name: str) -> Mask:
        """`kinks` or `undefined` as an array."""
        found: Mask | None = getattr(self, name)
        return np.zeros(self.shape, dtype=bool) if found is None else found


@dataclass(frozen=True, kw_only=True, eq=False)
class EntryVerdicts:
    """The verdicts on the numbers of a tensor, in its shape."""

    codes: Codes
    """Indices of `VERDICTS`."""
    error_ulp: Numbers
    """|measured − true| in ulps of the truth, of a true 0 in ulps of the terms that
    cancel to it; NaN where one of them is not finite."""
    error: Numbers
    """|measured − true|."""
    lost: Mask
    """Where the documented errors of the kernels explain a number, yet digits are lost
    beyond the tolerance that the point does not cost: 1 − y² of a saturated tanh. No
    difference from what the library promises, but worth a note."""

    @cached_property
    def severities(self) -> npt.NDArray[np.int64]:
        """How bad each verdict is."""
        return np.asarray(_SEVERITY[self.codes])

    @property
    def worst(self) -> Verdict | None:
        """The worst verdict; None of an empty tensor."""
        if not self.codes.size:
            return None
        return VERDICTS[int(self.codes.flat[int(self.severities.argmax())])]

    def verdict(self, place: int) -> Verdict:
        """Of the entry at a place of the flattened tensor."""
        return VERDICTS[int(self.codes.flat[place])]

    def counts(self) -> dict[str, int]:
        """How many entries have each verdict that occurs."""
        numbers = np.bincount(self.codes.ravel(), minlength=len(VERDICTS))
        return {
            verdict.value: int(number)
            for verdict, number in zip(VERDICTS, numbers, strict=True)
            if number
        }

    def ordered(self, most: int | None = None) -> list[int]:
        """Places of the flattened tensor, the worst first: by verdict, then by error in
        ulps, those without one first."""
        errors = np.nan_to_num(self.error_ulp.ravel(), nan=np.inf, posinf=np.inf)
        order = np.lexsort((-errors, -self.severities.ravel()))
        return [int(place) for place in order[:most]]

    def withheld(self, verdict: Verdict, where: Mask | bool = True) -> EntryVerdicts:
        """The same, but for differences there, which are given an undecided verdict."""
        differs = self.where("differ") & where
        codes = np.where(differs, np.int8(CODES[verdict]), self.codes)
        return replace(self, codes=codes.astype(np.int8))

    def where(self, family: str) -> Mask:
        """Which entries have a verdict of a family: `differ`, `undecided`."""
        of_family = np.array([verdict.family == family for verdict in VERDICTS])
        return np.asarray(of_family[self.codes])


def judge_entries(
    measured: Numbers,
    truths: Truths,
    spreads: Spreads,
    format_: Format,
    *,
    tolerance: Tolerance,
) -> EntryVerdicts:
    """The verdicts on numbers of the format, all arrays being of one shape."""
    return _Entries(measured, truths, spreads, format_, tolerance).judge()


def judge_missing(
    truths: Truths, *, allowed: Numbers | float = 0.0
) -> tuple[Verdict, int | None]:
    """The verdict on a gradient that is `None`, and the place of the entry that says
    so: `differ.missing` where the derivative is proved not to be zero.

    `allowed`: how large rounding may make a number that is none.
    """
    true = truths.enclosures
    with np.errstate(invalid="ignore"):
        least = np.abs(true.high + true.low) - true.radius
        apart = np.where(true.is_known, least - allowed, -np.inf)
    if apart.size and apart.max() > 0:
        return Verdict.DIFFER_MISSING, int(apart.argmax())
    zero = true.is_known & ((true.radius == 0) | truths.mask("kinks"))
    if zero.all():
        return Verdict.MATCH_EXACT, None
    return _UNDECIDED[truths.unknown], None


class _Entries:
    """One tensor's arrays, and what is common to several rules."""

    def __init__(
        self,
        measured: Numbers,
        truths: Truths,
        spreads: Spreads,
        format_: Format,
        tolerance: Tolerance,
    ) -> None:
        self.measured, self.truths, self.spreads = measured, truths, spreads
        self.format, self.tolerance = format_, tolerance
        true = truths.enclosures
        with np.errstate(invalid="ignore", over="ignore"):
            self.error = np.abs((measured - true.high) - true.low)
            self.size = np.abs(true.high)
        self.radius = true.radius
        self.kinks, self.undefined = truths.mask("kinks"), truths.mask("undefined")
        self.known = true.is_known & ~self.undefined
        self.finite = np.isfinite(measured)
        self.allowed = self._allowed()

    def _allowed(self) -> Numbers:
        """The largest error within the tolerance (`tolerance.allowed`)."""
        relative = float(self.tolerance.relative)
        with np.errstate(invalid="ignore"):
            within = np.maximum(relative * self.size, float(self.tolerance.absolute))
        if not relative:
            return within
        tiny = self.size < float(self.format.smallest_normal)
        least = np.maximum(within, float(self.format.smallest_subnormal))
        return np.asarray(np.where(tiny, least, within))

    def judge(self) -> EntryVerdicts:
        codes = np.full(self.measured.shape, CODES[_UNDECIDED[self.truths.unknown]])
        rules: Sequence[tuple[Mask, npt.NDArray[np.int64]]] = (
            (self.known & self.finite & ~self.kinks, self._finite()),
            (self.known & ~self.finite & ~self.kinks, self._nonfinite()),
            (self.known & self.kinks, self._kink()),
            (self.undefined, self._undefined()),
            (~self.known & ~self.undefined & ~self.kinks, self._unknown()),
        )
        for where, verdicts in rules:
            codes = np.where(where, verdicts, codes)
        matched = self.known & self.finite & (codes == CODES[Verdict.MATCH_ROUNDING])
        close = self._within(self.allowed) | self._is_usual()
        return EntryVerdicts(
            codes=codes.astype(np.int8),
            error_ulp=self._error_ulp(),
            error=self.error,
            lost=matched & ~close & ~self.kinks,
        )

    def _error_ulp(self) -> Numbers:
        """In ulps of the truth; of a zero, of the terms that cancel to it."""
        with np.errstate(invalid="ignore", over="ignore"):
            is_zero = self.size <= self.radius
            unit = rounded.ulps(
                np.where(is_zero, self.spreads.terms, self.size), self.format
            )
            found = self.error / unit
        return np.asarray(np.where(self.known & self.finite, found, np.nan))

    # ── finite truths ─────────────────────────────────────────────────────────────────

    def _within(self, bound: Numbers) -> Mask:
        """Where the error is within a bound for certain."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.error + self.radius <= bound)

    def _beyond(self, bound: Numbers) -> Mask:
        """Where it is beyond for certain."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.error - self.radius > bound)

    def _finite(self) -> npt.NDArray[np.int64]:
        """A finite number whose truth is finite: the first exceeded of the two models
        loses digits, the second is wrong. What is within the first is a match, however
        large: no kernel is more accurate than its documented operations."""
        spreads, true = self.spreads, self.truths.enclosures
        close = self._within(self.allowed)
        exact = rounded.is_rounded(
            self.measured, true.high, true.low, true.radius, self.format
        )
        fine = close | self._is_usual()
        explained = ~self._beyond(spreads.within)
        explained_in_range = ~self._beyond(spreads.within_in_range)
        lost = ~self._beyond(spreads.everywhere)
        lost_in_range = ~self._beyond(spreads.everywhere_in_range)
        choices = (
            (exact, Verdict.MATCH_EXACT),
            (self._is_wide(), Verdict.UNDECIDED_PRECISION),
            (self._is_boundless() & ~fine, Verdict.UNDECIDED_PRECISION),
            (explained & ~fine & self._is_conditioned(), Verdict.MATCH_CONDITIONING),
            (explained & ~fine & self._is_all_lost(), Verdict.UNDECIDED_PRECISION),
            (explained, Verdict.MATCH_ROUNDING),
            (explained_in_range & fine, Verdict.MATCH_ROUNDING),
            (explained_in_range, Verdict.DIFFER_RANGE),
            (close, Verdict.DIFFER_INACCURATE),
            (lost, Verdict.DIFFER_UNSTABLE),
            (lost_in_range, Verdict.DIFFER_RANGE),
        )
        return _select(choices, Verdict.DIFFER_WRONG)

    def _is_wide(self) -> Mask:
        """Where the enclosure is too wide to say on which side of a bound the number
        lies."""
        spreads = self.spreads
        bounds = (self.allowed, spreads.within, spreads.everywhere)
        open_ = np.zeros(self.measured.shape, dtype=bool)
        for bound in bounds:
            open_ |= ~self._within(bound) & ~self._beyond(bound)
        # What rounding explains for certain is a match, whatever else is open: of a sum
        # that cancels to 0, whether it lies within a tolerance relative to that.
        sure = self._within(spreads.within)
        grain = rounded.ulps(self.size, self.format) / 64
        with np.errstate(invalid="ignore"):
            return np.asarray(open_ & ~sure & (self.radius > grain))

    def _is_boundless(self) -> Mask:
        """Where rounding may do anything, and what ±2 ulps of the inputs do does not
        say why: no bound to be within."""
        spreads = self.spreads
        return np.isinf(spreads.within) & np.isfinite(spreads.moved)

    def _is_usual(self) -> Mask:
        """Where no digit is lost that operations do not take each by itself; of a zero,
        of the terms that cancel to it."""
        with np.errstate(invalid="ignore", over="ignore"):
            unit = rounded.ulps(self.size, self.format)
            zero = self.size <= self.radius
            few = np.where(
                zero & (self.spreads.terms > 0),
                CANCELLED_ULPS * rounded.ulps(self.spreads.terms, self.format),
                float(MOST_LOCAL_ULP) * unit,
            )
            return np.asarray(self.error <= few)

    def _is_conditioned(self) -> Mask:
        """Where ±2 ulps of the inputs do as much."""
        moved = self.spreads.moved
        with np.errstate(invalid="ignore"):
            near = self.error <= CONDITIONING_FACTOR * moved
        return np.asarray(near & np.isfinite(moved))

    def _is_all_lost(self) -> Mask:
        """Where the number has no digit of the truth, nor of the terms that cancel to
        it, and nobody can say what the point costs: a bound that explains that explains
        anything. (Where it is known, a saturated tanh loses all digits too.)"""
        with np.errstate(invalid="ignore"):
            own = np.where(self.size <= self.radius, 0.0, self.size)
            whole = np.maximum(own, self.spreads.terms)
            lost = (self.error >= ALL_LOST * whole) & (whole > 0)
        return np.asarray(lost & ~np.isfinite(self.spreads.moved))

    # ── the rest ──────────────────────────────────────────────────────────────────────

    def _nonfinite(self) -> npt.NDArray[np.int64]:
        """NaN or an infinity where the truth is finite."""
        true, largest = self.truths.enclosures, float(self.format.largest)
        half = float(rounded.ulps(np.array(largest), self.format)) / 2
        with np.errstate(invalid="ignore", over="ignore"):
            right = self.measured == np.copysign(np.inf, true.high)
            rounds = right & (self.size - self.radius >= largest + half)
            nearly = right & (self.size + self.allowed >= largest + half)
        spreads = self.spreads
        anything = np.isinf(spreads.within)
        choices = (
            (rounds, Verdict.MATCH_EXACT),
            (nearly, Verdict.MATCH_ROUNDING),
            (anything & np.isinf(spreads.moved), Verdict.MATCH_CONDITIONING),
            (
                ~anything & np.isinf(spreads.everywhere_in_range),
                Verdict.DIFFER_RANGE,
            ),
        )
        return _select(choices, Verdict.DIFFER_NONFINITE)

    def _kink(self) -> npt.NDArray[np.int64]:
        """Any number of the interval of subgradients is right, as far as rounding
        reaches."""
        reach = np.maximum(self.spreads.everywhere, self.allowed)
        with np.errstate(invalid="ignore"):
            inside = self.error <= self.radius + reach
        choices = (
            (~self.finite, Verdict.DIFFER_NONFINITE),
            (inside, Verdict.MATCH_SUBGRADIENT),
        )
        return _select(choices, Verdict.DIFFER_CONVENTION)

    def _undefined(self) -> npt.NDArray[np.int64]:
        choices = ((~self.finite, Verdict.MATCH_UNDEFINED),)
        return _select(choices, Verdict.DIFFER_SPURIOUS)

    def _unknown(self) -> npt.NDArray[np.int64]:
        """Where the truth is a proved infinity, or nothing is known."""
        infinity = self.truths.enclosures.high
        infinite = np.isinf(infinity)
        with np.errstate(invalid="ignore"):
            right = self.measured == infinity
        if not self.truths.is_value:
            right = right | np.isnan(self.measured)
        choices = (
            (~infinite, _UNDECIDED[self.truths.unknown]),
            (right, Verdict.MATCH_UNDEFINED),
            (np.isinf(self.measured), Verdict.DIFFER_WRONG),
            (np.isnan(self.measured), Verdict.DIFFER_NONFINITE),
        )
        return _select(choices, Verdict.DIFFER_SPURIOUS)


def _select(
    choices: Sequence[tuple[Mask, Verdict]], otherwise: Verdict
) -> npt.NDArray[np.int64]:
    """The code of the first choice that holds."""
    masks = [where for where, _ in choices]
    codes = [CODES[verdict] for _, verdict in choices]
    return np.select(masks, codes, default=CODES[otherwise])
