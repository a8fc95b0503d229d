"""The formats of reports, by name: a function from a record and options to text.

A new format is a module of its own and a row here. The rows import what they need when
they are called, so that `--help` names the formats without loading them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from verifier.records import RunRecord
from verifier.reports.options import Options

if TYPE_CHECKING:
    from verifier.survey.records import SurveyRecord


def _text(record: RunRecord, options: Options) -> str:
    from verifier.reports import text

    report = text.details if options.streamed else text.render
    return report(record, options)


def _concise(record: RunRecord, options: Options) -> str:
    from verifier.reports import text

    return text.concise(record, options)


def _json(record: RunRecord, options: Options) -> str:
    from verifier.reports import json

    return json.render(record, options.changes)


def _junit(record: RunRecord, options: Options) -> str:
    from verifier.reports import junit

    return junit.render(record, options)


def _sarif(record: RunRecord, options: Options) -> str:
    from verifier.reports import sarif

    return sarif.render(record, options)


def _github(record: RunRecord, options: Options) -> str:
    from verifier.reports import github

    return github.render(record, options)


def _markdown(record: RunRecord, options: Options) -> str:
    from verifier.reports import markdown

    return markdown.render(record, options)


FORMATS: dict[str, Callable[[RunRecord, Options], str]] = {
    "text": _text,
    "concise": _concise,
    "json": _json,
    "junit": _junit,
    "sarif": _sarif,
    "github": _github,
    "markdown": _markdown,
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
