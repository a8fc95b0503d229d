"""Cases to be written down: from what an importer found to the text of a case file that
loads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from verifier.errors import FormulaFileError, VerifierError
from verifier.language.casefile.loading import from_mapping
from verifier.language.casefile.tables import CaseTable
from verifier.language.points.bounds import Bounds
from verifier.language.programs.parsing import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A case to be written: its formula in our language, and the rest as an importer
    found it.

    `bounds` has an entry for every variable of the formula; `examples` are points to
    look at as well, each with a number for every variable; `notes` tell the reader of
    the case what the way cost; `line` is where it begins in its source.
    """

    line: int
    name: str
    formula: str
    in_steps: bool = False
    bounds: Mapping[str, Bounds]
    where: str | None = None
    dtypes: tuple[str, ...] = ()
    cite: str | None = None
    reason: str | None = None
    tags: tuple[str, ...] = ()
    examples: Sequence[Mapping[str, str]] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What did not become a case, and why not."""

    line: int
    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.line}: {self.name}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of a file: every formula in it is in one of the two lists. `remarks`
    are on the file as a whole."""

    drafts: Sequence[Draft]
    left_out: Sequence[LeftOut]
    remarks: Sequence[str] = field(default=())


def checked(imported: Imported, limits: Bounds | None) -> Imported:
    """The same with unique names and bounds within `limits`, and only those cases that
    load."""
    kept: list[Draft] = []
    left_out = list(imported.left_out)
    names: set[str] = set()
    counts: Counter[str] = Counter()
    for draft in imported.drafts:
        ready = _within(draft, limits)
        ready = replace(ready, name=_unique(_printable(draft.name), names, counts))
        try:
            _check(ready)
        except VerifierError as error:
            left_out.append(
                LeftOut(line=draft.line, name=draft.name, why=reason_of(error))
            )
            continue
        names.add(ready.name)
        kept.append(ready)
    left_out.sort(key=lambda entry: entry.line)
    return replace(imported, drafts=kept, left_out=left_out)


def reason_of(error: VerifierError) -> str:
    """An error on one line, with its column and without the excerpt."""
    line = error.message.splitlines()[0]
    column = error.place.column
    key = error.place.key or "formula"
    return line if column is None else f"{key}, column {column}: {line}"


def case_file(drafts: Iterable[Draft], source: str, command: str) -> str:
    """The text of a case file; `source` is the name of the file that the drafts are
    from."""
    head = f"# From {_comment(source)}, by `verifier import {command}`.\n"
    return head + "".join(f"\n{_table(draft)}" for draft in drafts)


def _within(draft: Draft, limits: Bounds | None) -> Draft:
    if limits is None:
        return draft
    bounds = {name: ends.within(limits) for name, ends in draft.bounds.items()}
    return replace(draft, bounds=bounds)


def _printable(name: str) -> str:
    """The name as a case may be called: on one line, and without `::`, which ends the
    file in `FILE::CASE`."""
    shown = "".join(c if c.isprintable() else " " for c in name)
    return re.sub(r":{2,}", ":", " ".join(shown.split())) or "unnamed"


def _unique(name: str, taken: set[str], counts: Counter[str]) -> str:
    unique = name
    while unique in taken:
        counts[name] += 1
        unique = f"{name} ({counts[name] + 1})"
    return unique


def _check(draft: Draft) -> None:
    """Raises what the loader of case files would, and `FormulaFileError` where the
    bounds leave no number."""
    for name, bounds in draft.bounds.items():
        if not bounds.may_hold_a_number:
            raise FormulaFileError(f"its bounds leave no number for `{name}`: {bounds}")
    if draft.where is not None:
        parse(f"where({draft.where}, 1, 0)", variables=draft.bounds)
    keys = {key: value for key, value in _keys(draft) if key in CaseTable.model_fields}
    from_mapping(keys)


def _keys(draft: Draft) -> Iterator[tuple[str, object]]:
    """The keys of the case and their values, in the order in which they are written."""
    single = {name: b for name, b in draft.bounds.items() if b.is_single}
    drawn = {name: b for name, b in draft.bounds.items() if not b.is_single}
    yield "name", draft.name
    yield "steps" if draft.in_steps else "expression", draft.formula
    if drawn:
        yield "domain", {name: str(bounds) for name, bounds in drawn.items()}
    if single:
        yield "at", {name: b.lower.at.text for name, b in single.items() if b.lower}
    elif draft.examples:
        yield "at", list(draft.examples)
    if draft.where is not None:
        yield "where", draft.where
    if draft.dtypes:
        yield "dtype", list(draft.dtypes)
    if draft.cite is not None:
        yield "cite", draft.cite
    if draft.reason is not None:
        yield "reason", draft.reason
    if draft.tags:
        yield "tags", list(draft.tags)


# ── TOML ──────────────────────────────────────────────────────────────────────────────


def _table(draft: Draft) -> str:
    lines = [f"# line {draft.line}", *(f"# {_comment(note)}" for note in draft.notes)]
    lines.append("[[case]]")
    for key, value in _keys(draft):
        if key == "steps":
            lines.append(f'steps = """\n{value}\n"""')
        else:
            lines.append(f"{key} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, dict):
        entries = (f"{_key(name)} = {_value(entry)}" for name, entry in value.items())
        return f"{{ {', '.join(entries)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return _quoted(str(value))


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(text: str) -> str:
    """A basic string of TOML 1.0."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _comment(text: str) -> str:
    """The text on one line, without what a comment may not hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
