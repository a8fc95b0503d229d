"""Each number of a run beside the local truth and the true one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import pytest

from verifier.automatic.tracing import trace
from verifier.floats import FORMATS, nearest, ulp
from verifier.language.programs.parsing import parse
from verifier.records import Truth, TruthStatus
from verifier.symbolic.truth.examination import examine
from verifier.traces import Event, EventKind


def examined(
    text: str, point: Mapping[str, float], dtype: str = "float32"
) -> tuple[Event, ...]:
    format_ = FORMATS[dtype]
    rounded = {name: nearest(Fraction(value), format_) for name, value in point.items()}
    program = parse(text)
    found = trace(program, rounded, 1.0, dtype=dtype)
    assert found.failure is None
    return examine(program, found, rounded, 1.0, format_)


def number(truth: Truth) -> Fraction:
    assert truth.status is TruthStatus.FINITE
    assert truth.enclosure is not None
    return (truth.enclosure.lower + truth.enclosure.upper) / 2


def last(events: tuple[Event, ...], kind: EventKind) -> Event:
    return [event for event in events if event.kind is kind][-1]


def test_the_events_are_in_order_of_execution() -> None:
    events = examined("(x + 2) * 3", {"x": 1.0})
    kinds = [event.kind for event in events]
    assert kinds == sorted(kinds, key=lambda kind: kind is not EventKind.VALUE)
    for index, event in enumerate(events):
        assert all(source.event < index for source in event.sources)


def test_a_local_error_is_told_from_an_inherited_one() -> None:
    events = examined("exp(x) - 1", {"x": 1e-7})
    difference = last(events, EventKind.VALUE)
    assert number(difference.local) == Fraction(difference.measured)
    inherited = abs(Fraction(difference.measured) - number(difference.true))
    assert inherited > 1000 * ulp(number(difference.true), FORMATS["float32"])
    (share, _) = difference.sources
    assert share.share is not None
    assert math.isclose(share.share, inherited, rel_tol=1e-6)


def test_shares_add_up_to_the_error_to_first_order() -> None:
    events = examined("sin(x) * exp(y) / (x + y)", {"x": 0.7, "y": 1.3})
    for event in events:
        if not event.sources:
            continue
        error = Fraction(event.measured) - number(event.true)
        own = Fraction(event.measured) - number(event.local)
        shares = sum((source.share or 0 for source in event.sources), Fraction(0))
        scale = ulp(number(event.true), FORMATS["float32"])
        assert abs(error - own - shares) < scale / 1000


def test_a_literal_is_rounded_once_and_then_exact() -> None:
    events = examined("x * (1/3)", {"x": 3.0})
    literal = next(e for e in events if e.measured == nearest_third())
    assert literal.local == literal.true
    assert abs(number(literal.true) - Fraction(1, 3)) < Fraction(1, 2**80)
    assert literal.sources == ()


def nearest_third() -> float:
    return nearest(Fraction(1, 3), FORMATS["float32"])


@pytest.mark.parametrize(
    ("text", "x", "status"),
    [
        ("sqrt(x)", -1.0, TruthStatus.UNDEFINED),
        ("1/x", 0.0, TruthStatus.LIMIT),
        ("log(x)", 0.0, TruthStatus.LIMIT),
        ("exp(x)", 1.0, TruthStatus.FINITE),
    ],
)
def test_the_standing_of_a_value_is_told(
    text: str, x: float, status: TruthStatus
) -> None:
    events = examined(text, {"x": x})
    values = [event for event in events if event.kind is EventKind.VALUE]
    assert status in {event.local.status for event in values}


@pytest.mark.parametrize(("text", "x"), [("abs(x)", 0.0), ("sqrt(x)", 0.0)])
def test_a_product_at_an_edge_has_no_finite_truth(text: str, x: float) -> None:
    product = last(examined(text, {"x": x}), EventKind.PRODUCT)
    assert product.local.status is TruthStatus.LIMIT


def test_nothing_truly_flows_into_a_masked_branch() -> None:
    events = examined("where(x > 0, sqrt(x), 0)", {"x": -1.0})
    product = last(events, EventKind.PRODUCT)
    assert math.isnan(product.measured)
    assert number(product.true) == 0
    assert product.local.status is TruthStatus.UNDEFINED


def test_enclosures_are_far_finer_than_the_dtype() -> None:
    for dtype in FORMATS:
        for event in examined("log(cosh(x)) - x*tanh(x)", {"x": 0.37}, dtype):
            for truth in (event.local, event.true):
                assert truth.enclosure is not None
                width = truth.enclosure.upper - truth.enclosure.lower
                unit = ulp(truth.enclosure.upper, FORMATS[dtype])
                assert width * 2**10 <= unit


def test_a_documented_formula_explains_what_its_rounding_loses() -> None:
    product = last(examined("tanh(x)", {"x": 9.0}), EventKind.PRODUCT)
    assert product.explained is True


def test_an_infinite_operand_leaves_nothing_to_say() -> None:
    events = examined("log(1 + exp(x))", {"x": 100.0})
    value = last(events, EventKind.VALUE)
    assert value.local.status is TruthStatus.UNDEFINED
    assert float(number(value.true)) == pytest.approx(100)
    assert value.sources[0].share is None
