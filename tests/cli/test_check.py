"""`verifier check`: a gate for functions and kernels of tensors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import invoke

from verifier.cli.check import shapes
from verifier.errors import UsageError

KERNELS = """
import torch


class Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        p = torch.softmax(z, -1)
        ctx.save_for_backward(p)
        return p

    @classmethod
    def backward(cls, ctx, grad):
        (p,) = ctx.saved_tensors
        return cls.sent(p, grad)

    @staticmethod
    def sent(p, grad):
        return p * (grad - (grad * p).sum(-1, keepdim=True))


class Sums(torch.autograd.Function):
    # The derivative of p · log p; the backward takes sums along rows for 1.
    @staticmethod
    def forward(ctx, p):
        ctx.save_for_backward(p)
        return p * p.sum(-1, keepdim=True)

    @staticmethod
    def backward(ctx, grad):
        (p,) = ctx.saved_tensors
        return grad + (grad * p).sum(-1, keepdim=True)


class Padded(Softmax):
    # A last block of columns that is not full is left out.
    @staticmethod
    def sent(p, grad):
        full = p.shape[-1] // 8 * 8 or p.shape[-1]
        mask = torch.arange(p.shape[-1]) < full
        return p * (grad - (grad * p * mask).sum(-1, keepdim=True))


def softmax(z):
    return torch.softmax(z, -1)


def sums(p):
    return p * p.sum(-1, keepdim=True)


class Model(torch.nn.Module):
    def __init__(self, size):
        super().__init__()
        self.lin = torch.nn.Linear(size, 5)

    def forward(self, x):
        return torch.softmax(self.lin(x), -1)


class ModelNew(Model):
    def forward(self, x):
        return Softmax.apply(self.lin(x))


def get_inputs():
    return [torch.randn(3, 4)]


def get_init_inputs():
    return [4]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("kernels")
    (path / "own_kernels.py").write_text(KERNELS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(path)
        patch.chdir(path)
        yield path


def check(*arguments: str) -> Any:
    return invoke("check", *arguments)


def report(path: Path, *arguments: str) -> Any:
    file = path / "r.json"
    found = check(*arguments, "--format", f"json={file}")
    return found, json.loads(file.read_text("utf-8"))


def test_a_right_kernel_passes_with_one_row_a_tensor(folder: Path) -> None:
    found, told = report(
        folder,
        *("own_kernels:Softmax", "--reference", "own_kernels:softmax"),
        *("--shape", "z=4x8", "--dtype", "float32"),
    )
    assert found.exit_code == 0, found.output
    assert "seed 0" in found.stdout
    rows = told["results"][0]["quantities"]
    assert [(row["quantity"], row["wrt"]) for row in rows] == [
        ("value", []),
        ("gradient", ["z"]),
        ("formula", ["z"]),
    ]


def test_a_fault_at_other_sizes_is_found(folder: Path) -> None:
    # 16 is a multiple of 8: the drawn inputs alone show nothing.
    found, told = report(
        folder,
        *("own_kernels:Padded", "--reference", "own_kernels:softmax"),
        *("--shape", "z=4x16", "--dtype", "float32"),
    )
    assert found.exit_code == 1, found.output
    wrong = [
        comparison["point"]
        for comparison in told["results"][0]["comparisons"]
        if comparison["verdict"] == "differ"
    ]
    assert wrong
    assert all("sizes" in point for point in wrong)


def test_sums_that_are_taken_for_one_are_found(folder: Path) -> None:
    found, told = report(
        folder,
        *("own_kernels:Sums", "--reference", "own_kernels:sums"),
        *("--shape", "p=4x8", "--domain", "p=simplex", "--dtype", "float32"),
    )
    assert found.exit_code == 1, found.output
    points = {
        comparison["point"].get("inputs")
        for comparison in told["results"][0]["comparisons"]
        if comparison["verdict"] == "differ" and comparison["quantity"] == "gradient"
    }
    assert "sums that are not 1" in points
    assert "drawn" not in points


@pytest.mark.parametrize(
    "target",
    [
        ["own_kernels.py"],
        ["own_kernels:ModelNew", "--reference", "own_kernels:Model"],
    ],
)
def test_the_shape_of_kernel_benchmarks_is_run(folder: Path, target: list[str]) -> None:
    found = check(*target, "--dtype", "float32")
    assert found.exit_code == 0, found.output


def test_another_shape_than_the_references_is_wrong(folder: Path) -> None:
    found = check(
        *("own_kernels:softmax", "--reference", "torch:sum"),
        *("--shape", "z=3x4", "--dtype", "float32"),
    )
    assert found.exit_code == 1, found.output
    assert "`output` has the shape [3, 4], that of the reference []" in found.stdout


def test_the_seed_repeats_a_run(folder: Path) -> None:
    arguments = ("own_kernels:Padded", "--shape", "z=2x9", "--dtype", "float32")
    runs = [
        report(folder, *arguments, "--seed", seed)[1]["results"][0]["comparisons"]
        for seed in ("7", "7", "8")
    ]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["own_kernels:softmax"], None),
        (["own_kernels:sofmax", "--shape", "z=3"], "Did you mean `softmax`?"),
        (
            ["own_kernels:softmax", "--shape", "z=3y"],
            "such as `x=64x256`, found `z=3y`",
        ),
        (
            ["own_kernels:softmax", "--shape", "z=3", "--domain", "y=normal"],
            "found `y`",
        ),
        (
            ["own_kernels:softmax", "--shape", "z=3", "--dtype", "float8"],
            "found `float8`",
        ),
        (["own_kernels:softmax", "--shape", "z=3", "--upstream", "one"], 'found "one"'),
        (["no_kernels:softmax", "--shape", "z=3"], "expected a module `no_kernels`"),
        (["nowhere.py"], "no such file: `nowhere.py`"),
        (
            ["own_kernels.py", "--shape", "z=3"],
            "expected MODULE:CALLABLE beside `--shape`",
        ),
    ],
)
def test_mistakes_are_told(
    folder: Path, arguments: list[str], message: str | None
) -> None:
    found = check(*arguments)
    assert found.exit_code == (2 if message else 0), found.output
    assert (message or "") in found.stderr


def test_shapes() -> None:
    assert shapes(["x=64x256, weight=256", "scale="]) == {
        "x": [64, 256],
        "weight": [256],
        "scale": [],
    }
    with pytest.raises(UsageError, match="found `x` twice"):
        shapes(["x=1", "x=2"])
