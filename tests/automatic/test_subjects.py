"""A user's callable: what may be imported, and what is said where it cannot be."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from verifier.automatic.subjects import SubjectError, allowed_subjects, load, permitted
from verifier.errors import Mistakes, VerifierError
from verifier.language.casefile.case import Case
from verifier.language.casefile.loading import from_mapping
from verifier.running.plan import plan

Write = Callable[[str, str], Path]
ALLOWED = ("shopmath.*",)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes modules of the package `shopmath`, which is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, text: str) -> Path:
        path = tmp_path / "shopmath" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.parent.joinpath("__init__.py").touch()
        return path

    write("activations.py", "import os\ndef swish(x): return x\nalpha = 3\n")
    yield write
    for name in [name for name in sys.modules if name.startswith("shopmath")]:
        del sys.modules[name]


# ── importing ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "pattern", ["shopmath.*", "shopmath.activations", "*", "shop*.act*"]
)
def test_a_callable_of_an_allowed_module_is_loaded(pattern: str, write: Write) -> None:
    found = load("shopmath.activations:swish", ("other.*", pattern))
    assert found(3) == 3


def test_a_pattern_of_submodules_allows_the_package_itself(write: Write) -> None:
    write("__init__.py", "def relu(x): return max(x, 0)\n")
    assert load("shopmath:relu", ("shopmath.*",))(-1) == 0


def test_a_callable_may_be_an_attribute_of_a_class(write: Write) -> None:
    write("kernels.py", "class K:\n    @staticmethod\n    def run(x): return 2 * x\n")
    assert load("shopmath.kernels:K.run", ALLOWED)(2) == 4


@pytest.mark.parametrize(
    ("allowed", "known"),
    [
        ((), "no module may be imported"),
        (("shopmath",), "only `shopmath` may be imported"),
        (("shop.*", "shopmath.act"), "only `shop.*`, `shopmath.act` may be imported"),
    ],
)
def test_what_is_not_allowed_is_not_imported(
    allowed: tuple[str, ...], known: str, write: Write
) -> None:
    write("activations.py", "raise SystemError('this was run')\n")
    with pytest.raises(SubjectError) as caught:
        load("shopmath.activations:swish", allowed)
    assert caught.value.message.startswith(
        f"importing `shopmath.activations` would run its code, and {known}. To allow it, "
    )
    assert isinstance(caught.value, VerifierError)
    assert "shopmath" not in sys.modules


@pytest.mark.parametrize("text", ["", '[tool.verifier]\nsubjects = ["mylib.*"]\n'])
def test_what_the_message_says_to_write_allows_it(
    text: str, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("activations.py", "def swish(x): return x\n")
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.chdir(own)
    path = project(own, text)
    (case,) = cases_of("shopmath.activations:swish")
    with pytest.raises(SubjectError) as caught:
        plan([case])
    written, section, where = re.findall(r"`([^`]*)`", caught.value.message)[-4:-1]
    assert where == path.resolve().as_posix()
    path.write_text(f"{section}\n{written}\n", encoding="utf-8")
    assert allowed_subjects(own)[-1] == "shopmath.*"
    assert len(plan([case])) == 2


def test_a_file_that_no_project_speaks_for_needs_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.chdir(own)
    data = {"expression": "x", "at": {"x": 1}, "subject": "evil:f"}
    case = from_mapping(data, file="../a.toml")
    with pytest.raises(SubjectError, match=r"give `--allow-subject 'evil\.\*'`\.$"):
        plan([case])
    project(own, "")
    with pytest.raises(SubjectError, match="speaks for the case files below it alone"):
        plan([case])


REFUSED = [
    ("shopmath.activations", "expected a subject such as `mylib.activations:swish`, found `shopmath.activations`."),
    (":swish", "expected a subject such as"),
    ("shopmath:", "expected a subject such as"),
    ("shopmath.activation:swish",
     "expected a module `shopmath.activation`, found none. Did you mean `shopmath.activations`?"),
    ("shopmath.zzz:swish", "expected a module `shopmath.zzz`, found none."),
    ("shopmath.zzz.deeper:swish", "expected a module `shopmath.zzz`, found none."),
    ("shopmath.activations:swich",
     "expected `swich` in `shopmath.activations`, found none. Did you mean `swish`?"),
    ("shopmath.activations:swish.run", "expected `run` in `shopmath.activations:swish`, found none."),
    ("shopmath.activations:alpha", "expected a callable, found that `shopmath.activations:alpha` is of type `int`."),
    ("shopmath.activations:os.system",
     "expected a callable, found that `shopmath.activations:os` is a module. Name the module before the colon: `os:"),
    ("shopmath.activations:os", "expected a callable, found that `shopmath.activations:os` is a module."),
]  # fmt: skip


@pytest.mark.parametrize(("reference", "message"), REFUSED)
def test_what_cannot_be_loaded_is_said(
    reference: str, message: str, write: Write
) -> None:
    with pytest.raises(SubjectError) as caught:
        load(reference, ALLOWED)
    assert caught.value.message.startswith(message)


def test_a_package_that_is_not_installed_is_said() -> None:
    with pytest.raises(
        SubjectError, match=r"module `shopmath`, found none\. Install it .*PYTHONPATH"
    ):
        load("shopmath.activations:swish", ALLOWED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "import nosuchmodule\n",
            "ModuleNotFoundError: No module named 'nosuchmodule'",
        ),
        ("x = 1 / 0\n", "ZeroDivisionError: division by zero"),
        ("\nraise SystemExit(3)\n", "SystemExit: 3 (FILE, line 2)"),
        ("def f(:\n", "SyntaxError: "),
    ],
)
def test_a_module_that_raises_is_said(text: str, message: str, write: Write) -> None:
    path = write("activations.py", text)
    with pytest.raises(SubjectError) as caught:
        load("shopmath.activations:swish", ALLOWED)
    start = "expected to import `shopmath.activations`, found that it raises "
    message = message.replace("FILE", str(path))
    assert caught.value.message.startswith(start + message)


# ── what is allowed ───────────────────────────────────────────────────────────────────


def project(folder: Path, text: str) -> Path:
    path = folder / "pyproject.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_nearest_project_says_what_is_allowed(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    project(tmp_path, '[tool.verifier]\nsubjects = ["mylib.*", "kernels"]\n')
    assert allowed_subjects(inner) == ("mylib.*", "kernels")
    (inner / "c.toml").touch()
    assert allowed_subjects(inner / "c.toml") == ("mylib.*", "kernels")
    project(tmp_path / "a", "[project]\nname = 'a'\n")
    assert allowed_subjects(inner) == ()


@pytest.mark.parametrize(
    "text", ["", "[tool]\n", "[tool.other]\n", "[tool.verifier]\n"]
)
def test_a_project_that_says_nothing_allows_nothing(text: str, tmp_path: Path) -> None:
    project(tmp_path, text)
    assert allowed_subjects(tmp_path) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool", "expected TOML, found: "),
        ("tool = 3\n", "tool: expected a table, found another value."),
        ("[tool]\nverifier = 3\n", "tool.verifier: expected a table, found"),
        (
            "[tool.verifier]\nsubjects = 'mylib.*'\n",
            "tool.verifier.subjects: expected patterns of modules, found `'mylib.*'`. Write a list",
        ),
        (
            "[tool.verifier]\nsubjects = ['a', 3]\n",
            "tool.verifier.subjects: expected patterns",
        ),
        (
            "[tool.verifier]\nsubjects = ['']\n",
            "tool.verifier.subjects: expected patterns",
        ),
    ],
)
def test_a_malformed_project_is_said(text: str, message: str, tmp_path: Path) -> None:
    path = project(tmp_path, text)
    with pytest.raises(SubjectError) as caught:
        allowed_subjects(tmp_path)
    assert str(caught.value).startswith(f"{path.resolve().as_posix()}: {message}")


def test_looking_for_a_subject_loads_no_torch() -> None:
    code = (
        "import sys; from verifier.automatic import subjects; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ── the project that may allow ────────────────────────────────────────────────────────


CASE = """
[[case]]
name = "one"
expression = "x*x"
at = { x = 2 }
dtype = ["float32", "float64"]
subject = "SUBJECT"
"""
LEAVES_A_TRACE = """
from pathlib import Path
Path(__file__).with_name("was_run").touch()
def square(x): return x*x
"""


def downloaded(folder: Path, subject: str = "evil:square") -> Path:
    """A folder that allows itself everything."""
    folder.mkdir()
    project(folder, '[tool.verifier]\nsubjects = ["*"]\n')
    (folder / "evil.py").write_text(LEAVES_A_TRACE, encoding="utf-8")
    path = folder / "a.toml"
    path.write_text(CASE.replace("SUBJECT", subject), encoding="utf-8")
    return path


def run(
    *arguments: str | Path, folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "verifier", "run", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_case_file_outside_the_project_may_import_nothing(tmp_path: Path) -> None:
    project(tmp_path, '[tool.verifier]\nsubjects = ["mylib.*"]\n')
    inner = tmp_path / "inner"
    inner.mkdir()
    assert permitted(str(tmp_path / "a.toml"), inner) == ("mylib.*",)
    assert permitted(None, inner) == ("mylib.*",)
    assert permitted(str(tmp_path.parent / "a.toml"), inner) == ()
    (tmp_path / "link.toml").symlink_to(tmp_path.parent / "a.toml")
    assert permitted(str(tmp_path / "link.toml"), inner) == ()
    project(inner, "[project]\n")
    assert permitted(str(tmp_path / "a.toml"), inner) == ()


@pytest.mark.parametrize("path", ["", ":", "FOLDER"])
def test_a_downloaded_folder_does_not_allow_itself(tmp_path: Path, path: str) -> None:
    file = downloaded(tmp_path / "downloaded")
    here = tmp_path / "here"
    here.mkdir()
    found = run(file, folder=here, PYTHONPATH=path.replace("FOLDER", str(file.parent)))
    assert found.returncode == 2
    assert not (file.parent / "was_run").exists()
    assert found.stderr.startswith(f"error: {file}:7: [one] subject: importing `evil`")
    assert found.stderr.count("importing `evil`") == 1
    assert found.stdout == ""


def test_a_permission_on_the_command_line_holds_everywhere(tmp_path: Path) -> None:
    file = downloaded(tmp_path / "downloaded")
    here = tmp_path / "here"
    here.mkdir()
    found = run(
        *(file, "--allow-subject", "evil"), folder=here, PYTHONPATH=str(file.parent)
    )
    assert found.returncode == 0, found.stderr
    assert (file.parent / "was_run").exists()


def test_a_permitted_module_is_found_in_the_project_itself(tmp_path: Path) -> None:
    """The working folder's project is the user's own."""
    file = downloaded(tmp_path / "own")
    assert run(file, folder=file.parent).returncode == 0
    assert (file.parent / "was_run").exists()


# `:` adds the working folder once more than `-m` does: it is the harder of the two.
@pytest.mark.parametrize("path", [pytest.param("", marks=pytest.mark.slow), ":"])
def test_no_file_of_the_working_folder_stands_for_a_library(
    tmp_path: Path, path: str
) -> None:
    (tmp_path / "a.toml").write_text(
        CASE.replace('subject = "SUBJECT"', ""), encoding="utf-8"
    )
    for name in ("torch", "sympy", "numpy", "typer", "difflib", "triton", "gmpy2"):
        (tmp_path / f"{name}.py").write_text(LEAVES_A_TRACE, encoding="utf-8")
    environment = {"PYTHONPATH": path} if path else {}
    found = run("a.toml", folder=tmp_path, **environment)
    assert found.returncode == 0, found.stderr
    assert not (tmp_path / "was_run").exists()


# ── what is wrong with subjects is told at once ───────────────────────────────────────


def cases_of(*subjects: str) -> list[Case]:
    return [
        from_mapping(
            {"name": str(i), "expression": "x*x", "at": {"x": 2}, "subject": subject},
            file="a.toml",
            line=i + 1,
        )
        for i, subject in enumerate(subjects)
    ]


def test_each_mistake_about_subjects_is_told_once_before_anything_runs(
    write: Write,
) -> None:
    write("broken.py", "raise KeyboardInterrupt\n")
    wrong = cases_of(
        "shopmath.activations:swish",
        "evil:a",
        "evil:b",
        "shopmath.broken:f",
        "shopmath.activations:swich",
    )
    with pytest.raises(Mistakes) as caught:
        plan(wrong, allowed=ALLOWED)
    first, second, third, count = str(caught.value).split("\n")
    assert count == "3 mistakes"
    assert first.startswith("a.toml:2: [1] subject: importing `evil` would run its")
    assert first.endswith(" So it is of 1 more.")
    assert second.startswith(
        "a.toml:4: [3] subject: expected to import `shopmath.broken`, found that it raises KeyboardInterrupt"
    )
    assert third.startswith("a.toml:5: [4] subject: expected `swich`")


def test_a_module_that_is_imported_leaves_nothing_behind(write: Write) -> None:
    write(
        "leaves.py",
        "import torch\ntorch.set_flush_denormal(True)\ndef f(x): return x*x\n",
    )
    plan(cases_of("shopmath.leaves:f"), allowed=ALLOWED)
    smallest = 5e-324
    assert smallest * 1.0 > 0


@pytest.mark.parametrize(
    "text",
    ["raise KeyboardInterrupt\n", "raise GeneratorExit\n", "import os\nos._exit(0)\n"],
)
def test_a_module_that_ends_the_process_is_said(text: str, write: Write) -> None:
    write("activations.py", text)
    with pytest.raises(SubjectError, match="found that it raises"):
        plan(cases_of("shopmath.activations:swish"), allowed=ALLOWED)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("shopmath.activations.swish", "shopmath.activations:swish"),
        ("shopmath.Cube.apply", "shopmath:Cube.apply"),
        ("shopmath.small.apply", "shopmath:small.apply"),
        ("nowhere.kernels.Cube.apply", "nowhere.kernels:Cube.apply"),
        ("nowhere.swish", "nowhere:swish"),
    ],
)
def test_what_is_suggested_works(written: str, meant: str, write: Write) -> None:
    """`small` is a class too: that no file goes on tells the module from what is in
    it."""
    write("__init__.py", "class Cube:\n  apply = staticmethod(abs)\nsmall = Cube\n")
    with pytest.raises(VerifierError, match=rf"Did you mean `{meant}`\?"):
        cases_of(written)
    if not meant.startswith("nowhere"):
        assert callable(load(meant, ("shopmath.*",)))


def test_a_class_is_no_module(write: Write) -> None:
    write("__init__.py", "class Cube:\n  apply = staticmethod(abs)\n")
    with pytest.raises(SubjectError, match=r"Did you mean `shopmath:Cube\.apply`\?"):
        load("shopmath.Cube:apply", ALLOWED)
    assert load("shopmath:Cube.apply", ALLOWED)(-1) == 1
