"""Releases and ranges of them, as PEP 440 has them."""

from __future__ import annotations

import pytest

from verifier.releases import UNKNOWN, check_range, distance, holds, installed, release


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2.13.0", "2.13.0"),
        ("2.13.0+cpu", "2.13.0"),
        ("2.15.0.dev20261101+cu128", "2.15.0"),
        ("2.7.0rc2", "2.7.0"),
        ("2.6.0a0+git1eba9b3", "2.6.0"),
        ("unknown", "unknown"),
    ],
)
def test_the_release_of_a_version(version: str, expected: str) -> None:
    assert release(version) == expected


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("<2.14", ["2.6.0", "2.13.0+cpu", "2.13.9"], ["2.14.0", "2.14.0.dev1", "2.15.0", UNKNOWN]),
        (">=2.14", ["2.14.0", "2.14.0.dev20260901", "2.15.0a0", UNKNOWN], ["2.13.0+cpu", "2.13.1"]),
        (">=2.6, <2.8", ["2.6.0", "2.7.1+cu126"], ["2.5.1", "2.8.0", "2.8.0.dev1"]),
        ("==2.13.*", ["2.13.0+cpu", "2.13.1"], ["2.14.1", "2.12.0"]),
        ("~=2.13.0", ["2.13.0", "2.13.1"], ["2.14.0"]),
        ("!=2.7", ["2.6.0", "2.7.1"], ["2.7.0+cpu"]),
    ],
)  # fmt: skip
def test_the_versions_within_a_range(
    text: str, inside: list[str], outside: list[str]
) -> None:
    assert check_range(text) == text
    assert [v for v in (*inside, *outside) if holds(text, v)] == inside


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "names no release"),
        ("2.13", "no range"),
        ("<two", "no range"),
        (">2.6 <2.8", "no range"),
        ("==2.13.0+cpu", "names more than a release"),
        (">=2.14.0.dev1", "more than a release"),
        ("===2.13.0", "more than a release"),
    ],
)
def test_what_is_no_range(text: str, found: str) -> None:
    with pytest.raises(ValueError, match=found):
        check_range(text)


def test_how_far_releases_are_apart() -> None:
    near, far = distance("2.13.0", "2.12.1"), distance("2.13.0", "2.6.0")
    assert distance("2.13.0", "2.13") == (0, 0, 0) < near < far
    assert far < distance("2.13.0", "3.0.0")


def test_what_is_installed() -> None:
    import torch

    assert torch.__version__.startswith(installed("torch"))
    assert installed("no-such-distribution") == UNKNOWN
