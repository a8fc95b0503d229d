"""The limit of one operation whose operands tend to known limits along every way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verifier.language.operations import table as operations
from verifier.symbolic.arithmetic import balls, exact, exact_functions
from verifier.symbolic.arithmetic.expansions import terms
from verifier.symbolic.arithmetic.expansions.terms import (
    Limit,
    NoLimit,
    Unresolved,
)
from verifier.symbolic.arithmetic.regularity import Regularity, regularity_of
from verifier.symbolic.limits import paths
from verifier.symbolic.limits.paths import has_failed, leaving, widened_number


def composition(operation: str, limits: Sequence[Limit], exponent: Any) -> Any:
    """The limit of an operation whose operands tend to these limits along every way;
    None where that is not known."""
    infinite = [limit.infinite for limit in limits if limit.number is None]
    if not infinite:
        return _continuous(operation, [limit.number for limit in limits], exponent)
    if len(infinite) > 1:
        return _of_infinities(operation, limits)
    result: Any = None
    for widened in (True, False):  # the second for the digits, once it is proved
        operands: list[Any] = [
            leaving(limit, 1)
            if limit.number is None
            else terms.constant(
                widened_number(str(at), limit.number) if widened else limit.number
            )
            for at, limit in enumerate(limits)
        ]
        if exponent is not None:
            operands[1] = exponent
        result = paths.apply(operation, operands)
        if has_failed(result):
            return None
        if not isinstance(result, bool):
            try:
                result = terms.limit(result)
            except (Unresolved, NoLimit):
                return None
    return result


def _continuous(operation: str, numbers: Sequence[Any], exponent: Any) -> Any:
    """The operation's value where it is continuous, at the end of its domain from
    within."""
    operands = [number.ball for number in numbers]
    row = operations.row(operation)
    if row.is_relation:
        distinct = not balls.overlaps(operands[0], operands[1])
        return balls.OPERATIONS[operation](*operands) if distinct else None
    if operation not in operations.OPERATIONS:  # 1 or 0, by which operand is larger
        return (
            None
            if balls.overlaps(*operands)
            else Limit(exact_functions.apply(operation, numbers))
        )
    movers = range(len(operands) if exponent is None else 1)  # an exponent stays
    worst = [regularity_of(operation, operands, at) for at in movers]
    smooth = all(standing is Regularity.SMOOTH for standing in worst)
    if not smooth and not _is_continuous(operation, worst, exponent):
        return None
    try:
        return Limit(exact_functions.apply(operation, numbers))
    except exact.Undecided:
        return None


def _is_continuous(operation: str, worst: Sequence[Regularity], exponent: Any) -> bool:
    if Regularity.OUTSIDE in worst:
        return False
    if operation == "pow":
        return exponent is not None and exponent > 0 and Regularity.UNSURE not in worst
    return operations.row(operation).continuous_at_edges


def _of_infinities(operation: str, limits: Sequence[Limit]) -> Limit | None:
    """The few operations of two infinite operands that have a limit however fast these
    grow."""
    if len(limits) != 2:
        return None
    first, second = (limit.infinite for limit in limits)
    if 0 in (first, second):
        return None
    match operation:
        case "add" if first == second:
            return Limit(None, first)
        case "sub" if first != second:
            return Limit(None, first)
        case "mul":
            return Limit(None, first * second)
        case "max":
            return Limit(None, max(first, second))
        case "min":
            return Limit(None, min(first, second))
        case "hypot":
            return Limit(None, 1)
        case "pow" if first > 0:
            return Limit(None, 1) if second > 0 else Limit(exact.ZERO)
    return None
