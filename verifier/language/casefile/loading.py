"""Case files: TOML → validated `Case`. Loading one runs no code.

Numbers keep the text that was written, so that a decimal is exact and its last digit is
known. Every error is raised once, as a `CaseFileError` or `ExpressionError` that names
file, line, case, key and column; in a key, entries of lists count from 1 (`at[2].x`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from verifier.errors import Gathering, SelectionError
from verifier.language.casefile.assembly import checked
from verifier.language.casefile.case import Case
from verifier.language.casefile.document import Document, Keys, read
from verifier.language.casefile.places import Origin, show
from verifier.language.casefile.tables import CaseFile, CaseTable, DefaultsTable
from verifier.language.casefile.tensor_assembly import case_of
from verifier.language.casefile.validation import unknown_key, validate


def load(path: Path) -> list[Case]:
    """The cases of one file, in order. Raises all mistakes in it together."""
    document = read(path)
    part = Gathering()
    for key in document.data:
        part(_check_key, document, key)
    tables = part(_tables, document, is_complete=not part.errors)
    cases = part(_cases, document, tables)
    part.errors.sort(key=lambda error: error.place.line or 0)
    part.check()
    return cases


def load_paths(paths: Sequence[Path]) -> list[Case]:
    """The cases of files, and of all `*.toml` files in folders and their folders,
    sorted; each file once. Raises the mistakes of all files together."""
    part = Gathering()
    files: dict[Path, Path] = {}
    for path in paths:
        for file in part(_files, path):
            files.setdefault(file.resolve(), file)
    if not files and not part.errors:
        found = ", ".join(f"`{path}`" for path in paths) or "no path"
        raise SelectionError(
            f"expected at least one case file (`*.toml`), found none in {found}. Name a file or a folder that has some."
        )
    cases = [part(load, file) for file in files.values()]
    part.check()
    return [case for of_file in cases for case in of_file]


def from_mapping(
    data: Mapping[str, object], *, file: str | None = None, line: int | None = None
) -> Case:
    """The case that a mapping with the keys of a case describes; keys that are None are
    absent.

    Floats are the binary numbers that they hold. A name that is absent is the
    expression itself.
    """
    given = {key: value for key, value in data.items() if value is not None}
    given.setdefault("name", _name_for(given))
    origin = Origin(file=file, line=line, name=_name_of(given))
    for key in given:
        if not isinstance(key, str):
            origin.fail(f"expected keys that are text, found {show(key)}.")
    return case_of(given, origin)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*.toml") if file.is_file())
    if not path.exists():
        raise SelectionError(f"expected a case file or a folder, found no `{path}`.")
    return [path]


def _name_for(data: Mapping[str, object]) -> str:
    text = data.get("expression", data.get("steps"))
    words = " ".join(text.split()) if isinstance(text, str) else ""
    words = words.replace("::", ": :")  # of a slice: it ends the file in `FILE::CASE`
    words = "".join(letter if letter.isprintable() else "�" for letter in words)
    return (words if len(words) <= 60 else f"{words[:57]}...") or "unnamed"


def _name_of(data: Mapping[str, object]) -> str | None:
    name = data.get("name")
    return name if isinstance(name, str) and name.isprintable() and name else None


def _check_key(document: Document, key: str) -> None:
    """That a key may stand at the top of a file."""
    if key in CaseFile.model_fields:
        return
    if key in CaseTable.model_fields:
        document.fail(
            f"expected `[[case]]` before the keys of a case, found `{key}` first.", key
        )
    document.fail(unknown_key(key, CaseFile), key)


def _tables(
    document: Document, *, is_complete: bool
) -> list[tuple[int, dict[str, object]]]:
    """The tables of the cases with their positions; without any, it is no error where
    the file has mistaken keys instead of them."""
    cases = document.data.get("case")
    if cases is None and not is_complete:
        return []
    if cases is None:
        document.fail("expected at least one `[[case]]`, found none.")
    if not isinstance(cases, list):
        document.fail(f"expected `[[case]]`, found {show(cases)}.", "case")
    if not cases:
        document.fail("expected at least one `[[case]]`, found an empty list.", "case")
    for case in cases:
        if not isinstance(case, dict):
            document.fail(f"expected `[[case]]`, found {show(case)}.", "case")
    return list(enumerate(cases))


def _cases(
    document: Document, tables: Iterable[tuple[int, dict[str, object]]]
) -> list[Case]:
    part = Gathering()
    defaults = part(_defaults, document)
    are_defaults_good = not part.errors
    cases: list[Case] = []
    seen: dict[str, int | None] = {}
    for index, table in tables:
        inherited = _inherit(defaults, table) if are_defaults_good else {}
        origin = _origin(document, index, table, inherited)
        part(_check_unique, origin, seen)
        if are_defaults_good:
            cases.append(part(case_of, {**inherited, **table}, origin))
        else:  # what a case lacks may be in the defaults
            part(checked, table, origin)
    part.check()
    return cases


def _defaults(document: Document) -> dict[str, object]:
    defaults = document.data.get("defaults", {})
    if not isinstance(defaults, dict):
        document.fail(
            f"expected a table `[defaults]`, found {show(defaults)}.", "defaults"
        )
    root: Keys = ("defaults",)
    line = document.lines.get(root)
    origin = Origin(file=document.file, line=line, root=root, lines=document.lines)
    validate(DefaultsTable, defaults, origin)
    return defaults


def _check_unique(origin: Origin, seen: dict[str, int | None]) -> None:
    """That the case has a name that is not among those `seen`, to which it is added."""
    name = origin.name
    if name is None:
        return
    if name in seen:
        origin.fail(
            f"expected names that are unique in the file, found `{name}` on line {seen[name]} "
            f"and on line {origin.line}. Rename one.",
            "name",
        )
    seen[name] = origin.line


def _inherit(
    defaults: Mapping[str, object], table: Mapping[str, object]
) -> dict[str, object]:
    """The defaults that a case does not replace; `expression` and `steps` replace each
    other."""
    replaced = {*table}
    if not replaced.isdisjoint(("expression", "steps")):
        replaced |= {"expression", "steps"}
    return {key: value for key, value in defaults.items() if key not in replaced}


def _origin(
    document: Document,
    index: int,
    table: Mapping[str, object],
    inherited: Mapping[str, object],
) -> Origin:
    root: Keys = ("case", index)
    return Origin(
        file=document.file,
        line=document.lines.get(root),
        name=_name_of(table),
        root=root,
        lines=document.lines,
        inherited=frozenset(inherited),
    )
