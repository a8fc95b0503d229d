"""What may explain an error at a point, alike for real and complex numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest
from entries import gradient

from verifier.fields import COMPLEX, REAL, Field
from verifier.floats import BINARY32, ulp
from verifier.language.programs.parsing import parse
from verifier.records import VALUE
from verifier.symbolic.rounding.program_model import Mode
from verifier.symbolic.truth.excuses import PointExcuses
from verifier.symbolic.truth.side import side_of

FIELDS = pytest.mark.parametrize("field", [REAL, COMPLEX])
ULP = ulp(Fraction(1), BINARY32)


@dataclass
class Tolerance:
    relative: Fraction = Fraction(1, 1 << 20)
    absolute: Fraction = Fraction(0)


class Watch:
    def __init__(self) -> None:
        self.stages: Counter[str] = Counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.stages[name] += 1
        yield


def excuses(
    text: str, field: Field, point: dict[str, Any], watch: Watch | None = None
) -> PointExcuses:
    side = side_of(field, parse(text), list(point))
    rounding = side.rounding(BINARY32, (Mode.REVERSE, Mode.REVERSE))
    truths = side.truths(point, 1.0, BINARY32)
    return PointExcuses(side, rounding, point, 1.0, truths, steps=2, stopwatch=watch)


@FIELDS
def test_the_truth_moves_with_its_inputs(field: Field) -> None:
    of = excuses("3*x + y", field, {"x": 1.0, "y": 1.0}).of(VALUE)
    assert float(of.movement()) == pytest.approx(float(2 * ULP * 4))
    assert of.holds_nearby(4 + float(4 * ULP), Tolerance(), 8)
    assert not of.holds_nearby(5.0, Tolerance(), 8)


@FIELDS
def test_what_cancels_is_told_of_a_zero(field: Field) -> None:
    of = excuses("(x + 1) - (x + 1)", field, {"x": 0.5}).of(VALUE)
    unit = of.cancelled()
    assert unit is not None
    assert float(unit) == pytest.approx(2 * float(ULP))


@FIELDS
def test_a_pole_within_two_ulps(field: Field) -> None:
    third = float.fromhex("0x1.555556p-2")  # in binary32
    assert excuses("1/(1 - 3*x)", field, {"x": third}).of(VALUE).ends_nearby()
    assert not excuses("1/(1 - 3*x)", field, {"x": 0.25}).of(VALUE).ends_nearby()


def test_a_number_on_the_way_that_leaves_the_range() -> None:
    point = {"x": 100.0}
    of = excuses("exp(x) / (1 + exp(x))", REAL, point)
    assert of.of(VALUE).leaves_range()
    assert of.of(gradient("x")).leaves_range()
    assert of.of(VALUE).limited_range() is None
    assert of.of(VALUE).rounding() is not None
    assert not excuses("tanh(x)", REAL, point).of(VALUE).leaves_range()


def test_only_a_derivative_is_made_by_a_derivative_out_of_range() -> None:
    of = excuses("1/x", REAL, {"x": 1e-30})
    assert not of.of(VALUE).leaves_range()
    assert of.of(gradient("x")).leaves_range()


@FIELDS
def test_each_is_worked_out_once(field: Field) -> None:
    watch = Watch()
    of = excuses("x*y", field, {"x": 1.0, "y": 2.0}, watch)
    for entry in of.side.entries:
        for _ in range(2):
            mine = of.of(entry)
            mine.rounding(), mine.limited_range(), mine.ideal(), mine.cancelled()
            mine.movement()
    assert watch.stages == {"rounding": 4, "conditioning": 1}


@FIELDS
def test_a_sum_of_roundings(field: Field) -> None:
    of = excuses("sin(x)*x", field, {"x": 1.0})
    assert 0 < of.of(VALUE).local_ulp() < of.of(gradient("x")).local_ulp()
