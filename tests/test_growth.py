"""That growth is seen, and that what grows in proportion passes."""

from __future__ import annotations

import pytest
from growth import assert_linear, lines_run


def once_each(size: int) -> None:
    for _ in range(size):
        pass


def in_pairs(size: int) -> None:
    for _ in range(size):
        once_each(size)


def test_work_in_proportion_passes() -> None:
    assert_linear(once_each, 100)


def test_quadratic_work_is_seen() -> None:
    with pytest.raises(AssertionError):
        assert_linear(in_pairs, 100)


def test_the_count_does_not_depend_on_the_machine() -> None:
    counts = {lines_run(lambda: once_each(100)) for _ in range(3)}
    assert len(counts) == 1
