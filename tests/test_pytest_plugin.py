"""The pytest plugin, as pytest loads it from the installed distribution."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest
from case_texts import GOOD, UNSTABLE

from verifier.errors import UsageError
from verifier.running import run

UNDECIDED = """
[[case]]
name = "oscillation"
expression = "a * sin(1/a)"
at = { a = 0 }
dtype = ["float32"]
"""


@pytest.fixture(scope="module", autouse=True)
def _imported():
    """What a run would import is there before it: pytester forgets what comes after,
    and torch loads only once."""
    for name in (
        "verifier.language.casefile.loading",
        "verifier.reports.text",
        "verifier.verification.verify",
        "torch.fx.experimental.symbolic_shapes",  # which torch imports at its first `backward`
    ):
        importlib.import_module(name)


@pytest.fixture
def project(pytester):
    """A project whose ini file names `cases`; called with the text of its case file,
    and more ini lines."""

    def make(text, ini="verifier_cases = cases", file="cases/a.toml"):
        path = pytester.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        pytester.makeini(f"[pytest]\n{ini}\n")
        return path

    return make


def test_each_case_and_dtype_is_a_test(pytester, project):
    project(GOOD)

    result = pytester.runpytest("-v", "--strict-markers", "--strict-config")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "cases/a.toml::example-two[[]float32-reverse] PASSED*",
            "cases/a.toml::example-two[[]float64-reverse] PASSED*",
        ]
    )


def test_a_failure_is_the_text_report_with_its_place(pytester, project):
    project(GOOD + UNSTABLE)

    result = pytester.runpytest()

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*quotient[[]float32-reverse]*",
            "cases/a.toml:11: [[]quotient] differ.unstable",
            "FAIL  cases/a.toml::quotient  float32  differ.unstable*",
            "*Where PyTorch differs from the truth*",
            "*measured: -1920928.0*",
            "FAILED cases/a.toml::quotient[[]float32-reverse]*",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_an_item_stands_at_the_line_of_its_case(pytester, project):
    path = project(GOOD + UNSTABLE)

    items, _ = pytester.inline_genitems()

    assert [item.reportinfo() for item in items] == [
        (path, 1, "example-two[float32-reverse]"),
        (path, 1, "example-two[float64-reverse]"),
        (path, 10, "quotient[float32-reverse]"),
    ]


def test_undecided_is_never_a_pass(pytester, project):
    project(UNDECIDED)

    result = pytester.runpytest()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*undecided*"])


def test_a_broken_expectation_fails(pytester, project):
    project(GOOD.replace("369", "370"))

    result = pytester.runpytest()

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*expected 370*"])


def test_a_pinned_difference_passes(pytester, project):
    project(
        UNSTABLE + 'expect = { verdict = "differ.unstable", reason = "cancellation" }\n'
    )

    pytester.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("(a + 2)", "tanhh(a)"), "*a.toml:4*Did you mean `tanh`?*"),
        ("[[case]", "*a.toml:*"),
        ("", "*a.toml*"),
    ],
)
def test_a_bad_case_file_is_one_clear_message(pytester, project, text, message):
    project(text)
    pytester.makepyfile("def test_other(): pass")

    result = pytester.runpytest()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


# ── what is collected ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "ini",
    [
        "verifier_cases = cases",
        "verifier_cases = cases/a.toml",
        "verifier_cases = cases cases/a.toml",
        "verifier_cases = cases\ntestpaths = tests",
        "verifier_cases = cases\ntestpaths = tests cases",
        "verifier_cases = cases\nnorecursedirs = cases\ntestpaths = tests",
    ],
)
def test_a_bare_call_collects_each_case_once(pytester, project, ini):
    project(GOOD, ini)
    pytester.mkdir("tests").joinpath("test_x.py").write_text("def test_x(): pass")

    pytester.runpytest().assert_outcomes(passed=3)


def test_a_list_in_pyproject_names_several(pytester, project):
    project(GOOD)
    project(UNSTABLE, file="more/b.toml")
    (pytester.path / "tox.ini").unlink()
    pytester.makepyprojecttoml(
        '[tool.pytest.ini_options]\nverifier_cases = ["cases", "more/b.toml"]'
    )

    pytester.runpytest().assert_outcomes(passed=2, failed=1)


def test_files_that_are_not_named_are_left_alone(pytester, project):
    project(GOOD)
    project("no case file", file="other.toml")
    pytester.makepyfile("def test_other(): pass")

    pytester.runpytest().assert_outcomes(passed=3)
    pytester.runpytest("other.toml").assert_outcomes()


def test_without_the_option_nothing_is_collected(pytester, project):
    project(GOOD, ini="")
    pytester.makepyfile("def test_other(): pass")

    pytester.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        (["tests"], 1),
        (["cases"], 2),
        (["cases/a.toml"], 2),
        (["cases/a.toml::example-two"], 2),
        (["cases/a.toml::example-two[float32-reverse]"], 1),
        (["tests", "cases/a.toml::example-two[float64-reverse]"], 2),
    ],
)
def test_paths_and_names_select(pytester, project, arguments, passed):
    project(GOOD, "verifier_cases = cases\ntestpaths = tests")
    pytester.mkdir("tests").joinpath("test_x.py").write_text("def test_x(): pass")

    pytester.runpytest(*arguments).assert_outcomes(passed=passed)


def test_a_call_in_a_folder_below_runs_what_lies_there(pytester, project, monkeypatch):
    project(GOOD)
    pytester.mkdir("tests").joinpath("test_x.py").write_text("def test_x(): pass")
    monkeypatch.chdir(pytester.path / "tests")

    pytester.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("ini", "message"),
    [
        ("verifier_cases = casse", "*verifier_cases: no such file or folder: *casse*"),
        ("verifier_cases = tox.ini", "*expected a case file (*.toml) or a folder*"),
        (
            "verifier_cases = cases\nnorecursedirs = c*s",
            "*cases lies in a folder that norecursedirs has pytest skip*",
        ),
    ],
)
def test_a_path_that_cannot_be_is_a_usage_error(pytester, project, ini, message):
    project(GOOD, ini)

    result = pytester.runpytest()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


# ── pytest's own options ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("expression", "passed"),
    [("example-two", 2), ("float32", 1), ("notebook and float64", 1), ("quotient", 0)],
)
def test_k_selects_by_name_dtype_and_tag(pytester, project, expression, passed):
    project(GOOD)

    pytester.runpytest("-k", expression).assert_outcomes(
        passed=passed, deselected=2 - passed
    )


def test_m_selects_the_cases_from_other_tests(pytester, project):
    project(GOOD)
    pytester.makepyfile("def test_other(): pass")

    result = pytester.runpytest("-m", "verifier", "--strict-markers")

    result.assert_outcomes(passed=2, deselected=1)


def test_lf_runs_what_failed(pytester, project):
    project(UNSTABLE + GOOD)

    pytester.runpytest().assert_outcomes(passed=2, failed=1)
    pytester.runpytest("--lf").assert_outcomes(failed=1)
    pytester.runpytest("--ff", "-x").assert_outcomes(failed=1)


def test_x_stops_at_the_first_failure(pytester, project):
    project(UNSTABLE + GOOD)

    pytester.runpytest("-x").assert_outcomes(failed=1)


def test_xdist_runs_the_same_tests_with_the_same_reports(pytester, project):
    project(GOOD + UNSTABLE)

    result = pytester.runpytest_subprocess("-n", "2")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["cases/a.toml:11: [[]quotient] differ.unstable"])


def test_the_verdict_is_a_property_of_the_report(pytester, project):
    project(GOOD + UNSTABLE)

    pytester.runpytest("--junitxml", "junit.xml")

    junit = (pytester.path / "junit.xml").read_text()
    assert '<property name="verdict" value="match.exact"' in junit
    assert '<property name="verdict" value="differ.unstable"' in junit


def test_an_error_of_the_user_s_while_verifying_is_its_message_alone(
    pytester, project, monkeypatch
):
    def fail(_unit, **_options):
        raise UsageError("expected this, found that. Mend it.")

    monkeypatch.setattr(run, "verify_alone", fail)
    project(UNSTABLE)

    result = pytester.runpytest()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["expected this, found that. Mend it."])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_fault_of_the_verifier_keeps_its_traceback(pytester, project, monkeypatch):
    def fail(_unit, **_options):
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(run, "verify_alone", fail)
    project(UNSTABLE)

    result = pytester.runpytest()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*verify_alone*", "*ZeroDivisionError: a fault"])


def test_loading_the_plugin_loads_nothing_heavy():
    heavy = ("torch", "sympy", "pydantic", "flint", "rich")
    code = f"""if True:
        import pytest, sys
        import verifier.pytest_plugin
        print([name for name in {heavy!r} if name in sys.modules])
    """
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert run.stdout == "[]\n"


# ── callables that misbehave ──────────────────────────────────────────────────────────

ENDS = """
import os, sys
def leaves(x): sys.exit(0)
def interrupts(x): raise KeyboardInterrupt
def ends(x): os._exit(0)
def square(x): return x*x
"""


def test_no_callable_ends_the_session(pytester):
    """The project's own file allows its callables, from whatever folder pytest is
    called."""
    names = ("leaves", "interrupts", "ends", "square")
    text = "".join(
        f'[[case]]\nname = "{name}"\nexpression = "x*x"\nat = {{ x = 2 }}\ndtype = ["float32"]\n'
        f'subject = "endsmath:{name}"\n'
        for name in names
    )
    (pytester.path / "a.toml").write_text(text, encoding="utf-8")
    pytester.makepyfile(endsmath=ENDS)
    pytester.makepyprojecttoml(
        '[tool.pytest.ini_options]\nverifier_cases = ["a.toml"]\n'
        '[tool.verifier]\nsubjects = ["endsmath"]\n'
    )
    pytester.syspathinsert()

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(failed=3, passed=1)
    result.stdout.fnmatch_lines(["*SystemExit: 0*"])


def test_a_subject_that_is_not_allowed_is_one_error_of_its_file(pytester):
    text = (
        '[[case]]\nname = "a"\nexpression = "x*x"\nat = { x = 2 }\nsubject = "evil:f"\n'
    )
    (pytester.path / "a.toml").write_text(text, encoding="utf-8")
    pytester.makeini("[pytest]\nverifier_cases = a.toml\n")

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(errors=1)
    assert str(result.stdout).count("importing `evil` would run its code") == 1
