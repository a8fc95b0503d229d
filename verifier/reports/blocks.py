"""A finding in a block of lines, for a terminal or a test report, or in one line, for
editors and logs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from verifier.floats import FORMATS
from verifier.records import Comparison, Unmet
from verifier.reports.findings import Finding
from verifier.reports.page import DEFAULT_WIDTH, LEAST_WIDTH, beside, plain, wrapped
from verifier.reports.words import at, number_of, ulps

INDENT = 3
"""Blanks before a row of a block."""
LABEL = 9
"""Columns of its label."""
DIGITS_BEYOND = 4
"""Digits of a truth that are shown beyond those of PyTorch's number."""
LIKE_IT = 4
"""Lines of one sort that are shown before the others are counted."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a block: what it tells, and that in words. The first is the head, and has
    no label."""

    label: str
    text: str


def block(finding: Finding, width: int | None = None) -> str:
    """The finding in a block of lines that is made for so many columns (80 where nobody
    knows)."""
    return "\n".join(text for _, text in laid_out(finding, width))


def line(finding: Finding) -> str:
    """The finding in one line, which editors know: `file:line: verdict case dtype:
    message`."""
    at = place(finding)
    head = " ".join((finding.title, finding.name, finding.way))
    parts = filter(None, (counted_of(finding), _at(finding), _sides(finding)))
    unmet = [f"expected {one.expected}, {one.found}" for one in finding.unmet]
    words = [
        ", ".join(parts),
        *unmet,
        *(f"was {text}" for text in finding.was),
        *finding.because,
        *finding.help[:1],
    ]
    message = "; ".join(filter(None, words)).replace("\n", " ")
    text = f"{at}: {head}" if at else head
    return plain(f"{text}: {message}" if message else text)


def laid_out(finding: Finding, width: int | None = None) -> Iterator[tuple[str, str]]:
    """The lines of a block, each with its role: `head`, `place`, or the label of its
    row."""
    page = max(width or DEFAULT_WIDTH, LEAST_WIDTH)
    head = f"{finding.title}  {finding.name}  {finding.way}"
    count = counted_of(finding)
    for side in (count, count.partition(",")[0]):
        lines = beside(head, side, page)
        if len(lines) == 1:
            break
    yield from (("head", text) for text in lines)
    shown = ", ".join(filter(None, (place(finding), _at(finding))))
    if shown:
        yield from (("place", text) for text in wrapped(shown, page, "  --> "))
    for row in _rows(finding):
        label = f"{'':{INDENT}}{row.label:<{LABEL}}"
        yield from ((row.label, text) for text in wrapped(row.text, page, label))


def _rows(finding: Finding) -> Iterator[Row]:
    worst = finding.worst
    if worst is not None:
        yield Row("PyTorch", worst.measured)
        yield Row("true", "  ".join(filter(None, (true_of(worst), off(finding)))))
    if len(finding.quantities) > 1:
        yield Row("also in", ", ".join(finding.quantities[1:]))
    if finding.likewise:
        yield Row("likewise", ", ".join(finding.likewise))
    if len(finding.unmet) == 1:
        yield from _expectation(finding.unmet[0])
    several = tuple(map(_in_a_row, finding.unmet)) if len(finding.unmet) > 1 else ()
    for label, texts in (
        ("expected", several),
        ("was", finding.was),
        ("now", finding.now),
        ("where", finding.where),
        ("because", finding.because),
        ("note", finding.notes),
        ("help", (*finding.help, *finding.commands)),
    ):
        for number, text in enumerate(texts[:LIKE_IT]):
            yield Row("" if number else label, text)
        if len(texts) > LIKE_IT:
            yield Row("", f"and {len(texts) - LIKE_IT} more like it")


def _expectation(unmet: Unmet) -> Iterator[Row]:
    yield Row("expected", _wanted(unmet))
    if unmet.measured is None:
        yield Row("found", unmet.found.removeprefix("found "))
    else:
        yield Row("PyTorch", unmet.measured)
        yield Row("true", unmet.true or "")


def _in_a_row(unmet: Unmet) -> str:
    return f"{_wanted(unmet)}: PyTorch {unmet.measured}, true {unmet.true}"


def _wanted(unmet: Unmet) -> str:
    name = unmet.key.removeprefix("expect.").replace(".", " ")
    return f"{name} = {unmet.expected}" if unmet.measured else unmet.expected


def place(finding: Finding) -> str:
    """`FILE:LINE`; empty where there is no file."""
    line = "" if finding.line is None else f":{finding.line}"
    return f"{finding.file}{line}" if finding.file else ""


def counted_of(finding: Finding) -> str:
    """How many of how many differ, and by how much the worst."""
    if not finding.count:
        return ""
    error = finding.error_ulp
    worst = "" if error is None else f", worst {ulps(error)}"
    if finding.total <= 1:
        return worst.removeprefix(", worst ")
    kinds = {name.partition(" ")[0] for name in finding.quantities}
    noun = f"{kinds.pop()}s" if len(kinds) == 1 else "numbers"
    return f"{finding.count} of {finding.total} {noun}{worst}"


def _at(finding: Finding) -> str:
    """Which number is the worst, and at which point."""
    worst = finding.worst
    if worst is None:
        return ""
    where = at(worst.point, worst.upstream)
    return f"{number_of(worst)} at {where}" if where else number_of(worst)


def _sides(finding: Finding) -> str:
    worst = finding.worst
    return "" if worst is None else f"PyTorch {worst.measured}, true {true_of(worst)}"


_DECIMAL = re.compile(r"(-?)(\d+)\.(\d+)((?:e[-+]?\d+)?)")


def true_of(worst: Comparison) -> str:
    """The truth with a few digits more than PyTorch's number has."""
    found = _DECIMAL.fullmatch(worst.true)
    if found is None:
        return worst.true
    sign, whole, digits, exponent = found.groups()
    zeros = len(digits) - len(digits.lstrip("0")) if whole == "0" else 0
    measured = _DECIMAL.fullmatch(worst.measured)
    most = max(len(measured[3]), zeros) if measured else zeros
    kept = digits[: most + DIGITS_BEYOND]
    cut = "…" if len(kept) < len(digits) else ""
    return f"{sign}{whole}.{kept}{cut}{exponent}"


def off(finding: Finding) -> str:
    """By how much the number that is shown is off."""
    error = None if finding.worst is None else finding.worst.error_ulp
    if error is None or not math.isfinite(error):
        return ""
    bits = math.log2(error) if error > 1 else 0.0
    format_ = FORMATS.get(finding.way.split()[0])
    if format_ is not None and bits >= format_.precision_bits:
        return f"{ulps(error)} off, no digit is right"
    lost = f", {bits:.1f} bits lost" if bits >= 1 else ""
    return f"{ulps(error)} off{lost}"
