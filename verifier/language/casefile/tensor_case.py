"""What a case of tensors says beside the keys of all cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from verifier.language.points.scalars import Scalar
from verifier.language.points.tensor_domains import TensorDomain
from verifier.language.programs.arrays.program import ArrayProgram

UPSTREAM_WORDS = ("random", "ones", "zeros", "expanded", "noncontiguous")
"""What an upstream gradient of tensors may be; the module `upstreams` draws them."""
DRAWS = 1
"""Draws of a case that does not say how many."""
WIDENED = (1, 3, 10)
"""By what factors inputs are widened."""
MOST_ELEMENTS = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInput:
    """An input: its shape, and from which numbers it is drawn."""

    shape: tuple[int, ...]
    domain: TensorDomain
    numbers: tuple[Scalar, ...] | None = None
    """Where they are given in `at`: row by row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensors:
    """The inputs, and what the callable is held to."""

    inputs: Mapping[str, TensorInput] = field(default_factory=dict)
    """In the order of the subject's arguments; empty where Python gives the tensors."""
    reference: str | None = None
    """Plain PyTorch that says what the subject should compute, `module:callable`."""
    reference_line: int | None = None
    expression: str | None = None
    """The formula that says it, or that is itself verified where there is no
    subject."""
    in_steps: bool = False
    """Whether it is of named steps."""
    program: ArrayProgram | None = None
    """The formula at the shapes of the inputs; None where those are not known."""
    gradient: Mapping[str, str] = field(default_factory=dict)
    """By input, the formula that the backward is meant to be, times the upstream
    gradient."""
    upstream: tuple[str, ...] = ()
    """Words; none for the usual ones."""
    widen: tuple[int, ...] = WIDENED
    wrt: tuple[str, ...] | None = None
    structured: bool = False
    """Whether structured inputs and other sizes are tried too."""
