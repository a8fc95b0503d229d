"""Formulas of arrays on the command line: `--shape`."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import invoke

pytestmark = pytest.mark.usefixtures("folder")


def test_a_formula_with_shapes_is_verified() -> None:
    done = invoke("run", "(x @ W)[0] * s", "--shape", "x=2x3,W=3x2", "--shape", "s=[]")
    assert done.exit_code == 0, done.stderr
    assert "(x @ W)[0] * s" in done.stdout


def test_a_name_is_a_formula_where_a_shape_speaks_of_it() -> None:
    assert invoke("run", "x.T", "--shape", "x=2x3", "--dtype", "float32").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x @ y", "--shape", "x=2x3,y=2x3"), "the inner sizes are 3 and 2"),
        (
            ("x @ y", "--shape", "x=2x3"),
            "`y` has no value. Give its shape by `--shape`",
        ),
        (("x", "--shape", "x=2xq"), "--shape: expected a name and sizes"),
        (("x @ y", "--at", "x=1,y=2"), "declare their `shapes`"),
    ],
)
def test_what_does_not_fit_is_said(arguments: tuple[str, ...], message: str) -> None:
    done = invoke("run", *arguments)
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())


def test_explain_says_that_it_derives_single_numbers(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(
        '[[case]]\nname = "n"\nexpression = "x @ x"\nshapes = { x = [2] }\n'
    )
    done = invoke("explain", f"{file}::n")
    assert done.exit_code == 2
    assert "expected a formula of single numbers" in " ".join(done.stderr.split())
