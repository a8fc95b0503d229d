"""How points lie in memory, and on which device PyTorch computes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from backwards import function
from commands import invoke

from verifier.automatic import layouts, lowering, routes
from verifier.errors import UsageError
from verifier.language.casefile.case import LAYOUTS, ROUTES
from verifier.language.casefile.loading import from_mapping
from verifier.language.programs.parsing import parse
from verifier.measurements import Measurement
from verifier.records import Result
from verifier.running.plan import plan
from verifier.running.run import execute

POINTS = [{"x": 1.0, "y": 5.0}, {"x": 2.0, "y": 5.0}, {"x": 4.0, "y": 5.0}]


class Watched(torch.autograd.Function):
    """sin with a backward, both of which tell what they are given."""

    inputs: ClassVar[list[torch.Tensor]] = []
    upstreams: ClassVar[list[torch.Tensor]] = []

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        Watched.inputs.append(x)
        ctx.save_for_backward(x)
        return torch.sin(x)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        Watched.upstreams.append(grad)
        return grad * torch.cos(ctx.saved_tensors[0])


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> type[Watched]:
    monkeypatch.setitem(lowering.OPERATIONS, "sin", Watched.apply)
    Watched.inputs, Watched.upstreams = [], []
    return Watched


def measure(
    text: str,
    layout: str,
    *,
    upstream: float | Sequence[float] = 2.0,
    points: Any = POINTS,
) -> Measurement:
    program = parse(text)
    return routes.measure(
        program,
        points,
        upstream,
        dtype="float32",
        wrt=program.inputs,
        layout=layout,
    )


def test_a_batch_is_one_contiguous_tensor(watched: type[Watched]) -> None:
    measure("sin(x)", "batch")
    for (tensor,) in (watched.inputs, watched.upstreams):
        assert tensor.shape == (3,)
        assert tensor.is_contiguous()


def test_single_points_come_one_by_one(watched: type[Watched]) -> None:
    measure("sin(x)", "single")
    assert [tensor.tolist() for tensor in watched.inputs] == [[1], [2], [4]]
    assert [tensor.tolist() for tensor in watched.upstreams] == [[2], [2], [2]]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_strided_tensors_are_not_contiguous_and_have_nan_between(
    count: int, watched: type[Watched]
) -> None:
    found = measure("sin(x)", "strided", points=POINTS[:count])
    for (tensor,) in (watched.inputs, watched.upstreams):
        assert not tensor.is_contiguous()
        assert tensor.stride() == (2,)
        storage = torch.as_strided(tensor.detach(), (2,), (1,))
        assert math.isnan(storage[1].item())
    assert len(found.values) == len(found.gradient["x"]) == count


def test_expanded_tensors_have_stride_zero_where_all_points_agree(
    watched: type[Watched],
) -> None:
    measure("sin(x) + sin(y)", "expanded")
    x, y = watched.inputs
    assert x.stride() == (1,)
    assert y.stride() == (0,)
    assert {tensor.stride() for tensor in watched.upstreams} == {(0,)}


def test_an_upstream_that_varies_is_not_expanded(watched: type[Watched]) -> None:
    measure("sin(x)", "expanded", upstream=[1.0, 1.0, 2.0])
    assert watched.upstreams[0].stride() == (1,)


@pytest.mark.parametrize(
    "numbers", [[0.0, -0.0], [1.0, math.nan]], ids=["zeros", "nan"]
)
def test_what_only_compares_equal_is_not_expanded(numbers: list[float]) -> None:
    found = layouts.column(numbers, "float32", layout="expanded", device="cpu")
    assert found.stride() == (1,)
    assert repr(found.tolist()) == repr(numbers)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "route", [r for r in (*ROUTES[1], *ROUTES[2]) if r != "compile-inductor"]
)
def test_no_layout_changes_what_is_exact(layout: str, route: str) -> None:
    order = 2 if route in ROUTES[2] else 1
    found = routes.measure(
        parse("x*x*y"),
        POINTS,
        2.0,
        dtype="float32",
        wrt=("x", "y"),
        route=route,
        order=order,
        layout=layout,
    )
    assert found.failure is None
    assert found.values == (5, 20, 80)
    assert found.gradient == {"x": (20, 40, 80), "y": (2, 8, 32)}


# ── faults that only a layout shows ───────────────────────────────────────────────────


def _deaf_to_strides(grad: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    # As a kernel that walks through memory from the first element.
    return torch.as_strided(grad, grad.shape, (1,)) * torch.cos(x)


def _for_batches(grad: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return grad * torch.cos(x) * (1 if x.numel() > 1 else 2)


def _without_expanding(grad: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    if 0 in grad.stride():
        raise RuntimeError("grad must not be expanded")
    return grad * torch.cos(x)


@pytest.mark.parametrize(
    ("backward", "layout", "verdict"),
    [
        (_deaf_to_strides, "strided", "differ.nonfinite"),
        (_for_batches, "single", "differ.wrong"),
        (_without_expanding, "expanded", "differ.unsupported"),
    ],
)
def test_a_fault_shows_in_its_layout_alone(
    backward: Callable[..., torch.Tensor],
    layout: str,
    verdict: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sine = function(torch.sin, backward)
    monkeypatch.setitem(lowering.OPERATIONS, "sin", sine)
    assert _verdict(layout).verdict.value == verdict
    assert _verdict("batch").verdict.family == "match"


def _verdict(layout: str) -> Result:
    case = from_mapping(
        {"name": "n", "expression": "sin(x)", "domain": {"x": "[0, 1]"}, "points": 4}
    )
    tasks = plan([case], dtypes=["float32"], layout=layout)
    return execute(tasks).results[0]


# ── the command line ──────────────────────────────────────────────────────────────────


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "c.toml"
    path.write_text('[[case]]\nname = "n"\nexpression = "x*x"\nat = { x = 3 }\n')
    return path


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_run_says_its_layout(layout: str, file: Path) -> None:
    found = invoke("run", file, "--layout", layout, "--format", "json")
    assert found.exit_code == 0
    assert (f'"layout": "{layout}"' in found.output) == (layout != "batch")
    assert '"device": "cpu"' in found.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--layout", "stride"],
            "--layout: expected one of batch, single, strided, expanded, found `stride`. Did you mean `strided`?",
        ),
        (["--device", "meta"], "found `meta`: it holds no numbers."),
        (["--device", "gpu"], "--device: expected a device that PyTorch computes on"),
    ],
)
def test_what_is_not_there_is_refused(
    options: list[str], message: str, file: Path
) -> None:
    found = invoke("run", file, *options)
    assert found.exit_code == 2
    assert message in found.output
    assert found.output.count("\n") == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is such a device")
def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--device: .* found `cuda`: .*CUDA"):
        layouts.check_device("cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no such device")
@pytest.mark.parametrize("route", ["reverse", "forward", "func", "vmap"])
def test_tensors_lie_on_the_device(route: str) -> None:
    case = from_mapping(
        {"name": "n", "expression": "exp(sin(x)*pi)/3", "domain": {"x": "[0, 1]"}}
    )
    tasks = plan([case], routes=[route], device="cuda")
    record = execute(tasks)
    assert record.environment["device"] == "cuda"
    assert all(result.verdict.family == "match" for result in record.results)


def test_the_device_reaches_every_tensor(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the device that has no numbers, whatever lay elsewhere would show."""
    seen: list[torch.device] = []

    def spy(*operands: Any) -> Any:
        seen.extend(one.device for one in operands if isinstance(one, torch.Tensor))
        return torch.hypot(*operands)

    monkeypatch.setitem(lowering.OPERATIONS, "hypot", spy)
    found = routes.measure(
        parse("hypot(x, 3) + hypot(pi, x)"),
        POINTS,
        1.0,
        dtype="float32",
        wrt=("x",),
        device="meta",
    )
    assert {device.type for device in seen} == {"meta"}
    assert found.failure is not None  # its numbers cannot be read


def test_a_region_is_sought_in_batches_as_its_points_were_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A fault of the code for many numbers alone has a region too; at a single point it
    would not show."""

    def backward(grad: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        wrong = (x > 0.5) & (x.numel() > 4)
        return grad * torch.cos(x) * torch.where(wrong, 2, 1)

    sine = function(torch.sin, backward)
    monkeypatch.setitem(lowering.OPERATIONS, "sin", sine)
    case = from_mapping(
        {"name": "n", "expression": "sin(x)", "domain": {"x": "[0, 1]"}, "points": 16}
    )
    result = execute(plan([case], dtypes=["float32"])).results[0]
    assert result.verdict.value == "differ.wrong"
    told = [
        c.message for c in result.comparisons if c.message and "for x from" in c.message
    ]
    assert len(told) == 1
    assert "it differs for x from 0.50000006 (0.5 matches)" in told[0]
