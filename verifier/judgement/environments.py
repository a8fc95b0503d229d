"""Where a run was made, as far as it changes PyTorch's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass

from verifier import releases

_UNKNOWN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A release of PyTorch and what chooses its kernels; None is what nobody knows."""

    torch: str | None = None
    """The release: 2.13.0, whatever it was built for."""
    device: str | None = None
    """The kind of device: `cpu`, `cuda`."""
    system: str | None = None
    """The operating system: its C library computes some of the functions."""
    processor: str | None = None
    """The instructions that the kernels are picked by, such as `AVX2`; of another
    device than a CPU, its name."""

    def __str__(self) -> str:
        return self.named_beside(NOWHERE) or "an environment that nobody knows"

    @property
    def key(self) -> str:
        """All of it in one line, as the file of a baseline has it: `2.13.0 cpu Linux
        AVX2`."""
        return " ".join(part or _UNKNOWN for part in astuple(self))

    @property
    def order(self) -> tuple[object, ...]:
        """By device, then from the oldest release to the newest."""
        rest = (self.system or "", self.processor or "")
        return self.device or "", releases.numbers(self.torch), *rest

    def named_beside(self, other: Environment) -> str:
        """What is known of it that is not the same in another: `torch 2.13.0,
        AVX512`."""
        parts = {
            "torch": self.torch and f"torch {self.torch}",
            "device": self.device,
            "system": self.system,
            "processor": self.processor,
        }
        return ", ".join(
            text
            for name, text in parts.items()
            if text and getattr(self, name) != getattr(other, name)
        )

    def distance(self, other: Environment) -> tuple[object, ...]:
        """How far another is: what counts more comes first. What is not known lies
        between the same and another."""
        device = _apart(self.device, other.device)
        return (
            device == 2,
            _apart(self.torch, other.torch),
            releases.distance(self.torch, other.torch),
            device,
            _apart(self.system, other.system),
            _apart(self.processor, other.processor),
        )

    def is_of_release(self, other: Environment) -> bool:
        """Whether both are of one release on one kind of device, as far as that is
        known."""
        return 2 not in (
            _apart(self.device, other.device),
            _apart(self.torch, other.torch),
        )


NOWHERE = Environment()
"""Of what was stored before it was kept where."""


def _apart(one: str | None, other: str | None) -> int:
    if one is None or other is None:
        return 0 if one is other else 1
    return 0 if one == other else 2


def of(environment: Mapping[str, str]) -> Environment:
    """That of a run, of what its report says of it."""
    device, torch = environment.get("device"), environment.get("torch")
    platform = environment.get("platform")
    return Environment(
        torch=None if torch in (None, releases.UNKNOWN) else releases.release(torch),
        device=device and device.partition(":")[0],
        system=platform and platform.partition("-")[0],
        processor=environment.get("processor"),
    )


def parse(key: str) -> Environment | None:
    """The environment that a key names; None where it is no key."""
    parts = key.split(" ", 3)
    if len(parts) < 4 or not all(parts):
        return None
    torch, device, system, processor = (
        None if part == _UNKNOWN else part for part in parts
    )
    return Environment(torch=torch, device=device, system=system, processor=processor)
