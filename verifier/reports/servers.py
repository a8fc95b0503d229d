"""What the reports for CI servers share: which findings fail, how a result is named, what is
missing from a run, and how long a text may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from verifier.records import Result, RunRecord
from verifier.reports.blocks import block, line, place
from verifier.reports.findings import FAILING, Finding, Status, pins
from verifier.reports.options import Options
from verifier.reports.outcome import PASSED, exit_code, is_incomplete
from verifier.reports.page import plain
from verifier.reports.summary import ALL_EXPECTED, counts
from verifier.reports.words import split

MOST_TEXT = 2_000
"""Characters of one message of a finding."""
WIDTH = 80
"""Columns of the blocks in a report whose page has no width."""


def as_a_whole(
    record: RunRecord, options: Options, found: Sequence[Finding]
) -> str | None:
    """What fails a run beside its findings: results that are missing, or an exit code
    that they do not explain. None where nothing does."""
    done, planned = len(record.results), record.planned
    count = f"{done} of {planned} results" if planned else f"{done} results"
    if record.interrupted:
        return f"not all was run: interrupted before the end, with {count}"
    if is_incomplete(record):
        return f"not all was run: only {count}"
    code = exit_code(record, options.changes, options.accepted)
    if code != PASSED and not any(one.status in FAILING for one in found):
        return (
            f"exit code {code}: something is not as expected, and no finding says what"
        )
    return None


def counted(record: RunRecord) -> str:
    """The counts of a run, and on what it ran, in one line."""
    names = ("verifier", "torch", "sympy", "device", "layout")
    used = [
        f"{n} {plain(record.environment[n])}" for n in names if n in record.environment
    ]
    tail = ", ".join([f"seed {record.seed}", *used])
    return f"{counts(record)}; {record.elapsed_s:.1f} s ({tail})"


def names_of(results: Sequence[Result]) -> dict[int, str]:
    """`NAME[dtype]` of each result, by its `id`; with the route, and the order, where one
    case has several in a dtype."""
    routes: dict[tuple[str, str], set[str]] = {}
    orders: dict[tuple[str, str], set[int]] = {}
    for result in results:
        routes.setdefault((result.case, result.dtype), set()).add(result.route)
        orders.setdefault((result.case, result.dtype), set()).add(result.order)
    names = {}
    for result in results:
        key = result.case, result.dtype
        route = f"-{result.route}" if len(routes[key]) > 1 else ""
        order = f"-order{result.order}" if len(orders[key]) > 1 else ""
        name = split(result.case)[1]
        names[id(result)] = plain(f"{name}[{result.dtype}{route}{order}]")
    return names


def is_pinned(finding: Finding) -> bool:
    """Whether the case itself expects the verdict that the finding tells."""
    result, verdict = finding.result, finding.verdict
    if finding.status is not Status.KNOWN or result is None or verdict is None:
        return False
    return result.expected is not None and (result.as_expected or pins(result, verdict))


def why_not_failing(finding: Finding, options: Options) -> str:
    """Why a finding fails nothing."""
    if is_pinned(finding):
        return "as the case expects"
    if finding.status is Status.ACCEPTED or options.changes is None:
        return "accepted"
    return "as in the baseline"


def said(finding: Finding) -> str:
    """The finding in one line, for what says elsewhere at which place it is."""
    return line(_bounded(finding)).removeprefix(f"{plain(place(finding))}: ")


def told(finding: Finding) -> str:
    """The finding in a block."""
    return block(_bounded(finding), WIDTH)


def _bounded(finding: Finding) -> Finding:
    """The finding with messages that can be laid out in no time."""

    def cut(texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(shortened(text, MOST_TEXT) for text in texts)

    return replace(
        finding,
        where=cut(finding.where),
        because=cut(finding.because),
        help=cut(finding.help),
    )


def shortened(text: str, most: int) -> str:
    """The text of at most so many characters, which says how many it lacks."""
    if len(text) <= most:
        return text
    note = " … and {:,} characters more"
    kept = most - len(note.format(len(text)))
    return text[:kept] + note.format(len(text) - kept)


def headline(record: RunRecord, options: Options, found: Sequence[Finding]) -> str:
    """How a run stands, in a few words."""
    broken = sum(finding.status is Status.BROKEN for finding in found)
    opens = sum(finding.status is Status.OPEN for finding in found)
    parts = [f"{broken} not as expected"] if broken else []
    parts += [f"{opens} not judged"] if opens else []
    whole = as_a_whole(record, options, found)
    parts += [whole.partition(":")[0]] if whole else []
    if parts:
        return ", ".join(parts)
    return (
        ALL_EXPECTED
        if options.changes is None
        else "nothing worse than in the baseline"
    )
