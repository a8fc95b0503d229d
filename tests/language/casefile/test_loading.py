"""Case files and mappings → cases: defaults, several files, and what loading needs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from casefiles import BOTH, DESCENT, DESIGN, HEAD, PRODUCT, half_units, values
from growth import assert_linear
from places import ROOT

from verifier.errors import (
    CaseFileError,
    SelectionError,
    VerifierError,
)
from verifier.language.casefile.loading import from_mapping, load, load_paths

Write = Callable[..., Path]


def test_a_case_replaces_a_default_as_a_whole(write: Write) -> None:
    text = (
        "[defaults]\nat = { x = 1, y = 2 }\nseed = 1\n"
        + PRODUCT
        + "at = { x = 3, y = 4 }\nseed = 0\n"
    )
    case = load(write(text))[0]
    assert [value.exact for value in case.given[0].values()] == [3, 4]
    assert case.seed == 0


def test_steps_replace_a_default_expression(write: Write) -> None:
    text = '[defaults]\nexpression = "x + y"\nat = { x = 1, y = 2 }\n'
    text += HEAD + '[[case]]\nname = "m"\nsteps = "z = x * y"\n'
    first, second = load(write(text))
    assert first.program.source == "x + y"
    assert list(second.program.steps) == ["z"]


def test_default_values_of_variables_that_do_not_occur_are_left_out(
    write: Write,
) -> None:
    text = "[defaults]\nat = { x = 1, y = 2, z = 3 }\npoints = 3\n" + PRODUCT
    case = load(write(text))[0]
    assert list(case.given[0]) == ["x", "y"]
    assert case.points == 0


def test_a_default_domain_is_left_out_of_a_descent(write: Write) -> None:
    text = '[defaults]\ndomain = { x = "[0, 1]", y = "[0, 1]" }\n' + BOTH
    text += 'descent = { parameter = "x", learning_rate = 1, epochs = 1 }'
    assert load(write(text))[0].domains == {}


def test_defaults_that_do_not_fit_a_case_are_left_out(write: Write) -> None:
    text = "[defaults]\nroutes = ['reverse', 'forward-reverse', 'func']\n" + BOTH
    second = BOTH.replace('"n"', '"m"') + "order = 2\n"
    first, other = load(write(text + second))
    assert first.routes == ("reverse", "func")
    assert other.routes == ("forward-reverse",)
    text = "[defaults]\norder = 2\nsubject = 'a:b'\nroutes = 'forward-forward'\n"
    case = load(write(text + BOTH + DESCENT))[0]
    assert (case.order, case.subject, case.routes) == (1, None, ("reverse",))


def test_an_error_in_a_default_is_reported_there(write: Write) -> None:
    with pytest.raises(CaseFileError, match=r"^c\.toml:2: defaults\.dtype: expected"):
        load(write('[defaults]\ndtype = "float23"\n' + BOTH))
    with pytest.raises(CaseFileError, match=r"^c\.toml:2: \[n\] wrt\[1\]: expected"):
        load(write('[defaults]\nwrt = ["q"]\n' + BOTH))
    with pytest.raises(CaseFileError, match=r"^c\.toml:2: defaults\.name: unknown"):
        load(write('[defaults]\nname = "q"\n' + BOTH))


def test_folders_are_read_whole_and_in_order_and_each_file_once(write: Write) -> None:
    for name in ("b/z.toml", "b/a/y.toml", "b/x.toml", "a.toml"):
        write(BOTH, name)
    write("not TOML", "b/readme.md")
    found = load_paths([Path("b"), Path("a.toml"), Path("b/x.toml")])
    files = ["b/a/y.toml", "b/x.toml", "b/z.toml", "a.toml"]
    assert [case.place.file for case in found] == files


def test_a_path_that_does_not_exist_selects_nothing(write: Write) -> None:
    with pytest.raises(SelectionError, match="found no `nope`"):
        load_paths([write(BOTH), Path("nope")])


def test_a_folder_without_case_files_selects_nothing(write: Write) -> None:
    write("", "empty/readme.md")
    with pytest.raises(SelectionError, match=r"at least one case file .* in `empty`"):
        load_paths([Path("empty")])
    with pytest.raises(SelectionError, match="found none in no path"):
        load_paths([])


def test_a_mapping_is_a_case() -> None:
    case = from_mapping({"expression": "sin(x)*y", "at": {"x": 1, "y": 0.1}})
    assert case.inputs == ("x", "y")
    assert case.given[0]["y"].exact == Fraction(0.1)
    assert case.name == case.id == "sin(x)*y"


def test_a_mapping_may_hold_none_tuples_and_a_place() -> None:
    data = {
        "name": "n",
        "expression": "x",
        "at": ({"x": 1}, {"x": 2}),
        "domain": None,
        "wrt": ("x",),
        "dtype": ("float64",),
        "expect": {"value": (1, 2.0)},
    }
    case = from_mapping(data, file="f.py", line=3)
    assert str(case.place) == "f.py:3: [n]"
    assert case.expectation is not None
    assert values(case.expectation.value) == [1, 2]
    assert half_units(case.expectation.value) == [None, None]


def test_a_long_expression_gives_a_short_name() -> None:
    text = " + ".join(["x"] * 100)
    assert len(from_mapping({"expression": text, "at": {"x": 1}}).name) == 60


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, r"^\[unnamed\]: expected `expression` or `steps`"),
        ({1: 2}, r"expected keys that are text, found `1`"),
        ({"expression": "x", "at": {1: 2}}, r"^\[x\] at: expected names of variables"),
        (
            {"expression": "x", "at": {"x": object()}},
            r"^\[x\] at\.x: expected a number",
        ),
        ({"expression": "x", "at": {"x": None}}, r"^\[x\] at\.x: expected a number"),
        ({"expression": "x"}, r"^\[x\] expression, column 1: `x` has no value"),
        (
            {"expression": "x", "at": {"x": 1}, "points": 2.0},
            r"points: expected an integer",
        ),
        (
            {"expression": "x", "at": {"x": 1}, "seed": True},
            r"seed: expected an integer",
        ),
    ],
)
def test_a_mapping_that_is_no_case_is_refused(
    data: dict[str, object], message: str
) -> None:
    with pytest.raises(VerifierError, match=message):
        from_mapping(data)


def test_work_grows_in_proportion_to_the_cases(write: Write) -> None:
    block = '[[case]]\nname = "{0}"\nexpression = "sin(x)*{0} + y"\nat = {{ x = {0}.5, y = 2 }}\n'

    def read(count: int) -> None:
        path = write("".join(block.format(index) for index in range(count)))
        cases = load(path)
        assert len(cases) == count
        assert cases[-1].place.line == (count - 1) * 4 + 1

    assert_linear(read, 20)


def test_loading_a_case_file_loads_neither_torch_nor_sympy(write: Write) -> None:
    path = write(DESIGN)
    code = (
        "import sys; from pathlib import Path; from verifier.language.casefile import loading as cases; "
        f"cases.load(Path({str(path)!r})); "
        "sys.exit(bool({'torch', 'sympy', 'numpy', 'flint'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, env={"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0
