"""What the names in the text of a program stand for."""

from __future__ import annotations

from collections.abc import Iterable


class Names:
    """What the names of a text stand for.

    `declared` are the names that may occur free, or None where any may; `inputs` and
    `steps` those that have a node by now.
    """

    def __init__(
        self,
        declared: Iterable[str] | None,
        *,
        mend: str = "Give it in `at` or `domain`.",
    ) -> None:
        self.declared = None if declared is None else dict.fromkeys(declared)
        self.inputs: dict[str, int] = {}
        self.steps: dict[str, int] = {}
        self.step_nodes: set[int] = set()
        self.mend = mend
        """What is said of a name without a value."""

    def add_step(self, name: str, index: int) -> None:
        self.steps[name] = index
        self.step_nodes.add(index)

    def node_of(self, name: str) -> int | None:
        """The node that a name has by now."""
        return self.steps.get(name, self.inputs.get(name))

    def is_variable(self, name: str) -> bool:
        """Whether it hides an operation of that name."""
        return (
            name in self.inputs or name in self.steps or name in (self.declared or ())
        )
