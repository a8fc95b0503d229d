"""A user's callable: what may be imported, and what is said where it cannot be."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from verifier.automatic.subjects import SubjectError, allowed_subjects, load
from verifier.errors import VerifierError

Write = Callable[[str, str], None]
ALLOWED = ("shopmath.*",)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes modules of the package `shopmath`, which is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, text: str) -> None:
        path = tmp_path / "shopmath" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.parent.joinpath("__init__.py").touch()

    write("activations.py", "import os\ndef swish(x): return x\nalpha = 3\n")
    yield write
    for name in [name for name in sys.modules if name.startswith("shopmath")]:
        del sys.modules[name]


# ── importing ────────────────────────────────────────────────────────────────────────────────────────────────────


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
    "allowed", [(), ("shopmath",), ("shop.*",), ("shopmath.activation",)]
)
def test_what_is_not_allowed_is_not_imported(
    allowed: tuple[str, ...], write: Write
) -> None:
    write("activations.py", "raise SystemError('this was run')\n")
    with pytest.raises(SubjectError) as caught:
        load("shopmath.activations:swish", allowed)
    known = (
        ", ".join(f"`{pattern}`" for pattern in allowed)
        or "an allowed module, of which there is none"
    )
    assert caught.value.message == (
        "importing `shopmath.activations` would run its code: "
        f"expected a subject from {known}. "
        'Allow it with `[tool.verifier] subjects = ["shopmath.*"]` in `pyproject.toml`, '
        "or with `--allow-subject 'shopmath.*'`."
    )
    assert isinstance(caught.value, VerifierError)
    assert "shopmath" not in sys.modules


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
        ("raise SystemExit(3)\n", "SystemExit: 3"),
        ("def f(:\n", "SyntaxError: "),
    ],
)
def test_a_module_that_raises_is_said(text: str, message: str, write: Write) -> None:
    write("activations.py", text)
    with pytest.raises(SubjectError) as caught:
        load("shopmath.activations:swish", ALLOWED)
    start = "expected to import `shopmath.activations`, found that it raises "
    assert caught.value.message.startswith(start + message)


# ── what is allowed ──────────────────────────────────────────────────────────────────────────────────────────────


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
