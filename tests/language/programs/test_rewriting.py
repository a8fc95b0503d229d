"""Programs from programs: what operations are defined as."""

from __future__ import annotations

from verifier.language.programs.parsing import parse_steps
from verifier.language.programs.rewriting import define


def test_a_definition_stands_in_the_place_of_its_row() -> None:
    program = parse_steps("s = silu(x)\nt = s*2")
    defined = define(program)
    assert "silu" not in {node.operation for node in defined.nodes}
    assert defined.nodes[defined.steps["s"]].operation == "mul"
    assert defined.nodes[defined.output].arguments[0] == defined.steps["s"]
