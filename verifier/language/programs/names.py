"""What the names in the text of a program stand for."""

from __future__ import annotations

from collections.abc import Iterable

from verifier.language.programs import characters


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
        self._written: dict[str, str] = {}  # by what their spellings have in common
        self._by_sound: dict[str, list[str]] = {}
        for name in self.declared or ():
            self._by_sound.setdefault(characters.pronounced(name), []).append(name)

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

    def meant(self, name: str) -> str:
        """The variable or step that a name is: itself, or the only declared one that it
        is another spelling of, as `σ₁` is of `sigma_1`."""
        if self.is_variable(name):
            return name
        sound = characters.pronounced(name)
        alike = [
            other
            for other in self._by_sound.get(sound, ())
            if not (name.isascii() and other.isascii())
        ]
        return alike[0] if len(alike) == 1 else name

    def clash(self, name: str) -> str | None:
        """A name written before that is another spelling of this one, or looks like it:
        no two become one variable unseen, and no two look like one."""
        for shape in (characters.pronounced(name), characters.drawn(name)):
            other = self._written.setdefault(shape, name)
            if other != name and not (name.isascii() and other.isascii()):
                return other
        return None
