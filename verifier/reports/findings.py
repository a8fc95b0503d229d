"""What of a run is no match, one finding for one fault of one result.

Eighty numbers that differ by one factor are one finding, and so are a value and a gradient
that differ for one cause. Every report that tells faults (text, JUnit, SARIF, annotations)
is made of these.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from verifier.floats import COMPLEX
from verifier.records import (
    Change,
    ChangeKind,
    Comparison,
    Result,
    RunRecord,
    Unmet,
    Verdict,
)
from verifier.reports.faults import badness, fault_of, groups, without_numbers
from verifier.reports.options import Options
from verifier.reports.outcome import identity, is_excused
from verifier.reports.words import quantity_of, split, way, way_of


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
FAILING = (Status.BROKEN, Status.OPEN)
"""What keeps a run from passing."""


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
    """The comparison that is shown: the worst of those of which most is known."""
    error_ulp: float | None = None
    """The largest error."""
    unmet: tuple[Unmet, ...] = ()
    """The expectations of the case that do not hold; `line` is the first one's."""
    was: tuple[str, ...] = ()
    """How the baseline has each quantity that is worse, or new."""
    now: tuple[str, ...] = ()
    """How that is now, where no number differs."""
    fault: str = ""
    """What tells it from another of the same title; the same in every dtype and route."""
    likewise: tuple[str, ...] = ()
    """In which other dtypes and by which other routes, where findings are `merged`."""
    notes: tuple[str, ...] = ()
    """What else is said of the result."""
    where: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    """Commands that tell more."""

    @property
    def file(self) -> str | None:
        """The case file; None of a case that was made in Python."""
        return split(self.case)[0]

    @property
    def name(self) -> str:
        """The name of the case."""
        return split(self.case)[1]


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
    worst = finding.verdict or Verdict.ERROR_RUN
    return _ORDER.index(finding.status), *badness(worst, finding.error_ulp)


def failures(found: Iterable[Finding]) -> list[Finding]:
    """Those that keep a run from passing."""
    return [finding for finding in found if finding.status in FAILING]


def by_result(found: Iterable[Finding]) -> Mapping[int, list[Finding]]:
    """The findings of each result by its `id`, those of none by that of None."""
    grouped: dict[int, list[Finding]] = {}
    for finding in found:
        grouped.setdefault(id(finding.result), []).append(finding)
    return grouped


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
    found.sort(key=rank)
    return [replace(f, notes=result.notes) for f in found[:1]] + found[1:]


def merged(found: Sequence[Finding], record: RunRecord) -> list[Finding]:
    """The findings with those as one that are the same fault of one case, in several
    dtypes or by several routes: what the first of these in the record shows."""
    place = {id(result): number for number, result in enumerate(record.results)}
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in found:
        key = finding.case, finding.title, finding.status, finding.fault
        groups.setdefault(key, []).append(finding)
    for group in groups.values():
        group.sort(key=lambda finding: place.get(id(finding.result), -1))
    return [
        replace(group[0], likewise=tuple(finding.way for finding in group[1:]))
        for group in groups.values()
    ]


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
            count=self._count(group, names),
            total=sum(totals.get(name, every) for name in names),
            worst=worst,
            error_ulp=max(
                (c.error_ulp for c in group if c.error_ulp is not None), default=None
            ),
            fault=fault_of(worst),
            where=worst.regions,
            because=_because(worst),
            help=tuple(
                f"{formula}: proved equal, and it matches" for formula in worst.instead
            ),
        )

    def _count(self, group: Sequence[Comparison], names: Iterable[str]) -> int:
        """How many comparisons a group stands for: of a tensor the worst alone are told
        one by one, and a tally counts them all."""
        verdict = group[0].verdict
        told = [
            c
            for c in self.result.comparisons
            if c.verdict is verdict and quantity_of(c) in names
        ]
        counted = sum(
            tally.counts.get(verdict.value, 0)
            for tally in self.result.quantities
            if tally.name in names
        )
        return max(counted, len(group)) if len(told) == len(group) else len(group)

    def whole(self, found: Sequence[Finding]) -> Iterator[Finding]:
        """What a result says as a whole: a broken expectation, why it could not be run, a
        note."""
        result = self.result
        unmet = [one for one in result.unmet if not _is_told(one, found)]
        if unmet:
            yield replace(
                self._finding(unmet[0].key, result.verdict, status=Status.BROKEN),
                line=unmet[0].line or result.line,
                unmet=tuple(unmet),
                because=_unmet_because(result, unmet[0]),
            )
        elif result.interrupted:
            yield self._finding("interrupted", result.verdict, because=_said(result))
        elif self._lacks(found):
            matches = result.verdict.family == "match"
            title = "expectation" if matches else result.verdict.value
            yield self._finding(
                next(iter(result.broken), title),
                result.verdict,
                status=Status.BROKEN if result.broken else None,
                because=_said(result),
                fault=without_numbers(result.message or ""),
            )

    def _lacks(self, found: Sequence[Finding]) -> bool:
        """Whether none of the findings says what the result as a whole does."""
        result = self.result
        if result.verdict.family == "match":
            return not (found or result.as_expected)
        return result.verdict not in {finding.verdict for finding in found}

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
            worse.sort(
                key=lambda change: _place_in(finding.quantities, change.quantity)
            )
            was = tuple(map(_was, worse))
            return replace(finding, status=Status.BROKEN, was=was)
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
        told = {text for finding in found for text in finding.was}
        for change in self.changes:
            if self._fails(change) and _was(change) not in told:
                yield self._finding(
                    change.kind.value,
                    self.result.verdict,
                    status=Status.BROKEN,
                    quantities=() if change.quantity is None else (change.quantity,),
                    was=(_was(change),),
                    now=() if change.after is None else (change.after,),
                    fault=change.quantity or "",
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
            status=self._status(verdict) if status is None else status,
            result=result,
            commands=_commands(result),
            **fields,  # type: ignore[arg-type]
        )

    def _status(self, verdict: Verdict) -> Status:
        """How a verdict stands, whatever a baseline says."""
        result = self.result
        if result.interrupted:
            return Status.OPEN
        if result.expected is not None:
            known = result.as_expected or pins(result, verdict)
            return Status.KNOWN if known else Status.BROKEN
        if verdict.family == "undecided":
            return Status.OPEN
        accepted = result.as_expected or verdict in self.options.accepted
        return Status.ACCEPTED if accepted else Status.BROKEN


