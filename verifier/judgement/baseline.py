"""A stored run, reduced to what a later one is held against: the verdict and the largest error of each result.

The file is JSON, sorted, one result a line, so that a change of it reads well in a diff:

    {"schema": 1, "entries": {
    "cases/notebook.toml::example-two float32 reverse 1": {"verdict": "match.exact", "max_error_ulp": 0.0}
    }}
"""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from verifier.errors import BaselineError, Place, suggest
from verifier.judgement.comparison import severity
from verifier.records import Change, ChangeKind, Result, RunRecord, Verdict

SCHEMA = 1

NOISE_ULP = 1.0
"""Errors below one ulp are noise: a correctly rounded result may be off by half of one, the next best by one."""

ERROR_DIGITS = 3
"""Significant digits of an error that the file keeps; more would change with the machine and say nothing."""

_FAMILIES = ("match", "undecided", "differ", "error")
_MEND = "`verifier run --baseline FILE --update-baseline` writes a new one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a baseline keeps of a result."""

    verdict: Verdict
    max_error_ulp: float | None

    def __str__(self) -> str:
        if self.max_error_ulp is None:
            return self.verdict.value
        return f"{self.verdict.value}, {self.max_error_ulp:.3g} ulp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The entries of a stored run, by the identity of their results."""

    entries: Mapping[str, Entry] = field(default_factory=dict)


def identity(result: Result) -> str:
    """What names a result across runs and machines: `FILE::NAME dtype route order`."""
    return f"{result.case} {result.dtype} {result.route} {result.order}"


def of(record: RunRecord) -> Baseline:
    """The baseline that a run makes."""
    return Baseline(entries={identity(r): _entry(r) for r in record.results})


def _entry(result: Result) -> Entry:
    # Where some points are ill-conditioned, the largest error is theirs, and the kernel's only by chance.
    conditioned = result.counts.get(Verdict.MATCH_CONDITIONING, 0)
    error = None if conditioned else result.max_error_ulp
    return Entry(verdict=result.verdict, max_error_ulp=error)


def split(baseline: Baseline, paths: Iterable[Path]) -> tuple[Baseline, Baseline]:
    """The entries whose case files are, or lie in, one of `paths`, and the others.

    What a run was not asked about has not vanished from it.
    """
    folders = [path.resolve() for path in paths]
    inside: dict[str, Entry] = {}
    outside: dict[str, Entry] = {}
    for name, entry in baseline.entries.items():
        file = Path(name.partition("::")[0]).resolve()
        (inside if _lies_in(file, folders) else outside)[name] = entry
    return Baseline(entries=inside), Baseline(entries=outside)


def _lies_in(file: Path, folders: Iterable[Path]) -> bool:
    return any(file.is_relative_to(folder) for folder in folders)


# ── comparison ──────────────────────────────────────────────────────────────────────────────────────────────────────


def check_overlap(record: RunRecord, baseline: Baseline) -> None:
    """Raise `BaselineError` where no result of a run has an entry: the comparison would pass whatever it found."""
    found = of(record).entries
    if found and baseline.entries and not found.keys() & baseline.entries.keys():
        first = next(iter(baseline.entries))
        raise BaselineError(
            f"expected a baseline of these cases, found none of them in it; its first is `{first}`. "
            "Run from the folder in which it was written, or write another with --update-baseline."
        )


def compare(
    record: RunRecord,
    baseline: Baseline,
    *,
    growth: float = 2.0,
    partial: bool = False,
) -> list[Change]:
    """How a run differs from its baseline: regressions first, each group sorted by name.

    A larger error is one more than `growth` times the old one, and more than `growth` ulps (see `NOISE_ULP`). In a
    `partial` run, one that was filtered or interrupted, an entry without a result has not vanished.
    """
    found = of(record).entries
    expected = {identity(r) for r in record.results if r.as_expected}
    changes = [
        change
        for name, after in found.items()
        if (change := _change(name, baseline, after, growth, name in expected))
    ]
    if not partial:
        changes += [
            _changed(name, ChangeKind.VANISHED, before, None)
            for name, before in baseline.entries.items()
            if name not in found
        ]
    return sorted(changes, key=lambda change: (not change.regression, change.result))


def _change(
    name: str, baseline: Baseline, after: Entry, growth: float, expected: bool
) -> Change | None:
    before = baseline.entries.get(name)
    if before is None:
        bad = after.verdict.family in ("differ", "error") and not expected
        kind = ChangeKind.NEW_DIFFERENCE if bad else ChangeKind.NEW
        return _changed(name, kind, None, after)
    if _is_worse(after.verdict, before.verdict):
        return _changed(name, ChangeKind.WORSE_VERDICT, before, after)
    if _is_worse(before.verdict, after.verdict):
        return _changed(name, ChangeKind.IMPROVED, before, after)
    if _has_grown(before.max_error_ulp, after.max_error_ulp, growth):
        return _changed(name, ChangeKind.LARGER_ERROR, before, after)
    if _has_grown(after.max_error_ulp, before.max_error_ulp, growth):
        return _changed(name, ChangeKind.IMPROVED, before, after)
    return None


def _changed(
    name: str, kind: ChangeKind, before: Entry | None, after: Entry | None
) -> Change:
    return Change(
        result=name,
        kind=kind,
        regression=kind not in (ChangeKind.IMPROVED, ChangeKind.NEW),
        before=None if before is None else str(before),
        after=None if after is None else str(after),
    )


