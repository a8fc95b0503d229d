"""Cases of tensors: what they say, and what none may say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from verifier.errors import CaseFileError, ExpressionError, Mistakes
from verifier.language.casefile.case import Case
from verifier.language.casefile.loading import from_mapping, load
from verifier.language.casefile.tensor_case import Tensors
from verifier.language.points.tensor_domains import tensor_domain

PLAIN = {"name": "n", "subject": "m:f", "shapes": {"x": [2, 3]}}


def tensors(**keys: object) -> tuple[Case, Tensors]:
    case = from_mapping({**PLAIN, **keys})
    assert case.tensors is not None
    return case, case.tensors


def test_the_example_of_the_design_is_read(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        """
[[case]]
name = "rms-norm-kernel"
subject = "mylib.kernels:rms_norm"
reference = "mylib.plain:rms_norm"
shapes = { x = [64, 256], weight = [256], index = [64] }
domain = { x = "normal", weight = "[1/2, 3/2]", index = "0..9" }
points = 4
dtype = ["bfloat16", "float32"]
upstream = ["random", "ones"]
expect = { verdict = { gradient = { weight = "differ.wrong" } }, reason = "known" }
"""
    )
    (case,) = load(file)
    assert case.tensors is not None
    inputs = case.tensors.inputs
    assert {name: one.shape for name, one in inputs.items()} == {
        "x": (64, 256),
        "weight": (256,),
        "index": (64,),
    }
    assert {name: str(one.domain) for name, one in inputs.items()} == {
        "x": "normal",
        "weight": "[1/2, 3/2]",
        "index": "0..9",
    }
    assert case.points == 4
    assert case.dtypes == ("bfloat16", "float32")
    assert case.tensors.reference == "mylib.plain:rms_norm"
    assert case.tensors.upstream == ("random", "ones")
    assert case.expectation is not None
    assert case.expectation.pins[0].wrt == "weight"


def test_defaults() -> None:
    case, found = tensors()
    assert case.points == 1
    assert str(found.inputs["x"].domain) == "normal"
    assert found.widen == (1, 3, 10)
    assert found.upstream == ()
    assert case.routes == ("reverse",)


def test_a_stated_gradient_makes_a_case_of_single_numbers_one_of_a_tensor() -> None:
    case = from_mapping(
        {
            "name": "surrogate",
            "subject": "m:fire",
            "expression": "where(x > 0, 1, 0)",
            "gradient": {"x": "1/(1 + (pi*x)**2)"},
            "domain": {"x": "[-3, 3]"},
            "points": 100,
        }
    )
    assert case.tensors is not None
    assert case.tensors.inputs["x"].shape == (100,)
    assert case.points == 1
    assert case.tensors.gradient == {"x": "1/(1 + (pi*x)**2)"}


@pytest.mark.parametrize("text", ["normal", "positive", "simplex", "[0, 1]", "-3..4"])
def test_domains_are_spelled_as_they_are_read(text: str) -> None:
    assert str(tensor_domain(text)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nromal", "found `nromal`. Did you mean `normal`?"),
        ("9..2", "expected lower ≤ upper, found `9..2`"),
        ("(0, inf)", "expected an interval with two ends to draw tensors from"),
    ],
)
def test_domains_that_are_none(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=re.escape(message)):
        tensor_domain(text)


REFUSED = [
    ({"shapes": {"x": [2, -1]}}, "shapes.x[2]: expected a size"),
    ({"shapes": {"x": 3}}, "shapes.x: expected a shape such as [64, 256]"),
    ({"shapes": {"x": [100_000, 100_000]}}, "expected at most 100000000 numbers"),
    ({"shapes": {"2x": [1]}}, "expected names that a formula can contain"),
    ({"shapes": []}, "expected a table of shapes"),
    ({"domain": {"y": "normal"}}, "domain.y: expected one of the inputs `x`"),
    ({"domain": {"x": "(0, inf)"}}, "domain.x: expected an interval with two ends"),
    ({"domain": {"x": "5..1"}}, "domain.x: expected lower ≤ upper"),
    ({"domain": {"x": "0..3"}, "wrt": ["x"]}, "drawn from integers"),
    ({"upstream": 2}, "upstream: expected one or several of `random`"),
    ({"upstream": "one"}, "upstream: expected a finite number, or one of"),
    ({"upstream": "huge"}, "found `huge`"),
    ({"where": "x > 0"}, "where: a case of tensors takes no `where`"),
    ({"at": {"y": 1}}, "at.y: expected one of the inputs `x`"),
    ({"at": {"x": [1, 2]}}, "at.x: expected numbers of shape [2, 3], found [2]"),
    ({"at": {"x": [[1, 2], [3]]}}, "at.x[2]: expected a list of 2, found a list of 1"),
    ({"at": {"x": [[1, 2], [3, "q"]]}}, "at.x[2][2]: "),
    ({"at": {"x": "1j"}}, "at.x: expected real numbers"),
    ({"at": [{"x": 1}, {"x": 2}]}, "at: expected one table of the numbers of tensors"),
    ({"at": {"x": 1}, "domain": {"x": "normal"}}, "at.x: expected `at` or `domain`"),
    ({"expression": "x @ x"}, "expression, column 3: expected equal inner sizes"),
    ({"steps": "y = x\nz = y @ x"}, "steps, column 7: line 2: expected equal inner"),
    ({"steps": "y = x", "expression": "x"}, "steps: expected `expression` or `steps`"),
    ({"where": "x > 0"}, "where: a case of tensors takes no `where`"),
    ({"points": "all"}, "points: a case of tensors takes a number of draws"),
    ({"dtype": "complex64"}, "tensors are verified in real dtypes"),
    ({"gradient": {"y": "1"}}, "gradient.y: expected one of the inputs `x`"),
    ({"gradient": {"x": "1 +"}}, "gradient.x"),
    ({"gradient": {"x": 3}}, "gradient.x: expected a formula in quotes"),
    ({"gradient": {}}, "gradient: expected a table of formulas"),
    ({"widen": [0]}, "widen[1]: expected factors that are integers of at least 1"),
    ({"reference": "m.g"}, "reference: expected `module:callable`"),
    ({"reference": "m:g", "expression": "x"}, "found both. Drop one"),
    (
        {"expect": {"value": 1}},
        "expect.value: expected an `expression` for the numbers in `expect`",
    ),
    (
        {"expect": {"verdict": {"gradient": {"y": "differ.wrong"}}, "reason": "r"}},
        "expected one of `x`, by which the case differentiates, found `y`",
    ),
    ({"expect": {"verdict": "differ.wrong"}}, "expected a `reason`"),
    ({"order": 1, "routes": "reverse-reverse"}, "expected a route of order 1"),
]


@pytest.mark.parametrize(("keys", "message"), REFUSED)
def test_what_none_may_say_is_refused(keys: dict[str, object], message: str) -> None:
    errors = (CaseFileError, ExpressionError, Mistakes)
    with pytest.raises(errors, match=re.escape(message)):
        tensors(**keys)


def test_a_case_without_a_callable_is_refused() -> None:
    with pytest.raises(
        CaseFileError,
        match="expected an `expression` or a `subject`, a callable of tensors",
    ):
        from_mapping({"name": "n", "shapes": {"x": [2]}})


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"domain": {"x": "simplex"}},
            "domain.x: expected an interval, found `simplex`",
        ),
        ({"domain": {"x": "0..4"}}, "domain.x: expected an interval, found `0..4`"),
        ({"at": {"x": 1}, "upstream": "ones"}, "upstream: expected a finite number"),
    ],
)
def test_what_tensors_alone_may_be_is_refused_elsewhere(
    keys: dict[str, object], message: str
) -> None:
    with pytest.raises(CaseFileError, match=re.escape(message)):
        from_mapping({"name": "n", "expression": "sin(x)", **keys})


def test_all_mistakes_have_their_place(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        """
[[case]]
name = "n"
subject = "m:f"
shapes = { x = [2, 3] }
domain = { z = "normal" }
where = "x > 0"
upstream = 3
"""
    )
    with pytest.raises(Mistakes) as caught:
        load(file)
    told = str(caught.value)
    for place in ("6: [n] domain.z", "7: [n] where", "8: [n] upstream"):
        assert place in told
