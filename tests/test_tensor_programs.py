"""The census: what the programs have to be to be worth running."""

from __future__ import annotations

import pytest
import torch
from tensor_programs import NOT_THERE, PROGRAMS


def test_there_are_many_and_each_has_one_name() -> None:
    names = [program.name for program in (*PROGRAMS, *NOT_THERE)]
    assert len(set(names)) == len(names) >= 250


@pytest.mark.parametrize("program", PROGRAMS[::23], ids=lambda program: program.name)
def test_the_numbers_are_drawn_once_and_rounded_once(program) -> None:
    _, exact = program.make(torch.float64)
    _, again = program.make(torch.float64)
    _, rounded = program.make(torch.bfloat16)
    for one, other, short in zip(exact, again, rounded, strict=True):
        assert torch.equal(one, other)
        assert torch.equal(one.to(short.dtype), short)


def test_parameters_are_off_their_defaults() -> None:
    for program in PROGRAMS:
        subject, _ = program.make()
        if isinstance(subject, torch.nn.Module):
            for name, parameter in subject.named_parameters():
                plain = (parameter == 0) | (parameter == 1)
                assert not plain.any(), f"{program.name}: {name}"
