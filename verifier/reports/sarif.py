"""A finished run as SARIF 2.1.0, for code scanning: a result for each verdict of a case.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/ is the format; what GitHub reads of it, and
how much, stands in
https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support.
GitHub takes two results of one rule at one line for one alert, so that what a case has in
several dtypes, routes and quantities is one result here.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from verifier.records import ChangeKind, RunRecord
from verifier.reports.findings import FAILING, Finding, Status, findings
from verifier.reports.options import Options
from verifier.reports.outcome import exit_code, identity
from verifier.reports.page import plain
from verifier.reports.rules import Rule, rule_of, rules
from verifier.reports.servers import (
    as_a_whole,
    counted,
    headline,
    is_pinned,
    said,
    shortened,
    why_not_failing,
)

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
"""Where the run was started. GitHub takes it for the root of the repository."""
FINGERPRINT = "verifierCaseVerdict/v1"
"""Not `primaryLocationLineHash`: GitHub's upload adds that, and complains of any other
than its own."""

MOST_RESULTS = 25_000
"""GitHub refuses a run with more."""
SHOWN_RESULTS = 5_000
"""Of those it shows so many, the gravest."""
MOST_BYTES = 10_000_000
"""Of a file compressed by gzip, which GitHub refuses where it is longer."""
MOST_FINDINGS = 20
"""Findings of one result that are told in full."""
MOST_MESSAGE = 8_000
"""Characters of what is said of a result."""

Table = dict[str, Any]


def render(record: RunRecord, options: Options) -> str:
    """The log of the run, with as many results as GitHub takes."""
    log = _Log(record, options)
    most = min(len(log.alerts), MOST_RESULTS)
    while True:
        text = json.dumps(log.table(most), indent=1, allow_nan=False) + "\n"
        size = len(gzip.compress(text.encode(), mtime=0))
        if size <= MOST_BYTES or not most:
            return text
        most = min(most - 1, most * MOST_BYTES // size)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alert:
    """What one case has of one rule, the worst first."""

    rule: str
    found: Sequence[Finding]

    @property
    def failing(self) -> list[Finding]:
        return [finding for finding in self.found if finding.status in FAILING]

    @property
    def level(self) -> str:
        if not self.failing:
            return "note"
        # An undecided one is no problem of the code, for which SARIF has the kind
        # `open`; but that has no level, and is passed over where levels count.
        return "error" if self.failing[0].status is Status.BROKEN else "warning"


class _Log:
    """The parts of a log."""

    def __init__(self, record: RunRecord, options: Options) -> None:
        self._record = record
        self._options = options
        self._found = findings(record, options)
        self._whole = as_a_whole(record, options, self._found)
        groups: dict[tuple[str, str], list[Finding]] = {}
        for finding in self._found:
            if not is_pinned(finding):
                key = finding.case, rule_of(finding.title)
                groups.setdefault(key, []).append(finding)
        self.alerts = [_Alert(rule=key[1], found=own) for key, own in groups.items()]
        self._indices = {name: index for index, name in enumerate(rules())}
        self._kinds: dict[str, set[ChangeKind]] = {}
        for change in options.changes or ():
            self._kinds.setdefault(change.result, set()).add(change.kind)

    def table(self, most: int) -> Table:
        """The log with the first `most` results."""
        environment = self._record.environment
        driver = {
            "name": "verifier",
            "fullName": "verifier: is the gradient that PyTorch computes the true one?",
            "rules": list(map(_rule, rules().values())),
        }
        if "verifier" in environment:
            driver["semanticVersion"] = environment["verifier"]
        run = {
            "tool": {"driver": driver},
            "invocations": [self._invocation(most)],
            "originalUriBaseIds": {
                ROOT: {"description": {"text": "The folder the run was started in."}}
            },
            "results": [self._result(alert) for alert in self.alerts[:most]],
            "properties": {
                "environment": {plain(k): plain(v) for k, v in environment.items()},
                "seed": self._record.seed,
            },
        }
        return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}

    # ── a result ──────────────────────────────────────────────────────────────────────

    def _result(self, alert: _Alert) -> Table:
        first = alert.found[0]
        key = f"{first.case}\0{alert.rule}".encode("utf-8", "backslashreplace")
        result: Table = {
            "ruleId": alert.rule,
            "ruleIndex": self._indices[alert.rule],
            "level": alert.level,
            "message": {"text": _message(self._text(alert))},
            "locations": [_location(first)],
            "partialFingerprints": {FINGERPRINT: hashlib.sha256(key).hexdigest()},
            "suppressions": self._suppressions(alert),
            "properties": {"in": list(dict.fromkeys(f.way for f in alert.found))},
        }
        if self._options.changes is not None:
            result["baselineState"] = self._state(alert)
        return result

    def _text(self, alert: _Alert) -> str:
        """A paragraph for each finding; those that fail nothing say why not."""
        paragraphs = []
        for finding in alert.found[:MOST_FINDINGS]:
            fails = finding.status in FAILING
            why = "" if fails else f"{why_not_failing(finding, self._options)}: "
            # Readers show the rule beside it.
            paragraphs.append(why + said(finding).removeprefix(f"{alert.rule} "))
        left = len(alert.found) - len(paragraphs)
        return "\n\n".join([*paragraphs, *([f"and {left} more"] if left else [])])

    def _suppressions(self, alert: _Alert) -> list[Table]:
        """Who has accepted a result; none where anything of it fails."""
        if alert.failing:
            return []
        in_case = all(
            f.result is not None and f.result.as_expected for f in alert.found
        )
        return [
            {
                "kind": "inSource" if in_case else "external",
                "status": "accepted",
                "justification": why_not_failing(alert.found[0], self._options),
            }
        ]

    def _state(self, alert: _Alert) -> str:
        """How a result stands to the baseline."""
        states = {self._state_of(finding) for finding in alert.found}
        return states.pop() if len(states) == 1 else "updated"

    def _state_of(self, finding: Finding) -> str:
        if finding.status not in FAILING:
            return "unchanged"
        result = finding.result
        kinds = set() if result is None else self._kinds.get(identity(result), set())
        old = {ChangeKind.IMPROVED, *_WORSE} & kinds
        return "updated" if old else "new"

    # ── the run as a whole ────────────────────────────────────────────────────────────

    def _invocation(self, most: int) -> Table:
        options, record = self._options, self._record
        return {
            "executionSuccessful": self._whole is None,
            "exitCode": exit_code(record, options.changes, options.accepted),
            "toolExecutionNotifications": [
                {
                    "descriptor": {"id": name},
                    "level": level,
                    "message": {"text": _message(text)},
                }
                for name, level, text in self._notes(most)
            ],
        }

    def _notes(self, most: int) -> Iterator[tuple[str, str, str]]:
        """What is to be known beside the results: name, level, text."""
        record, count = self._record, len(self.alerts)
        yield (
            "summary",
            "note",
            f"{headline(record, self._options, self._found)}. {counted(record)}",
        )
        if self._whole is not None:
            yield "incomplete", "error", f"{self._whole}."
        if most < count:
            yield (
                "cut",
                "warning",
                f"The first {most:,} of {count:,} results, the gravest: code scanning takes {MOST_RESULTS:,} results, "
                f"and a file of {MOST_BYTES:,} bytes after gzip.",
            )
        if min(most, count) > SHOWN_RESULTS:
            yield "cut", "note", f"GitHub shows {SHOWN_RESULTS:,} of the results."
        pinned = sum(map(is_pinned, self._found))
        if pinned:
            yield (
                "expected",
                "note",
                f"What cases expect is no result here: {pinned:,} of the findings.",
            )


def _rule(rule: Rule) -> Table:
    level = "warning" if rule.family in ("undecided", "interrupted") else "error"
    first = rule.meaning.partition(". ")[0].rstrip(".")
    return {
        "id": rule.id,
        "name": rule.id,
        "shortDescription": {"text": _message(f"{first}.")},
        "fullDescription": {"text": _message(rule.meaning)},
        "help": {
            "text": _message(f"{rule.meaning}\n\n{rule.way_out}"),
            "markdown": rule.page,
        },
        "defaultConfiguration": {"level": level},
        "properties": {
            "tags": ["gradient", rule.family],
            "precision": "very-high",
            "problem.severity": level,
        },
    }


_WORSE = {
    ChangeKind.WORSE_VERDICT,
    ChangeKind.MORE_POINTS,
    ChangeKind.LARGER_ERROR,
}


def _location(finding: Finding) -> Table:
    """Where a finding is: in its case file, if it has one, and by its name."""
    location: Table = {
        "logicalLocations": [
            {"name": plain(finding.name), "fullyQualifiedName": plain(finding.case)}
        ]
    }
    if finding.file is not None:
        physical: Table = {"artifactLocation": _artifact(finding.file)}
        if finding.line is not None:
            physical["region"] = {"startLine": finding.line}
        location["physicalLocation"] = physical
    return location


def _artifact(file: str) -> Table:
    """A file by its URI: from the root, or absolute where it lies elsewhere."""
    path = PurePath(file)
    if path.is_absolute():
        drive = path.as_posix().startswith("/")
        start = "file://" if drive else "file:///"
        return {"uri": start + quote(path.as_posix(), "/:", errors=_SPELT)}
    return {"uri": quote(path.as_posix(), errors=_SPELT), "uriBaseId": ROOT}


_SPELT = "backslashreplace"
"""How what is no character of UTF-8 is written."""


def _message(text: str) -> str:
    """Text that holds neither a placeholder (`{0}`) nor a link (`[words](address)`)."""
    shown = shortened(plain(text, keep="\n"), MOST_MESSAGE)
    return shown.replace("{", "{{").replace("}", "}}").replace("](", "] (")
