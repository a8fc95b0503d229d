"""`verifier import`: from files of formulas to case files that load, and what is said
about the rest."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import invoke

from verifier.language.casefile.loading import load

Write = Callable[..., Path]

CORES = """(FPCore (x y) :name "fraction" :pre (and (<= 0 x) (< x y)) (/ x (+ y 1)))
(FPCore (n) :name "count" (while (< n 3) ([n n (+ n 1)]) n))
"""

TABLE = """Name,FORMULA,x_low,x_HIGH,domain
line,2*x + 1,0,1,
wave,sin(a)*exp(b),,,"a=[0, 1]; b=(0, 5]"
"""


def run(*arguments: object) -> tuple[int, str, str]:
    result = invoke(*arguments)
    return result.exit_code, result.stdout, result.stderr


def test_the_case_file_goes_to_standard_output_and_the_summary_to_standard_error(
    case_file: Write,
) -> None:
    source = case_file(CORES, "a.fpcore")
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


def test_a_range_bounds_what_has_no_bound(case_file: Write) -> None:
    source = case_file(CORES, "a.fpcore")
    _, out, _ = run("import", "fpcore", source, "--range=-10,1e2")
    domain = tomllib.loads(out)["case"][0]["domain"]
    assert domain == {"x": "[0, 1e2]", "y": "[-10, 1e2]"}


def test_a_range_that_misses_the_bounds_leaves_them(case_file: Write) -> None:
    core = "(FPCore (x y) :pre (and (> x 100) (>= y 10)) (+ x y))"
    source = case_file(core, "a.fpcore")
    _, out, _ = run("import", "fpcore", source, "--range=-10,10")
    domain = tomllib.loads(out)["case"][0]["domain"]
    assert domain == {"x": "(100, inf)", "y": "[10, inf)"}


@pytest.mark.parametrize("text", ["3", "3,1", "a,b", "1,2,3", "nan,1", ""])
def test_a_range_that_is_none_is_a_usage_error(case_file: Write, text: str) -> None:
    source = case_file(CORES, "a.fpcore")
    code, out, err = run("import", "fpcore", source, f"--range={text}")
    assert (code, out) == (2, "")
    assert err.startswith("error: --range: expected two numbers such as `-10,10`")


def test_an_existing_file_is_overwritten_only_by_force(case_file: Write) -> None:
    source = case_file(TABLE, "a.csv")
    target = case_file("mine", "a.toml")
    code, _, err = run("import", "csv", source, "-o", target)
    assert code == 2
    assert "Choose another, or give `--force`" in err
    assert target.read_text() == "mine"
    code, out, err = run("import", "csv", source, "--output", target, "--force")
    assert (code, out, err) == (0, "", "imported 2, left out 0\n")
    assert [case.name for case in load(target)] == ["line", "wave"]


def test_what_is_written_runs(tmp_path: Path, case_file: Write) -> None:
    source = case_file(TABLE, "a.csv")
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
        ("csv", "name,formula\na,2x\n", "Write the product as `2*x`."),
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
    case_file: Write, format_: str, text: str, message: str
) -> None:
    source = case_file(text, f"a.{format_}")
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


def test_importing_loads_neither_torch_nor_sympy(case_file: Write) -> None:
    source = case_file(CORES, "a.fpcore")
    script = (
        "import sys\nfrom verifier.cli.main import main\n"
        f"sys.argv = ['verifier', 'import', 'fpcore', {str(source)!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert not {'torch', 'sympy', 'flint'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
