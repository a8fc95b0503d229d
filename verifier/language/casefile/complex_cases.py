"""What a case may say in complex dtypes, and that complex numbers stand in no other."""

from __future__ import annotations

from collections.abc import Iterator

from verifier import floats
from verifier.language.casefile.case import COMPLEX_ROUTES, Case
from verifier.language.casefile.key_lines import Keys
from verifier.language.casefile.places import Origin
from verifier.language.casefile.spelling import join
from verifier.language.operations import table as operations
from verifier.language.points.complex_numbers import ComplexDomain, ComplexScalar
from verifier.language.points.scalars import Scalar
from verifier.language.programs.program import IMAGINARY_UNIT, Node


def check(case: Case, formula: str, origin: Origin) -> None:
    """Refuse, with its place, what the dtypes of a case do not go with; `formula` is the key that holds it."""
    complex_ = [dtype for dtype in case.dtypes if dtype in floats.COMPLEX]
    real = [dtype for dtype in case.dtypes if dtype not in floats.COMPLEX]
    if real:
        _check_real(case, real[0], formula, origin)
    if complex_:
        _check_plain(case, complex_[0], origin)
        _check_order(case, complex_[0], origin)
        _check_operations(case, complex_[0], formula, origin)
        _check_routes(case, complex_[0], origin)


def _check_real(case: Case, dtype: str, formula: str, origin: Origin) -> None:
    mend = f"List only {join(floats.COMPLEX)} in `dtype`."
    for keys, what in _complex_parts(case):
        origin.fail(
            f"expected real numbers in {dtype}, found the complex {what}. {mend}", *keys
        )
    for node in case.program.nodes:
        if node.name == IMAGINARY_UNIT and node.operation == "constant":
            origin.fail(
                f"{_line(case, node)}expected a real formula in {dtype}, found an imaginary number. {mend}",
                formula,
                column=node.span.column,
            )


def _complex_parts(case: Case) -> Iterator[tuple[Keys, str]]:
    """The complex numbers and domains of a case, with the way to each."""

    def numbers(keys: Keys, *found: Scalar) -> Iterator[tuple[Keys, str]]:
        for scalar in found:
            if isinstance(scalar, ComplexScalar):
                yield keys, f"`{scalar.text}`"

    for point in case.given:
        for name, scalar in point.items():
            yield from numbers(("at", name), scalar)
    for name, domain in case.domains.items():
        if isinstance(domain, ComplexDomain):
            yield ("domain", name), f"`{domain}`"
    if not isinstance(case.upstream, (str, tuple)):
        yield from numbers(("upstream",), case.upstream)
    expected = case.expectation
    if expected is not None:
        for held in (expected.value, expected.losses, expected.weights):
            yield from numbers(("expect",), *(one.scalar for one in held))
        for name, by_input in expected.gradient.items():
            keys = ("expect", "gradient", name)
            yield from numbers(keys, *(one.scalar for one in by_input))


def _check_plain(case: Case, dtype: str, origin: Origin) -> None:
    """Refuse what asks for an order among numbers, or is not there yet."""
    if case.where is not None:
        origin.fail(
            f"expected no precondition in {dtype}, whose numbers have no order, found one. List only real dtypes.",
            "where",
        )
    if isinstance(case.upstream, (str, tuple)):
        origin.fail(
            f"expected one number in {dtype}, found a list or a word. List only real dtypes, or write the number.",
            "upstream",
        )


def _check_order(case: Case, dtype: str, origin: Origin) -> None:
    if case.descent is not None:
        origin.fail(
            f"a descent follows a real loss: expected real dtypes, found {dtype}. Drop it, or the `descent`.",
            "dtype",
        )
    if case.order != 1:
        origin.fail(
            f"expected `order = 1` in {dtype}, found {case.order}: Hessians are verified in real dtypes only. "
            "Drop one of them.",
            "order",
        )


def _check_operations(case: Case, dtype: str, formula: str, origin: Origin) -> None:
    for node in case.program.nodes:
        if node.operation in ("constant", "variable"):
            if node.name == "inf":
                origin.fail(
                    f"{_line(case, node)}expected finite constants in {dtype}, found `inf`. "
                    "Drop it, or list only real dtypes.",
                    formula,
                    column=node.span.column,
                )
        elif not operations.row(node.operation).holomorphic:
            origin.fail(
                f"{_line(case, node)}expected holomorphic operations in {dtype}, found `{node.operation}`. "
                "List only real dtypes in `dtype`, or write the formula without it.",
                formula,
                column=node.span.column,
            )


def _line(case: Case, node: Node) -> str:
    """Where a formula has several lines: in which of them the node is."""
    many = "\n" in case.program.source.strip()
    return f"line {node.span.line}: " if many else ""


def _check_routes(case: Case, dtype: str, origin: Origin) -> None:
    """Of default routes, those that fit are run."""
    unfit = [route for route in case.routes if route not in COMPLEX_ROUTES]
    if unfit and ("routes" not in origin.inherited or len(unfit) == len(case.routes)):
        origin.fail(
            f"expected one of the routes {join(COMPLEX_ROUTES)} in {dtype}, found `{unfit[0]}`. Drop it.",
            "routes",
        )
