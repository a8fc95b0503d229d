"""Where the project's files lie, and the data beside it that a test may use where it is
there."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
CASES = ROOT / "cases"
SHARED = ROOT.parent / "shared"
