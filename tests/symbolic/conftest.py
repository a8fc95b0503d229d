"""What tests of several symbolic packages set up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from verifier.symbolic.calculus import derivative


@pytest.fixture
def fresh_rules() -> Iterator[None]:
    """SymPy's rules are derived anew, before and after a test that plants another
    one."""
    derivative.local.cache_clear()
    yield
    derivative.local.cache_clear()
