"""A case in one dtype, made ready for all its routes: its true side, its subject, its
points."""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from verifier import releases
from verifier.automatic.subjects import Subject, SubjectError, load, permitted
from verifier.fields import Field, field_of
from verifier.floats import Format
from verifier.language.casefile.case import Case
from verifier.language.programs.fixed import fixed_inputs
from verifier.language.programs.program import Program
from verifier.symbolic.truth.side import SymbolicSide, side_of
from verifier.verification.sampling import Sample, sample

Store = MutableMapping[str, SymbolicSide]
"""Where true sides are kept, by `key`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How PyTorch is asked: the route, how points lie in memory, the device."""

    route: str
    layout: str = "batch"
    device: str = "cpu"
    report_all: bool = False
    """Whether every comparison is reported, and not those alone that are worth it."""


class Prepared:
    """A case in one dtype. `function` is the callable to verify in the place of the
    lowered expression, where one is given."""

    def __init__(
        self,
        case: Case,
        dtype: str,
        *,
        function: Callable[..., Any] | None = None,
        allowed: Sequence[str] = (),
        store: Store | None = None,
    ) -> None:
        begun = time.perf_counter()
        self.case, self.dtype = case, dtype
        self.field: Field = field_of(dtype)
        self.format: Format = self.field.formats[dtype]
        self.side = prepare(case, self.field, {} if store is None else store)
        self.side.forget()  # what other units have found
        self.symbolic_s = time.perf_counter() - begun
        self.subject = _subject_of(case, function, allowed)
        self._samples: dict[int, Sample] = {}

    @property
    def is_subject(self) -> bool:
        """Whether a callable stands in the place of the formula."""
        return isinstance(self.subject, Subject)

    def at(self, case: Case) -> Prepared:
        """The same for a case that differs in its points and expectations alone."""
        moved = copy.copy(self)
        moved.case, moved._samples = case, {}
        return moved

    def sample(self, seed: int) -> Sample:
        """The points of the case, which all its routes share."""
        if seed not in self._samples:
            self._samples[seed] = sample(
                self.case, self.format, seed, self.field, is_subject=self.is_subject
            )
        return self._samples[seed]


def prepare(case: Case, field: Field, store: Store) -> SymbolicSide:
    """The true side of a case over a field, from the store if it is there.

    It depends on the program, what it is differentiated by, the order and the versions
    of the libraries alone; it can be pickled.
    """
    name = key(case.program, case.wrt, case.order, field)
    side = store.get(name)
    if side is None:
        side = side_of(field, case.program, case.wrt, case.order)
        store[name] = side
    return side


def key(program: Program, wrt: tuple[str, ...], order: int, field: Field) -> str:
    """What a true side depends on, in one word."""
    parts = (program, wrt, order, field.name, _versions())
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@cache
def _versions() -> tuple[str, ...]:
    names = ("gradient-verifier", "sympy", "python-flint", "torch")
    return tuple(map(releases.installed, names))


def _subject_of(
    case: Case, function: Callable[..., Any] | None, allowed: Sequence[str]
) -> Program | Subject:
    """What PyTorch is to run: `function`, else the case's own callable, else its
    formula."""
    if function is None and case.subject is not None:
        allowed = [*permitted(case.place.file), *allowed]
        try:
            function = load(case.subject, allowed)
        except SubjectError as error:
            raise error.at(case.subject_place) from error
    if function is None:
        return case.program
    return Subject(
        function=function, inputs=case.arguments, fixed=fixed_inputs(case.program)
    )
