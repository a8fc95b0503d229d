"""Evaluation at rising precision: what is in force when, and where it ends."""

from __future__ import annotations

from itertools import islice

from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.precision import attempts


def test_precision_doubles_up_to_the_cap() -> None:
    tries = list(attempts(balls.precision_bits, 100, 801))
    assert tries == [(100, 100), (200, 200), (400, 400), (800, 800)]


def test_the_cap_itself_is_tried_and_nothing_beyond_it() -> None:
    assert [bits for bits, _ in attempts(lambda: None, 64, 128)] == [64, 128]
    assert list(attempts(lambda: None, 129, 128)) == []


def test_the_caller_keeps_its_own_precision() -> None:
    with balls.workprec(77):
        for _ in islice(attempts(lambda: None, 100, 1000), 2):
            assert balls.precision_bits() == 77
    assert balls.precision_bits() != 77
