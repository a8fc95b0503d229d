"""Choice and conditions."""

from __future__ import annotations

from verifier.language.operations.operation import C, N, Operation


def _relation(
    name: str, meaning: str, symbol: str, signs: set[int], aliases: tuple[str, ...]
) -> Operation:
    return Operation(
        name,
        ("x", "y"),
        meaning,
        "IEEE 754-2019, section 5.11",
        result=C,
        aliases=aliases,
        jumps=("x = y",),
        symbol=symbol,
        holds_for=frozenset(signs),
    )


def _connective(
    name: str,
    operands: tuple[str, ...],
    meaning: str,
    symbol: str,
    alias: str,
    settled_by: bool | None = None,
) -> Operation:
    return Operation(
        name,
        operands,
        meaning,
        "Python reference, section 6.11",
        sorts=(C,) * len(operands),
        result=C,
        aliases=(alias,),
        symbol=symbol,
        variadic=settled_by is not None,
        settled_by=settled_by,
    )


ROWS = (
    # Choice
    Operation(
        "max",
        ("x", "y"),
        "the larger",
        "torch.maximum",
        aliases=("Max", "maximum"),
        kinks=("x = y",),
        variadic=True,
        piecewise_linear=True,
        continuous_at_edges=True,
    ),
    Operation(
        "min",
        ("x", "y"),
        "the smaller",
        "torch.minimum",
        aliases=("Min", "minimum"),
        kinks=("x = y",),
        variadic=True,
        piecewise_linear=True,
        continuous_at_edges=True,
        keeps_nonnegative=True,
    ),
    Operation(
        "clamp",
        ("x", "low", "high"),
        "x, or the end of [low, high] that it lies beyond",
        "torch.clamp",
        aliases=("clip",),
        kinks=("x = low", "x = high"),
        piecewise_linear=True,
        continuous_at_edges=True,
    ),
    Operation(
        "where",
        ("p", "x", "y"),
        "x where the condition p holds, else y",
        "torch.where",
        sorts=(C, N, N),
        aliases=("ITE",),
        jumps=("where p changes",),
    ),
    # Conditions
    _relation("lt", "x < y", "<", {-1}, ("Lt", "StrictLessThan", "less")),
    _relation("le", "x ≤ y", "<=", {-1, 0}, ("Le", "LessThan", "less_equal")),
    _relation("gt", "x > y", ">", {1}, ("Gt", "StrictGreaterThan", "greater")),
    _relation("ge", "x ≥ y", ">=", {0, 1}, ("Ge", "GreaterThan", "greater_equal")),
    _relation("eq", "x = y", "==", {0}, ("Eq", "Equality")),
    _relation("ne", "x ≠ y", "!=", {-1, 1}, ("Ne", "Unequality", "not_equal")),
    _connective("logical_and", ("p", "q"), "both hold", "and", "And", settled_by=False),
    _connective("logical_or", ("p", "q"), "one holds", "or", "Or", settled_by=True),
    _connective("logical_not", ("p",), "does not hold", "not", "Not"),
)
