"""Verify the cases, and run the tests that hang on PyTorch, with every release in
`ENVIRONMENTS`: a person's command, which no other test runs.

    python tests/versions.py                    # all of them: some 6 GB and half an hour
    python tests/versions.py --torch 2.6.0      # one
    python tests/versions.py --update-baseline  # and store what each computes

Each gets a virtual environment in `--folder`, which the next call takes up again, and
a JSON report beside it (`torch-2.6.0-python-3.11.json`) for `verifier compare`.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
ENVIRONMENTS = (
    ("3.11", "2.6.0"),
    ("3.11", "2.13.0"),
    ("3.11", "2.14.1"),
    ("3.13", "2.13.0"),
)
"""Releases of Python and of PyTorch: the oldest that is promised, the one that
continuous integration has, the newest that is known."""
TESTS = (
    "tests/language/kernels",
    "tests/running/test_isolation.py",
    "tests/automatic/test_compile_routes.py",
)
"""What PyTorch computes, which of its inner workings are used, and what it compiles."""
CASES = ("cases", "--baseline", "cases/baseline.json", "--growth", "8")


def main() -> int:
    options = _options()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [pair for pair in ENVIRONMENTS if options.torch in (None, pair[1])]
    failed = []
    for python, torch in chosen:
        name = f"torch-{torch}-python-{python}"
        _say(f"== {name}")
        interpreter = _environment(folder / name, python, torch)
        report = f"json={folder / name}.json"
        update = ["--update-baseline"] if options.update_baseline else []
        checks = {
            "cases": ["-m", "verifier", "run", *CASES, "--format", report, *update],
            "tests": ["-m", "pytest", "-q", *TESTS],
        }
        for what, arguments in checks.items():
            if subprocess.run([interpreter, *arguments], cwd=ROOT).returncode:
                failed.append(f"{name}: {what}")
    _say("failed: " + ", ".join(failed) if failed else "all passed")
    return 1 if failed or not chosen else 0


def _say(text: str) -> None:
    sys.stdout.write(f"\n{text}\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    usual = Path(tempfile.gettempdir()) / "verifier-versions"
    parser.add_argument("--folder", type=Path, default=usual)
    parser.add_argument("--torch", choices=sorted({torch for _, torch in ENVIRONMENTS}))
    parser.add_argument("--update-baseline", action="store_true")
    return parser.parse_args()


def _environment(folder: Path, python: str, torch: str) -> Path:
    """The interpreter of a virtual environment with this tree and a release of
    PyTorch, which says itself what SymPy it needs."""
    interpreter = folder / "bin" / "python"
    if not interpreter.exists():
        subprocess.run([f"python{python}", "-m", "venv", folder], check=True)
    pinned = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8")
    constraints = folder / "constraints.txt"
    others = re.sub(r"(?m)^(torch|sympy)==.*\n", "", pinned)
    constraints.write_text(f"{others}torch=={torch}\n", encoding="utf-8")
    install = ["-m", "pip", "install", "-q", "-c", constraints, "-e", ".[test]"]
    subprocess.run([interpreter, *install], check=True, cwd=ROOT)
    return interpreter


if __name__ == "__main__":
    sys.exit(main())
