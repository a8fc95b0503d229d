"""How many derivations spoke for the truth of a result, as the manual says; and
reports with every comparison."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from backwards import function
from commands import invoke

import verifier
from verifier.records import Result, Verdict
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.truth import oracle as truth


def one(**keywords: Any) -> Result:
    expression = keywords.pop("expression", None)
    given = {"dtype": "float32"} | keywords
    (result,) = verifier.verify(expression, **given).results
    return result


DEEP = "sin(" * 70 + "x" + ")" * 70
UNIT = {"x": "[0, 1]"}


@pytest.mark.parametrize(
    ("derivations", "case"),
    [
        # The first point is always attested by the witness.
        (3, {"expression": "(a + 2)*3", "at": {"a": 100}}),
        (3, {"expression": "sin(x)*y", "at": {"x": 1, "y": 2}}),
        (3, {"expression": "(exp(x) - 1)/x", "at": {"x": "1e-7"}}),
        (2, {"expression": "sin(x)*exp(x)", "domain": UNIT, "points": 20}),
        (1, {"steps": "b = a + 2\ny = b*3", "at": {"a": 100}}),
        (2, {"expression": "sin(x)*x", "at": {"x": "-0.0"}}),
        (1, {"expression": "atan(x)", "at": {"x": "inf"}}),
        (1, {"expression": "abs(x)", "at": {"x": 0}}),
        (1, {"expression": "sin(x)/x", "at": {"x": 0}}),
        (2, {"expression": DEEP, "at": {"x": 1}}),
        (2, {"expression": "x**3*y", "at": {"x": 2, "y": 3}, "order": 2}),
        (2, {"expression": "sin(z)", "at": {"z": "1+2j"}, "dtype": "complex64"}),
        (1, {"expression": "sin(z)", "domain": {"z": "[0, 1] + [0, 1]j"}, "points": 18, "dtype": "complex64"}),
        (1, {"expression": "x*x", "domain": UNIT, "points": 2001}),
        (None, {"expression": "besselj(0, x)", "at": {"x": 1}}),
    ],
)  # fmt: skip
def test_a_result_says_how_many_derivations_spoke(
    derivations: int | None, case: dict[str, Any]
) -> None:
    assert one(**case).derivations == derivations


FILE = """
[[case]]
name = "real"
expression = "sin(x)*x"
domain = { x = "[0, 1]" }
points = 12
boundary = false
dtype = ["float32"]

[[case]]
name = "many"
expression = "x*x"
domain = { x = "[0, 1]" }
points = 2001
boundary = false
dtype = ["bfloat16"]

[[case]]
name = "complex"
expression = "sin(z)"
domain = { z = "[0, 1] + [0, 1]j" }
points = 5
dtype = ["complex64"]
"""


def test_a_report_may_hold_every_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.toml").write_text(FILE, encoding="utf-8")

    def run(*options: str) -> list[dict[str, Any]]:
        command = ["run", "a.toml", "--format", "json", *options]
        found = invoke(*command)
        assert found.exit_code == 0, found.output
        results: list[dict[str, Any]] = json.loads(found.stdout)["results"]
        return results

    usual, whole = run(), run("--points-in-report", "all")
    assert [len(result["comparisons"]) for result in usual] == [
        2,
        0,
        2,
    ]  # settled together
    for result, other in zip(whole, usual, strict=True):
        assert len(result["comparisons"]) == sum(result["counts"].values())
        assert (result["counts"], result["verdict"]) == (
            other["counts"],
            other["verdict"],
        )
    assert [len(result["comparisons"]) for result in whole] == [24, 4002, 10]
    points = [json.dumps(c["point"]) for c in whole[0]["comparisons"]]
    assert len(set(points)) == 12


def test_an_unknown_choice_of_points_is_refused() -> None:
    found = invoke("run", "--points-in-report", "al")
    assert found.exit_code == 2
    assert "Did you mean `all`?" in found.stderr


# ── the witness ───────────────────────────────────────────────────────────────────────


wrong_at_5 = function(
    lambda x: x * x, lambda upstream, x: upstream * (2 * x + (x == 5))
)


def test_the_witness_is_heard_at_one_of_sixteen_points_and_wherever_a_number_differs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A witness that says 7, which no 2x of a whole x is: it turns what it is asked
    about into a quarrel."""

    def seven(_program: Any, _point: Any, wrt: Sequence[str], _upstream: float) -> Any:
        return {name: balls.exact(7) for name in wrt}

    monkeypatch.setattr(truth.witness, "gradient", seven)
    run = verifier.check(
        wrong_at_5,
        expression="x*x",
        at=[{"x": x} for x in range(1, 18)],
        dtype="float32",
    )
    heard = {
        float(one.point["x"])
        for one in run.results[0].comparisons
        if one.verdict is Verdict.UNDECIDED_ORACLE
    }
    assert heard == {1, 5, 17}
