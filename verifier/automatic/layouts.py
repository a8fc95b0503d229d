"""Points as tensors: how they lie in memory, and on which device.

| layout     | what PyTorch is given                                                                               |
|------------|-----------------------------------------------------------------------------------------------------|
| `batch`    | all points in one contiguous tensor an input                                                        |
| `single`   | the points one after the other, each in a tensor of one element: PyTorch's kernels for single numbers |
| `strided`  | every second element of a larger tensor, with NaN in between, for the inputs and the upstream gradient |
| `expanded` | one number with stride 0, for every input and upstream gradient that is the same at all points        |

A user's callable is given single numbers without dimensions by `single`, all of them at
once by the others, and beside those what no option names: a shape such as `2,-1`,
contiguous; `transposed`, two rows with the strides of their transpose; `deep`, three
dimensions of which the first is the one whose elements are neighbours; and `apart`,
single numbers, of which one input after the other needs a gradient.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from verifier.automatic.lowering import DTYPES
from verifier.errors import UsageError


def column(
    numbers: Sequence[float], dtype: str, *, layout: str, device: str
) -> torch.Tensor:
    """The numbers of one input, or of the upstream gradient, at all points, as a tensor
    of shape `(points,)`."""

    def tensor(values: Sequence[float]) -> torch.Tensor:
        return torch.tensor(values, dtype=DTYPES[dtype], device=device)

    if "," in layout:
        return tensor(numbers).reshape([int(size) for size in layout.split(",")])
    if layout == "transposed":
        return tensor(numbers).reshape(2, -1).t().contiguous().t()
    if layout == "deep":
        turned = tensor(numbers).reshape(2, -1, 2).permute(2, 1, 0)
        return turned.contiguous().permute(2, 1, 0)
    if layout == "strided":
        return tensor([part for number in numbers for part in (math.nan, number)])[1::2]
    if layout == "expanded" and len(set(map(repr, numbers))) == 1:
        return tensor(numbers[:1]).expand(len(numbers))
    return tensor(numbers)


def calls(count: int, layout: str) -> list[range]:
    """Which points PyTorch is given at once."""
    if layout in ("single", "apart"):
        return [range(index, index + 1) for index in range(count)]
    return [range(count)]


def copies(count: int, layout: str) -> int:
    """How often the points of one call are there: a single element is contiguous
    whatever its stride."""
    return 2 if layout == "strided" and count == 1 else 1


def check_alone(layout: str) -> None:
    """Raise `UsageError` for a layout of many points; a callable that takes single
    numbers alone has none."""
    if layout not in ("batch", "single"):
        raise UsageError(
            f"--layout {layout}: expected a subject that takes many points as one tensor, "
            "found one with `elementwise = false`. Drop the option, or the key."
        )


def processor(device: str) -> str:
    """What PyTorch picks its kernels by: a CPU's instructions, such as `AVX2`; of
    another device its name."""
    kind = torch.device(device).type
    if kind == "cuda":
        return str(torch.cuda.get_device_name(device))
    return torch.backends.cpu.get_cpu_capability() if kind == "cpu" else kind


def check_device(name: str) -> None:
    """Raise `UsageError` unless PyTorch computes on the device here."""
    expected = "--device: expected a device that PyTorch computes on here, such as `cpu` or `cuda`"
    try:
        if torch.device(name).type != "meta":
            torch.ones(1, device=name).add(1).item()
            return
        reason = "it holds no numbers"
    except Exception as error:  # what PyTorch raises differs from device to device
        reason = str(error).strip().split("\n")[0]
    raise UsageError(f"{expected}, found `{name}`: {reason}.".replace("..", "."))
