"""Whether two programs are the same function about a point."""

from __future__ import annotations

import pytest

from verifier.language.programs.parsing import parse
from verifier.symbolic.truth.agreement import agree


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("exp(x) - 1", "expm1(x)", True),
        ("exp(x) - 1", "expm1(x) + 1e-30", False),
        ("sqrt(x**2)", "x", True),
        ("x", "x + 0*y", True),
    ],
)
def test_programs_agree_in_balls_or_they_do_not(
    first: str, second: str, same: bool
) -> None:
    programs = [parse(text, variables=("x", "y")) for text in (first, second)]
    point = {"x": 0.3, "y": 1.0}
    assert agree(*programs, point, 1.0, ["x"]) is same


def test_programs_are_not_said_to_agree_at_an_edge() -> None:
    assert not agree(parse("abs(x)"), parse("abs(x)"), {"x": 0.0}, 1.0, ["x"])
