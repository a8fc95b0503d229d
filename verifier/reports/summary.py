"""What a run comes to, in words: its counts, and how it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from verifier.records import RunRecord
from verifier.reports.findings import Finding, Status, findings
from verifier.reports.options import Options
from verifier.reports.outcome import FAMILIES, is_incomplete, summary
from verifier.reports.words import counted

ALL_EXPECTED = "all as expected"


def brief(record: RunRecord) -> str:
    """The counts of a run and how it stands, in one line."""
    found = findings(record, Options())
    return f"{counts(record)}; {standing(record, found)}"


def counts(record: RunRecord) -> str:
    """How many cases, and comparisons of each family."""
    found = summary(record)
    families = ", ".join(f"{found[family]} {family}" for family in FAMILIES)
    cases = counted(int(found["cases"]), "case")
    return f"{cases}, {counted(int(found['comparisons']), 'comparison')}: {families}"


def standing(record: RunRecord, found: Sequence[Finding]) -> str:
    """How a run with these findings stands."""
    words = ", ".join(_reservations(record, found)) or ALL_EXPECTED
    known = _known(found)
    return f"{words}, {known}" if known else words


def _reservations(record: RunRecord, found: Sequence[Finding]) -> Iterator[str]:
    """What keeps a run from being all as expected."""
    results: dict[Status, set[str]] = {status: set() for status in Status}
    for finding in found:
        if finding.result is not None and finding.result.interrupted:
            continue  # which the whole run says
        results[finding.status].add(f"{finding.case} {finding.way}")
    broken = results[Status.BROKEN]
    if broken:
        yield f"{len(broken)} not as expected"
    if left := results[Status.OPEN] - broken:
        yield f"{len(left)} not judged"
    if record.interrupted:
        yield "interrupted before the end"
    elif is_incomplete(record):
        missing = (record.planned or 0) - len(record.results)
        yield f"{missing} not run" if record.planned else "nothing was run"


def _known(found: Sequence[Finding]) -> str:
    """How many differences are known from a baseline alone."""
    known = [
        finding
        for finding in found
        if finding.status is Status.KNOWN
        and finding.result is not None
        and not finding.result.as_expected
    ]
    return (
        f"{counted(len(known), 'known difference')} as in the baseline" if known else ""
    )
