"""What the arguments of a command name: files, cases of files, formulas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from case_texts import GOOD, SAMPLED, UNSTABLE
from commands import invoke

from verifier.cli import asked
from verifier.cli.asked import About
from verifier.errors import Mistakes, SelectionError, UsageError, VerifierError
from verifier.language.casefile.case import Case

pytestmark = pytest.mark.usefixtures("folder")

X = About(at=["x=1"])
XY = About(at=["x=1,y=2"])


def load(*arguments: str, about: About = asked.NOTHING, **keys: Any) -> list[Case]:
    return asked.load(asked.sort(arguments, about), about, **keys)


# ── which is which ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("argument", "about"),
    [
        ("sin(x)", asked.NOTHING),
        ("sin(x)", X),
        ("x*y", asked.NOTHING),
        ("x**2 + 1", asked.NOTHING),
        ("x^2", asked.NOTHING),
        ("x", X),
        ("2x", X),
        ("sin x", X),
        ("x/y", XY),
        ("x/2 - y", About(domain=["x=[0,1]", "y=[0,1]"])),
        ("1.5", X),
        ("b = a + 2; c = b*3", asked.NOTHING),
    ],
)
def test_what_is_no_path_is_a_formula(argument: str, about: About) -> None:
    assert asked.sort([argument], about).formulas == (argument,)


@pytest.mark.parametrize(
    ("argument", "about"),
    [
        ("notebook", asked.NOTHING),
        ("cases/notebook", asked.NOTHING),
        ("cases/notebook", X),
        ("../my-cases/a b", asked.NOTHING),
        ("x/y", asked.NOTHING),
        ("nothing.toml", asked.NOTHING),
        ("f(x)*2.toml", asked.NOTHING),
    ],
)
def test_what_reads_as_a_path_and_is_not_there_is_no_such_file(
    argument: str, about: About, case_file: Any
) -> None:
    case_file(GOOD)
    about = about if "/" in argument else asked.NOTHING
    with pytest.raises((SelectionError, UsageError)) as caught:
        load(argument, about=about)
    if about:  # a formula is asked for, and `cases/notebook` is none in `x`
        assert "expected a formula" in str(caught.value)
    else:
        assert str(caught.value).startswith(f"no such file or folder: `{argument}`.")


def test_a_file_that_is_there_is_no_formula(case_file: Any) -> None:
    case_file(GOOD, "x*y")
    assert asked.sort(["x*y"], asked.NOTHING).formulas == ()
    assert [case.name for case in load("x*y")] == ["example-two"]


def test_the_nearest_file_is_suggested(case_file: Any) -> None:
    case_file(GOOD, "cases/notebook.toml")
    message = r"no such file or folder: `cases/notebok\.toml`\. Did you mean `cases/notebook\.toml`\?$"
    with pytest.raises(SelectionError, match=message):
        load("cases/notebok.toml")
    with pytest.raises(SelectionError, match=r"Did you mean `cases`\?$"):
        load("casse")


def test_points_are_for_formulas(case_file: Any) -> None:
    case_file(GOOD)
    with pytest.raises(UsageError, match="expected a formula for `--at`"):
        load("cases", about=X)


# ── a case of a file ──────────────────────────────────────────────────────────────────


@pytest.fixture
def several(case_file: Any) -> None:
    routes = 'routes = ["reverse", "forward"]\n'
    case_file(GOOD + UNSTABLE + SAMPLED + routes)
    case_file(UNSTABLE.replace("quotient", "x[1]") + UNSTABLE, "cases/b.toml")


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["cases/a.toml::quotient"], ["a quotient float32 reverse"]),
        (["./cases/../cases/a.toml::quotient"], ["a quotient float32 reverse"]),
        (["cases/a.toml::example-two[float64]"], ["a example-two float64 reverse"]),
        (["cases/a.toml::gaussian[float64-forward]"], ["a gaussian float64 forward"]),
        (["cases/a.toml::gauss*"], ["a gaussian float64 reverse,forward"]),
        (["cases/b.toml::x[1]"], ["b x[1] float32 reverse"]),
        (["cases/b.toml::x[1][float32]"], ["b x[1] float32 reverse"]),
        (
            ["cases/a.toml::quotient", "cases/b.toml"],
            ["a quotient float32 reverse", "b x[1] float32 reverse", "b quotient float32 reverse"],
        ),
        (
            ["cases/b.toml::quotient", "cases/b.toml::quotient[float32]"],
            ["b quotient float32 reverse"],
        ),
        (
            ["cases/a.toml::example-two[float32]", "cases/a.toml::example-two"],
            ["a example-two float32,float64 reverse"],
        ),
        (["cases/b.toml", "cases/b.toml::quotient"], ["b x[1] float32 reverse", "b quotient float32 reverse"]),
        (
            ["cases/a.toml::example-two[float64]", "cases/a.toml::example-two[float32]"],
            ["a example-two float64 reverse", "a example-two float32 reverse"],
        ),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("several")
def test_a_case_is_named_as_reports_print_it(
    arguments: list[str], wanted: list[str]
) -> None:
    found = [
        f"{Path(str(case.place.file)).stem} {case.name} {','.join(case.dtypes)} {','.join(case.routes)}"
        for case in load(*arguments)
    ]
    assert found == wanted


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("cases/a.toml::quotint", "no case of `cases/a.toml` is called `quotint`. Did you mean `quotient`?"),
        ("cases/a.toml::quotient[float64]", "`cases/a.toml::quotient` is verified in `float32`, not in `float64`."),
        ("cases/a.toml::quotient[float32-func]", "`cases/a.toml::quotient` is verified by `reverse`, not by `func`."),
        ("cases/q.toml::quotient", "no such file or folder: `cases/q.toml`. Did you mean"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("several")
def test_a_case_that_is_not_there_is_said(argument: str, message: str) -> None:
    with pytest.raises(SelectionError) as caught:
        load(argument)
    assert str(caught.value).startswith(message)


@pytest.mark.usefixtures("several")
def test_the_mistakes_of_all_arguments_are_told() -> None:
    with pytest.raises(Mistakes) as caught:
        load("nope", "cases/a.toml::q", "cases/b.toml::r", "tanhh(x)", "sn(x)", about=X)
    assert len(caught.value.errors) == 5


# ── what options say ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("at", "points"),
    [
        (["x=1,y=2"], [("1", "2")]),
        (["x=1", "y=2"], [("1", "2")]),
        ([" x = 1/3 , y = -0.0"], [("1/3", "-0.0")]),
        (["x=1,y=2", "x=3,y=pi/4"], [("1", "2"), ("3", "pi/4")]),
        (["x=1,y=2,x=3,y=4"], [("1", "2"), ("3", "4")]),
    ],
)
def test_points_are_read(at: list[str], points: list[tuple[str, str]]) -> None:
    (case,) = load("x*y", about=About(at=at))
    assert [tuple(map(str, point.values())) for point in case.given] == points


def test_domains_and_the_rest_are_read() -> None:
    about = About(
        domain=["x=[0, 1],y=(0,inf)", "z=normal"],
        at=["w=2"],
        where="x < 1/2",
        upstream="-3",
        wrt=["x,y", "z"],
    )
    keys: dict[str, Any] = {"dtype": ("float16",), "order": 2}
    (case,) = load("x*y*z*w", about=about, **keys)
    assert {name: str(domain) for name, domain in case.domains.items()} == {
        "x": "[0, 1]",
        "y": "(0, inf)",
        "z": "normal",
    }
    assert str(case.fixed["w"]) == "2"
    assert case.where is not None
    assert (case.where.source, str(case.upstream)) == ("x < 1/2", "-3")
    assert (case.wrt, case.dtypes, case.order) == (("x", "y", "z"), ("float16",), 2)


def test_an_upstream_gradient_may_be_several_or_a_word() -> None:
    (case,) = load("x", about=About(at=["x=1", "x=2"], upstream="3,4"))
    assert [str(number) for number in case.upstream] == ["3", "4"]  # type: ignore[union-attr]
    assert load("x", about=About(at=["x=1"], upstream="huge"))[0].upstream == "huge"


def test_named_steps_are_a_formula() -> None:
    (case,) = load("b = a + 2; c = b*3", about=About(at=["a=100"]))
    assert list(case.program.steps) == ["b", "c"]
    with pytest.raises(VerifierError, match="without keyword arguments"):
        load("clip(x, min=0)", about=X)
    (case,) = load("where(x <= 1, x, 2)", about=X)
    assert not case.program.steps


@pytest.mark.parametrize(
    ("about", "message"),
    [
        (About(at=["x"]), "--at: expected a value for each variable, such as `x=1,y=2`, found `x`."),
        (About(at=["x=1,"]), "--at: expected a value for each variable, such as `x=1,y=2`, found ``."),
        (About(domain=["[0,1]"]), "--domain: expected a value for each variable, such as `x=[0,1]`, found `[0,1]`."),
        (About(at=["y y=1"]), "[x**2] at: expected names that a formula can contain"),
        (About(), "[x**2] expression, column 1: `x` has no value. Give it by `--at` or `--domain`."),
        (About(at=["x=q"]), "[x**2] at.x: expected a number such as"),
        (About(domain=["x=[1,0]"]), "[x**2] domain.x: expected lower < upper"),
        (About(at=["x=1,y=2"]), "[x**2] at.y: `y` does not occur in the formula"),
        (About(at=["x=1"], wrt=["y"]), "[x**2] wrt[1]: expected one of the inputs `x`, found `y`"),
    ],
)  # fmt: skip
def test_what_options_may_not_say_is_refused(about: About, message: str) -> None:
    with pytest.raises(VerifierError) as caught:
        load("x**2", about=about)
    assert str(caught.value).startswith(message)


# ── the commands ──────────────────────────────────────────────────────────────────────


def test_a_formula_is_run_and_derived() -> None:
    at = ("--at", "a=100", "--upstream", "123", "--dtype", "float32")
    result = invoke("run", "(a + 2)*3", *at)
    assert result.exit_code == 0
    assert "306" in result.stdout
    assert "369" in result.stdout
    result = invoke("explain", "(a + 2)*3", *at)
    assert result.exit_code == 0
    assert "369" in result.stdout


@pytest.mark.usefixtures("several")
def test_a_case_of_a_file_is_run_alone() -> None:
    result = invoke("run", "cases/a.toml::example-two[float32]")
    assert result.exit_code == 0
    assert "2 match" in result.stdout
    result = invoke("run", "cases/a.toml::example-to")
    assert result.exit_code == 2
    assert "Did you mean `example-two`?" in result.stderr


@pytest.mark.usefixtures("several")
def test_one_case_is_explained() -> None:
    result = invoke("explain", "cases/a.toml::*")
    assert result.exit_code == 2
    assert "expected one case, found 3" in result.stderr


def test_a_formula_is_held_against_its_own_entry(tmp_path: Path) -> None:
    stored = tmp_path / "b.json"
    command = ("run", "(exp(x) - 1)/x", "--at", "x=1e-7", "--dtype", "float32")
    first = invoke(*command, "--baseline", stored, "--update-baseline")
    assert first.exit_code == 0
    again = invoke(*command, "--baseline", stored)
    assert (again.exit_code, "known" in again.stdout) == (0, True)
    assert invoke(*command).exit_code == 1


def test_what_is_neither_is_a_mistake() -> None:
    result = invoke("explain", "cases")
    assert result.exit_code == 2
    assert "expected FILE::CASE, a formula or a verdict" in result.stderr


@pytest.mark.parametrize("digits", [20, 5_000])
@pytest.mark.parametrize("command", ["run", "explain"])
def test_a_seed_has_64_bits_at_most(command: str, digits: int) -> None:
    result = invoke(command, "x", "--at", "x=1", "--seed", "9" * digits)
    assert result.exit_code == 2
    assert "Invalid value for '--seed'" in result.stderr
    assert "9" * 20 not in result.stderr
