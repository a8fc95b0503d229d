"""The file of a baseline: JSON, sorted, one result a line, so that a change of it reads
well in a diff:

    {"schema": 2, "entries": {
    "cases/notebook.toml::example-two float32 reverse 1": {"verdict": "match.exact", "quantities": {
        "value": {"counts": {"match.exact": 1}, "max_error_ulp": 0.0}, …}}
    }}

where the entry stands on a single line.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from verifier.errors import BaselineError, Place
from verifier.files import reason, replace_text
from verifier.judgement.baseline import WHOLE, Baseline, Stored, of
from verifier.records import RunRecord, Tally
from verifier.serialisation import Codec, decode

SCHEMA = 2
ERROR_DIGITS = 3
"""Significant digits of an error that the file keeps; more would change with the
machine and say nothing."""

_QUANTITIES = ("value", "gradient", "hessian", WHOLE)
_MEND = "`verifier run --baseline FILE --update-baseline` writes a new one."
_STORED = Codec(Stored, mend=_MEND, whole=True)


def dump(record: RunRecord, *, kept: Baseline | None = None) -> str:
    """The text of the baseline that a run makes; entries of `kept` that the run has no
    result for stay."""
    entries = {**(kept.entries if kept is not None else {}), **of(record).entries}
    lines = (
        f"{json.dumps(name)}: {_dump_entry(entry)}"
        for name, entry in sorted(entries.items())
    )
    body = ",\n".join(lines)
    return f'{{"schema": {SCHEMA}, "entries": {{\n{body}\n}}}}\n'


def _dump_entry(entry: Stored) -> str:
    quantities = {name: _rounded(tally) for name, tally in entry.quantities.items()}
    table = _STORED.write(replace(entry, quantities=quantities))
    for tally in table["quantities"].values():
        del tally["quantity"], tally["wrt"]  # its key says them
    return json.dumps(table)


def _rounded(tally: Tally) -> Tally:
    error = tally.max_error_ulp
    if error is not None:
        error = float(f"{error:.{ERROR_DIGITS}g}")
    return replace(tally, max_error_ulp=error)


def load(path: Path) -> Baseline:
    """The baseline in a file; a file that is absent, unreadable or no baseline is an
    error."""
    place = Place(file=str(path))
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BaselineError(f"no such baseline. {_MEND}", place=place) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BaselineError(
            f"expected a readable baseline, found: {reason(error)}. {_MEND}",
            place=place,
        ) from error
    try:
        return _parse(text)
    except BaselineError as error:
        raise error.at(place) from error


def _parse(text: str) -> Baseline:
    data = decode(text, what="a baseline", mend=_MEND)
    if not isinstance(data, dict) or "schema" not in data or "entries" not in data:
        hint = ""
        if isinstance(data, dict) and "results" in data:
            hint = "This is a JSON report: `verifier compare` reads those. "
        raise BaselineError(
            f"expected a baseline with `schema` and `entries`. {hint}{_MEND}"
        )
    schema, entries = data["schema"], data["entries"]
    if schema == 1 and not isinstance(schema, bool):
        raise BaselineError(
            f"expected schema {SCHEMA}, which keeps every quantity apart, found 1, which does not. {_MEND}"
        )
    if schema != SCHEMA:
        raise BaselineError(f"expected schema {SCHEMA}, found {schema!r}. {_MEND}")
    if not isinstance(entries, dict):
        raise BaselineError(f"expected `entries` to be an object. {_MEND}")
    return Baseline(
        entries={name: _parse_entry(name, entry) for name, entry in entries.items()}
    )


def _parse_entry(name: str, data: object) -> Stored:
    entry = _STORED.read(_with_names(data, name), at=name)
    for quantity, tally in entry.quantities.items():
        if not tally.counts or min(tally.counts.values()) < 1:
            _refuse(
                "a verdict or more, each at least once",
                dict(tally.counts),
                f"{name}.quantities.{quantity}.counts",
            )
    return entry


def _with_names(entry: object, at: str) -> object:
    """The entry with the parts of each quantity's key beside its numbers, where a
    `Tally` has them."""
    if not isinstance(entry, dict) or not isinstance(entry.get("quantities"), dict):
        return entry
    quantities = {}
    for name, tally in entry["quantities"].items():
        quantity, *wrt = name.split(" ")
        if quantity not in _QUANTITIES:
            _refuse(f"one of {', '.join(_QUANTITIES)}", name, f"{at}.quantities")
        names = {"quantity": quantity, "wrt": wrt}
        quantities[name] = tally | names if isinstance(tally, dict) else tally
    return {**entry, "quantities": quantities}


def _refuse(expected: str, value: object, at: str) -> NoReturn:
    place = Place(key=at)
    shown = json.dumps(value)
    raise BaselineError(f"expected {expected}, found {shown}. {_MEND}", place=place)


def write(path: Path, record: RunRecord, *, kept: Baseline | None = None) -> None:
    """Writes the baseline that a run makes, whole or not at all; see `dump` for
    `kept`."""
    try:
        replace_text(path, dump(record, kept=kept))
    except OSError as error:
        raise BaselineError(
            f"cannot be written: {reason(error)}. Choose another place.",
            place=Place(file=str(path)),
        ) from error
