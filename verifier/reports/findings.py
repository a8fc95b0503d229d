"""What of a run is no match, one finding for one fault of one result.

Eighty numbers that differ by one factor are one finding, and so are a value and a gradient
that differ for one cause. Every report that tells faults (text, JUnit, SARIF, annotations)
is made of these.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from verifier.records import (
    Change,
    ChangeKind,
    Comparison,
    Result,
    RunRecord,
    Unmet,
    Verdict,
    severity,
)
from verifier.reports.faults import groups, quantity_of
from verifier.reports.options import Options
from verifier.reports.outcome import identity, is_excused
from verifier.reports.page import DEFAULT_WIDTH, LEAST_WIDTH, beside, plain, wrapped
from verifier.reports.result_line import short, ulps


class Status(StrEnum):
    """How a finding stands to what was expected; in the order in which they are told."""

    BROKEN = "broken"
    """It fails the run: a new difference, an error, an expectation that does not hold."""
    OPEN = "open"
    """It could not be judged."""
    ACCEPTED = "accepted"
    """A difference that the case or the user accepts."""
    KNOWN = "known"
    """Pinned by the case, or in the baseline."""


_ORDER = list(Status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault of one result: the head says it in short, `because` says why, `help`
    what to do; texts are neither wrapped nor free of what a terminal obeys."""

    case: str
    """`FILE::NAME`, or the name alone."""
    line: int | None
    """The line in the case file: of the expectation that does not hold, or of the case."""
    way: str
    """The dtype, with route and order where they are not the usual ones."""
    title: str
    """What stands in the verdict's place: a verdict, the key of an expectation, or how it
    stands to the baseline."""
    verdict: Verdict | None
    """None where the result has vanished."""
    status: Status
    result: Result | None = None
    quantities: tuple[str, ...] = ()
    """Those concerned, the worst's first: `value`, `gradient x`."""
    count: int = 0
    """Comparisons concerned, of `total` of these quantities."""
    total: int = 0
    worst: Comparison | None = None
    unmet: tuple[Unmet, ...] = ()
    """The expectations of the case that do not hold; `line` is the first one's."""
    worse: tuple[str, ...] = ()
    """How the baseline has it, where this is worse."""
    where: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    """Commands that tell more."""

    @property
    def file(self) -> str | None:
        """The case file; None of a case that was made in Python."""
        file, mark, _ = self.case.partition("::")
        return file if mark else None

    @property
    def name(self) -> str:
        """The name of the case."""
        return self.case.rpartition("::")[2]

    @property
    def error_ulp(self) -> float | None:
        """The largest error."""
        return None if self.worst is None else self.worst.error_ulp


def findings(record: RunRecord, options: Options) -> list[Finding]:
    """All that is no match, or not as expected: first what fails the run, by verdict the
    worst first, then by size."""
    changes: dict[str, list[Change]] = {}
    for change in options.changes or ():
        changes.setdefault(change.result, []).append(change)
    found: list[Finding] = []
    for result in record.results:
        own = changes.pop(identity(result), [])
        found += findings_of(result, options, own)
    for others in changes.values():
        found += [_vanished(change) for change in others if change.regression]
    return sorted(found, key=rank)


def rank(finding: Finding) -> tuple[int, int, float]:
    """The place of a finding among others."""
    verdict, error = finding.verdict, finding.error_ulp
    worst = Verdict.ERROR_RUN if verdict is None else verdict
    size = math.inf if error is None or math.isnan(error) else error
    return _ORDER.index(finding.status), -severity(worst), -size


# ── one result ────────────────────────────────────────────────────────────────────────


def findings_of(
    result: Result, options: Options, changes: Sequence[Change] = ()
) -> list[Finding]:
    """The findings of a result, the worst first; `changes` are those of it."""
    context = _Context(result, options, changes)
    found = [context.difference(group) for group in groups(result)]
    found += context.whole(found)
    found = [context.against_baseline(finding) for finding in found]
    found += context.regressions(found)
    return sorted(found, key=rank)