def pins(result: Result, verdict: Verdict) -> bool:
    """Whether the case itself expects a verdict."""
    pinned = re.split("[, ]+", result.expected or "")
    return verdict.value in pinned or verdict.family in pinned


def _vanished(change: Change) -> Finding:
    """A result of the baseline that the run does not have."""
    case, *rest = change.result.rsplit(" ", 3)
    return Finding(
        case=case,
        line=None,
        way=way_of(*rest) if len(rest) == 3 else " ".join(rest),
        title=change.kind.value,
        verdict=None,
        status=Status.BROKEN,
        was=(_was(change),),
    )


def _was(change: Change) -> str:
    """How the baseline has it."""
    of = f"{change.quantity}: " if change.quantity else ""
    return f"{of}{change.before or 'not there'}, in the baseline"


def _place_in(names: Sequence[str], name: str | None) -> int:
    return names.index(name) if name in names else -1


# ── words ─────────────────────────────────────────────────────────────────────────────


_OPERATION = re.compile(r"\((?!accumulation)\w+, (?=line|column)")
"""The name of an operation, which its text shows."""
_VERBS = ("cancels", "is ", "rounds ", "stands ")


def _because(comparison: Comparison) -> tuple[str, ...]:
    if comparison.culprit is not None:
        at = _OPERATION.sub("(", comparison.culprit)
        cause = comparison.cause or "is at fault"
        told = f"{at} {cause}" if cause.startswith(_VERBS) else f"{at}: {cause}"
        if comparison.verdict is Verdict.DIFFER_CONVENTION:  # the demand is no number
            return (told, *_own(comparison))
        return (told,)
    text = comparison.cause or comparison.message
    return () if text is None else (text,)


def _own(comparison: Comparison) -> tuple[str, ...]:
    """What the verdict alone says of a number."""
    message = (comparison.message or "").removeprefix(comparison.cause or "")
    text = message.removeprefix("; ").partition("; it differs for ")[0]
    return (text,) if text else ()


def _said(result: Result) -> tuple[str, ...]:
    """What a result says as a whole, its notes apart."""
    notes = "; ".join(result.notes)
    text = (result.message or "").removesuffix(notes).removesuffix("; ")
    return (text,) if text else ()


def _is_told(unmet: Unmet, found: Sequence[Finding]) -> bool:
    """Whether a difference already says what an expectation lacks."""
    broken = [finding for finding in found if finding.status is Status.BROKEN]
    if unmet.measured is None:
        return bool(broken)
    name = unmet.key.removeprefix("expect.").replace(".", " ")
    differs = any(name in finding.quantities for finding in broken)
    return differs and unmet.found.startswith("the true")


def _unmet_because(result: Result, unmet: Unmet) -> tuple[str, ...]:
    """Who does not hold an expectation."""
    if unmet.measured is None:
        return ()
    if not unmet.found.startswith("neither"):
        return (unmet.found,)
    if result.verdict.family == "match":
        return ("PyTorch and the true derivative agree, but not with the case",)
    return ("neither PyTorch nor the true derivative agrees",)


def _commands(result: Result) -> tuple[str, ...]:
    if "::" not in result.case:
        return ()
    if result.dtype in COMPLEX and result.verdict.family != "error":
        return ()  # `explain` derives real cases only
    if result.verdict.family == "error":
        return (f"verifier run {shlex.quote(result.case)} --debug",)
    if any(c.index or c.quantity == "formula" for c in result.comparisons):
        return ()  # of tensors
    return (f"verifier explain {shlex.quote(result.case)}",)
