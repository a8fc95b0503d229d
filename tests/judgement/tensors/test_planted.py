"""Planted faults in Functions as authors of kernels write them: all found, none on the
right ones, in every dtype."""

from __future__ import annotations

from itertools import product

import pytest
from planted_tensors import PLANTED, RIGHT, draw
from tensor_checks import Checked, check

BELOW = {
    ("layer_norm", "scale of 1e-5"): {"bfloat16", "float16"},
    ("gelu", "a constant of five digits"): {"bfloat16", "float16"},
}
"""What is a note of the formula in these dtypes: a 16th of a rounding, or less."""
SLOW = ("float64", "float16")


def run(
    name: str, fault: str, dtype: str, *, opaque: bool = False
) -> dict[str, Checked]:
    planted = PLANTED[name]
    tensors, upstream = draw(name)
    reference = planted.run(RIGHT) if opaque else None
    return check(planted.run(fault), tensors, upstream, dtype, reference=reference)


def cases() -> list[object]:
    return [
        pytest.param(name, dtype, marks=pytest.mark.slow if dtype in SLOW else ())
        for name, dtype in product(PLANTED, ("float32", "bfloat16", *SLOW))
    ]


@pytest.mark.parametrize(("name", "dtype"), cases())
def test_all_are_found_and_the_right_one_is_not(name: str, dtype: str) -> None:
    for checked in run(name, RIGHT, dtype).values():
        assert not checked.verdicts
        assert checked.formula is not None
        assert checked.formula.delta < 1e-13
    for fault in PLANTED[name].faults:
        found = run(name, fault, dtype)
        differs = {
            verdict
            for checked in found.values()
            for verdict in checked.verdicts
            if verdict.family == "differ"
        }
        if dtype in BELOW.get((name, fault), ()):
            notes = [
                c.formula for c in found.values() if c.formula and c.formula.is_note
            ]
            assert notes, fault
            assert max(note.delta for note in notes) > 5e-6
        else:
            assert differs, fault


@pytest.mark.parametrize("name", PLANTED)
def test_most_are_found_of_an_opaque_kernel_in_float32(name: str) -> None:
    """Without its backward, against a reference: no proof, yet all but the faintest."""
    assert not any(
        c.verdicts for c in run(name, RIGHT, "float32", opaque=True).values()
    )
    for fault in PLANTED[name].faults:
        found = run(name, fault, "float32", opaque=True)
        verdicts = {v for checked in found.values() for v in checked.verdicts}
        assert any(v.family == "differ" for v in verdicts), fault