def _is_worse(verdict: Verdict, than: Verdict) -> bool:
    return _rank(verdict) > _rank(than)


def _rank(verdict: Verdict) -> tuple[int, int]:
    """The place of a verdict in the order of badness: that of families, and within `differ` that of `severity`.

    Other kinds do not count: `match.exact` to `match.rounding` is a matter of the error, which is compared by itself.
    """
    kind = severity(verdict) if verdict.family == "differ" else 0
    return _FAMILIES.index(verdict.family), kind


def _has_grown(before: float | None, after: float | None, growth: float) -> bool:
    if before is None or after is None:
        return False
    return after > growth * max(before, NOISE_ULP)


# ── the file ────────────────────────────────────────────────────────────────────────────────────────────────────────


def dump(record: RunRecord, *, kept: Baseline | None = None) -> str:
    """The text of the baseline that a run makes; entries of `kept` that the run has no result for stay."""
    entries = {**(kept.entries if kept is not None else {}), **of(record).entries}
    lines = (
        f"{json.dumps(name)}: {_dump_entry(entry)}"
        for name, entry in sorted(entries.items())
    )
    body = ",\n".join(lines)
    return f'{{"schema": {SCHEMA}, "entries": {{\n{body}\n}}}}\n'


def _dump_entry(entry: Entry) -> str:
    error = entry.max_error_ulp
    rounded = None
    if error is not None and math.isfinite(error):  # JSON has no infinity
        rounded = float(f"{error:.{ERROR_DIGITS}g}")
    return json.dumps({"verdict": entry.verdict.value, "max_error_ulp": rounded})


def load(path: Path) -> Baseline:
    """The baseline in a file; a file that is absent, unreadable or no baseline is an error."""
    place = Place(file=str(path))
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BaselineError(f"no such baseline. {_MEND}", place=place) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BaselineError(
            f"expected a readable baseline, found: {getattr(error, 'strerror', None) or error}. {_MEND}",
            place=place,
        ) from error
    try:
        return _parse(text)
    except BaselineError as error:
        raise error.at(place) from error


def _parse(text: str) -> Baseline:
    data = _decode(text)
    if not isinstance(data, dict) or "schema" not in data or "entries" not in data:
        hint = ""
        if isinstance(data, dict) and "results" in data:
            hint = "This is a JSON report: `verifier compare` reads those. "
        raise BaselineError(
            f"expected a baseline with `schema` and `entries`. {hint}{_MEND}"
        )
    if data["schema"] != SCHEMA or isinstance(data["schema"], bool):
        raise BaselineError(
            f"expected schema {SCHEMA}, found {data['schema']!r}. {_MEND}"
        )
    entries = data["entries"]
    if not isinstance(entries, dict):
        raise BaselineError(f"expected `entries` to be an object. {_MEND}")
    return Baseline(
        entries={name: _parse_entry(name, entry) for name, entry in entries.items()}
    )


def _decode(text: str) -> Any:
    try:
        return json.loads(
            text, object_pairs_hook=_without_duplicates, parse_constant=_refuse
        )
    except json.JSONDecodeError as error:
        raise BaselineError(
            f"expected JSON, found at column {error.colno}: {error.msg}. {_MEND}",
            place=Place(line=error.lineno),
        ) from error
    except RecursionError as error:
        raise BaselineError(
            f"expected a baseline, found JSON nested too deeply. {_MEND}"
        ) from error


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of `pairs`; a key given twice, as a bad merge leaves it, is an error."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise BaselineError(f"expected `{key}` once, found it twice. {_MEND}")
        found[key] = value
    return found


def _refuse(token: str) -> Any:
    raise BaselineError(f"expected JSON, found the token `{token}`. {_MEND}")


def _parse_entry(name: str, entry: object) -> Entry:
    place = Place(key=name)
    if not isinstance(entry, dict) or set(entry) != {"verdict", "max_error_ulp"}:
        raise BaselineError(
            f"expected `verdict` and `max_error_ulp`, found {entry!r}. {_MEND}",
            place=place,
        )
    error = entry["max_error_ulp"]
    if error is not None and not _is_error(error):
        raise BaselineError(
            f"expected `max_error_ulp` to be a number from 0 or null, found {error!r}. {_MEND}",
            place=place,
        )
    return Entry(
        verdict=_parse_verdict(entry["verdict"], place),
        max_error_ulp=None if error is None else float(error),
    )


def _is_error(value: object) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 <= value <= 1e308  # type: ignore[operator]


def _parse_verdict(text: object, place: Place) -> Verdict:
    known = [verdict.value for verdict in Verdict]
    if isinstance(text, str) and text in known:
        return Verdict(text)
    near = suggest(str(text), known)
    hint = f"Did you mean `{near}`? " if near else ""
    raise BaselineError(f"unknown verdict {text!r}. {hint}{_MEND}", place=place)


def write(path: Path, record: RunRecord, *, kept: Baseline | None = None) -> None:
    """Writes the baseline that a run makes, whole or not at all; see `dump` for `kept`."""
    try:
        replace_text(path, dump(record, kept=kept))
    except OSError as error:
        raise BaselineError(
            f"cannot be written: {error.strerror or error}. Choose another place.",
            place=Place(file=str(path)),
        ) from error


def replace_text(path: Path, text: str) -> None:
    """Gives a file its new text in one step: whatever fails on the way, the old text stays.

    A pipe or device, which cannot be replaced, is written to.
    """
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    target = path.resolve()  # a link stays a link
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
