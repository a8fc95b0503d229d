"""The pytest plugin, as pytest loads it from the installed distribution."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest
from case_texts import GOOD, UNSTABLE
from commands import invoke

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
            "cases/a.toml::example-two[[]float32] PASSED*",
            "cases/a.toml::example-two[[]float64] PASSED*",
        ]
    )


def test_the_route_is_named_where_a_case_has_several(pytester, project):
    project(UNSTABLE + 'routes = ["reverse", "forward"]\n')

    items, _ = pytester.inline_genitems()

    names = ["quotient[float32-reverse]", "quotient[float32-forward]"]
    assert [item.name for item in items] == names
    chosen, _ = pytester.inline_genitems(f"cases/a.toml::{names[1]}")
    assert [item.name for item in chosen] == names[1:]


def test_a_failure_is_its_report_and_the_summary_begins_with_the_verdict(
    pytester, project
):
    project(GOOD + UNSTABLE)

    result = pytester.runpytest()

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*_ quotient[[]float32] _*",
            "differ.unstable  quotient  float32 *",
            "  --> cases/a.toml:11, gradient x at x = 1e-07",
            "   PyTorch  -1920928.0",
            "   because *",
            "FAILED cases/a.toml::quotient[[]float32] - differ.unstable gradient x: *",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_an_item_stands_at_the_line_of_its_case(pytester, project):
    path = project(GOOD + UNSTABLE)

    items, _ = pytester.inline_genitems()

    assert [item.reportinfo() for item in items] == [
        (path, 1, "example-two[float32]"),
        (path, 1, "example-two[float64]"),
        (path, 10, "quotient[float32]"),
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
    result.stdout.fnmatch_lines(
        [
            "  --> cases/a.toml:9",
            "   expected gradient a = 370",
            "FAILED * - expect.gradient.a: expected 370, *",
        ]
    )


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
        (["cases/a.toml::example-two[float32]"], 1),
        (["tests", "cases/a.toml::example-two[float64]"], 2),
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
    result.stdout.fnmatch_lines(
        [
            "  --> cases/a.toml:11, gradient x at x = 1e-07",
            "FAILED cases/a.toml::quotient[[]float32] - differ.unstable gradient x: *",
        ]
    )


def test_the_verdict_is_a_property_of_the_report(pytester, project):
    project(GOOD + UNSTABLE)

    pytester.runpytest("--junitxml", "junit.xml")

    junit = (pytester.path / "junit.xml").read_text()
    assert '<property name="verdict" value="match.exact"' in junit
    assert '<property name="verdict" value="differ.unstable"' in junit
    assert '<failure message="differ.unstable gradient x: ' in junit


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


# ── a baseline ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def stored(pytester, project):
    """A project with a difference, and a baseline that holds it."""
    path = project(GOOD + UNSTABLE)
    invoke("run", "cases", "--baseline", "b.json", "--update-baseline")
    return path


def test_what_is_in_the_baseline_does_not_fail(pytester, stored):
    pytester.runpytest("--verifier-baseline", "b.json").assert_outcomes(passed=3)
    pytester.makeini("[pytest]\nverifier_cases = cases\nverifier_baseline = b.json\n")
    pytester.runpytest().assert_outcomes(passed=3)


def test_what_the_baseline_lacks_fails_and_says_so(pytester, stored):
    text = stored.read_text()
    stored.write_text(text + UNSTABLE.replace("quotient", "another"))

    result = pytester.runpytest("--verifier-baseline", "b.json")

    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["   was *baseline*"])


def test_what_is_worse_than_the_baseline_fails(pytester, stored):
    stored.write_text(stored.read_text().replace('"1e-7"', '"0"'))

    result = pytester.runpytest("--verifier-baseline", "b.json", "-k", "quotient")

    result.assert_outcomes(failed=1, deselected=2)
    result.stdout.fnmatch_lines(["   was      value: *, in the baseline"])


def test_what_a_case_expects_fails_whatever_the_baseline_says(pytester, stored):
    stored.write_text(stored.read_text().replace("369", "370"))

    result = pytester.runpytest("--verifier-baseline", "b.json")

    result.assert_outcomes(passed=1, failed=2)


@pytest.mark.parametrize(
    ("ini", "arguments", "message"),
    [
        ("", ["--verifier-baseline", "no.json"], "--verifier-baseline: no such file: *no.json*--update-baseline*"),
        ("verifier_baseline = no.json", [], "verifier_baseline: no such file: *no.json*"),
        ("verifier_baseline = a b", [], "verifier_baseline: expected one file, found 2."),
    ],
)  # fmt: skip
def test_a_baseline_that_is_not_there_is_a_usage_error(
    pytester, project, ini, arguments, message
):
    project(GOOD, f"verifier_cases = cases\n{ini}")

    result = pytester.runpytest(*arguments)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{message}"])


def test_a_baseline_that_is_none_is_one_message(pytester, project):
    project(GOOD)
    (pytester.path / "b.json").write_text("[]")

    result = pytester.runpytest("--verifier-baseline", "b.json")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["error: *b.json: expected a baseline with*"])
    result.stdout.no_fnmatch_line("*Traceback*")


# ── tests of the user's own ───────────────────────────────────────────────────────────

WRONG = """
import torch, verifier

