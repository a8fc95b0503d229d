"""What a case of tensors expects of both sides, entry by entry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from verifier.automatic.tensors.measuring import Column, TensorMeasurement
from verifier.enclosures import Enclosures
from verifier.fields import REAL
from verifier.floats import FORMATS
from verifier.judgement.expectation import Sides, disagreement
from verifier.language.casefile.case import Expected
from verifier.records import Unmet
from verifier.verification.tensors.answers import Answer
from verifier.verification.tensors.bench import Bench

MOST_TOLD = 3
"""Entries of one tensor that are told."""


def broken(bench: Bench, measurement: TensorMeasurement, answer: Answer) -> list[Unmet]:
    """The expectations that do not hold at the numbers that the case gives."""
    expectation = bench.case.expectation
    if expectation is None:
        return []
    found: list[Unmet] = []
    for name, column in measurement.outputs.items():
        true = answer.truths("value", name).enclosures
        found += _entries(bench, "expect.value", expectation.value, column, true)
    for name, numbers in expectation.gradient.items():
        column_of = measurement.gradients.get(name)
        if column_of is None:
            zeros = np.zeros([len(numbers)])
            column_of = Column(numbers=zeros, dtype=bench.setting.dtype)
        true = answer.truths("gradient", name).enclosures
        found += _entries(bench, f"expect.gradient.{name}", numbers, column_of, true)
    return found


def _entries(
    bench: Bench,
    key: str,
    expected: Sequence[Expected],
    column: Column,
    true: Enclosures,
) -> list[Unmet]:
    if not expected:
        return []
    unmet = list(_unmet(bench, key, expected, column, true))
    return unmet[:MOST_TOLD]


def _unmet(
    bench: Bench,
    key: str,
    expected: Sequence[Expected],
    column: Column,
    true: Enclosures,
) -> Iterator[Unmet]:
    expectation = bench.case.expectation
    assert expectation is not None
    format_ = FORMATS[column.dtype]
    known = np.ravel(true.is_known)
    parts = np.ravel(true.high), np.ravel(true.low)
    measured = np.ravel(column.numbers)
    for place, number in enumerate(expected):
        exact = None
        if known[place]:
            exact = sum((Fraction(float(part[place])) for part in parts), Fraction(0))
        index = np.unravel_index(place, true.high.shape)
        told = "[" + ", ".join(map(str, map(int, index))) + "]" if index else ""
        unmet = disagreement(
            f"{key}{told}",
            number,
            Sides(measured=float(measured[place]), true=exact, true_name="unknown"),
            REAL,
            format_,
            bench.tolerance(format_),
            expectation.lines.get(key),
        )
        if unmet is not None:
            yield unmet
