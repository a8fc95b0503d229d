"""FPCore 2.0 benchmarks → drafts of cases (https://fpbench.org/spec/fpcore-2.0.html).

A benchmark is `(FPCore name? (argument …) :property value … body)`. Its body becomes
the formula; of its precondition, the bounds of single variables become intervals and
the rest a condition. What our language cannot say (loops, tensors) is refused benchmark
by benchmark, with its line and the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from verifier.errors import FormulaFileError, Place
from verifier.language.importers import sexpr
from verifier.language.importers.case_drafts import Draft, Imported, LeftOut
from verifier.language.importers.fpcore_nodes import spelt
from verifier.language.importers.fpcore_precondition import Precondition
from verifier.language.importers.fpcore_program import Translator
from verifier.language.importers.fpcore_text import Names, text
from verifier.language.importers.fpcore_words import (
    PRECISIONS,
    number,
    precision,
    properties,
    refuse,
)
from verifier.language.importers.sexpr import Atom, Datum, Group, Kind
from verifier.language.importers.text_files import read_text
from verifier.language.operations.table import Sort

_TAKEN_OVER = {
    "name",
    "description",
    "cite",
    "precision",
    "pre",
    "example",
    "fpbench-domain",
}


def read(path: Path) -> Imported:
    """What a file of benchmarks becomes. Raises `FormulaFileError` where it is not
    FPCore at all."""
    file = path.as_posix()
    data = sexpr.read(read_text(path), file)
    if not any(_is_core(datum) for datum in data):
        raise FormulaFileError(
            "expected `(FPCore (argument …) … body)`, found none in the file. Check the path.",
            place=Place(file=file, line=1),
        )
    drafts: list[Draft] = []
    left_out: list[LeftOut] = []
    for datum in data:
        name = _name(datum, path.stem)
        try:
            drafts.append(_draft(datum, name))
        except FormulaFileError as error:
            line, column = error.place.line, error.place.column
            at = f" (line {line}, column {column})" if line is not None else ""
            why = f"{error.message}{at}"
            left_out.append(LeftOut(line=datum.line, name=name, why=why))
    return Imported(drafts=drafts, left_out=left_out)


def _is_core(datum: Datum) -> bool:
    return isinstance(datum, Group) and _is_symbol(datum.items[:1], "FPCore")


def _is_symbol(items: Sequence[Datum], text: str) -> bool:
    return any(
        isinstance(i, Atom) and i.kind is Kind.SYMBOL and i.text == text for i in items
    )


def _name(datum: Datum, file: str) -> str:
    """What a benchmark is called: its `:name`, else the symbol after `FPCore`, else the
    file and its line."""
    items = datum.items if isinstance(datum, Group) else []
    if not _is_core(datum):
        head = items[0] if items else datum
        return f"({head.text} …)" if isinstance(head, Atom) else "(…)"
    for at, item in enumerate(items[:-1]):
        value = items[at + 1]
        if (
            _is_symbol([item], ":name")
            and isinstance(value, Atom)
            and value.text.strip()
        ):
            return value.text
    if len(items) > 1 and isinstance(items[1], Atom):
        return items[1].text
    return f"{file}, line {datum.line}"


def _draft(datum: Datum, name: str) -> Draft:
    if not isinstance(datum, Group) or not _is_core(datum):
        refuse("expected `(FPCore …)`, found something else", datum)
    items = datum.items[1:]
    if items and isinstance(items[0], Atom) and items[0].kind is Kind.SYMBOL:
        items = items[1:]
    if not items or not isinstance(items[0], Group):
        refuse("expected the list of arguments after `FPCore`", datum)
    arguments = [_argument(item) for item in items[0].items]
    given, rest = properties(items[1:])
    if len(rest) != 1:
        refuse(f"expected one body after the properties, found {len(rest)}", datum)
    meaning = dict(reversed(given))  # of a property that is given twice, the first
    dtypes, notes = _dtypes(meaning.get("precision"))
    names = Names()
    if len(set(arguments)) < len(arguments):
        refuse("expected every argument once", items[0])
    called = {symbol: names.give(symbol) for symbol in arguments}
    translator = Translator(called)
    body = translator.translate(rest[0], Sort.NUMBER)
    nodes = translator.nodes
    formula = text(nodes.nodes, body, nodes.names, names)
    pre = meaning.get("pre")
    condition = Precondition(nodes, formula.inputs)
    if pre is not None:
        condition.take(translator.translate(pre, Sort.CONDITION))
    examples = [_example(value, called) for key, value in given if key == "example"]
    unused = dict.fromkeys(f"`:{key}`" for key, _ in given if key not in _TAKEN_OVER)
    if unused:
        notes.append(f"not taken over: {', '.join(unused)}")
    return Draft(
        line=datum.line,
        name=name,
        formula=formula.text,
        in_steps=formula.in_steps,
        bounds=condition.bounds,
        where=condition.where(),
        dtypes=dtypes,
        cite=_words(meaning.get("cite")),
        reason=_words(meaning.get("description")),
        tags=_tags(meaning.get("fpbench-domain")),
        examples=_whole(examples, formula.inputs),
        notes=(*names.notes, *translator.notes, *condition.notes, *notes),
    )


def _argument(datum: Datum) -> str:
    """The symbol of an argument, which may be annotated."""
    if isinstance(datum, Atom) and datum.kind is Kind.SYMBOL:
        return datum.text
    if isinstance(datum, Group) and _is_symbol(datum.items[:1], "!"):
        given, rest = properties(datum.items[1:])
        for key, value in given:
            if key == "precision":
                precision(value)
        if len(rest) == 1 and isinstance(rest[0], Atom):
            return rest[0].text
    refuse("an argument that is a tensor is not supported", datum)


def _dtypes(datum: Datum | None) -> tuple[tuple[str, ...], list[str]]:
    if datum is None:
        return (), []
    written = precision(datum)
    if written in PRECISIONS:
        return (PRECISIONS[written],), []
    return (), [f"`:precision {written}` is no dtype of PyTorch's"]


def _words(datum: Datum | None) -> str | None:
    """What a property says in words: a string, or a list of symbols."""
    if isinstance(datum, Group):
        words = [item.text for item in datum.items if isinstance(item, Atom)]
        return ", ".join(words) or None
    if datum is None:
        return None
    return " ".join(datum.text.split()) or None


def _tags(datum: Datum | None) -> tuple[str, ...]:
    words = _words(datum)
    return () if words is None else (words,)


def _example(datum: Datum, called: Mapping[str, str]) -> dict[str, str]:
    """The numbers of an example, `([symbol number] …)`, by the names of the
    variables."""
    numbers: dict[str, str] = {}
    for item in datum.items if isinstance(datum, Group) else []:
        pair = item.items if isinstance(item, Group) else []
        atoms = [atom for atom in pair if isinstance(atom, Atom)]
        if len(atoms) == 2 and atoms[0].text in called and atoms[1].kind is Kind.NUMBER:
            with suppress(ValueError):  # more digits than Python converts
                numbers[called[atoms[0].text]] = spelt(number(atoms[1]))
    return numbers


def _whole(
    examples: Sequence[Mapping[str, str]], inputs: Sequence[str]
) -> list[dict[str, str]]:
    """Those examples that give every input a number."""
    return [
        {name: example[name] for name in inputs}
        for example in examples
        if all(name in example for name in inputs)
    ]
