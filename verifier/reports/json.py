"""A finished run as JSON: for scripts, for `verifier compare`, and to be kept.

Numbers that JSON does not have (NaN, infinity) never appear as bare tokens: an error that is not finite is `null`, a
number of an epoch that is not finite is the string `"nan"`, `"inf"` or `"-inf"`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from verifier.errors import BaselineError, Place
from verifier.records import (
    Change,
    ChangeKind,
    Comparison,
    Disagreement,
    Epoch,
    Result,
    RunRecord,
    Tally,
    Verdict,
)
from verifier.reports.outcome import FAMILIES, summary

SCHEMA = 1

_MEND = "`verifier run --format json=FILE` writes a new one."
_NONFINITE = ("nan", "inf", "-inf")
_WHERE = ("quantity", "wrt", "point", "upstream")
_NUMBERS_OF_EPOCH = ("loss", "weight", "gradient", "drift")
_T = TypeVar("_T")
_Read = Callable[[Any, str], _T]


# ── records → JSON ──────────────────────────────────────────────────────────────────────────────────────────────────


def render(record: RunRecord, changes: Sequence[Change] | None = None) -> str:
    """The report of a run, of the shape that `schema` describes.

    `interrupted` is there only in a run, or a result, that was; `disagreements` only where routes have some;
    `derivations` only where a derivative was judged; `message`, `broken`, `traceback` and `epochs` only in a result
    that has them; `drawn`, `boundary` and `refused` only in one with drawn points; and `changes` only where the run was
    held against a baseline.
    """
    report = {
        "schema": SCHEMA,
        "environment": dict(record.environment),
        "seed": record.seed,
        "elapsed_s": _seconds(record.elapsed_s),
        "summary": summary(record),
        "results": [_result(result) for result in record.results],
    }
    if record.interrupted:
        report["interrupted"] = True
    if record.disagreements:
        report["disagreements"] = [_disagreement(one) for one in record.disagreements]
    if changes is not None:
        report["changes"] = [_change(change) for change in changes]
    return json.dumps(report, indent=2, allow_nan=False) + "\n"


def _result(result: Result) -> dict[str, Any]:
    table: dict[str, Any] = {
        "case": result.case,
        "line": result.line,
        "dtype": result.dtype,
        "route": result.route,
        "order": result.order,
        "verdict": result.verdict.family,
        "kind": result.verdict.kind,
        "expected": result.expected,
        "as_expected": result.as_expected,
        "elapsed_s": _seconds(result.elapsed_s),
        **_known("derivations", result.derivations),
        "points": result.points,
        "counts": {str(key): n for key, n in sorted(result.counts.items())},
        "max_error_ulp": _finite(result.max_error_ulp),
        "comparisons": [_comparison(found) for found in result.comparisons],
    }
    if result.quantities:
        table["quantities"] = [_tally(tally) for tally in result.quantities]
    if result.drawn:
        table["drawn"] = result.drawn
        table["boundary"] = result.boundary
        table["refused"] = result.refused
    if result.message is not None:
        table["message"] = result.message
    if result.broken:
        table["broken"] = list(result.broken)
    if result.interrupted:
        table["interrupted"] = True
    if result.traceback is not None:
        table["traceback"] = result.traceback
    if result.epochs:
        table["epochs"] = [_epoch(epoch) for epoch in result.epochs]
    return table


def _known(key: str, value: int | None) -> dict[str, int]:
    return {} if value is None else {key: value}


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "quantity": tally.quantity,
        "wrt": list(tally.wrt),
        "counts": {str(key): n for key, n in sorted(tally.counts.items())},
        "max_error_ulp": _finite(tally.max_error_ulp),
    }


def _comparison(found: Comparison) -> dict[str, Any]:
    return {
        "quantity": found.quantity,
        "wrt": list(found.wrt),
        "index": list(found.index),
        "point": dict(found.point),
        "upstream": found.upstream,
        "measured": found.measured,
        "true": found.true,
        "error_ulp": _finite(found.error_ulp),
        "verdict": found.verdict.family,
        "kind": found.verdict.kind,
        "culprit": found.culprit,
        "message": found.message,
    }


def _epoch(epoch: Epoch) -> dict[str, Any]:
    return {
        "number": epoch.number,
        "loss": _number_or_name(epoch.loss),
        "weight": _number_or_name(epoch.weight),
        "gradient": _number_or_name(epoch.gradient),
        "true_loss": epoch.true_loss,
        "true_weight": epoch.true_weight,
        "drift": _number_or_name(epoch.drift),
    }


def _change(change: Change) -> dict[str, Any]:
    table = {
        "result": change.result,
        "kind": change.kind.value,
        "regression": change.regression,
        "before": change.before,
        "after": change.after,
    }
    if change.quantity is not None:
        table["quantity"] = change.quantity
    return table


def _disagreement(found: Disagreement) -> dict[str, Any]:
    return {
        "case": found.case,
        "dtype": found.dtype,
        "order": found.order,
        "routes": list(found.routes),
        "points": found.points,
        "differing": found.differing,
        "max_ulp": found.max_ulp,
        "quantity": found.quantity,
        "wrt": list(found.wrt),
        "point": dict(found.point),
        "upstream": found.upstream,
        "measured": list(found.measured),
    }


def _seconds(elapsed_s: float) -> float:
    return round(elapsed_s, 6)


def _finite(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else float(number)


def _number_or_name(number: float) -> float | str:
    """The number, or the name of one that JSON does not have."""
    return float(number) if math.isfinite(number) else str(float(number))


# ── JSON → records ──────────────────────────────────────────────────────────────────────────────────────────────────


def read(text: str, file: str) -> RunRecord:
    """The run that a JSON report tells of; anything but such a report is an error that says where it goes wrong.

    What the report does not hold (bits lost, seconds by stage) is absent from the record.
    """
    try:
        return _read_report(_decode(text))
    except BaselineError as error:
        raise error.at(Place(file=file)) from error


def _decode(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise BaselineError(
            f"expected JSON, found at column {error.colno}: {error.msg}. {_MEND}",
            place=Place(line=error.lineno),
        ) from error
    except RecursionError as error:
        raise BaselineError(
            f"expected a report, found JSON nested too deeply. {_MEND}"
        ) from error


def _refuse(token: str) -> NoReturn:
    raise BaselineError(f"expected JSON, found the token `{token}`. {_MEND}")


def _read_report(data: Any) -> RunRecord:
    if not isinstance(data, dict) or "results" not in data:
        hint = ""
        if isinstance(data, dict) and "entries" in data:
            hint = "This is a baseline: `verifier run --baseline` reads those. "
        raise BaselineError(f"expected a report with `results`. {hint}{_MEND}")
    if _field(data, "schema", "", _integer) != SCHEMA:
        raise BaselineError(
            f"expected schema {SCHEMA}, found {data['schema']}. {_MEND}",
            place=Place(key="schema"),
        )
    return RunRecord(
        environment=_field(data, "environment", "", _map_of(_string)),
        seed=_field(data, "seed", "", _integer),
        elapsed_s=_field(data, "elapsed_s", "", _number),
        results=tuple(_field(data, "results", "", _list_of(_read_result))),
        interrupted=_optional(data, "interrupted", "", _boolean) or False,
        disagreements=tuple(
            _optional(data, "disagreements", "", _list_of(_read_disagreement)) or ()
        ),
    )


def _read_disagreement(data: Any, at: str) -> Disagreement:
    table = _table(data, at)
    return Disagreement(
        case=_field(table, "case", at, _string),
        dtype=_field(table, "dtype", at, _string),
        order=_field(table, "order", at, _integer),
        routes=_field(table, "routes", at, _pair),
        points=_field(table, "points", at, _integer),
        differing=_field(table, "differing", at, _integer),
        max_ulp=_field(table, "max_ulp", at, _or_null(_integer)),
        quantity=_field(table, "quantity", at, _string),
        wrt=tuple(_field(table, "wrt", at, _list_of(_string))),
        point=_field(table, "point", at, _map_of(_string)),
        upstream=_field(table, "upstream", at, _string),
        measured=_field(table, "measured", at, _pair),
    )


def _read_result(data: Any, at: str) -> Result:
    table = _table(data, at)
    counts = _read_counts(table, at)
    return Result(
        case=_field(table, "case", at, _string),
        line=_field(table, "line", at, _or_null(_integer)),
        dtype=_field(table, "dtype", at, _string),
        route=_field(table, "route", at, _string),
        order=_field(table, "order", at, _integer),
        verdict=_read_verdict(table, at),
        expected=_field(table, "expected", at, _or_null(_string)),
        as_expected=_field(table, "as_expected", at, _boolean),
        elapsed_s=_field(table, "elapsed_s", at, _number),
        points=_field(table, "points", at, _integer),
        counts=counts,
        max_error_ulp=_field(table, "max_error_ulp", at, _or_null(_number)),
        comparisons=tuple(_field(table, "comparisons", at, _list_of(_read_comparison))),
        derivations=_optional(table, "derivations", at, _integer),
        quantities=tuple(
            _optional(table, "quantities", at, _list_of(_read_tally)) or ()
        ),
        message=_optional(table, "message", at, _string),
        epochs=tuple(_optional(table, "epochs", at, _list_of(_read_epoch)) or ()),
        # Older reports do not say.
        drawn=_optional(table, "drawn", at, _integer) or 0,
        boundary=_optional(table, "boundary", at, _integer) or 0,
        refused=_optional(table, "refused", at, _integer) or 0,
        broken=tuple(_optional(table, "broken", at, _list_of(_string)) or ()),
        interrupted=_optional(table, "interrupted", at, _boolean) or False,
        traceback=_optional(table, "traceback", at, _string),
    )


def _read_counts(table: dict[str, Any], at: str) -> dict[str, int]:
    counts = _field(table, "counts", at, _map_of(_integer))
    for name in counts:
        _verdict(name, f"{at}.counts")
    return counts


def _read_tally(data: Any, at: str) -> Tally:
    table = _table(data, at)
    return Tally(
        quantity=_field(table, "quantity", at, _string),
        wrt=tuple(_field(table, "wrt", at, _list_of(_string))),
        counts=_read_counts(table, at),
        max_error_ulp=_field(table, "max_error_ulp", at, _or_null(_number)),
    )


def _read_comparison(data: Any, at: str) -> Comparison:
    table = _table(data, at)
    return Comparison(
        quantity=_field(table, "quantity", at, _string),
        wrt=tuple(_field(table, "wrt", at, _list_of(_string))),
        index=tuple(_field(table, "index", at, _list_of(_integer))),
        point=_field(table, "point", at, _map_of(_string)),
        upstream=_field(table, "upstream", at, _string),
        measured=_field(table, "measured", at, _string),
        true=_field(table, "true", at, _string),
        error_ulp=_field(table, "error_ulp", at, _or_null(_number)),
        verdict=_read_verdict(table, at),
        culprit=_field(table, "culprit", at, _or_null(_string)),
        message=_field(table, "message", at, _or_null(_string)),
    )


def _read_epoch(data: Any, at: str) -> Epoch:
    table = _table(data, at)
    return Epoch(
        number=_field(table, "number", at, _integer),
        true_loss=_field(table, "true_loss", at, _string),
        true_weight=_field(table, "true_weight", at, _string),
        **{name: _field(table, name, at, _any_number) for name in _NUMBERS_OF_EPOCH},
    )


def _read_verdict(table: dict[str, Any], at: str) -> Verdict:
    family = _field(table, "verdict", at, _string)
    kind = _field(table, "kind", at, _string)
    return _verdict(f"{family}.{kind}", f"{at}.verdict")


def _verdict(name: str, at: str) -> Verdict:
    if name not in {verdict.value for verdict in Verdict}:
        _fail(at, "a verdict", name)
    return Verdict(name)


def _field(table: dict[str, Any], key: str, at: str, read: _Read[_T]) -> _T:
    where = f"{at}.{key}" if at else key
    if key not in table:
        raise BaselineError(f"is missing. {_MEND}", place=Place(key=where))
    return read(table[key], where)


def _optional(table: dict[str, Any], key: str, at: str, read: _Read[_T]) -> _T | None:
    return _field(table, key, at, read) if key in table else None


def _or_null(read: _Read[_T]) -> _Read[_T | None]:
    return lambda value, at: None if value is None else read(value, at)


def _list_of(read: _Read[_T]) -> _Read[list[_T]]:
    def read_list(value: Any, at: str) -> list[_T]:
        if not isinstance(value, list):
            _fail(at, "a list", value)
        return [read(item, f"{at}[{index}]") for index, item in enumerate(value)]

    return read_list


def _map_of(read: _Read[_T]) -> _Read[dict[str, _T]]:
    def read_map(value: Any, at: str) -> dict[str, _T]:
        return {
            key: read(item, f"{at}.{key}") for key, item in _table(value, at).items()
        }

    return read_map


def _table(value: Any, at: str) -> dict[str, Any]:
    return value if isinstance(value, dict) else _fail(at, "an object", value)


def _string(value: Any, at: str) -> str:
    return value if isinstance(value, str) else _fail(at, "a string", value)


def _pair(value: Any, at: str) -> tuple[str, str]:
    found = _list_of(_string)(value, at)
    return (found[0], found[1]) if len(found) == 2 else _fail(at, "two texts", value)


def _boolean(value: Any, at: str) -> bool:
    return value if isinstance(value, bool) else _fail(at, "true or false", value)


def _integer(value: Any, at: str) -> int:
    # In Python, though not in JSON, true is an integer.
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    _fail(at, "an integer", value)


def _number(value: Any, at: str) -> float:
    if isinstance(value, float) and math.isfinite(value):  # 1e999 reads as infinity
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**1023:
        return float(value)
    _fail(at, "a number", value)


def _any_number(value: Any, at: str) -> float:
    """A number, or the name of one that JSON does not have."""
    return float(value) if value in _NONFINITE else _number(value, at)


def _fail(at: str, expected: str, found: object) -> NoReturn:
    shown = json.dumps(found)
    shown = shown if len(shown) <= 60 else f"{shown[:60]}…"
    raise BaselineError(
        f"expected {expected}, found {shown}. {_MEND}", place=Place(key=at)
    )


# ── schema ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that every report satisfies."""
    report = _object(
        {
            "schema": {"const": SCHEMA},
            "environment": {
                "description": "Versions of everything that may change a number.",
                "type": "object",
                "additionalProperties": {"type": "string"},
            },
            "seed": {"type": "integer"},
            "elapsed_s": _SECONDS,
            "summary": _summary_schema(),
            "results": _array(_reference("result")),
        },
        optional={
            "interrupted": {
                "description": "There only where the run was stopped before its end.",
                "const": True,
            },
            "disagreements": {
                "description": "Routes that gave different numbers at the same points: information, no verdict.",
                **_array(_reference("disagreement")),
            },
            "changes": {
                "description": "There only where the run was held against a baseline.",
                **_array(_reference("change")),
            },
        },
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Report of a verifier run",
        **report,
        "$defs": {
            "result": _result_schema(),
            "tally": _tally_schema(),
            "comparison": _comparison_schema(),
            "epoch": _epoch_schema(),
            "disagreement": _disagreement_schema(),
            "change": _change_schema(),
        },
    }


