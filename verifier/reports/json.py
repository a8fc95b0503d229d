"""A finished run as JSON: for scripts, for `verifier compare`, and to be kept.

What a report says is what the records hold, but for a verdict, which it gives in two
words, and the summary.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from verifier.errors import BaselineError, Place
from verifier.records import Change, RunRecord, Verdict
from verifier.reports.outcome import FAMILIES, summary
from verifier.serialisation import Codec, decode, described

SCHEMA = 1

_MEND = "`verifier run --format json=FILE` writes a new one."
_RUN = Codec(RunRecord, mend=_MEND)
_CHANGE = Codec(Change, mend=_MEND)
_POINTS = ("drawn", "boundary", "refused")
"""Counts that a result gives together, where points were drawn."""

Table = dict[str, Any]


def render(record: RunRecord, changes: Sequence[Change] | None = None) -> str:
    """The report of a run, of the shape that `schema` describes.

    A key whose field has its default is left out. `changes` is there only where the run
    was compared with a baseline.
    """
    data = _with_verdicts(_RUN.write(record), _split)
    for result in data["results"]:
        if "drawn" in result:
            result.update({name: result.get(name, 0) for name in _POINTS})
    head = {name: data.pop(name) for name in ("environment", "seed", "elapsed_s")}
    report = {"schema": SCHEMA, **head, "summary": summary(record), **data}
    if changes is not None:
        report["changes"] = [_CHANGE.write(change) for change in changes]
    return json.dumps(report, indent=2, allow_nan=False) + "\n"


def read(text: str, file: str) -> RunRecord:
    """The run that a JSON report tells of; anything but such a report is an error that
    says where it goes wrong.

    What the report does not hold (bits lost, seconds by stage) is absent from the
    record.
    """
    try:
        report = decode(text, what="a report", mend=_MEND)
        _check_kind(report)
        return _RUN.read(_with_verdicts(report, _joined))
    except BaselineError as error:
        raise error.at(Place(file=file)) from error


def _check_kind(report: Any) -> None:
    if not isinstance(report, dict) or "results" not in report:
        raise BaselineError(
            f"expected a JSON report of a run.{described(report)} {_MEND}"
        )
    place = Place(key="schema")
    if "schema" not in report:
        raise BaselineError(f"is missing. {_MEND}", place=place)
    found = report["schema"]
    if found != SCHEMA or isinstance(found, bool):
        shown = json.dumps(found)
        raise BaselineError(
            f"expected schema {SCHEMA}, found {shown}. {_MEND}", place=place
        )


# ── verdicts ──────────────────────────────────────────────────────────────────────────


def _with_verdicts(report: Table, change: Callable[[Any], Any]) -> Table:
    """The report with the verdicts of all results and comparisons changed, where there
    are any."""
    results = report["results"]
    if not isinstance(results, list):
        return report
    return {**report, "results": [_of_result(result, change) for result in results]}


def _of_result(result: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(result, dict) and isinstance(result.get("comparisons"), list):
        comparisons = [change(comparison) for comparison in result["comparisons"]]
        result = {**result, "comparisons": comparisons}
    return change(result)


def _split(table: Table) -> Table:
    """A table that gives its verdict by family and kind."""
    split: Table = {}
    for key, value in table.items():
        if key == "verdict":
            split["verdict"], _, split["kind"] = value.partition(".")
        else:
            split[key] = value
    return split


def _joined(table: Any) -> Any:
    """A table that gives its verdict in one word, if it gives one at all."""
    match table:
        case {"verdict": str(family), "kind": str(kind)}:
            return {**table, "verdict": f"{family}.{kind}"}
    return table


# ── schema ────────────────────────────────────────────────────────────────────────────


def schema() -> Table:
    """The JSON Schema (draft 2020-12) that every report satisfies."""
    report, change = _RUN.schema(), _CHANGE.schema()
    definitions = report.pop("$defs") | change.pop("$defs") | {"Change": change}
    for name in ("Result", "Comparison"):
        definitions[name] = _split_schema(definitions[name])
    del definitions["Verdict"]
    properties = report.pop("properties")
    required = report.pop("required")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Report of a verifier run",
        **report,
        "properties": {
            "schema": {"const": SCHEMA},
            **properties,
            "summary": _SUMMARY,
            "changes": {
                "description": "There only where the run was compared with a baseline.",
                "type": "array",
                "items": {"$ref": "#/$defs/Change"},
            },
        },
        "required": ["schema", *required, "summary"],
        "$defs": definitions,
    }


_SUMMARY = {
    "type": "object",
    "properties": {
        **{
            count: {"type": "integer", "minimum": 0}
            for count in ("cases", "comparisons", *FAMILIES)
        },
        "as_expected": {"type": "boolean"},
    },
    "required": ["cases", "comparisons", *FAMILIES, "as_expected"],
    "additionalProperties": False,
}


def _split_schema(table: Table) -> Table:
    """The schema of a table that gives its verdict by family and kind."""
    kinds = sorted({verdict.kind for verdict in Verdict})
    verdict = {"verdict": {"enum": list(FAMILIES)}, "kind": {"enum": kinds}}
    return {
        **table,
        "properties": table["properties"] | verdict,
        "required": [*table["required"], "kind"],
    }
