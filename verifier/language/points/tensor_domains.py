"""From which numbers a tensor is drawn, as case files and the command line spell it.

| spelling           | each number, or row                                                       |
|--------------------|---------------------------------------------------------------------------|
| `normal`           | N(0, 1)                                                                   |
| `positive`         | the magnitude of N(0, 1), never 0                                         |
| `simplex`          | rows of positive numbers whose sum is 1                                   |
| `[-1, 1]`          | uniform in an interval with two ends                                      |
| `0..9`             | an integer, both ends included: an index, which has no gradient           |
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from verifier.errors import ExpressionError, did_you_mean, listed, shortened
from verifier.language.points import domains
from verifier.language.points.domains import Domain

NORMAL, POSITIVE, SIMPLEX = "normal", "positive", "simplex"
WORDS = (NORMAL, POSITIVE, SIMPLEX)
_INTEGERS = re.compile(r"\s*(-?\d+)\s*\.\.\s*(-?\d+)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorDomain:
    """From which numbers a tensor is drawn: a word, an interval, or integers."""

    word: str | None = None
    interval: Domain | None = None
    integers: tuple[int, int] | None = None

    def __str__(self) -> str:
        if self.integers is not None:
            return "{}..{}".format(*self.integers)
        return self.word or str(self.interval)

    @property
    def is_scaled(self) -> bool:
        """Whether its numbers may be widened."""
        return self.word in (NORMAL, POSITIVE)

    @property
    def holds_zero(self) -> bool:
        """Whether 0 is one of its numbers."""
        if self.interval is not None:
            return self.interval.contains(0.0)
        return self.word == NORMAL


def tensor_domain(text: str) -> TensorDomain:
    """The domain that a text spells. Raises `ExpressionError`."""
    written = text.strip()
    if written in WORDS:
        return TensorDomain(word=written)
    integers = _INTEGERS.fullmatch(written)
    if integers:
        lower, upper = int(integers[1]), int(integers[2])
        if lower > upper:
            raise ExpressionError(
                f"expected lower ≤ upper, found `{written}`. Swap the bounds."
            )
        return TensorDomain(integers=(lower, upper))
    if not written.startswith(("[", "(")):
        raise ExpressionError(
            f"expected {listed(WORDS)}, an interval such as `[-1, 1]`, or integers such as `0..9`, "
            f"found `{shortened(written)}`.{did_you_mean(written, WORDS)}"
        )
    return of_interval(domains.domain(text))


def is_of_tensors(text: str) -> bool:
    """Whether no single number is drawn from what a text spells."""
    return text.strip() in (POSITIVE, SIMPLEX) or bool(_INTEGERS.fullmatch(text))


def of_domain(domain: Domain | TensorDomain) -> TensorDomain:
    """The domain of tensors that one of single numbers is. Raises `ExpressionError`."""
    if isinstance(domain, TensorDomain):
        return domain
    if isinstance(domain, domains.Normal):
        return TensorDomain(word=NORMAL)
    return of_interval(domain)


def of_interval(interval: Domain) -> TensorDomain:
    """The domain of numbers of an interval. Raises `ExpressionError` unless it has two
    ends."""
    if not interval.is_bounded or interval.is_complex:
        raise ExpressionError(
            f"expected an interval with two ends to draw tensors from, found {interval}. "
            f"Give it both, or choose {listed(WORDS)}."
        )
    return TensorDomain(interval=interval)
