"""The command line as a whole: what it loads, its help, how it ends when it is
stopped."""

from __future__ import annotations

import json
import signal

import pytest
from case_texts import GOOD, SAMPLED
from commands import invoke, start

from verifier.cli.command import page
from verifier.reports import progress
from verifier.running import run as running

pytestmark = pytest.mark.usefixtures("folder")

HEAVY = ("torch", "sympy", "pydantic", "flint", "rich", "numpy")


def _loaded_by(code):
    probe = f"{code}\nimport sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    process = start(code=probe)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out.splitlines()[-1]


def test_help_loads_nothing_heavy():
    code = """
        from verifier.cli.main import app
        try:
            app(["--help"])
        except SystemExit:
            pass
    """
    assert _loaded_by("\n".join(line[8:] for line in code.splitlines())) == "[]"


def test_the_probe_of_imports_can_fail():
    assert _loaded_by("import rich") == "['rich']"


@pytest.mark.parametrize("command", ["run", "compare", "operations", "schema"])
def test_every_command_has_help(command):
    assert command in invoke("--help").stdout
    result = invoke(command, "--help")

    assert result.exit_code == 0
    assert "Usage" in result.stdout


def test_the_module_is_the_command(folder):
    process = start(
        "--version",
        code="import runpy; runpy.run_module('verifier', run_name='__main__')",
    )
    out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (0, "")
    assert out.startswith("verifier ")


def test_what_was_finished_before_an_interruption_is_reported(
    case_file, folder, monkeypatch
):
    case_file(GOOD)
    invoke("run", "--baseline", "b.json", "--update-baseline")
    stored = (folder / "b.json").read_text()
    one = []
    execute = running.execute

    def interrupted(tasks, *, on_result, **options):
        def stop(result):
            on_result(result)
            if one:
                raise KeyboardInterrupt
            one.append(result)

        return execute(tasks, on_result=stop, **options)

    monkeypatch.setattr(running, "execute", interrupted)
    case_file(GOOD + SAMPLED)
    result = invoke(
        *("run", "--format", "json=a.json", "--baseline", "b.json", "--update-baseline")
    )

    assert result.exit_code == 130
    assert "interrupted before the end" in result.stdout
    report = json.loads((folder / "a.json").read_text())
    assert report["interrupted"] is True
    assert [found["dtype"] for found in report["results"]] == ["float32", "float64"]
    assert "the run did not finish: b.json is not rewritten" in result.stderr
    assert (folder / "b.json").read_text() == stored


def test_control_c_exits_with_130_and_no_traceback(case_file):
    case_file(
        "".join(
            SAMPLED.replace("gaussian", f"g{n}").replace("20", "2000")
            for n in range(50)
        )
    )
    with start("run") as process:
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in range(2)][1]
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert first.startswith("ok    ")
    assert "  g0  " in first
    assert "interrupted before the end" in rest
    assert "Traceback" not in err


def test_a_reader_who_leaves_ends_the_run_quietly(case_file):
    case_file("".join(SAMPLED.replace("gaussian", f"g{n}") for n in range(50)))
    with start("run") as process:
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in range(2)][1]
        assert first.startswith("ok ")
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()

    assert process.returncode == 128 + signal.SIGPIPE
    assert err == ""


def test_a_terminal_that_lacks_a_character_is_no_end(case_file):
    case_file(GOOD.replace("example-two", "∂x"))
    code = "import sys; sys.stdout.reconfigure(encoding='ascii'); from verifier.cli.main import main; main()"
    with start("run", code=code) as process:
        out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (0, "")
    assert "  \\u2202x  float32" in out


def test_a_long_run_shows_a_bar_on_an_interactive_error_stream(case_file, monkeypatch):
    case_file(GOOD)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TTY_INTERACTIVE", "1")
    monkeypatch.setattr(progress, "LONG_RUN_S", 0.0)

    result = invoke("run", "--format", "json")

    assert "1/2" in result.stderr
    assert json.loads(result.stdout)["summary"]["as_expected"] is True


@pytest.mark.parametrize(
    ("columns", "width"), [("66", 66), ("0", None), ("wide", None), ("", None)]
)
def test_what_is_piped_obeys_columns(monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", columns)
    assert page() == (width, False)
