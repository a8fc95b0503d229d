"""Arrays as lists of lists."""

from __future__ import annotations

import pytest

from verifier.language.points.arrays import Array, RaggedError, read_array


def test_entries_stand_row_by_row() -> None:
    found = read_array([[1, 2, 3], [4, 5, 6]], lambda entry, where: (entry, where))
    assert found.shape == (2, 3)
    assert found.entries[3] == (4, (1, 0))
    assert read_array(7, lambda entry, where: entry) == Array((), (7,))


@pytest.mark.parametrize(
    ("value", "where", "message"),
    [
        ([[1, 2], [3]], (1,), "expected a list of 2, found a list of 1."),
        ([[1], 2], (1,), "expected a list of 1, found a single number."),
        ([[[1], []]], (0, 1), "expected a list of 1, found a list of 0."),
    ],
)
def test_a_list_of_another_shape_is_told_with_its_place(
    value: object, where: tuple[int, ...], message: str
) -> None:
    with pytest.raises(RaggedError) as caught:
        read_array(value, lambda entry, where: entry)
    assert caught.value.where == where
    assert str(caught.value) == message