@dataclass(frozen=True, slots=True)
class _Context:
    """A result with what it is held against."""

    result: Result
    options: Options
    changes: Sequence[Change]

    def difference(self, group: Sequence[Comparison]) -> Finding:
        """Comparisons of one verdict with one cause, the worst first."""
        worst = group[0]
        names = dict.fromkeys(map(quantity_of, group))
        totals = {
            tally.name: sum(tally.counts.values()) for tally in self.result.quantities
        }
        every = sum(self.result.counts.values())
        return self._finding(
            worst.verdict.value,
            worst.verdict,
            quantities=tuple(names),
            count=len(group),
            total=sum(totals.get(name, every) for name in names),
            worst=worst,
            where=worst.regions,
            because=_because(worst),
            help=tuple(
                f"{formula}: proved equal, and it matches" for formula in worst.instead
            ),
        )

    def whole(self, found: Sequence[Finding]) -> Iterator[Finding]:
        """What a result says as a whole: a broken expectation, why it could not be run, a
        note."""
        result = self.result
        told = bool(found)
        unmet = result.unmet
        if any(finding.status is Status.BROKEN for finding in found):
            unmet = tuple(one for one in unmet if one.measured is not None)
        if unmet:
            yield replace(
                self._finding(unmet[0].key, result.verdict, status=Status.BROKEN),
                line=unmet[0].line or result.line,
                unmet=unmet,
            )
        elif result.interrupted:
            yield self._finding("interrupted", result.verdict, because=_said(result))
        elif not told and result.verdict.family != "match":
            yield self._finding(
                result.verdict.value, result.verdict, because=_said(result)
            )

    def against_baseline(self, finding: Finding) -> Finding:
        """The finding, known where the baseline holds it; with what that says where it is
        worse."""
        if self.options.changes is None or finding.title.startswith("expect."):
            return finding
        touching = [
            change
            for change in self.changes
            if change.kind is not ChangeKind.IMPROVED
            and (change.quantity is None or change.quantity in finding.quantities)
        ]
        worse = [change for change in touching if self._fails(change)]
        if worse:
            was = tuple(map(_was, worse))
            return replace(finding, status=Status.BROKEN, worse=was)
        if finding.status is Status.BROKEN:
            accepted = finding.verdict in self.options.accepted
            return replace(
                finding, status=Status.ACCEPTED if accepted else Status.KNOWN
            )
        if (
            finding.status is Status.OPEN
            and not touching
            and not self.result.interrupted
        ):
            return replace(finding, status=Status.KNOWN)
        return finding

    def regressions(self, found: Sequence[Finding]) -> Iterator[Finding]:
        """What is worse than in the baseline, though nothing in it differs."""
        told = {text for finding in found for text in finding.worse}
        for change in self.changes:
            if self._fails(change) and _was(change) not in told:
                yield self._finding(
                    change.kind.value,
                    self.result.verdict,
                    status=Status.BROKEN,
                    quantities=() if change.quantity is None else (change.quantity,),
                    worse=(_was(change),),
                )

    def _fails(self, change: Change) -> bool:
        return change.regression and not is_excused(
            change, self.result, self.options.accepted
        )

    def _finding(
        self,
        title: str,
        verdict: Verdict,
        status: Status | None = None,
        **fields: object,
    ) -> Finding:
        result = self.result
        return Finding(
            case=result.case,
            line=result.line,
            way=way(result),
            title=title,
            verdict=verdict,
            status=status or self._status(verdict),
            result=result,
            commands=_commands(result),
            **fields,  # type: ignore[arg-type]
        )

    def _status(self, verdict: Verdict) -> Status:
        """How a verdict stands, whatever a baseline says."""
        result = self.result
        pinned = result.expected or ""
        is_pinned = verdict.value in pinned or f"{verdict.family}," in f"{pinned},"
        if result.interrupted:
            return Status.OPEN
        if result.expected is not None:
            known = result.as_expected or is_pinned
            return Status.KNOWN if known else Status.BROKEN
        if verdict.family == "undecided":
            return Status.OPEN
        accepted = result.as_expected or verdict in self.options.accepted
        return Status.ACCEPTED if accepted else Status.BROKEN


def _vanished(change: Change) -> Finding:
    """A result of the baseline that the run does not have."""
    case, *rest = change.result.rsplit(" ", 3)
    return Finding(
        case=case,
        line=None,
        way=_way(*rest) if len(rest) == 3 else " ".join(rest),
        title=change.kind.value,
        verdict=None,
        status=Status.BROKEN,
        worse=(_was(change),),
    )


def _was(change: Change) -> str:
    """How a result stood in the baseline, and how now."""
    of = f"{change.quantity}: " if change.quantity else ""
    now = f", now {change.after}" if change.after else ""
    return f"{of}{change.kind}: {change.before or 'none'} in the baseline{now}"


# ── words ─────────────────────────────────────────────────────────────────────────────


