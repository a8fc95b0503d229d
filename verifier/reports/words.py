"""Numbers, places and results as every report calls them."""

from __future__ import annotations

from verifier.records import Comparison, Result


def split(case: str) -> tuple[str | None, str]:
    """The file of a case, if it has one, and its name, which may hold `::` itself."""
    file, mark, name = case.partition("::")
    return (file, name) if mark else (None, case)


def way(result: Result) -> str:
    """The dtype, with route and order where they are not the usual ones."""
    return way_of(result.dtype, result.route, str(result.order))


def way_of(dtype: str, route: str, order: str) -> str:
    """The same of the parts of a result's name in a baseline."""
    shown = "" if route == "reverse" else f" {route}"
    return f"{dtype}{shown}" + ("" if order == "1" else f" order {order}")


def quantity_of(comparison: Comparison) -> str:
    """`value`, `gradient x`, `hessian x y`, as a `Tally` is named."""
    return " ".join((comparison.quantity, *comparison.wrt))


def number_of(comparison: Comparison) -> str:
    """The quantity, and which number of a tensor."""
    index = ", ".join(map(str, comparison.index))
    return f"{quantity_of(comparison)}[{index}]" if index else quantity_of(comparison)


def label(comparison: Comparison) -> str:
    """What a derivative is by, or the quantity, and its index."""
    name = ", ".join(comparison.wrt) or comparison.quantity
    index = ", ".join(map(str, comparison.index))
    return f"{name}[{index}]" if index else name


def at(point: dict[str, str], upstream: str) -> str:
    """`x = 1, y = 2`, and the upstream gradient where it is another than 1."""
    inputs = [f"{name} = {short(number)}" for name, number in point.items()]
    if short(upstream) != "1":
        inputs.append(f"upstream = {short(upstream)}")
    return ", ".join(inputs)


def short(number: str) -> str:
    """A number without the `.0` of a whole one."""
    return number.removesuffix(".0")


def ulps(error_ulp: float | None) -> str:
    """An error, or that there is none."""
    return "-" if error_ulp is None else f"{error_ulp:.3g} ulp"


def counted(count: int, noun: str) -> str:
    """`1 point`, `2 points`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
