"""`verifier import`: from files of formulas to case files that load, and what is said about the rest."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from verifier.cli import main as cli
from verifier.errors import FormulaFileError
from verifier.language.casefile.loading import load
from verifier.language.importers import formulas_csv
from verifier.language.importers.case_drafts import Draft, Imported, case_file, checked

CORES = """(FPCore (x y) :name "fraction" :pre (and (<= 0 x) (< x y)) (/ x (+ y 1)))
(FPCore (n) :name "count" (while (< n 3) ([n n (+ n 1)]) n))
"""
TABLE = """Name,FORMULA,x_low,x_HIGH,domain
line,2*x + 1,0,1,
wave,sin(a)*exp(b),,,"a=[0, 1]; b=(0, 5]"
"""


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.app, [str(part) for part in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_case_file_goes_to_standard_output_and_the_summary_to_standard_error(
    tmp_path: Path,
) -> None:
    source = written(tmp_path, "a.fpcore", CORES)
    code, out, err = run("import", "fpcore", source)
    assert code == 0
    assert tomllib.loads(out)["case"] == [
        {
            "name": "fraction",
            "expression": "x / (y + 1)",
            "domain": {"x": "[0, inf)", "y": "(-inf, inf)"},
            "where": "x < y",
        }
    ]
    assert err == (
        "imported 1, left out 1:\n"
        f"  {source.as_posix()}:2: count: `while` is not supported (line 2, column 28)\n"
    )


def test_a_range_bounds_what_has_no_bound(tmp_path: Path) -> None:
    source = written(tmp_path, "a.fpcore", CORES)
    _, out, _ = run("import", "fpcore", source, "--range=-10,1e2")
    domain = tomllib.loads(out)["case"][0]["domain"]
    assert domain == {"x": "[0, 1e2]", "y": "[-10, 1e2]"}


def test_a_range_that_misses_the_bounds_leaves_them(tmp_path: Path) -> None:
    core = "(FPCore (x y) :pre (and (> x 100) (>= y 10)) (+ x y))"
    source = written(tmp_path, "a.fpcore", core)
    _, out, _ = run("import", "fpcore", source, "--range=-10,10")
    domain = tomllib.loads(out)["case"][0]["domain"]
    assert domain == {"x": "(100, inf)", "y": "[10, inf)"}


@pytest.mark.parametrize("text", ["3", "3,1", "a,b", "1,2,3", "nan,1", ""])
def test_a_range_that_is_none_is_a_usage_error(tmp_path: Path, text: str) -> None:
    source = written(tmp_path, "a.fpcore", CORES)
    code, out, err = run("import", "fpcore", source, f"--range={text}")
    assert (code, out) == (2, "")
    assert err.startswith("error: --range: expected two numbers such as `-10,10`")


def test_an_existing_file_is_overwritten_only_by_force(tmp_path: Path) -> None:
    source = written(tmp_path, "a.csv", TABLE)
    target = written(tmp_path, "a.toml", "mine")
    code, _, err = run("import", "csv", source, "-o", target)
    assert code == 2
    assert "Choose another, or give `--force`" in err
    assert target.read_text() == "mine"
    code, out, err = run("import", "csv", source, "--output", target, "--force")
    assert (code, out, err) == (0, "", "imported 2, left out 0\n")
    assert [case.name for case in load(target)] == ["line", "wave"]


def test_what_is_written_runs(tmp_path: Path) -> None:
    source = written(tmp_path, "a.csv", TABLE)
    target = tmp_path / "a.toml"
    assert run("import", "csv", source, "-o", target)[0] == 0
    code, out, _ = run("run", target, "--points", 3)
    assert code == 0
    assert "2 cases" in out


@pytest.mark.parametrize(
    ("format_", "text", "message"),
    [
        ("fpcore", "(FPCore (x) (while TRUE () x))", "expected something that can become a case, found none."),
        ("fpcore", "x y z", "expected `(FPCore"),
        ("csv", "name,formula\na,x^2\n", "unknown operator `^`. Write a power as `**`."),
        ("csv", "a,b\n1,2\n", "expected a header with the column `formula`, found `a`, `b`"),
        ("csv", "name;formula\na;x\n", "Separate columns by commas."),
        ("csv", 'name,formula\n"a,x\n', "a.csv:2: expected CSV"),
        ("csv", "", "expected a header"),
        ("csv", "name,formula\n", "found none"),
        ("csv", "name,formula,NAME\na,x,b\n", "expected every column once"),
        ("csv", "name,formula,filename\na,x,b\n", "expected one of the columns `name`, `filename`"),
    ],
)  # fmt: skip
def test_nothing_to_import_is_an_error(
    tmp_path: Path, format_: str, text: str, message: str
) -> None:
    source = written(tmp_path, f"a.{format_}", text)
    code, out, err = run("import", format_, source)
    assert (code, out) == (2, "")
    assert message in err


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"name,formula\na\xe9,x\n")
    for name, message in [
        ("none", "No such file"),
        ("latin", ":2: expected UTF-8"),
        (".", "found a folder"),
    ]:
        code, _, err = run("import", "csv", tmp_path / name)
        assert code == 2
        assert message in err


def test_importing_loads_neither_torch_nor_sympy(tmp_path: Path) -> None:
    source = written(tmp_path, "a.fpcore", CORES)
    script = (
        "import sys\nfrom verifier.cli.main import main\n"
        f"sys.argv = ['verifier', 'import', 'fpcore', {str(source)!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert not {'torch', 'sympy', 'flint'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def imported(tmp_path: Path, text: str) -> Imported:
    return checked(formulas_csv.read(written(tmp_path, "a.csv", text)), None)


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
        ("a,x^2,0,1,", "formula, column 1: unknown operator `^`"),
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
        ("a,__import__('os'),,,", "unknown operation `__import__`"),
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


# ── TOML ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


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
