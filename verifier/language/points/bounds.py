"""Bounds of one variable, gathered one by one: an interval, a single number, or nothing
at all."""

from __future__ import annotations

from dataclasses import dataclass, replace

from verifier.language.points.domains import Domain
from verifier.language.points.scalars import Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """An end of an interval."""

    at: Scalar
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What is known of a variable; an end that is None is infinite."""

    lower: End | None = None
    upper: End | None = None

    @property
    def is_single(self) -> bool:
        """Whether the bounds leave exactly one number."""
        if self.lower is None or self.upper is None:
            return False
        equal = (
            self.lower.at.exact is not None
            and self.lower.at.exact == self.upper.at.exact
        )
        return equal and self.lower.closed and self.upper.closed

    @property
    def may_hold_a_number(self) -> bool:
        """Whether it is proved that the bounds leave a number."""
        if self.lower is None or self.upper is None or self.is_single:
            return True
        return self.lower.at.upper < self.upper.at.lower

    def above(self, end: End) -> Bounds | None:
        """The bounds with a lower end as well; None where it is not proved which of two
        ends is the tighter."""
        tighter = _tighter(self.lower, end, upper=False)
        return None if tighter is None else replace(self, lower=tighter)

    def below(self, end: End) -> Bounds | None:
        """The bounds with an upper end as well; None where it is not proved which of
        two ends is the tighter."""
        tighter = _tighter(self.upper, end, upper=True)
        return None if tighter is None else replace(self, upper=tighter)

    def within(self, limits: Bounds) -> Bounds:
        """The bounds with the infinite ends replaced by those of `limits`, as far as
        that leaves a number."""
        bounds = self
        if bounds.lower is None:
            bounds = _if_it_holds(replace(bounds, lower=limits.lower), bounds)
        if bounds.upper is None:
            bounds = _if_it_holds(replace(bounds, upper=limits.upper), bounds)
        return bounds

    def __str__(self) -> str:
        left = "[" if self.lower is not None and self.lower.closed else "("
        right = "]" if self.upper is not None and self.upper.closed else ")"
        lower = "-inf" if self.lower is None else self.lower.at.text
        upper = "inf" if self.upper is None else self.upper.at.text
        return f"{left}{lower}, {upper}{right}"


def of_domain(domain: Domain) -> Bounds:
    """The bounds that an interval sets."""
    lower = End(at=domain.lower, closed=domain.lower_closed)
    upper = End(at=domain.upper, closed=domain.upper_closed)
    return Bounds(
        lower=lower if domain.lower.is_finite else None,
        upper=upper if domain.upper.is_finite else None,
    )


def _tighter(old: End | None, new: End, *, upper: bool) -> End | None:
    if old is None:
        return new
    if old.at.exact is not None and old.at.exact == new.at.exact:
        return old if new.closed else new
    if old.at.upper < new.at.lower:
        return old if upper else new
    if new.at.upper < old.at.lower:
        return new if upper else old
    return None


def _if_it_holds(bounds: Bounds, otherwise: Bounds) -> Bounds:
    return bounds if bounds.may_hold_a_number and not bounds.is_single else otherwise
