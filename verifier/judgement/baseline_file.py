"""The file of a baseline: JSON, sorted, an entry a line, so that a change of it reads
well in a diff:

    {"schema": 3, "entries": {
    "cases/notebook.toml::example-two float32 reverse 1": [
      {"in": ["2.6.0 cpu Linux AVX2", "2.13.0 cpu Linux AVX2"], "verdict": "match.exact", "quantities": {
        "value": {"counts": {"match.exact": 1}, "max_error_ulp": 0.0}, …}}],
    }}

where the entry stands on a single line. `in` names the environments that have it, by
`Environment.key`. Schema 2 had one entry a result, and did not say where it was stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from verifier.errors import BaselineError, Place
from verifier.files import reason, replace_text
from verifier.judgement import environments
from verifier.judgement.baseline import WHOLE, Baseline, Stored
from verifier.judgement.environments import NOWHERE, Environment
from verifier.records import Tally
from verifier.serialisation import Codec, decode, described

SCHEMA = 3
ERROR_DIGITS = 3
"""Significant digits of an error that the file keeps; more would change with the
machine and say nothing."""

_QUANTITIES = ("value", "gradient", "hessian", "formula", WHOLE)
_MEND = "`verifier run --baseline FILE --update-baseline` writes a new one."
_STORED = Codec(Stored, mend=_MEND, whole=True)


def dump(baseline: Baseline) -> str:
    """The text of a baseline."""
    body = ",\n".join(
        f"{json.dumps(name)}: [\n{_dump_entries(entries)}]"
        for name, entries in sorted(baseline.entries.items())
    )
    return f'{{"schema": {SCHEMA}, "entries": {{\n{body}\n}}}}\n'


def _dump_entries(entries: Mapping[Environment, Stored]) -> str:
    """One line for all environments that have the same entry."""
    sharing: dict[str, list[str]] = {}
    for there in sorted(entries, key=lambda there: there.order):
        sharing.setdefault(_dump_entry(entries[there]), []).append(there.key)
    return ",\n".join(
        f'  {{"in": {json.dumps(keys)}, {text[1:]}' for text, keys in sharing.items()
    )


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
        raise BaselineError(
            f"expected a baseline with `schema` and `entries`.{described(data)} {_MEND}"
        )
    schema, entries = data["schema"], data["entries"]
    if schema == 1 and not isinstance(schema, bool):
        raise BaselineError(
            f"expected schema {SCHEMA}, which keeps every quantity apart, found 1, which does not. {_MEND}"
        )
    if type(schema) is not int or schema not in (2, SCHEMA):
        raise BaselineError(f"expected schema {SCHEMA}, found {schema!r}. {_MEND}")
    if not isinstance(entries, dict):
        raise BaselineError(f"expected `entries` to be an object. {_MEND}")
    if schema != SCHEMA:
        old = {name: {NOWHERE: _parse_entry(name, e)} for name, e in entries.items()}
        return Baseline(entries=old)
    return Baseline(
        entries={name: dict(_parse_entries(name, e)) for name, e in entries.items()}
    )


def _parse_entries(name: str, data: object) -> Iterator[tuple[Environment, Stored]]:
    if not isinstance(data, list) or not data:
        _refuse("a list of entries", data, name)
    seen: set[str] = set()
    for index, table in enumerate(data):
        at = f"{name}[{index}]"
        keys = table.pop("in", None) if isinstance(table, dict) else None
        entry = _parse_entry(at, table)
        if not isinstance(keys, list) or not keys:
            _refuse("a list of environments", keys, f"{at}.in")
        for key in keys:
            there = environments.parse(key) if isinstance(key, str) else None
            if there is None:
                _refuse(
                    "an environment such as `2.13.0 cpu Linux AVX2`", key, f"{at}.in"
                )
            if key in seen:
                _refuse("each environment once", key, f"{at}.in")
            seen.add(key)
            yield there, entry


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


def write(path: Path, baseline: Baseline) -> None:
    """Writes a baseline, whole or not at all."""
    try:
        replace_text(path, dump(baseline))
    except OSError as error:
        raise BaselineError(
            f"cannot be written: {reason(error)}. Choose another place.",
            place=Place(file=str(path)),
        ) from error
