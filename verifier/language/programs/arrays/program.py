"""A program of arrays as written: nodes with shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from verifier.language.programs.program import Node, Program

Shape = tuple[int, ...]

OPERATIONS = frozenset(
    "sum mean prod amax amin logsumexp var std norm cumsum cumprod softmax log_softmax "
    "flip layer_norm rms_norm cross_entropy matmul dot outer einsum trace det logdet inv "
    "solve permute reshape broadcast_to concatenate stack index diag_embed diagonal tril "
    "triu full eye arange".split()
)
"""What a node may be besides a leaf or a row of the table, of which none has such a
name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayNode(Node):
    """One operation on arrays as written, or a leaf; a row of the table is meant
    elementwise.

    Axes among the `options` count from 0.
    """

    shape: Shape = ()
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayProgram(Program):
    """A written program of arrays."""

    shapes: Mapping[str, Shape] = field(default_factory=dict)
    """Of every declared input, whether it occurs or not."""
    integers: tuple[str, ...] = ()
    """The inputs that are indices, and so have no derivative: each with how many values
    it may have in `bounds`."""
    bounds: Mapping[str, int] = field(default_factory=dict)

    @property
    def shape(self) -> Shape:
        """That of the output."""
        node = self.nodes[self.output]
        return node.shape if isinstance(node, ArrayNode) else ()
