"""What failed of a run, in one line and in blocks: what pytest shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from verifier.records import RunRecord
from verifier.reports.blocks import block, off, true_of
from verifier.reports.findings import FAILING, Finding, findings
from verifier.reports.options import Options
from verifier.reports.page import plain
from verifier.reports.summary import standing
from verifier.reports.words import at

USUAL = Options()


def failures(record: RunRecord, options: Options = USUAL) -> list[Finding]:
    """What keeps a run from being as expected, the worst first."""
    return [found for found in findings(record, options) if found.status in FAILING]


def headline(record: RunRecord, options: Options = USUAL) -> str:
    """The worst that failed, and how many findings there are beside it; the verdict and
    the quantity come first."""
    found = failures(record, options)
    if not found:
        return standing(record, found)
    more = f" (and {len(found) - 1} more)" if found[1:] else ""
    return told(found[0]) + more


def told(finding: Finding) -> str:
    """A finding in one line, without its case: `differ.wrong gradient x: …`."""
    quantity = " ".join(finding.quantities[:1])
    head = " ".join(filter(None, (finding.title, quantity)))
    words = "; ".join(filter(None, (*_words(finding), *finding.was)))
    line = f"{head}: {words}" if words else head
    return plain(" ".join(line.split()))


def report(
    record: RunRecord, options: Options = USUAL, traceback: str | None = None
) -> str:
    """What failed, a block a finding, and the traceback of what could not be run."""
    parts = [block(finding, options.width) for finding in failures(record, options)]
    if traceback is not None:
        parts.append(plain(traceback.rstrip(), keep="\n"))
    return "\n\n".join(parts)


def _words(finding: Finding) -> Iterator[str]:
    worst = finding.worst
    if finding.unmet:
        unmet = finding.unmet[0]
        yield f"expected {unmet.expected}, {unmet.found}"
    elif worst is not None:
        point = at(worst.point, worst.upstream)
        sides = (f"PyTorch {worst.measured}", f"true {true_of(worst)}", off(finding))
        yield _listed(sides) + (f" at {point}" if point else "")
    else:
        yield _listed(finding.because[:1])


def _listed(parts: Sequence[str]) -> str:
    return ", ".join(filter(None, parts))
