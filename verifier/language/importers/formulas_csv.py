"""A CSV of formulas → drafts of cases.

Two layouts, header names in any case. Generic: `name`, `formula`, and the range of each
variable either in two columns (`x_low`, `x_high`) or all in one, `domain` or `ranges`,
such as `x=[0,1]; y=(0,5]`. The AI Feynman database's: `Filename`, `Formula`, and
`v1_name`, `v1_low`, `v1_high`, `v2_name`, … (S.-M. Udrescu, M. Tegmark, Science
Advances 6 (2020) eaay2631). Formulas are of our own language.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import NoReturn

from verifier.errors import (
    ExpressionError,
    FormulaFileError,
    Place,
    did_you_mean,
    listed,
)
from verifier.language.importers.case_drafts import Draft, Imported, LeftOut, reason_of
from verifier.language.importers.text_files import read_text
from verifier.language.points.bounds import Bounds, End, of_domain
from verifier.language.points.domains import domain
from verifier.language.points.scalars import scalar
from verifier.language.programs.parsing import parse

MOST_ROWS = 100_000

NAMES = ("name", "filename")
FORMULAS = ("formula", "expression")
RANGES = ("domain", "ranges")
COUNTS = ("# variables",)
CITES = ("cite",)

_END = re.compile(r"(.+)_(low|high)", re.IGNORECASE)
_NAME = re.compile(r"(v\d+)_name", re.IGNORECASE)


def read(path: Path) -> Imported:
    """What a file of formulas becomes. Raises `FormulaFileError` where it is no such
    CSV."""
    file = path.as_posix()
    rows = _rows(read_text(path), file)
    line, cells = next(rows, (1, []))
    header = _Header(cells, file, line)
    drafts: list[Draft] = []
    left_out: list[LeftOut] = []
    for line, cells in rows:
        if not any(cells):
            continue
        if len(drafts) + len(left_out) == MOST_ROWS:
            raise FormulaFileError(
                f"expected at most {MOST_ROWS} formulas, found more. Split the file.",
                place=Place(file=file, line=line),
            )
        name = header.cell(cells, header.name) or f"{path.stem}, line {line}"
        try:
            drafts.append(_draft(header, cells, line, name))
        except (FormulaFileError, ExpressionError) as error:
            left_out.append(LeftOut(line=line, name=name, why=reason_of(error)))
    remarks = (
        [f"columns not taken over: {listed(header.unused)}"] if header.unused else []
    )
    return Imported(drafts=drafts, left_out=left_out, remarks=remarks)


def _rows(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line on which it begins."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    line = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            message = f"expected CSV, found: {error}. Mend the line; a quote in a cell is doubled."
            raise FormulaFileError(
                message, place=Place(file=file, line=line)
            ) from error
        if cells is None:
            return
        yield line, [cell.strip() for cell in cells]
        line = reader.line_num + 1


class _Header:
    """Which column says what."""

    def __init__(self, cells: Sequence[str], file: str, line: int) -> None:
        self.place = Place(file=file, line=line)
        self.cells = cells
        self.columns: dict[str, int] = {}
        for at, cell in enumerate(cells):
            # The name of a variable keeps its case: `X_low` and `x_low` are two.
            end = _END.fullmatch(cell)
            key = f"{end[1]}_{end[2].lower()}" if end else cell.lower()
            if key and key in self.columns:
                self._fail(
                    f"expected every column once, found `{cell}` twice. Rename one."
                )
            self.columns[key] = at
        self.name = self._one_of(NAMES)
        self.formula = self._needed(FORMULAS)
        self.range = self._one_of(RANGES)
        self.cite = self._one_of(CITES)
        self.low_high = self._low_high()
        self.variables = self._variables()
        used = {self.name, self.formula, self.range, self.cite, self._one_of(COUNTS)}
        used |= {
            at for pair in (*self.low_high.values(), *self.variables) for at in pair
        }
        self.unused = [cell for at, cell in enumerate(cells) if cell and at not in used]

    def cell(self, cells: Sequence[str], at: int | None) -> str:
        """A cell of a row; empty where there is none."""
        return cells[at] if at is not None and at < len(cells) else ""

    def _one_of(self, names: Sequence[str]) -> int | None:
        present = [name for name in names if name in self.columns]
        if len(present) > 1:
            self._fail(
                f"expected one of the columns {listed(present)}, found both. Drop one."
            )
        return self.columns[present[0]] if present else None

    def _needed(self, names: Sequence[str]) -> int:
        column = self._one_of(names)
        if column is None:
            mend = " Separate columns by commas."
            if len(self.cells) > 1:
                known = [cell.lower() for cell in self.cells]
                mend = did_you_mean(
                    names[0], known, "Name the column of the formulas so."
                )
            self._fail(
                f"expected a header with the column `{names[0]}`, found {listed(self.cells[:20]) or 'none'}.{mend}"
            )
        return column

    def _low_high(self) -> dict[str, tuple[int | None, int | None]]:
        """The columns of the ends of each range, by the variable, or in AI Feynman's
        layout by its number."""
        variables = [end[1] for cell in self.cells if (end := _END.fullmatch(cell))]
        return {
            name: (self.columns.get(f"{name}_low"), self.columns.get(f"{name}_high"))
            for name in dict.fromkeys(variables)
        }

    def _variables(self) -> list[tuple[int, int | None, int | None]]:
        """AI Feynman's layout: the columns of each variable's name and ends; those ends
        belong to no other layout."""
        columns = []
        for cell in self.cells:
            numbered = _NAME.fullmatch(cell)
            if numbered is not None:
                number = next(
                    (n for n in self.low_high if n.lower() == numbered[1].lower()), None
                )
                ends = self.low_high.pop(number) if number is not None else (None, None)
                columns.append((self.columns[cell.lower()], *ends))
        return columns

    def _fail(self, message: str) -> NoReturn:
        raise FormulaFileError(message, place=self.place)


def _draft(header: _Header, cells: Sequence[str], line: int, name: str) -> Draft:
    if len(cells) > len(header.cells) and any(cells[len(header.cells) :]):
        raise FormulaFileError(
            f"expected {len(header.cells)} cells, found {len(cells)}. Put a cell with a comma in quotes."
        )
    formula = header.cell(cells, header.formula)
    if not formula:
        raise FormulaFileError("expected a formula, found an empty cell. Add it.")
    ranges = _ranges(header, cells)
    inputs = _inputs(formula, ranges)
    for variable in ranges:
        if variable not in inputs:
            others = [other for other in inputs if other not in ranges]
            mend = did_you_mean(variable, others, "Drop its range.")
            raise FormulaFileError(
                f"`{variable}` has a range and does not occur in the formula, "
                f"whose variables are {listed(inputs)}.{mend}"
            )
    return Draft(
        line=line,
        name=name,
        formula=formula,
        bounds={variable: ranges.get(variable, Bounds()) for variable in inputs},
        cite=header.cell(cells, header.cite) or None,
    )


def _inputs(formula: str, ranges: Mapping[str, object]) -> tuple[str, ...]:
    """The variables of a formula; one with a range hides a constant or an operation of
    its name."""
    try:
        return parse(formula, variables=ranges).inputs
    except ExpressionError as error:
        try:
            free = parse(formula).inputs
        except ExpressionError:
            raise error from None
    return parse(formula, variables=[*ranges, *free]).inputs


def _ranges(header: _Header, cells: Sequence[str]) -> dict[str, Bounds]:
    ranges: dict[str, Bounds] = {}
    for variable, ends in header.low_high.items():
        bounds = _ends(header, cells, variable, *ends)
        if bounds is not None:
            ranges[variable] = bounds
    for at, low, high in header.variables:
        variable = header.cell(cells, at)
        if variable:
            _add(
                ranges, variable, _ends(header, cells, variable, low, high) or Bounds()
            )
    for entry in header.cell(cells, header.range).split(";"):
        if entry.strip():
            _add(ranges, *_entry(entry))
    return ranges


def _add(ranges: dict[str, Bounds], variable: str, bounds: Bounds) -> None:
    if variable in ranges:
        raise FormulaFileError(
            f"expected one range of `{variable}`, found two. Drop one."
        )
    ranges[variable] = bounds


def _entry(text: str) -> tuple[str, Bounds]:
    name, equals, interval = text.partition("=")
    if not equals:
        raise FormulaFileError(
            f"column `domain`: expected ranges such as `x=[0, 1]; y=(0, 5]`, found `{text.strip()}`. Mend it."
        )
    try:
        return name.strip(), of_domain(domain(interval.strip()))
    except ExpressionError as error:
        raise FormulaFileError(
            f"column `domain`, `{name.strip()}`: {error.message}"
        ) from error


def _ends(
    header: _Header,
    cells: Sequence[str],
    variable: str,
    low: int | None,
    high: int | None,
) -> Bounds | None:
    """The closed interval between two cells; None where both are empty."""
    if not header.cell(cells, low) and not header.cell(cells, high):
        return None
    ends = [_end(header, cells, low, "-inf"), _end(header, cells, high, "inf")]
    bounds = Bounds(lower=ends[0], upper=ends[1])
    if not bounds.may_hold_a_number:
        raise FormulaFileError(
            f"expected low < high for `{variable}`, found {bounds}. Swap them."
        )
    return bounds


def _end(
    header: _Header, cells: Sequence[str], at: int | None, infinite: str
) -> End | None:
    """The number in a cell; None where it is empty or says what the infinite end is
    called."""
    text = header.cell(cells, at)
    if at is None or text in ("", infinite):
        return None
    try:
        number = scalar(text)
    except ExpressionError as error:
        raise FormulaFileError(
            f"column `{header.cells[at]}`: {error.message.splitlines()[0]}"
        ) from error
    if not number.is_finite:
        raise FormulaFileError(
            f"column `{header.cells[at]}`: expected a finite number or `{infinite}`, found `{text}`. Mend it."
        )
    return End(at=number, closed=True)
