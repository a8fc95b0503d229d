"""The census: small programs of PyTorch as data, that a check must have no false alarm
on."""

from __future__ import annotations

from tensor_programs import (
    algebra,
    arrays,
    distributions,
    layers,
    losses,
    networks,
    pointwise,
)
from tensor_programs.algebra import NOT_THERE as NOT_THERE
from tensor_programs.program import TensorProgram as TensorProgram

PROGRAMS: tuple[TensorProgram, ...] = (
    *layers.PROGRAMS,
    *pointwise.PROGRAMS,
    *losses.PROGRAMS,
    *networks.PROGRAMS,
    *arrays.PROGRAMS,
    *algebra.PROGRAMS,
    *distributions.PROGRAMS,
)
BY_NAME = {program.name: program for program in PROGRAMS}
