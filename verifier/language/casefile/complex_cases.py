"""What a case may say in complex dtypes, and that complex numbers stand in no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from verifier import floats
from verifier.errors import Gathering, listed
from verifier.language.casefile.case import Case
from verifier.language.casefile.document import Keys
from verifier.language.casefile.places import Origin
from verifier.language.operations import table as operations
from verifier.language.points.domains import Domain
from verifier.language.points.scalars import Scalar
from verifier.language.programs.program import IMAGINARY_UNIT, Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What no case may say in a complex dtype; `message` may name `{dtype}` and
    `{order}`."""

    key: str
    is_said: Callable[[Case], bool]
    message: str


REFUSALS = (
    Refusal(
        key="where",
        is_said=lambda case: case.where is not None,
        message="expected no precondition in {dtype}, whose numbers have no order, "
        "found one. List only real dtypes.",
    ),
    Refusal(
        key="dtype",
        is_said=lambda case: case.descent is not None,
        message="a descent follows a real loss: expected real dtypes, found {dtype}. "
        "Drop it, or the `descent`.",
    ),
    Refusal(
        key="order",
        is_said=lambda case: case.order != 1,
        message="expected `order = 1` in {dtype}, found {order}: Hessians are verified "
        "in real dtypes only. Drop one of them.",
    ),
)
"""In the order in which they are looked for; each by itself, so that a row may go
alone."""


def check(case: Case, formula: str, origin: Origin) -> None:
    """Refuse, with its place, what the dtypes of a case do not go with.

    `formula` is the key that holds the formula.
    """
    complex_ = [dtype for dtype in case.dtypes if dtype in floats.COMPLEX]
    real = [dtype for dtype in case.dtypes if dtype not in floats.COMPLEX]
    part = Gathering()
    if real:
        part(_check_real, case, real[0], formula, origin)
    if complex_:
        for refusal in REFUSALS:
            part(_check_refusal, refusal, case, complex_[0], origin)
        part(_check_operations, case, complex_[0], formula, origin)
    part.check()


def _check_real(case: Case, dtype: str, formula: str, origin: Origin) -> None:
    mend = f"List only {listed(floats.COMPLEX)} in `dtype`."
    for keys, number in _numbers(case):
        if number.is_complex:
            origin.fail(
                f"expected real numbers in {dtype}, found the complex `{number}`. {mend}",
                *keys,
            )
    for node in case.program.nodes:
        if node.name == IMAGINARY_UNIT and node.operation == "constant":
            _fail_at(
                case,
                node,
                f"expected a real formula in {dtype}, found an imaginary number. {mend}",
                formula,
                origin,
            )


def _numbers(case: Case) -> Iterator[tuple[Keys, Scalar | Domain]]:
    """The numbers and domains of a case, with the way to each."""
    for point in case.given:
        for name, number in point.items():
            yield ("at", name), number
    for name, domain in case.domains.items():
        yield ("domain", name), domain
    if isinstance(case.upstream, Scalar):
        yield ("upstream",), case.upstream
    elif not isinstance(case.upstream, str):
        for index, number in enumerate(case.upstream):
            yield ("upstream", index), number
    expected = case.expectation
    if expected is not None:
        for entry in (*expected.value, *expected.losses, *expected.weights):
            yield ("expect",), entry.scalar
        for name, entries in expected.gradient.items():
            for entry in entries:
                yield ("expect", "gradient", name), entry.scalar


def _check_refusal(refusal: Refusal, case: Case, dtype: str, origin: Origin) -> None:
    if refusal.is_said(case):
        message = refusal.message.format(dtype=dtype, order=case.order)
        origin.fail(message, refusal.key)


def _check_operations(case: Case, dtype: str, formula: str, origin: Origin) -> None:
    for node in case.program.nodes:
        if node.operation in ("constant", "variable"):
            if node.name == "inf":
                _fail_at(
                    case,
                    node,
                    f"expected finite constants in {dtype}, found `inf`. "
                    "Drop it, or list only real dtypes.",
                    formula,
                    origin,
                )
        elif not operations.row(node.operation).holomorphic:
            _fail_at(
                case,
                node,
                f"expected holomorphic operations in {dtype}, found `{node.operation}`. "
                "List only real dtypes in `dtype`, or write the formula without it.",
                formula,
                origin,
            )


def _fail_at(
    case: Case, node: Node, message: str, formula: str, origin: Origin
) -> NoReturn:
    """Fail at a node, and say in which line it is where the formula has several."""
    many = "\n" in case.program.source.strip()
    line = f"line {node.span.line}: " if many else ""
    origin.fail(line + message, formula, column=node.span.column)
