"""The one line of a result: how it stands, its name, verdict, points, worst error and
numbers."""

from __future__ import annotations

from collections.abc import Collection

from rich.cells import cell_len
from rich.text import Text

from verifier.records import Comparison, Result, Verdict
from verifier.reports.outcome import Standing, standing
from verifier.reports.page import plain

INLINE = 6
"""Gradients that the line of a case with one point shows."""
STYLES = {
    "match": "green",
    "differ": "red",
    "undecided": "yellow",
    "error": "bold red",
}
_PINNED_STYLE = "cyan"


def line(result: Result, *, names: int = 0, accepted: Collection[Verdict] = ()) -> Text:
    """The one line of a result; `names` is the width to which its name is filled up."""
    now = standing(result, accepted)
    style = style_of(result, now)
    name = plain(result.case)
    text = Text.assemble((f"{_mark(result, now):<6}", style), name)
    text.append(" " * max(0, names - cell_len(name)))
    text.append(f"  {way(result):<7}  ")
    text.append(f"{_verdict(result):<18}", style)
    text.append(f"  {points_of(result.points):>11}  {ulps(result.max_error_ulp):>12}")
    inline = _inline(result) or _kinds(result)
    if inline:
        text.append(f"  {inline}")
    text.rstrip()
    return text


def _verdict(result: Result) -> str:
    """The verdict; of a match that is not as expected, what does not hold; of an
    unfinished case, that it is."""
    if result.interrupted:
        return Standing.INTERRUPTED.value
    if result.verdict.family != "match" or not result.broken:
        return result.verdict.value
    first, *others = map(plain, result.broken)
    return f"{first}, …" if others else first


def place_of(result: Result) -> str:
    """`FILE:LINE::NAME`, which editors find; of a case without a line its name
    alone."""
    file, mark, name = result.case.partition("::")
    line = "" if result.line is None or not mark else f":{result.line}"
    return plain(f"{file}{line}{mark}{name}")


def headline(result: Result) -> str:
    """The verdict; of a match that is not as expected, what is expected."""
    if result.verdict.family == "match" and not result.as_expected and result.message:
        return result.message
    return result.verdict.value


def _mark(result: Result, now: Standing) -> str:
    if now is Standing.INTERRUPTED:
        return "cut"
    if now is Standing.OPEN:
        return "open"
    if now is Standing.BROKEN:
        return "ERROR" if result.verdict.family == "error" else "FAIL"
    return "ok" if result.verdict.family == "match" else "known"


def style_of(result: Result, now: Standing) -> str:
    """The colour of a result."""
    if now is Standing.BROKEN:
        return STYLES["error"]
    if now in (Standing.OPEN, Standing.INTERRUPTED):
        return STYLES["undecided"]
    return STYLES["match"] if result.verdict.family == "match" else _PINNED_STYLE


def way(result: Result) -> str:
    """The dtype, with route and order where they are not the usual ones."""
    route = "" if result.route == "reverse" else f" {result.route}"
    order = "" if result.order == 1 else f" order {result.order}"
    return f"{result.dtype}{route}{order}"


def points_of(count: int) -> str:
    """So many points."""
    return "1 point" if count == 1 else f"{count} points"


def _kinds(result: Result) -> str:
    """How many points are of which kind, where there is more than one."""
    if not (result.boundary or result.refused):
        return ""
    counts = {name: getattr(result, name) for name in ("drawn", "boundary", "refused")}
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def _inline(result: Result) -> str:
    """The numbers of a case with one point, as PyTorch gave them."""
    if result.points != 1 or result.epochs:
        return ""
    labelled = {
        label(c): f"{label(c)}: {short(c.measured)}"
        for c in sorted(result.comparisons, key=lambda c: c.quantity != "value")
    }
    shown = list(labelled.values())
    more = f", … and {len(shown) - INLINE} more" if len(shown) > INLINE else ""
    return ", ".join(shown[:INLINE]) + more


def label(comparison: Comparison) -> str:
    """What a gradient is by, or the quantity, and its index."""
    name = plain(", ".join(comparison.wrt)) or comparison.quantity
    index = ", ".join(map(str, comparison.index))
    return f"{name}[{index}]" if index else name


def short(number: str) -> str:
    """A number without the `.0` of a whole one."""
    return plain(number.removesuffix(".0"))


def ulps(error_ulp: float | None) -> str:
    """An error, or that there is none."""
    return "-" if error_ulp is None else f"{error_ulp:.3g} ulp"
