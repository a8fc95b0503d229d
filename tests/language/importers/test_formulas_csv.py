"""Formulas in a CSV: its layouts, its mistakes, and the cases that are written of
them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from verifier.errors import FormulaFileError
from verifier.language.importers import formulas_csv
from verifier.language.importers.case_drafts import Draft, Imported, case_file, checked


def imported(tmp_path: Path, text: str) -> Imported:
    file = tmp_path / "a.csv"
    file.write_text(text, encoding="utf-8")
    return checked(formulas_csv.read(file), None)


def domains(draft: Draft) -> dict[str, str]:
    return {name: str(bounds) for name, bounds in draft.bounds.items()}


def test_the_generic_layout(tmp_path: Path) -> None:
    text = (
        "\ufeffFormula,Name,Cite,x_Low,X_LOW,X_high,x_high,Ranges,mood\r\n"
        "x*X,both,here,0,1/2,2,pi/4,,blue\r\n"
        '"exp(-t**2\n/2)",broken,,,,,,"t = (-1, 1e3] ; ",\r\n'
        ",,,,,,,,\r\n"
        "x+e,,,-inf,,,3,,\r\n"
        "lambda*e,hidden,,,,,,lambda=[1,2];e=[0,1),\r\n".replace(
            "lambda=[1,2];e=[0,1)", '"lambda=[1,2];e=[0,1)"'
        )
    )
    found = imported(tmp_path, text)
    assert not found.left_out
    assert [(d.line, d.name, domains(d)) for d in found.drafts] == [
        (2, "both", {"x": "[0, pi/4]", "X": "[1/2, 2]"}),
        (3, "broken", {"t": "(-1, 1e3]"}),
        (6, "a, line 6", {"x": "(-inf, 3]"}),
        (7, "hidden", {"lambda": "[1, 2]", "e": "[0, 1)"}),
    ]
    assert found.drafts[0].cite == "here"
    assert found.remarks == ["columns not taken over: `mood`"]


def test_the_layout_of_ai_feynman(tmp_path: Path) -> None:
    text = (
        "Filename,Number,Output,Formula,# variables,v1_name,v1_low,v1_high,v2_name,v2_low,v2_high\n"
        "I.1,1,F,q*E_n,2,q,1,5,E_n,2,3\n"
        "I.2,2,F,arcsin(x)/pi,1,x,0,1,,,\n"
    )
    found = imported(tmp_path, text)
    assert not found.left_out
    assert [(d.name, domains(d)) for d in found.drafts] == [
        ("I.1", {"q": "[1, 5]", "E_n": "[2, 3]"}),
        ("I.2", {"x": "[0, 1]"}),
    ]


HEADER = "name,formula,x_low,x_high,domain\n"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("a,x!,0,1,", "formula, column 2: expected a formula, found `!`"),
        ("a,tanhh(x),0,1,", "unknown operation `tanhh`. Did you mean `tanh`?"),
        ("a,,0,1,", "expected a formula, found an empty cell"),
        ("a,y,0,1,", "`x` has a range and does not occur in the formula, whose variables are `y`"),
        ("a,x,1,0,", "expected low < high for `x`, found [1, 0]"),
        ("a,x,one,2,", "column `x_low`: expected a number"),
        ("a,x,inf,2,", "column `x_low`: expected a finite number or `-inf`, found `inf`"),
        ("a,x,0,nan,", "column `x_high`: expected a finite number or `inf`, found `nan`"),
        ("a,x,0,1,x=[0;1]", "column `domain`, `x`: expected an interval"),
        ("a,x,0,1,x", "column `domain`: expected ranges such as"),
        ('a,x,0,1,"x=[0,1]"', "expected one range of `x`, found two"),
        ("a,3,,,", "nothing to differentiate"),
        ("a,x,0,1,,more", "expected 5 cells, found 6"),
        ("a,__import__('os'),,,", "expected a formula, found a string"),
    ],
)  # fmt: skip
def test_a_row_that_is_no_case_is_named(tmp_path: Path, row: str, why: str) -> None:
    found = imported(tmp_path, f"{HEADER}good,x,0,1,\n{row}\n")
    assert [draft.name for draft in found.drafts] == ["good"]
    (entry,) = found.left_out
    assert (entry.line, entry.name) == (3, "a")
    assert why in entry.why


def test_a_low_that_is_its_high_fixes_the_variable(tmp_path: Path) -> None:
    found = imported(tmp_path, f"{HEADER}a,x*y,2,2,\n")
    text = case_file(found.drafts, "a.csv", "csv")
    assert tomllib.loads(text)["case"][0]["at"] == {"x": "2"}


@pytest.mark.parametrize(
    "text",
    [
        'quote " and \\ slash',
        "tab\t",
        "\x7f\x00\x1b[31m",
        "é 𝛼 \u2028",
        "# no [[case]]",
        '"""',
    ],
)
def test_any_text_survives_as_toml(text: str) -> None:
    draft = Draft(
        line=1, name=text, formula="x", bounds={}, cite=text, reason=text, notes=(text,)
    )
    (read,) = tomllib.loads(case_file([draft], text, "csv"))["case"]
    assert (read["name"], read["cite"], read["reason"]) == (text, text, text)


def test_names_are_printable_and_unique(tmp_path: Path) -> None:
    rows = "a::b,x,0,1,\n a:b ,x,0,1,\n\x1ba,x,0,1,\n"
    names = [draft.name for draft in imported(tmp_path, HEADER + rows).drafts]
    assert names == ["a:b", "a:b (2)", "a"]


def test_an_error_in_a_file_of_formulas_has_its_place() -> None:
    with pytest.raises(FormulaFileError) as error:
        formulas_csv.read(Path("nowhere.csv"))
    place: Any = error.value.place
    assert place.file == "nowhere.csv"
