"""The interface to all that is known by symbols: alike for real and complex numbers,
pure, and fit to be sent."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from entries import gradient, hessian, step

from verifier.fields import COMPLEX, REAL, Field
from verifier.floats import BINARY32, BINARY64
from verifier.language.programs.parsing import parse, parse_steps
from verifier.records import VALUE, Enclosure, Rectangle, TruthStatus
from verifier.symbolic.rounding.program_model import Mode
from verifier.symbolic.truth.excuses import PointExcuses
from verifier.symbolic.truth.side import SymbolicSide, side_of

REVERSE = (Mode.REVERSE, Mode.REVERSE)
POINTS: dict[str, dict[str, Any]] = {
    "real": {"x": 0.75, "y": -1.5},
    "complex": {"x": 0.75 + 1j, "y": -1.5 + 0.25j},
}
FIELDS = pytest.mark.parametrize("field", [REAL, COMPLEX])
BOTH = pytest.mark.parametrize("order", [1, 2])


def a_side(field: Field, order: int = 1) -> SymbolicSide:
    program = parse_steps("u = x*y\nc = 2 + 1\nv = sin(u) + c*exp(x)")
    return side_of(field, program, ["x", "y"], order)


def sent(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


@FIELDS
def test_the_entries_are_what_is_worth_a_comparison(field: Field) -> None:
    first = (VALUE, gradient("x"), gradient("y"), step("u"))
    assert a_side(field).entries == first
    if field is REAL:
        pairs = [("x", "x"), ("x", "y"), ("y", "x"), ("y", "y")]
        assert a_side(field, 2).entries == (*first, *(hessian(*p) for p in pairs))


@pytest.mark.parametrize(
    ("field", "order"), [(REAL, 1), (REAL, 2), (COMPLEX, 1)], ids=str
)
def test_a_side_that_was_sent_knows_the_same(field: Field, order: int) -> None:
    side, point = a_side(field, order), POINTS[field.name]
    before = sent(side)
    truths = side.truths(point, 1.5, BINARY64)
    after = sent(side)
    assert {truth.status for truth in truths.values()} == {TruthStatus.FINITE}
    for other in (before, after):
        assert other.field is field
        assert other.truths(point, 1.5, BINARY64) == truths
        assert other.attested(point, 1.5, truths) == side.attested(point, 1.5, truths)
        models = [one.rounding(BINARY32, REVERSE) for one in (side, other)]
        first, second = (
            model.spread(point, 1.5, limited_range=True) for model in models
        )
        assert first == second
        assert sent(models[0]).spread(point, 1.5, limited_range=True) == first


@pytest.mark.parametrize(
    ("field", "order"), [(REAL, 1), (REAL, 2), (COMPLEX, 1)], ids=str
)
def test_truths_and_spreads_have_every_entry(field: Field, order: int) -> None:
    side, point = a_side(field, order), POINTS[field.name]
    truths = side.truths(point, 1.0, BINARY32)
    spread = side.rounding(BINARY32, REVERSE).spread(point, 1.0, limited_range=False)
    kind = Enclosure if field is REAL else Rectangle
    for entry in side.entries:
        truth, reach = truths[entry], spread.reach[entry]
        assert isinstance(truth.enclosure, kind)
        assert reach is not None
        assert field.farthest(reach, field.of_truth(truth)) > 0


@FIELDS
def test_by_an_argument_that_the_program_lacks_the_derivative_is_0(
    field: Field,
) -> None:
    side = side_of(field, parse("x*x"), ["x", "unused"])
    point = {"x": 3.0, "unused": 5.0}
    truths = side.truths(point, 1.0, BINARY32)
    truth = truths[gradient("unused")]
    assert truth.enclosure == field.zero_enclosure
    assert truth.derivations == side.most_derivations
    assert side.attested(point, 1.0, truths)[gradient("unused")] == truth
    excuses = PointExcuses(
        side, side.rounding(BINARY32, REVERSE), point, 1.0, truths, steps=2
    )
    of = excuses.of(gradient("unused"))
    assert of.rounding() == of.ideal() == of.limited_range() == field.nowhere
    assert (of.cancelled(), of.movement()) == (0, 0)
    assert side.many([point], 1.0, BINARY32) is None


@FIELDS
def test_the_witness_speaks_when_it_is_asked(field: Field) -> None:
    side, point = a_side(field), POINTS[field.name]
    truths = side.attested(point, 1.0, side.truths(point, 1.0, BINARY64))
    assert truths[gradient("x")].derivations == side.most_derivations


def test_a_complex_infinity_is_for_no_limit() -> None:
    side = a_side(COMPLEX)
    truths = side.truths({"x": complex("inf"), "y": 1j}, 1.0, BINARY64)
    assert {truth.status for truth in truths.values()} == {TruthStatus.LIMIT}
    assert set(side.entries) <= set(truths)


def test_many_points_at_once() -> None:
    side = side_of(REAL, parse("exp(x)"), ["x"])
    points = [{"x": x / 8, "other": 0.0} for x in range(8)]
    truths = sent(side).many(points, 2.0, BINARY32)
    assert truths is not None
    for index, point in enumerate(points):
        alone = side.truths(point, 2.0, BINARY32)
        for entry, truth in truths.at(index).items():
            assert REAL.size(REAL.of_truth(truth) - REAL.of_truth(alone[entry])) < 1e-12
    assert a_side(COMPLEX).many([], 1.0, BINARY32) is None


@FIELDS
def test_how_a_step_depends_on_the_inputs(field: Field) -> None:
    point = POINTS[field.name]
    slopes = a_side(field).slopes("u", point, BINARY64)
    assert {name: float(bound or 0) for name, bound in slopes.items()} == {
        "x": pytest.approx(abs(point["y"])),
        "y": pytest.approx(abs(point["x"])),
    }


def test_what_complex_numbers_do_without() -> None:
    side = a_side(COMPLEX)
    assert side.clarke is None
    assert side.terms("x", []) == {}
    assert side.trajectory({}, "x", REAL.zero, 2) == [None, None]