_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_QUANTITY = {"enum": ["value", "gradient", "hessian"]}
_COUNT = {"type": "integer", "minimum": 0}
_SECONDS = {"type": "number", "minimum": 0}
_ERROR_ULP = {
    "description": "|measured − true| in ulps of the true value (of a zero, of the terms that cancel to it); "
    "null where one of them is not finite.",
    "type": ["number", "null"],
    "minimum": 0,
}


def _object(
    properties: dict[str, Any], *, optional: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**properties, **(optional or {})},
        "required": list(properties),
        "additionalProperties": False,
    }


def _array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _verdict_schema() -> dict[str, Any]:
    """The two keys by which a verdict is told."""
    return {
        "verdict": {"enum": list(FAMILIES)},
        "kind": {"enum": sorted({verdict.kind for verdict in Verdict})},
    }


def _summary_schema() -> dict[str, Any]:
    counts = ("cases", "comparisons", *FAMILIES)
    return _object(
        {**dict.fromkeys(counts, _COUNT), "as_expected": {"type": "boolean"}}
    )


def _result_schema() -> dict[str, Any]:
    return _object(
        {
            "case": {"description": "`FILE::NAME`", **_TEXT},
            "line": {"type": ["integer", "null"], "minimum": 1},
            "dtype": _TEXT,
            "route": _TEXT,
            "order": {"type": "integer", "minimum": 1},
            **_verdict_schema(),
            "expected": {
                "description": "The verdict that the case pins.",
                **_TEXT_OR_NULL,
            },
            "as_expected": {"type": "boolean"},
            "elapsed_s": _SECONDS,
            "points": _COUNT,
            "counts": _counts_schema(),
            "max_error_ulp": _ERROR_ULP,
            "comparisons": {
                "description": "Every one that is no match, and the worst of the others; or all, if asked for.",
                **_array(_reference("comparison")),
            },
        },
        optional={
            "derivations": {
                "description": "How many derivations spoke for every derivative that was judged.",
                "type": "integer",
                "minimum": 1,
            },
            "quantities": {
                "description": "The comparisons by quantity: the value, then each derivative.",
                **_array(_reference("tally")),
            },
            "message": _TEXT,
            "broken": {
                "description": "The expectations that do not hold: `expect.gradient.a`.",
                **_array(_TEXT),
            },
            "interrupted": {
                "description": "There only where the case was stopped before its last point.",
                "const": True,
            },
            "traceback": {
                "description": "That of the exception which ended the case.",
                **_TEXT,
            },
            "epochs": _array(_reference("epoch")),
            "drawn": {"description": "How many points were drawn.", **_COUNT},
            "boundary": {"description": "How many are boundary points.", **_COUNT},
            "refused": {
                "description": "How many draws the precondition refused.",
                **_COUNT,
            },
        },
    )


