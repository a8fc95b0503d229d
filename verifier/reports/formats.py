"""The formats of reports, by name: a function from a record and options to text.

A new format is a module of its own and a row here. The rows import what they need when they are called, so that
`--help` names the formats without loading them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from verifier.records import Change, RunRecord, Verdict
from verifier.survey.records import SurveyRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a report depends on beside its record. Every format takes from it what it can use."""

    changes: Sequence[Change] | None = None
    """Against a baseline; None where there is none."""
    accepted: Collection[Verdict] = ()
    """Differences that do not fail."""
    width: int | None = None
    """Columns of the page; None where nobody knows."""
    color: bool = False
    debug: bool = False
    """Whether tracebacks are shown."""
    streamed: bool = False
    """Whether the line of every result was printed as it came."""


def _text(record: RunRecord, options: Options) -> str:
    from verifier.reports import text

    report = text.details if options.streamed else text.render
    return report(
        record,
        options.changes,
        accepted=options.accepted,
        width=options.width,
        color=options.color,
        debug=options.debug,
    )


def _json(record: RunRecord, options: Options) -> str:
    from verifier.reports import json

    return json.render(record, options.changes)


FORMATS: dict[str, Callable[[RunRecord, Options], str]] = {
    "text": _text,
    "json": _json,
}
"""The formats of a run."""


def _survey_text(record: SurveyRecord, options: Options) -> str:
    from verifier.reports import survey

    return survey.render(record, width=options.width, color=options.color)


def _survey_json(record: SurveyRecord, options: Options) -> str:
    from verifier.reports import survey

    del options
    return survey.render_json(record)


def _survey_markdown(record: SurveyRecord, options: Options) -> str:
    from verifier.reports import survey

    del options
    return survey.render_markdown(record)


SURVEY_FORMATS: dict[str, Callable[[SurveyRecord, Options], str]] = {
    "text": _survey_text,
    "json": _survey_json,
    "markdown": _survey_markdown,
}
"""The formats of a survey."""
