"""Cases whose formulas are of arrays: their inputs, numbers and expectations."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from verifier.errors import CaseFileError
from verifier.language.casefile.case import Case
from verifier.language.casefile.loading import from_mapping
from verifier.language.casefile.tensor_case import Tensors

PLAIN = {"name": "n", "expression": "x @ W", "shapes": {"x": [1, 2], "W": [2, 2]}}
AT = {"at": {"x": [[1, 2]], "W": [[1, 0], ["1/3", -1]]}}


def tensors(**keys: object) -> tuple[Case, Tensors]:
    case = from_mapping({**PLAIN, **keys})
    assert case.tensors is not None
    return case, case.tensors


def test_a_formula_is_read_at_the_shapes() -> None:
    case, found = tensors()
    assert case.subject is None
    assert case.wrt == ("x", "W")
    assert found.program is not None
    assert found.program.shape == (1, 2)


def test_a_slice_may_stand_in_a_name_that_is_the_formula() -> None:
    case = from_mapping({"expression": "x[::2]", "shapes": {"x": [4]}})
    assert case.name == "x[: :2]"


def test_numbers_are_read_row_by_row() -> None:
    _, found = tensors(**AT)
    numbers = found.inputs["W"].numbers
    assert numbers is not None
    assert [n.exact for n in numbers] == [1, 0, Fraction(1, 3), -1]
    _, found = tensors(at={"x": [[1, 2]], "W": 3})
    numbers = found.inputs["W"].numbers
    assert numbers is not None
    assert [n.exact for n in numbers] == [3] * 4


def test_what_is_expected_has_a_number_for_each_entry() -> None:
    case, found = tensors(**AT, expect={"value": [[1, 2]], "gradient": {"x": 7}})
    assert case.expectation is not None
    assert [e.scalar.exact for e in case.expectation.value] == [1, 2]
    assert [e.scalar.exact for e in case.expectation.gradient["x"]] == [7, 7]
    assert found.upstream == ("ones", "random")


def test_an_index_is_drawn_from_what_it_may_be() -> None:
    case, found = tensors(
        expression="x[:, i] @ W[i]", shapes={**PLAIN["shapes"], "i": [3]}
    )  # type: ignore[dict-item]
    assert str(found.inputs["i"].domain) == "0..1"
    assert case.wrt == ("x", "W")


ROWS = {"expression": "W[i]", "shapes": {"W": [2], "i": [3]}}
REFUSED: list[tuple[dict[str, object], str]] = [
    ({"expect": {"value": 1}}, "expect.value: expected every input in `at`"),
    (
        {**AT, "expect": {"value": [1, 2]}},
        "expect.value: expected numbers of shape [1, 2], found [2]",
    ),
    ({**AT, "expect": {"value": [[1, "q"]]}}, "expect.value[1][2]: "),
    (
        {**AT, "expect": {"gradient": {"z": 1}}},
        "expect.gradient.z: expected one of the inputs `x`, `W`",
    ),
    ({**AT, "expect": {"losses": [1]}}, "expect.losses: expected a `descent`"),
    (
        {**AT, "upstream": "zeros", "expect": {"gradient": {"x": 1}}},
        'upstream: expected `upstream = "ones"`',
    ),
    (
        {"shapes": {"x": [1, 2], "W": [2, 2], "q": [3]}},
        "shapes.q: `q` does not occur in the formula",
    ),
    (
        {**ROWS, "domain": {"i": "0..2"}},
        "domain.i: `i` is an index: expected integers within `0..1`",
    ),
    (
        {**ROWS, "at": {"i": [0, 1, 2]}},
        "at.i: `i` is an index: expected integers within `0..1`, found `2`",
    ),
    ({**ROWS, "wrt": ["i"]}, "drawn from integers, which have no gradient"),
]


@pytest.mark.parametrize(("keys", "message"), REFUSED)
def test_what_none_may_say_is_refused(keys: dict[str, object], message: str) -> None:
    with pytest.raises(CaseFileError, match=re.escape(message)):
        tensors(**keys)
