"""Which derivation stands alone is told; a wrong rule in one of them is planted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cell_programs import Builder
from verifier.language.cells import CellProgram
from verifier.symbolic.cells import rules
from verifier.symbolic.cells.agreement import agreement
from verifier.symbolic.cells.truth import CellTruth, Witness


def sine(at: float = 0.5, row: str = "sin") -> CellProgram:
    b = Builder()
    x = b.input("x", [at])
    b.given("output", [1.0])
    return b.program({"output": b.row("mul", b.row(row, x), x)})


def test_three_derivations_speak_for_a_small_program() -> None:
    found = agreement(CellTruth(sine()))
    assert (found.derivations, found.dispute) == (3, None)
    assert agreement(CellTruth(sine()), whole=False).derivations == 2


def test_a_witness_that_says_nothing_at_a_kink_is_not_counted() -> None:
    assert agreement(CellTruth(sine(0.0, "abs")), whole=False).derivations == 1


def test_a_wrong_rule_of_reverse_mode_stands_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = rules.partial

    def wrong(operation: str, operand: int, exponent: Any = None) -> Any:
        return right("cos" if operation == "sin" else operation, operand, exponent)

    monkeypatch.setattr(rules, "partial", wrong)
    found = agreement(CellTruth(sine()))
    assert found.dispute is not None
    assert found.dispute.startswith("reverse mode over the operations stands alone")
    alone = agreement(CellTruth(sine()), whole=False).dispute
    assert alone is not None
    assert "no third speaks" in alone


@pytest.mark.parametrize(
    ("series", "sympy", "words"),
    [
        (False, True, "power series stand alone"),
        (True, False, "SymPy's derivative of the whole program stands alone"),
        (None, False, "no third speaks"),
    ],
)
def test_the_one_against_two_is_named(
    series: bool | None, sympy: bool, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = Witness(agrees=series, forward=(1.0, 0.0), reverse=(2.0, 0.0))
    monkeypatch.setattr(CellTruth, "witness", lambda *_: witness)
    monkeypatch.setattr(CellTruth, "agrees_with_sympy", lambda *_: sympy)
    dispute = agreement(CellTruth(sine())).dispute
    assert dispute is not None
    assert words in dispute