def _counts_schema() -> dict[str, Any]:
    return {
        "description": "How many comparisons have each verdict.",
        "type": "object",
        "propertyNames": {"enum": [verdict.value for verdict in Verdict]},
        "additionalProperties": _COUNT,
    }


def _tally_schema() -> dict[str, Any]:
    return _object(
        {
            "quantity": _QUANTITY,
            "wrt": _array(_TEXT),
            "counts": _counts_schema(),
            "max_error_ulp": {
                **_ERROR_ULP,
                "description": "The largest at a point that is not match.conditioning.",
            },
        }
    )


def _comparison_schema() -> dict[str, Any]:
    return _object(
        {
            "quantity": _QUANTITY,
            "wrt": _array(_TEXT),
            "index": _array({"type": "integer"}),
            "point": {"type": "object", "additionalProperties": _TEXT},
            "upstream": _TEXT,
            "measured": _TEXT,
            "true": {
                "description": "20 significant digits; `[l, r]` at a kink; `undefined`; `inf`.",
                **_TEXT,
            },
            "error_ulp": _ERROR_ULP,
            **_verdict_schema(),
            "culprit": _TEXT_OR_NULL,
            "message": _TEXT_OR_NULL,
        }
    )


def _epoch_schema() -> dict[str, Any]:
    number = {"anyOf": [{"type": "number"}, {"enum": list(_NONFINITE)}]}
    return _object(
        {
            "number": _COUNT,
            "loss": number,
            "weight": number,
            "gradient": number,
            "true_loss": _TEXT,
            "true_weight": _TEXT,
            "drift": number,
        }
    )


def _disagreement_schema() -> dict[str, Any]:
    pair = {**_array(_TEXT), "minItems": 2, "maxItems": 2}
    return _object(
        {
            "case": {"description": "`FILE::NAME`", **_TEXT},
            "dtype": _TEXT,
            "order": {"type": "integer", "minimum": 1},
            "routes": pair,
            "points": _COUNT,
            "differing": {
                "description": "Points at which some number differs.",
                **_COUNT,
            },
            "max_ulp": {
                "description": "How many numbers of the dtype the farthest two lie apart; null where only one is NaN.",
                "type": ["integer", "null"],
                "minimum": 1,
            },
            **{key: _comparison_schema()["properties"][key] for key in _WHERE},
            "measured": pair,
        }
    )


def _change_schema() -> dict[str, Any]:
    return _object(
        {
            "result": {"description": "`FILE::NAME dtype route order`", **_TEXT},
            "kind": {"enum": [kind.value for kind in ChangeKind]},
            "regression": {"type": "boolean"},
            "before": _TEXT_OR_NULL,
            "after": _TEXT_OR_NULL,
        },
        optional={
            "quantity": {
                "description": "Which of its quantities, such as `gradient x`; not there of the result as a whole.",
                **_TEXT,
            },
        },
    )