def run():
    return verifier.check(torch.sin, 0.5, expression="cos(x)", dtype="float32")

def test_message():
    found = run()
    assert found.ok, found

def test_alone():
    found = run()
    assert found

def test_text():
    found = run()
    assert found.ok, str(found)

def test_another():
    found = run()
    assert 1 > 2

def test_asserted():
    verifier.assert_gradients(torch.sin, 0.5, expression="cos(x)", dtype="float32")

def test_keyword():
    verifier.check(torch.sin, 0.5, expresion="sin(x)")

@verifier.cases("cases/a.toml")
def test_cases(case):
    assert verifier.verify(case).ok
"""


def test_a_failed_assertion_shows_the_report_of_its_run_once(pytester, project):
    project(GOOD)
    pytester.makepyfile(test_w=WRONG)

    result = pytester.runpytest("test_w.py")

    result.assert_outcomes(failed=6, passed=2)
    shown = str(result.stdout)
    assert shown.count("- gradients of `found` -") == 2
    reports = {part.split()[1]: part for part in shown.split("\n____")[1:]}
    for name in ("test_message", "test_alone", "test_text", "test_asserted"):
        assert "-0.479425538" in reports[name], name
    assert "-0.4794" not in reports["test_another"]
    assert "api.py" not in shown
    result.stdout.fnmatch_lines(
        [
            "FAILED test_w.py::test_asserted - AssertionError: differ.wrong *",
            "FAILED test_w.py::test_keyword - verifier.errors.ArgumentError: check()*",
        ]
    )


def test_the_ids_of_a_test_over_cases_are_those_of_the_plugin(pytester, project):
    project(GOOD)
    project(GOOD, file="cases/b.toml")
    pytester.makepyfile(
        test_w="""
        import verifier

        @verifier.cases("cases/a.toml")
        def test_one(case): pass

        @verifier.cases("cases")
        def test_several(case): pass
        """
    )

    items, _ = pytester.inline_genitems("test_w.py")

    assert [item.name for item in items] == [
        "test_one[example-two[float32]]",
        "test_one[example-two[float64]]",
        "test_several[cases/a.toml::example-two[float32]]",
        "test_several[cases/a.toml::example-two[float64]]",
        "test_several[cases/b.toml::example-two[float32]]",
        "test_several[cases/b.toml::example-two[float64]]",
    ]


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
    # Of the traceback, what begins with the user's own frame.
    result.stdout.fnmatch_lines(
        ["Traceback*", '  File "*endsmath.py", line 2, in leaves'], consecutive=True
    )
    result.stdout.no_fnmatch_line("*modes.py*")


def test_a_subject_that_is_not_allowed_is_one_error_of_its_file(pytester):
    text = (
        '[[case]]\nname = "a"\nexpression = "x*x"\nat = { x = 2 }\nsubject = "evil:f"\n'
    )
    (pytester.path / "a.toml").write_text(text, encoding="utf-8")
    pytester.makeini("[pytest]\nverifier_cases = a.toml\n")

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(errors=1)
    assert str(result.stdout).count("importing `evil` would run its code") == 1


def test_a_case_of_tensors_is_a_test(pytester, project):
    project(
        """
[[case]]
name = "double"
subject = "torch.nn.functional:silu"
shapes = { input = [3, 2] }
dtype = ["float32"]
"""
    )
    pytester.makepyprojecttoml('[tool.verifier]\nsubjects = ["torch.*"]\n')
    result = pytester.runpytest("-v", "-c", "tox.ini")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*a.toml::double*float32* PASSED*"])
