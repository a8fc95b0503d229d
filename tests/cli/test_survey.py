"""`verifier survey`: its formats and its mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import invoke


def survey(*arguments: str) -> Any:
    return invoke("survey", *arguments)


def test_the_command_writes_every_format(tmp_path: Path) -> None:
    found = survey(
        *("--operation", "exp", "--dtype", "float32", "--points", "50", "--jobs", "1"),
        *("--format", f"json={tmp_path / 'a.json'}"),
        *("--format", f"markdown={tmp_path / 'a.md'}"),
    )
    assert found.exit_code == 0, found.output
    assert "exp(x)" in found.stdout
    report = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert report["sample"] == 50
    assert report["environment"]["torch"] == torch.__version__
    assert (tmp_path / "a.md").read_text(encoding="utf-8").startswith("# Accuracy")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--operation", "tnah"], "Did you mean `tanh`?"),
        (["--dtype", "float8"], "--dtype: expected one of"),
        (["--route", "sideways"], "--route: expected one of"),
        (["--points", "0"], "--points: expected 1 to"),
        (["--format", "yaml"], "unknown format `yaml`"),
        (["--operation", "lt"], "nothing is left to survey"),
    ],
)
def test_a_mistake_ends_with_code_2(arguments: list[str], message: str) -> None:
    found = survey(*arguments)
    assert found.exit_code == 2
    assert message in found.stderr


def test_the_schema_command_prints_the_surveys() -> None:
    found = invoke("schema", "survey")
    assert found.exit_code == 0
    assert json.loads(found.stdout)["title"] == "Report of a verifier survey"
