"""Formulas beside one another; what they come to was worked out by hand."""

from __future__ import annotations

from verifier.language.programs.parsing import parse
from verifier.language.programs.program import Program
from verifier.symbolic.calculus.side_by_side import side_by_side


def program(text: str) -> Program:
    return parse(text)


def test_both_are_written_and_a_ratio_is_told() -> None:
    found = side_by_side(
        program("grad * cos(x) * 1.5"), program("grad * sin(x)"), by="x"
    )
    assert found is not None
    assert found.computed == "grad * cos(x) * 1.5"
    assert found.true == "grad*cos(x)"
    assert found.ratio == "1.5"


def test_what_is_a_dropped_term_has_no_ratio() -> None:
    found = side_by_side(
        program("grad * sigmoid(x)"), program("grad * (x * sigmoid(x))"), by="x"
    )
    assert found is not None
    assert found.true is not None
    assert "sigmoid" in found.true
    assert found.ratio is None
    # s − (s + x s (1 − s))
    assert found.difference is not None
    assert found.difference.count("sigmoid") == 2


def test_nothing_is_said_of_what_is_long() -> None:
    long = " + ".join(f"sin({n} * x)**{n}" for n in range(2, 40))
    assert side_by_side(program(long), program(long), by="x") is None