def way(result: Result) -> str:
    """The dtype, with route and order where they are not the usual ones."""
    return _way(result.dtype, result.route, str(result.order))


def _way(dtype: str, route: str, order: str) -> str:
    shown = "" if route == "reverse" else f" {route}"
    return f"{dtype}{shown}" + ("" if order == "1" else f" order {order}")


def _because(comparison: Comparison) -> tuple[str, ...]:
    if comparison.culprit is not None:
        return (": ".join(filter(None, (comparison.culprit, comparison.cause))),)
    text = comparison.cause or comparison.message
    return () if text is None else (text,)


def _said(result: Result) -> tuple[str, ...]:
    """What a result says as a whole."""
    return () if result.message is None else (result.message,)


def _commands(result: Result) -> tuple[str, ...]:
    file, mark, name = result.case.partition("::")
    if not mark:
        return ()
    if result.verdict.family == "error":
        return (f"verifier run {file} --case {name} --debug",)
    return (f"verifier explain {result.case}",)


# ── layout ────────────────────────────────────────────────────────────────────────────

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
    parts = filter(None, (_counted(finding), _at(finding), _sides(finding)))
    unmet = [f"expected {one.expected}, {one.found}" for one in finding.unmet]
    words = [
        ", ".join(parts),
        *unmet,
        *finding.worse,
        *finding.because,
        *finding.help[:1],
    ]
    message = "; ".join(filter(None, words))
    text = f"{at}: {head}" if at else head
    return plain(f"{text}: {message}" if message else text).replace("\\n", " ")


def laid_out(finding: Finding, width: int | None = None) -> Iterator[tuple[str, str]]:
    """The lines of a block, each with its role: `head`, `place`, or the label of its
    row."""
    page = max(width or DEFAULT_WIDTH, LEAST_WIDTH)
    head = f"{finding.title}  {finding.name}  {finding.way}"
    yield from (("head", text) for text in beside(head, _counted(finding), page))
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
        yield Row("true", "  ".join(filter(None, (_true(worst), off(worst)))))
    if len(finding.quantities) > 1:
        yield Row("also in", ", ".join(finding.quantities[1:]))
    for unmet in finding.unmet[:LIKE_IT]:
        yield from _expectation(unmet)
    if len(finding.unmet) > LIKE_IT:
        yield Row("", f"and {len(finding.unmet) - LIKE_IT} more like it")
    for label, texts in (
        ("worse", finding.worse),
        ("where", finding.where),
        ("because", finding.because),
        ("help", (*finding.help, *finding.commands)),
    ):
        for number, text in enumerate(texts[:LIKE_IT]):
            yield Row("" if number else label, text)
        if len(texts) > LIKE_IT:
            yield Row("", f"and {len(texts) - LIKE_IT} more like it")


def _expectation(unmet: Unmet) -> Iterator[Row]:
    name = unmet.key.removeprefix("expect.").replace(".", " ")
    yield Row("expected", f"{name} = {unmet.expected}")
    if unmet.measured is None:
        yield Row("found", unmet.found.removeprefix("found "))
    else:
        yield Row("PyTorch", unmet.measured)
        yield Row("true", unmet.true or "")


def place(finding: Finding) -> str:
    """`FILE:LINE`; empty where there is no file."""
    line = "" if finding.line is None else f":{finding.line}"
    return f"{finding.file}{line}" if finding.file else ""


def _counted(finding: Finding) -> str:
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
    index = ", ".join(map(str, worst.index))
    of = f"{quantity_of(worst)}[{index}]" if index else quantity_of(worst)
    inputs = [f"{name} = {short(number)}" for name, number in worst.point.items()]
    if worst.upstream not in ("1", "1.0"):
        inputs.append(f"upstream = {short(worst.upstream)}")
    return f"{of} at {', '.join(inputs)}" if inputs else of


def _sides(finding: Finding) -> str:
    worst = finding.worst
    return "" if worst is None else f"PyTorch {worst.measured}, true {_true(worst)}"


_DECIMAL = re.compile(r"(-?)(\d+)\.(\d+)((?:e[-+]?\d+)?)")


def _true(worst: Comparison) -> str:
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


def off(worst: Comparison) -> str:
    """By how much the number is off."""
    error = worst.error_ulp
    if error is None or not math.isfinite(error):
        return ""
    bits = math.log2(error) if error > 1 else 0.0
    lost = f", {bits:.1f} bits lost" if bits >= 1 else ""
    return f"{ulps(error)} off{lost}"
