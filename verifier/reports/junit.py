"""A finished run as JUnit XML, which CI servers show as tests: one a result.

What fails the run is a failure; what could not be run or judged is an error, for nothing
undecided passes. What differs as its case expects, or is in the baseline, passes and says
so; an undecided one of the baseline is skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from xml.sax.saxutils import escape

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from verifier.records import Result, RunRecord
from verifier.reports.findings import FAILING, Finding, by_result, findings
from verifier.reports.options import Options
from verifier.reports.page import plain
from verifier.reports.servers import (
    as_a_whole,
    is_pinned,
    names_of,
    said,
    shortened,
    told,
    why_not_failing,
)
from verifier.reports.words import split

MOST_TEXT = 16_000
"""Characters of the text of one test: readers refuse very large nodes."""
MOST_TEXTS = 15_000_000
"""Bytes of all texts: GitLab refuses a file of 30 MB."""
_LEFT_OUT = "left out: the report would be too long"
MOST_MESSAGE = 500
"""Characters of a message."""
_Outcome = Failure | Error | Skipped
NO_FILE = "verifier"
"""The suite of what belongs to no case file."""


def render(record: RunRecord, options: Options) -> str:
    """A suite a case file, and an error where the run as a whole fails."""
    report = JUnitXml("verifier")
    suites = [
        _suite(name, tests, record)
        for name, tests in _Tests(record, options).by_suite.items()
    ]
    for suite in suites:
        report.add_testsuite(suite)
    # Not `update_statistics`: it counts what is skipped too, for which Jenkins' schema
    # has no place at the root.
    report.tests = sum(suite.tests for suite in suites)
    report.failures = sum(suite.failures for suite in suites)
    report.errors = sum(suite.errors for suite in suites)
    report.time = round(record.elapsed_s, 3)
    stream = BytesIO()
    report.write(stream)
    # Characters beyond ASCII by number: then the file is what it says it is, however
    # standard output is encoded.
    text = stream.getvalue().decode("utf-8")
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii") + "\n"


def _suite(name: str, tests: list[TestCase], record: RunRecord) -> TestSuite:
    suite = TestSuite(name)
    for key, value in {**record.environment, "seed": str(record.seed)}.items():
        suite.add_property(plain(key), plain(value))
    suite.add_testcases(tests)  # one by one, it counts all of them each time
    return suite


class _Tests:
    """The tests of a run, by the suite that they are in."""

    def __init__(self, record: RunRecord, options: Options) -> None:
        self.by_suite: dict[str, list[TestCase]] = {}
        self._options = options
        self._left = MOST_TEXTS
        every = findings(record, options)
        found = by_result(every)
        names = names_of(record.results)
        for result in record.results:
            test = self._add(result.case, names[id(result)], result.elapsed_s)
            self._judge(test, result, found.get(id(result), []))
        for finding in found.get(id(None), []):
            test = self._add(finding.case, f"{split(finding.case)[1]}[{finding.way}]")
            test.result = self._outcome(Failure, [finding])
        whole = as_a_whole(record, options, every)
        if whole is not None:
            kind = "interrupted" if record.interrupted else "incomplete"
            test = self._add(NO_FILE, "the run as a whole")
            test.result = Error(whole, kind)

    def _add(self, case: str, name: str, seconds: float = 0.0) -> TestCase:
        file = split(case)[0]
        suite = NO_FILE if file is None else plain(file)
        test = TestCase(plain(name), suite, round(seconds, 3))
        self.by_suite.setdefault(suite, []).append(test)
        return test

    def _judge(self, test: TestCase, result: Result, found: Sequence[Finding]) -> None:
        """Adds what came of a result; nothing where it is as expected."""
        failing = [finding for finding in found if finding.status in FAILING]
        others = [finding for finding in found if finding.status not in FAILING]
        unjudged = [finding for finding in others if self._is_unjudged(finding)]
        if failing:
            is_error = _family(failing[0]) in ("undecided", "error")
            kind = Error if is_error or result.interrupted else Failure
            test.result = self._outcome(kind, failing, result.traceback)
        elif unjudged:
            test.result = self._outcome(Skipped, unjudged)
        if others:
            lines = (f"{why_not_failing(f, self._options)}: {_head(f)}" for f in others)
            test.system_out = self._bounded("\n".join(lines))

    def _is_unjudged(self, finding: Finding) -> bool:
        """Whether a finding is undecided, and nobody expected that but a baseline."""
        return _family(finding) == "undecided" and not is_pinned(finding)

    def _outcome(
        self,
        kind: type[_Outcome],
        found: Sequence[Finding],
        traceback: str | None = None,
    ) -> _Outcome:
        outcome = kind(_head(found[0]), plain(found[0].title))
        texts = [told(finding) for finding in found]
        texts += [] if traceback is None else [traceback]
        outcome.text = self._bounded("\n\n".join(texts))
        return outcome

    def _bounded(self, text: str) -> str:
        """The text, as much of it as the report still has room for."""
        if self._left <= 0:
            return _LEFT_OUT
        shown = shortened(plain(text, keep="\n"), MOST_TEXT)
        self._left -= len(escape(shown).encode("ascii", "xmlcharrefreplace"))
        return shown


def _family(finding: Finding) -> str | None:
    return None if finding.verdict is None else finding.verdict.family


def _head(finding: Finding) -> str:
    return shortened(said(finding), MOST_MESSAGE)
